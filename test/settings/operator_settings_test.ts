import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseConfig } from "../../src/config.ts";
import { permissionsOf } from "../../src/supervisor/permissions.ts";
import { workerPermissions } from "../../src/supervisor/worker_permissions.ts";
import { configWith } from "../driven_source.ts";

function messageOf(...args: string[]): string | null {
  const parsed = parseConfig(args, {});
  return parsed.kind === "error" ? parsed.message : null;
}

describe("--operator-port", () => {
  it("is on loopback, or needs authentication", () => {
    for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) {
      const args = ["--operator-port", "9090", "--operator-host", host];
      assert.equal(messageOf(...args), null, host);
    }
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "qanat.example.org"]) {
      const args = ["--operator-port", "9090", "--operator-host", host];
      assert.match(messageOf(...args)!, /must be 127\.0\.0\.1, ::1/, host);
      const tokens = ["--auth", "tokens", "--auth-token-file", "tokens.json"];
      assert.equal(messageOf(...args, ...tokens), null, host);
      assert.equal(messageOf("--operator-host", host), null, host);
    }
  });

  it("is not the port for clients", () => {
    assert.match(
      messageOf("--port", "9090", "--operator-port", "9090")!,
      /must not be --port/,
    );
  });

  it("brings the permission to listen with it, also for the worker", () => {
    const config = configWith({ operatorPort: 9090, operatorHost: "::1" });
    const permissions = permissionsOf(config);
    assert.ok(permissions.net.includes("[::1]:9090"));
    const { net } = workerPermissions(config, permissions, () => true);
    assert.ok((net as string[]).includes("[::1]:9090"));
    const off = permissionsOf(configWith({}));
    assert.ok(!off.net.some((address) => address.endsWith(":0")));
    // The addresses of a name can change.
    const named = configWith({ operatorPort: 9090, operatorHost: "ops.local" });
    assert.equal(
      workerPermissions(named, permissionsOf(named), () => true).net,
      "inherit",
    );
  });
});

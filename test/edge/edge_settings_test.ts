// Settings of an edge instance: the same names and refusals as for `deno task start`, small defaults, and nothing that
// would have no effect.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseConfig, SETTINGS } from "../../src/config.ts";
import { edgeSettings } from "../../src/edge/edge_settings.ts";
import { memoryNeededMb } from "../../src/settings/report_settings.ts";
import type { Setting } from "../../src/settings/setting.ts";
import { variableOf } from "../../src/settings/setting_names.ts";

/** What an isolate often has for everything. */
const ISOLATE_MB = 128;
/** What memoryNeededMb() adds for a process. */
const PROCESS_MB = 200;

function configOf(env: Record<string, string>) {
  const read = edgeSettings(env);
  assert.equal(read.kind, "config", JSON.stringify(read));
  return read.kind === "config" ? read.config : assert.fail();
}

function messageOf(env: Record<string, string>): string {
  const read = edgeSettings(env);
  return read.kind === "error" ? read.message : assert.fail("accepted");
}

describe("edgeSettings()", () => {
  it("leaves half of an isolate to code and heap, unless variables say otherwise", () => {
    const buffersMb = memoryNeededMb(configOf({})) - PROCESS_MB;
    assert.ok(buffersMb <= ISOLATE_MB / 2, `${buffersMb} MiB`);
    assert.equal(configOf({ QANAT_RETENTION_MB: "48" }).retentionMb, 48);
    assert.equal(configOf({ QANAT_RETENTION_MB: "" }).retentionMb, 24);
  });

  it("has the defaults of a server otherwise", () => {
    const parsed = parseConfig([], {});
    assert.ok(parsed.kind === "config");
    const { retentionMb, slabMb, trendMb, historyMb, bodiesMb, clientsMax } =
      configOf({});
    assert.deepEqual(configOf({}), {
      ...parsed.config,
      ...{ retentionMb, slabMb, trendMb, historyMb, bodiesMb, clientsMax },
    });
  });

  it("reads upstreams and their token", () => {
    const { upstream, upstreamToken } = configOf({
      QANAT_UPSTREAM: "https://a,https://b/qanat",
      QANAT_UPSTREAM_TOKEN: "qanat_x",
      PATH: "/bin",
    });
    assert.deepEqual(upstream, ["https://a", "https://b/qanat"]);
    assert.equal(upstreamToken, "qanat_x");
  });

  it("refuses as a server does, without the value of a secret", () => {
    assert.equal(
      messageOf({ QANAT_RETENTION_MB: "24MB" }),
      "QANAT_RETENTION_MB must be a whole number from 1 to 65536 MiB, in digits alone, not '24MB'",
    );
    assert.match(messageOf({ QANAT_UPSTREEM: "x" }), /mean QANAT_UPSTREAM\?/);
    const secret = messageOf({ QANAT_UPSTREAM_TOKEN: "hunter2 x" });
    assert.ok(!secret.includes("hunter2"), secret);
  });

  it("refuses what would have no effect, and says why", () => {
    for (
      const [variable, value, reason] of [
        ["QANAT_KAFKA", "a:9092", /no raw sockets; QANAT_UPSTREAM reads/],
        ["QANAT_FLIGHT_PORT", "8815", /no raw sockets/],
        ["QANAT_PORT", "8080", /the runtime listens/],
        ["QANAT_TRUSTED_PROXIES", "10.0.0.1", /the runtime listens/],
        ["QANAT_OPERATOR_PORT", "9090", /the runtime listens/],
        ["QANAT_USAGE_LOG", "/x", /there are no files/],
        ["QANAT_UPSTREAM_TOKEN_FILE", "/x", /there are no files/],
        ["QANAT_WORKERS", "1", /one thread serves/],
      ] as const
    ) {
      const message = messageOf({ [variable]: value });
      assert.ok(message.startsWith(`${variable} has no effect`), message);
      assert.match(message, reason);
    }
  });

  it("refuses each setting that names a file", () => {
    for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
      if (!setting.path) continue;
      const read = edgeSettings({ [variableOf(name)]: "/x" });
      assert.equal(read.kind, "error", name);
    }
  });

  it("ignores what Kubernetes sets for a Service", () => {
    assert.equal(
      configOf({ QANAT_PORT: "tcp://10.0.0.1:80" }).upstream.length,
      0,
    );
  });
});

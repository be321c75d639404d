// What the settings allow: the lists, the printed command line, and what the worker gets.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseConfig, SETTINGS } from "../../src/config.ts";
import type { Setting } from "../../src/settings/setting.ts";
import { permissionsOf } from "../../src/supervisor/permissions.ts";
import { permissionsText } from "../../src/supervisor/permissions_text.ts";
import {
  readingPermissions,
  servingPermissions,
  workerPermissions,
} from "../../src/supervisor/worker_permissions.ts";

const SYSTEM = [
  "/dev/null",
  "/sys/fs/cgroup/memory.max",
  "/sys/fs/cgroup/memory/memory.limit_in_bytes",
];

function parsedOf(...args: string[]) {
  const parsed = parseConfig(args, {});
  assert.ok(parsed.kind === "config", JSON.stringify(parsed));
  return parsed;
}

function netOf(...args: string[]): readonly string[] {
  return permissionsOf(parsedOf(...args).config).net;
}

function printed(...args: string[]) {
  const { config, flags } = parsedOf(...args);
  return permissionsText({
    config,
    permissions: permissionsOf(config),
    flags,
  });
}

function textOf(...args: string[]): string {
  const result = printed(...args);
  assert.ok("text" in result, JSON.stringify(result));
  return result.text;
}

describe("permissionsOf()", () => {
  it("allows the embedded source its own port and no file of the user", () => {
    assert.deepEqual(permissionsOf(parsedOf().config), {
      net: ["127.0.0.1:8080"],
      netOthers: [],
      read: SYSTEM,
      write: [],
    });
  });

  it("names the address to listen on, and the one to which the watchdog connects", () => {
    assert.deepEqual(netOf("--host=0.0.0.0"), [
      "0.0.0.0:8080",
      "127.0.0.1:8080",
    ]);
    assert.deepEqual(netOf("--host=::", "--port=81"), ["[::]:81", "[::1]:81"]);
    assert.deepEqual(netOf("--host=0.0.0.0", "--watchdog-probes-max=0"), [
      "0.0.0.0:8080",
    ]);
    assert.deepEqual(netOf("--port=0"), ["127.0.0.1"]);
    assert.deepEqual(netOf("--host=localhost"), [
      "localhost:8080",
      "127.0.0.1:8080",
      "[::1]:8080",
    ]);
  });

  it("names the addresses of a name to listen on", () => {
    const { config } = parsedOf("--host=qanat.example.org");
    assert.deepEqual(permissionsOf(config, () => ["10.0.0.7"]).net, [
      "qanat.example.org:8080",
      "10.0.0.7:8080",
    ]);
  });

  it("allows the files of the settings, and names the brokers and why there are others", () => {
    const { config } = parsedOf(
      "--kafka=a:1,[::1]:2",
      "--kafka-ca=/tls/ca.pem",
      "--kafka-cert=/tls/cert.pem",
      "--kafka-key=/tls/key.pem",
      "--kafka-token-file=/tls/token",
    );
    const { net, netOthers, read } = permissionsOf(config);
    assert.deepEqual(net, ["127.0.0.1:8080", "a:1", "[::1]:2"]);
    assert.match(netOthers.join(), /brokers report/);
    assert.deepEqual(read, [
      ...SYSTEM,
      "/tls/ca.pem",
      "/tls/cert.pem",
      "/tls/key.pem",
      "/tls/token",
    ]);
  });

  it("names the hosts of issuers and of their keys, and no others", () => {
    const { config } = parsedOf(
      "--auth=jwt",
      "--auth-audience=a",
      "--auth-issuer=https://issuer.example.org/realm,https://b:8443,http://localhost:81",
      "--auth-key-hosts=keys.example.org:443",
    );
    const { net, netOthers } = permissionsOf(config);
    assert.deepEqual(net, [
      "127.0.0.1:8080",
      "issuer.example.org:443",
      "b:8443",
      "localhost:81",
      "keys.example.org:443",
    ]);
    assert.deepEqual(netOthers, []);
  });

  it("knows each setting that is a file (its permission would be missing)", () => {
    for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
      assert.equal(setting.unit === "file", setting.path !== undefined, name);
    }
  });
});

describe("--print-permissions", () => {
  it("prints the task's command line with single permissions instead of the set", () => {
    assert.equal(
      textOf("--port=81", "--print-permissions"),
      `# The fewest permissions that Qanat needs with these settings.
# Run this in the folder of deno.json. Settings by variable stay variables.
deno run --no-prompt --frozen --v8-flags=--max-semi-space-size=8,--heap-growing-percent=20 \\
  --allow-net=127.0.0.1:81 \\
  --allow-env='QANAT*,Qanat*,qanat*,npm_execpath' --ignore-env \\
  --allow-read=deno.json,src,/dev/null,/sys/fs/cgroup/memory.max,/sys/fs/cgroup/memory/memory.limit_in_bytes \\
  --allow-sys=systemMemoryInfo \\
  src/main.ts --port=81
`,
    );
  });

  it("says why all addresses are allowed, and how to name them", () => {
    const text = textOf("--kafka=a:1,b:2");
    assert.match(text, /^# --allow-net allows all addresses: brokers report /m);
    assert.match(
      text,
      /^# {3}--allow-net='127\.0\.0\.1:8080,a:1,b:2,\*\.kafka\.example\.org:9092'$/m,
    );
    assert.match(text, /^ {2}--allow-net \\$/m);
  });

  it("leaves out a secret, and says which variable takes it", () => {
    const text = textOf("--kafka-password=hunter2", "--kafka-user=it's me");
    assert.ok(!text.includes("hunter2"), text);
    assert.match(
      text,
      /^# --kafka-password is left out, .* QANAT_KAFKA_PASSWORD\.$/m,
    );
    assert.match(text, /src\/main\.ts --kafka-user='it'\\''s me'$/m);
  });

  it("shows only what looks like a path: it may be a token, and Deno cannot write a comma", () => {
    for (
      const value of ["eyJhbGciOiJub25lIn0.x.", "hunter2", "/a,b", "/a\u202eb"]
    ) {
      const result = printed(`--kafka-token-file=${value}`);
      assert.ok("wrong" in result, value);
      assert.match(result.wrong, /^--kafka-token-file must be a path that /);
      assert.ok(!result.wrong.includes(value), result.wrong);
    }
    for (const value of ["/a b", "./a", "../a"]) {
      assert.ok("text" in printed(`--kafka-token-file=${value}`), value);
    }
  });
});

describe("workerPermissions()", () => {
  const of = (args: string[], isGranted = () => true) => {
    const { config } = parsedOf(...args);
    return workerPermissions(config, permissionsOf(config), isGranted);
  };

  it("allows what the settings need and nothing else", () => {
    const { net, read, ...others } = of([]);
    assert.deepEqual(net, ["127.0.0.1:8080"]);
    const names = (read as (string | URL)[]).map((path) =>
      String(path).replace(/^.*\/(?=deno\.json$|src\/$)/, "")
    );
    assert.deepEqual(names, ["deno.json", "src/", ...SYSTEM]);
    assert.deepEqual(others, {
      write: [],
      env: "inherit",
      sys: false,
      run: false,
      ffi: false,
      import: false,
    });
  });

  it("leaves the network as it is where the addresses cannot be known", () => {
    assert.equal(of(["--kafka=a:1"]).net, "inherit");
    assert.equal(of(["--host=qanat.example.org"]).net, "inherit");
    assert.notEqual(of(["--host=localhost"]).net, "inherit");
    assert.notEqual(of(["--host=fe80::1%eth0"]).net, "inherit");
  });

  it("asks for nothing that the process does not have (Deno would refuse to start the worker)", () => {
    const { net, read } = of([], () => false);
    assert.deepEqual([net, read], [[], []]);
  });
});

describe("with several workers", () => {
  const { config } = parsedOf(
    "--kafka=a:1",
    "--kafka-ca=/tls/ca.pem",
    "--kafka-cert=/tls/cert.pem",
    "--kafka-key=/tls/key.pem",
    "--kafka-token-file=/tls/token",
    "--tls-cert=/tls/server.pem",
    "--tls-key=/tls/server.key",
    "--operator-port=9000",
    "--flight-port=31206",
    "--usage-log=/var/log/usage",
  );
  const isGranted = () => true;

  it("those that serve listen, reach no broker, read no file of Kafka and write none", () => {
    const { net, read, write } = servingPermissions(config, isGranted);
    assert.deepEqual(net, [
      "127.0.0.1:8080",
      "127.0.0.1:9000",
      "127.0.0.1:31206",
    ]);
    assert.deepEqual((read as unknown[]).slice(2), [
      ...SYSTEM,
      "/tls/server.pem",
      "/tls/server.key",
    ]);
    assert.deepEqual(write, []);
  });

  it("the one that reads has Kafka's files and the usage log, and no others", () => {
    const { net, read, write } = readingPermissions(config, isGranted);
    assert.equal(net, "inherit");
    assert.deepEqual((read as unknown[]).slice(2), [
      ...SYSTEM,
      "/tls/ca.pem",
      "/tls/cert.pem",
      "/tls/key.pem",
      "/tls/token",
    ]);
    assert.deepEqual(write, ["/var/log/usage"]);
  });

  it("the one that reads the embedded source has no network", () => {
    const { config } = parsedOf("--host=qanat.example.org");
    assert.deepEqual(readingPermissions(config, isGranted).net, []);
  });
});

// Variables that begin with QANAT_ and are no settings: mistakes, those of the tools, those of Kubernetes.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseConfig } from "../../src/config.ts";
import { TOOL_VARIABLES } from "../../src/settings/variables.ts";

const ROOT = new URL("../../", import.meta.url);
/** As a pod of a cluster with Services `qanat` and `qanat-metrics` gets them. */
const SERVICE_LINKS = {
  QANAT_PORT: "tcp://10.96.0.7:80",
  QANAT_SERVICE_HOST: "10.96.0.7",
  QANAT_SERVICE_PORT: "80",
  QANAT_SERVICE_PORT_HTTP: "80",
  QANAT_PORT_80_TCP: "tcp://10.96.0.7:80",
  QANAT_PORT_80_TCP_ADDR: "10.96.0.7",
  QANAT_PORT_80_TCP_PORT: "80",
  QANAT_PORT_80_TCP_PROTO: "tcp",
  QANAT_METRICS_PORT: "udp://10.96.0.8:81",
  QANAT_METRICS_PORT_81_UDP: "udp://10.96.0.8:81",
  QANAT_METRICS_SERVICE_HOST: "10.96.0.8",
};

function* textsOf(folder: URL): Iterable<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const url = new URL(entry.name + (entry.isDirectory ? "/" : ""), folder);
    if (entry.isDirectory) yield* textsOf(url);
    else if (/\.(ts|py)$/.test(entry.name)) yield Deno.readTextFileSync(url);
  }
}

describe("variables that begin with QANAT_", () => {
  it("those of tools and tests do not stop a Qanat that inherits them", () => {
    const settings = parseConfig(["--help"], {});
    assert.ok(settings.kind === "text");
    const read = new Set<string>();
    for (const folder of ["src/", "scripts/", "test/", "bench/"]) {
      for (const text of textsOf(new URL(folder, ROOT))) {
        const found = text.matchAll(
          /(?:env\.get\(|environ(?:\.get\(|\[))\s*"(QANAT_\w+)"/g,
        );
        for (const [, name] of found) read.add(name!);
      }
    }
    const ci = Deno.readTextFileSync(new URL(".ci/run", ROOT));
    for (const [name] of ci.matchAll(/\bQANAT_[A-Z_]+(?==)/g)) read.add(name);
    assert.ok(read.size >= 8, [...read].join());
    for (const name of read) {
      if (settings.text.includes(` ${name}\n`)) continue;
      assert.ok(
        TOOL_VARIABLES.includes(name),
        `${name} is read, and not known`,
      );
    }
    const parsed = parseConfig(
      [],
      Object.fromEntries(TOOL_VARIABLES.map((name) => [name, "x"])),
    );
    assert.ok(parsed.kind === "config");
    assert.deepEqual(parsed.passedOver, []);
  });

  it("those of Kubernetes are ignored and named; the port is the default", () => {
    const parsed = parseConfig([], SERVICE_LINKS);
    assert.ok(parsed.kind === "config", JSON.stringify(parsed));
    assert.equal(parsed.config.port, 8080);
    assert.deepEqual(parsed.passedOver, Object.keys(SERVICE_LINKS).sort());
  });

  it("a flag sets the port although Kubernetes has set its variables", () => {
    const parsed = parseConfig(["--port=81"], SERVICE_LINKS);
    assert.ok(parsed.kind === "config");
    assert.equal(parsed.config.port, 81);
  });

  it("any other one stops the start; the message shows its name and not its value", () => {
    for (
      const [name, near] of [
        ["QANAT_KAFKA_PASSWRD", "QANAT_KAFKA_PASSWORD"],
        ["QANAT_PROT", "QANAT_PORT"],
        ["QANAT-PORT", "QANAT_PORT"],
        ["qanat_port", "QANAT_PORT"],
        ["QANAT_SECOND", "QANAT_SECONDS"],
      ] as const
    ) {
      for (const value of ["tcp//hunter2", ""]) {
        assert.deepEqual(parseConfig([], { [name]: value }), {
          kind: "error",
          message:
            `Unknown variable ${name}; did you mean ${near}? --help lists what there is`,
        });
      }
    }
    assert.deepEqual(parseConfig([], { QANAT_: "1", QANAT_HTTP_PORT: "81" }), {
      kind: "error",
      message: "Unknown variable QANAT_; --help lists what there is",
    });
    assert.equal(parseConfig([], { QANAT_HTTP_PORT: "81" }).kind, "error");
    const odd = parseConfig([], { ["QANAT_\x1b[2J" + "x".repeat(999)]: "1" });
    assert.ok(odd.kind === "error" && odd.message.length < 150);
    assert.doesNotMatch(odd.message, /\p{Cc}/u);
  });

  it("of other programs are ignored", () => {
    const env = { QANATX: "1", PATH: "/bin", MY_QANAT_PORT: "x" };
    assert.equal(parseConfig([], env).kind, "config");
  });
});

describe("flags", () => {
  it("given twice are refused unless their values are equal", () => {
    assert.deepEqual(parseConfig(["--port=1", "--port=2"], {}), {
      kind: "error",
      message: "--port is given twice, with different values",
    });
    assert.equal(parseConfig(["--port=1", "--port", "1"], {}).kind, "config");
  });

  it("win over a variable, right or wrong", () => {
    const parsed = parseConfig(["--port=1"], { QANAT_PORT: "x" });
    assert.ok(parsed.kind === "config" && parsed.config.port === 1);
  });

  it("that are true or false take a value only after an equals sign", () => {
    const parsed = parseConfig(["--kafka-tls", "false"], {});
    assert.deepEqual(parsed, {
      kind: "error",
      message:
        "--kafka-tls takes its value after an equals sign: --kafka-tls=false",
    });
  });

  it("show the help whatever else is wrong around them", () => {
    const parsed = parseConfig(["--port=x", "-h"], { QANAT_PROT: "1" });
    assert.equal(parsed.kind, "text");
  });
});

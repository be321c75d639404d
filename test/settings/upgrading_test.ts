// What docs/upgrading.md says of settings, metrics and alerts, against lists of what 0.1 had (version_0_1.json).
// Invariant: what a user of 0.1 has still works, or is refused with a message that says what is right; what was
// removed or differs is named in the document.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseConfig } from "../../src/config.ts";
import { readText } from "../prose.ts";
import was from "./version_0_1.json" with { type: "json" };

const DOCUMENT = readText("docs/upgrading.md");
const SETTINGS: Readonly<Record<string, string | null>> = was.settings;

function refusal(
  args: readonly string[],
  env: Record<string, string> = {},
): string {
  const parsed = parseConfig([...args], env);
  assert.ok(parsed.kind === "error", `${args} is accepted`);
  return parsed.message;
}

function help(): string {
  const parsed = parseConfig(["--help"], {});
  assert.ok(parsed.kind === "text");
  return parsed.text;
}

function isNamed(name: string): boolean {
  return DOCUMENT.includes(`\`${name}\``) || DOCUMENT.includes(`${name} `);
}

describe("docs/upgrading.md", () => {
  it("leaves every setting of 0.1 a setting, whose default of then is accepted", () => {
    for (const [flag, preset] of Object.entries(SETTINGS)) {
      assert.match(help(), new RegExp(`^  ${flag}\\b`, "m"), flag);
      if (preset === null) continue;
      const asFlag = parseConfig([`${flag}=${preset}`], {});
      assert.equal(asFlag.kind, "config", `${flag}=${preset}`);
      const variable = "QANAT_" + flag.slice(2).replaceAll("-", "_")
        .toUpperCase();
      const asVariable = parseConfig([], { [variable]: preset });
      assert.equal(asVariable.kind, "config", `${variable}=${preset}`);
    }
  });

  it("names every setting whose default differs", () => {
    for (const [flag, preset] of Object.entries(SETTINGS)) {
      const text = new RegExp(`^  ${flag} [\\s\\S]*?(?=^  --)`, "m")
        .exec(help())?.[0] ?? "";
      const now = /\(default ([^)]*)\)/.exec(text)?.[1] ?? null;
      if (now !== preset) assert.ok(isNamed(flag), `${flag}: ${now}`);
    }
  });

  it("says of a renamed setting what it is called now (--drain-spread-s means something else)", () => {
    assert.match(
      refusal(["--drain-spread-ms=2000"]),
      /^Unknown setting '--drain-spread-ms'; did you mean --retry-spread-ms\?/,
    );
    assert.match(
      refusal([], { QANAT_DRAIN_SPREAD_MS: "2000" }),
      /did you mean QANAT_RETRY_SPREAD_MS\?/,
    );
  });

  it("refuses what 0.1 ignored, and says what is right", () => {
    const cases: [string[], Record<string, string>, RegExp][] = [
      [[], { QANAT_RETENTON_MB: "1" }, /QANAT_RETENTION_MB\?/],
      [["--kafka=a:1", "--kafka=b:2"], {}, /--kafka is given twice/],
      [["--kafka="], {}, /leave it out/],
      [["--kafka=,,"], {}, /without empty items/],
      [["--host="], {}, /leave it out/],
      [["--kafka-password", "--odd"], {}, /--kafka-password needs a value/],
      [["--host=http://a"], {}, /without port/],
      [["--host=[::1]"], {}, /brackets/],
      [["--kafka=a:0"], {}, /ports from 1 to 65535/],
      [["--kafka=PLAINTEXT://a:9092"], {}, /without a scheme/],
      [["--trusted-proxies=proxy.example"], {}, /addresses, not names/],
      [["--trusted-proxies=10.0.0.0/33"], {}, /at most 32 bits/],
      [["--base-path=/a/.."], {}, /such as \/qanat/],
      [["--cors-origin=https://a.example/"], {}, /without a path/],
      [[], { QANAT_KAFKA_PASSWORD: "x\n" }, /without control characters/],
    ];
    for (const [args, env, right] of cases) {
      assert.match(refusal(args, env), right);
    }
  });

  it("ignores what Kubernetes sets for a Service called qanat", () => {
    const parsed = parseConfig([], { QANAT_PORT: "tcp://10.0.0.1:80" });
    assert.equal(parsed.kind, "config");
  });

  it("names every metric and alert of 0.1 that was removed", () => {
    // It has the name of each metric, as test/telemetry/metrics checks.
    const documented = readText("docs/operating.md");
    for (const name of was.metrics) {
      const isThere = documented.includes(`\`${name}`);
      assert.ok(isThere || DOCUMENT.includes(`\`${name}`), name);
    }
    const rules = readText("deploy/prometheus/alerts.yaml");
    for (const name of was.alerts) {
      assert.ok(rules.includes(`alert: ${name}\n`) || isNamed(name), name);
    }
  });
});

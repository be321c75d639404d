// What the log says about the settings at the start.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseConfig } from "../../src/config.ts";
import {
  memoryLimitBytes,
  memoryNeededMb,
  reportSettings,
} from "../../src/settings/report_settings.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";
import { configWith } from "../driven_source.ts";

const MIB = 1024 * 1024;

function reported(
  passedOver: readonly string[],
  limitMb: number,
): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  reportSettings(
    { config: configWith({}), passedOver },
    jsonLogger((line) => lines.push(JSON.parse(line)), "info"),
    () => limitMb * MIB,
  );
  return lines;
}

describe("reportSettings()", () => {
  it("logs nothing when there is nothing to report", () => {
    assert.deepEqual(reported([], memoryNeededMb(configWith({}))), []);
  });

  it("logs the variables that Kubernetes has set", () => {
    const [line] = reported(["QANAT_PORT"], 1e6);
    assert.equal(line!.event, "variables-passed-over");
    assert.deepEqual(line!.names, ["QANAT_PORT"]);
  });

  it("warns where ring, slab, trends and histories exceed the memory", () => {
    const neededMb = memoryNeededMb(configWith({}));
    const [line] = reported([], neededMb - 1);
    assert.equal(line!.event, "settings-exceed-memory");
    assert.equal(line!.level, "warn");
    assert.deepEqual([line!.neededMb, line!.limitMb], [neededMb, neededMb - 1]);
    assert.equal(neededMb, 256 + 512 + 128 + 8 * 32 + 200);
  });

  it("counts the ring and the slab once for several workers, and 32 MB for each thread", () => {
    const one = memoryNeededMb(configWith({}));
    assert.equal(memoryNeededMb(configWith({ workers: 4 })), one + 5 * 32);
  });
});

describe("the warning that everyone may read", () => {
  function warnings(args: readonly string[]): Record<string, unknown>[] {
    const parsed = parseConfig(args, {});
    assert.ok(parsed.kind === "config");
    const lines: Record<string, unknown>[] = [];
    reportSettings(
      parsed,
      jsonLogger((line) => lines.push(JSON.parse(line)), "info"),
      () => 1e15,
    );
    return lines;
  }

  it("is logged once for Kafka on a network without --auth", () => {
    const [line, ...more] = warnings(["--kafka=a:1", "--host=0.0.0.0"]);
    assert.deepEqual([line!.level, line!.event, line!.host, more], [
      "warn",
      "open-to-network",
      "0.0.0.0",
      [],
    ]);
    assert.equal(warnings(["--kafka=a:1", "--host=::"]).length, 1);
    assert.equal(warnings(["--kafka=a:1", "--host=127.x.org"]).length, 1);
  });

  it("is not logged on loopback, for the embedded source, or with --auth", () => {
    for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) {
      assert.deepEqual(warnings(["--kafka=a:1", `--host=${host}`]), []);
    }
    assert.deepEqual(warnings(["--host=0.0.0.0"]), []);
    assert.deepEqual(
      warnings([
        "--kafka=a:1",
        "--host=0.0.0.0",
        "--auth=jwt",
        "--auth-issuer=https://i",
        "--auth-audience=a",
        "--trusted-proxies=10.0.0.2",
      ]),
      [],
    );
  });
});

describe("the warning that tokens come without encryption", () => {
  const AUTH = ["--auth=jwt", "--auth-issuer=https://i", "--auth-audience=a"];
  const ports = (...args: string[]) => {
    const parsed = parseConfig([...AUTH, ...args], {});
    assert.ok(parsed.kind === "config", JSON.stringify(parsed));
    const lines: Record<string, unknown>[] = [];
    const log = jsonLogger((line) => lines.push(JSON.parse(line)), "info");
    reportSettings(parsed, log, () => 1e15);
    return lines.map(({ event, level, ports }) => `${level} ${event} ${ports}`);
  };

  it("names the ports that a network reaches and that have no TLS", () => {
    assert.deepEqual(ports("--host=0.0.0.0"), [
      "warn tokens-not-encrypted --port",
    ]);
    assert.deepEqual(ports("--host=::", "--flight-port=31206"), [
      "warn tokens-not-encrypted --port,--flight-port",
    ]);
    assert.deepEqual(
      ports("--flight-port=31206", "--flight-host=10.0.0.1"),
      ["warn tokens-not-encrypted --flight-port"],
    );
    assert.deepEqual(
      ports(
        "--host=::",
        "--flight-port=31206",
        "--public-url=https://q.example.org",
      ),
      ["warn tokens-not-encrypted --flight-port"],
    );
    assert.deepEqual(
      ports("--operator-port=9090", "--operator-host=10.0.0.1"),
      ["warn tokens-not-encrypted --operator-port"],
    );
  });

  it("is not logged on loopback, with TLS, behind a proxy that is named, or without --auth", () => {
    assert.deepEqual(ports("--flight-port=31206", "--operator-port=9090"), []);
    for (
      const way of [
        ["--tls-cert=/c", "--tls-key=/k"],
        ["--trusted-proxies=10.0.0.2"],
        ["--public-url=https://q.example.org"],
      ]
    ) assert.deepEqual(ports("--host=0.0.0.0", ...way), []);
  });
});

describe("memoryLimitBytes()", () => {
  it("is the container's where that is less than the machine's", () => {
    const with_ = (text: string) => memoryLimitBytes(() => text, 1000);
    assert.equal(with_("999\n"), 999);
    assert.equal(with_("max\n"), 1000);
    assert.equal(with_("9223372036854771712\n"), 1000);
    assert.equal(
      memoryLimitBytes(() => {
        throw new Deno.errors.NotFound();
      }, 1000),
      1000,
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseConfig } from "../src/config.ts";

describe("parseConfig()", () => {
  it("takes flags over environment over defaults", () => {
    const parsed = parseConfig(["--port=81", "--kafka", "a:1,b:2"], {
      QANAT_PORT: "82",
      QANAT_RETENTION_MB: "64",
    });
    assert.ok(parsed.kind === "config");
    const { port, kafka, retentionMb, host } = parsed.config;
    assert.deepEqual([port, kafka, retentionMb, host], [
      81,
      ["a:1", "b:2"],
      64,
      "127.0.0.1",
    ]);
  });

  it("stops with one clear line", () => {
    for (
      const [args, line] of [
        [
          ["--port", "x"],
          "--port must be a whole number from 0 to 65535, not 'x'",
        ],
        [
          ["--prot", "1"],
          "Unknown setting '--prot'; did you mean --port? --help lists what there is",
        ],
        [["--kafka", "nowhere"], "--kafka must be HOST:PORT,…, not 'nowhere'"],
        [["--port"], "--port needs a value"],
        [
          ["--log-level", "loud"],
          "--log-level must be one of debug|info|warn|error, not 'loud'",
        ],
        [["--kafka-sasl", "plain"], "--kafka-sasl plain needs --kafka-user"],
        [
          ["--base-path", "x/"],
          "--base-path must be a path such as /qanat, without a slash at its end, not 'x/'",
        ],
      ] as const
    ) {
      assert.deepEqual(parseConfig(args, {}), { kind: "error", message: line });
    }
    assert.deepEqual(parseConfig([], { QANAT_SLAB_MB: "0" }), {
      kind: "error",
      message:
        "QANAT_SLAB_MB must be a whole number from 1 to 65536 MiB, not '0'",
    });
  });

  it("shows every setting with unit, default and variable", () => {
    const parsed = parseConfig(["--help"], {});
    assert.ok(parsed.kind === "help");
    assert.match(
      parsed.text,
      /--retention-mb MiB .*\(default 256\)\n\s+QANAT_RETENTION_MB/,
    );
  });
});

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
          ["--slab-mb=7", "--workers=8"],
          "--slab-mb 7 is divided among --workers 8: each needs at least 1 MiB; choose --slab-mb 8 or more",
        ],
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
    assert.ok(parsed.kind === "text");
    assert.match(
      parsed.text,
      /--retention-mb MiB .*\(default 256\)\n\s+QANAT_RETENTION_MB/,
    );
  });

  it("answers --version, also where settings are wrong", () => {
    const parsed = parseConfig(["--version"], { QANAT_SLAB_MB: "0" });
    assert.ok(parsed.kind === "text");
    assert.match(parsed.text, /^qanat \d+\.\d+\.\d+ \(Deno\/[\d.]+\)\n$/);
  });

  it("takes no other origin or host by default, and lists of them", () => {
    const plain = parseConfig([], {});
    assert.ok(plain.kind === "config");
    assert.deepEqual(plain.config.corsOrigin, []);
    assert.deepEqual(plain.config.allowedHosts, []);
    const given = parseConfig([
      "--cors-origin=https://a.example, http://localhost:3000,app://qanat",
      "--allowed-hosts=Qanat.Example.org,*.lab.example,fd00::1",
    ], {});
    assert.ok(given.kind === "config");
    assert.deepEqual(given.config.corsOrigin, [
      "https://a.example",
      "http://localhost:3000",
      "app://qanat",
    ]);
    assert.deepEqual(given.config.allowedHosts, [
      "qanat.example.org",
      "*.lab.example",
      "fd00::1",
    ]);
  });

  it("refuses an entry that no Origin or Host header can equal (it would silently admit no page and no client)", () => {
    for (
      const [flag, value, line] of [
        ["--cors-origin", "*,http://x", /\* or a list of origins/],
        ["--cors-origin", "null", /without null/],
        ["--cors-origin", "https://a.example/", /'https:\/\/a\.example\/'/],
        ["--cors-origin", "https://A.example", /'https:\/\/A\.example'/],
        ["--cors-origin", "https://a.example:443", /:443'$/],
        ["--cors-origin", "http://a.example/page", /without a path/],
        ["--cors-origin", "a.example", /not 'a\.example'$/],
        ["--cors-origin", "http://*.example", /not /],
        ["--allowed-hosts", "http://a.example", /without scheme and port/],
        ["--allowed-hosts", "a.example:8080", /not 'a\.example:8080'$/],
        ["--allowed-hosts", "a.*.example", /not /],
        ["--allowed-hosts", "a,b:1", /not 'b:1' \(item 2\)/],
      ] as const
    ) {
      const parsed = parseConfig([flag, value], {});
      assert.ok(parsed.kind === "error", value);
      assert.ok(parsed.message.startsWith(`${flag} must be `), parsed.message);
      assert.match(parsed.message, line);
    }
  });
});

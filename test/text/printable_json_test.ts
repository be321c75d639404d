// JSON that a terminal can show: the log's lines.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { logLine } from "../../src/telemetry/log.ts";
import { printableJson } from "../../src/text/printable_json.ts";
import { HOSTILE_NAMES } from "../hostile_names.ts";

const ALL = [...HOSTILE_NAMES, "\ud800", "\0", "\x7f\x9b2J\x85"];
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

describe("printableJson()", () => {
  it("is the same value, and nothing that a terminal acts on", () => {
    const json = printableJson(JSON.stringify(ALL));
    assert.deepEqual(JSON.parse(json), ALL);
    assert.doesNotMatch(json, UNSAFE);
  });

  it("leaves ordinary text as it is", () => {
    const json = JSON.stringify({ name: "naïve 😀", n: 1 });
    assert.equal(printableJson(json), json);
  });
});

describe("logLine()", () => {
  it("is one printable line, whatever its fields hold", () => {
    for (const name of ALL) {
      for (const n of [1, 1n]) {
        const line = logLine("warn", "channel-refused", { name, n, [name]: 1 });
        assert.doesNotMatch(line, UNSAFE);
        assert.equal(JSON.parse(line).name, name);
      }
    }
  });
});

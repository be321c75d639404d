import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseStrictJson } from "../../src/files/strict_json.ts";

describe("parseStrictJson()", () => {
  it("reads what JSON.parse() reads", () => {
    const values = [
      { a: { a: 1 }, b: [{ a: 1 }, { a: 2 }], "": null },
      [],
      "a:{",
      { 'a":': "{\\", b: "}" },
      0,
    ];
    for (const value of values) {
      const text = JSON.stringify(value, null, 1);
      assert.deepEqual(parseStrictJson(text), value);
    }
  });

  it("refuses a field that is given twice, however it is escaped", () => {
    for (
      const [text, line] of [
        [`{"a": 1, "a": 1}`, 1],
        [`{"a": 1,\n"b": {}, "\\u0061": 1}`, 2],
        [`[{"a": {"b": 1,\n\n"b": 2}}]`, 3],
      ] as const
    ) {
      assert.throws(() => parseStrictJson(text), {
        message: `line ${line} repeats a field`,
      });
    }
  });

  it("says where text is not JSON, and shows nothing of it", () => {
    const cases = ["secret", `{"secret": secret}`, `{"a": "secret\n"}`, "{,}"];
    for (const text of cases) {
      assert.throws(() => parseStrictJson(text), ({ message }: Error) => {
        assert.match(message, /^it is not JSON(: line \d+, column \d+)?$/);
        return true;
      });
    }
  });
});

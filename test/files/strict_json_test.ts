import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseStrictJson } from "../../src/files/strict_json.ts";
import { Turns } from "../../src/files/turns.ts";

const parsed = (text: string) => parseStrictJson(text, new Turns());

describe("parseStrictJson()", () => {
  it("reads what JSON.parse() reads", async () => {
    const values = [
      { a: { a: 1 }, b: [{ a: 1 }, { a: 2 }], "": null },
      [],
      "a:{",
      { 'a":': "{\\", b: "}" },
      0,
    ];
    for (const value of values) {
      const text = JSON.stringify(value, null, 1);
      assert.deepEqual(await parsed(text), value);
    }
  });

  it("finds a field that is given twice behind thousands of others", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 5000 }, (_, i) => [`f${i}`, i]),
    );
    const text = JSON.stringify(many);
    assert.deepEqual(await parsed(text), many);
    await assert.rejects(parsed(text.slice(0, -1) + ',"f7":0}'), {
      message: "line 1 repeats a field",
    });
  });

  it("refuses a field that is given twice, however it is escaped", async () => {
    for (
      const [text, line] of [
        [`{"a": 1, "a": 1}`, 1],
        [`{"a": 1,\n"b": {}, "\\u0061": 1}`, 2],
        [`[{"a": {"b": 1,\n\n"b": 2}}]`, 3],
      ] as const
    ) {
      await assert.rejects(parsed(text), {
        message: `line ${line} repeats a field`,
      });
    }
  });

  it("says where text is not JSON, and shows nothing of it", async () => {
    const cases = ["secret", `{"secret": secret}`, `{"a": "secret\n"}`, "{,}"];
    for (const text of cases) {
      await assert.rejects(parsed(text), ({ message }: Error) => {
        assert.match(message, /^it is not JSON: line \d+, column \d+$/);
        return true;
      });
    }
  });

  it("finds the place of the mistakes that people make", async () => {
    const cases: [text: string, line: number, column: number][] = [
      ['{"a": [\n  {"b": 1},\n]}', 3, 1],
      ['{"a": [\n  {"b": 1,}\n]}', 2, 11],
      ['{"a": [1\n  2]}', 2, 3],
      ["{\n  'a': 1}", 2, 3],
      ['{"a": all}', 1, 7],
      ['{"a": True}', 1, 7],
      ['{"a": \u201call\u201d}', 1, 7],
      ['{"a"; 1}', 1, 5],
      ['{"a": [1, 2}', 1, 12],
      ['{"a": 1}\n}', 2, 1],
      ['{"a": [1', 1, 9],
      ['// what\n{"a": 1}', 1, 1],
      ["", 1, 1],
    ];
    for (const [text, line, column] of cases) {
      await assert.rejects(parsed(text), {
        message: `it is not JSON: line ${line}, column ${column}`,
      });
    }
  });
});

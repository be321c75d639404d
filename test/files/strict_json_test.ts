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
        assert.match(message, /^it is not JSON(: line \d+, column \d+)?$/);
        return true;
      });
    }
  });
});

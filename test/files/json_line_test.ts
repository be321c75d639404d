import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { lineOfValue } from "../../src/files/json_line.ts";

const TEXT = `{
  "a": [
    1,
    {"b": "x:y,z",
     "c": [[], {},
       -1.5e3]}
  ],
  "q\\"}": true
}`;

describe("lineOfValue()", () => {
  it("finds the line of a value", () => {
    assert.equal(lineOfValue(TEXT, []), 1);
    assert.equal(lineOfValue(TEXT, ["a"]), 2);
    assert.equal(lineOfValue(TEXT, ["a", 0]), 3);
    assert.equal(lineOfValue(TEXT, ["a", 1]), 4);
    assert.equal(lineOfValue(TEXT, ["a", 1, "b"]), 4);
    assert.equal(lineOfValue(TEXT, ["a", 1, "c"]), 5);
    assert.equal(lineOfValue(TEXT, ["a", 1, "c", 2]), 6);
    assert.equal(lineOfValue(TEXT, ['q"}']), 8);
  });

  it("finds the nearest value around one that is missing", () => {
    assert.equal(lineOfValue(TEXT, ["a", 1, "d", 7]), 4);
    assert.equal(lineOfValue(TEXT, ["z"]), 1);
  });
});

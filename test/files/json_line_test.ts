import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { type JsonStep, lineOfValue } from "../../src/files/json_line.ts";
import { Turns } from "../../src/files/turns.ts";

const TEXT = `{
  "a": [
    1,
    {"b": "x:y,z",
     "c": [[], {},
       -1.5e3]}
  ],
  "q\\"}": true
}`;

function lineOf(path: readonly JsonStep[]): Promise<number> {
  return lineOfValue(TEXT, path, new Turns());
}

describe("lineOfValue()", () => {
  it("finds the line of a value", async () => {
    assert.equal(await lineOf([]), 1);
    assert.equal(await lineOf(["a"]), 2);
    assert.equal(await lineOf(["a", 0]), 3);
    assert.equal(await lineOf(["a", 1]), 4);
    assert.equal(await lineOf(["a", 1, "b"]), 4);
    assert.equal(await lineOf(["a", 1, "c"]), 5);
    assert.equal(await lineOf(["a", 1, "c", 2]), 6);
    assert.equal(await lineOf(['q"}']), 8);
  });

  it("finds the nearest value around one that is missing", async () => {
    assert.equal(await lineOf(["a", 1, "d", 7]), 4);
    assert.equal(await lineOf(["z"]), 1);
  });
});

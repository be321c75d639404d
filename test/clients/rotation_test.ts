import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { rotation } from "../../src/clients/rotation.ts";

describe("rotation()", () => {
  it("begins everywhere equally often", () => {
    const first = new Array<number>(10).fill(0);
    for (let turn = 0; turn < 1000; turn++) first[rotation(turn, 10)]!++;
    for (const count of first) assert.ok(count > 90 && count < 110, `${count}`);
  });
});

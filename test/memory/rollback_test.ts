// Undoing the steps of something that fails half-way.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Rollback, withRollback } from "../../src/memory/rollback.ts";

describe("withRollback()", () => {
  it("undoes all steps when one throws, the last one first", () => {
    const undone: string[] = [];
    const steps = () =>
      withRollback((rollback) => {
        rollback.add(() => undone.push("first"));
        rollback.add(() => undone.push("second"));
        throw new Error("third");
      });
    assert.throws(steps, /third/);
    assert.deepEqual(undone, ["second", "first"]);
  });

  it("undoes nothing when no step throws", () => {
    const undone: string[] = [];
    const result = withRollback((rollback) => {
      rollback.add(() => undone.push("x"));
      return 5;
    });
    assert.equal(result, 5);
    assert.deepEqual(undone, []);
  });
});

describe("Rollback", () => {
  it("undoes a step once, and none after commit()", () => {
    const rollback = new Rollback();
    let undone = 0;
    rollback.add(() => undone++);
    rollback.rollBack();
    rollback.rollBack();
    assert.equal(undone, 1);
    rollback.add(() => undone++);
    rollback.commit();
    rollback.rollBack();
    assert.equal(undone, 1);
  });
});

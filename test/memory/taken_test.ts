import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Taken, taking } from "../../src/memory/taken.ts";

describe("taking()", () => {
  it("gives everything back when something throws, the last first", () => {
    const back: string[] = [];
    const take = () =>
      taking((taken) => {
        taken.add(() => back.push("first"));
        taken.add(() => back.push("second"));
        throw new Error("third");
      });
    assert.throws(take, /third/);
    assert.deepEqual(back, ["second", "first"]);
  });

  it("gives nothing back otherwise", () => {
    const back: string[] = [];
    assert.equal(taking((taken) => (taken.add(() => back.push("x")), 5)), 5);
    assert.deepEqual(back, []);
  });
});

describe("Taken", () => {
  it("gives back once, and nothing that somebody else keeps", () => {
    const taken = new Taken();
    let back = 0;
    taken.add(() => back++);
    taken.giveBack();
    taken.giveBack();
    assert.equal(back, 1);
    taken.add(() => back++);
    taken.keep();
    taken.giveBack();
    assert.equal(back, 1);
  });
});

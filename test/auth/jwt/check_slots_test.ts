// The slots for checks of tokens, which addresses share.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { CheckSlots } from "../../../src/auth/jwt/check_slots.ts";

/** Checks that begin and end when a test says so. */
function slotsOf(options: ConstructorParameters<typeof CheckSlots>[0]) {
  const slots = new CheckSlots(options);
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (address: string, name: string) =>
    slots.run(address, () => {
      began.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    });
  /** Ends all checks in the order in which they began. */
  const endAll = async () => {
    for (let i = 0; i < began.length; i++) {
      ends.get(began[i]!)!();
      while (began.length === i + 1 && slots.waiting > 0) await null;
    }
  };
  return { slots, began, run, endAll };
}

describe("slots for checks", () => {
  it("run some at once, let some wait in their order, and refuse all others", async () => {
    const { slots, began, run, endAll } = slotsOf({
      slots: 2,
      waitingMax: 2,
      sharePercent: 100,
    });
    for (const name of ["1", "2", "3", "4"]) {
      assert.ok(run("192.0.2.1", name) instanceof Promise);
    }
    assert.equal(slots.waiting, 2);
    assert.equal(run("192.0.2.1", "5"), "full");
    assert.equal(run("192.0.2.2", "6"), "full");
    assert.deepEqual(began, ["1", "2"]);
    await endAll();
    assert.deepEqual(began, ["1", "2", "3", "4"]);
    assert.equal(slots.waiting, 0);
  });

  it("give addresses their turns, whatever one of them has waiting", async () => {
    const { began, run, endAll } = slotsOf({
      slots: 1,
      waitingMax: 100,
      sharePercent: 90,
    });
    for (let i = 0; i < 50; i++) run("192.0.2.1", `a${i}`);
    run("192.0.2.2", "b0");
    run("192.0.2.2", "b1");
    run("192.0.2.3", "c0");
    await endAll();
    assert.equal(began.length, 53);
    assert.deepEqual(began.slice(0, 7), [
      "a0",
      "a1",
      "b0",
      "c0",
      "a2",
      "b1",
      "a3",
    ]);
  });

  it("let one address, or one /64 of IPv6, have only its share of the waiting places", async () => {
    const { run, endAll } = slotsOf({
      slots: 1,
      waitingMax: 10,
      sharePercent: 50,
    });
    const refused = Array.from(
      { length: 9 },
      (_, i) => run(`2001:db8::${i}`, `a${i}`),
    ).filter((each) => each === "share");
    assert.equal(refused.length, 9 - 1 - 5);
    assert.ok(run("192.0.2.2", "b") instanceof Promise);
    await endAll();
    assert.ok(run("2001:db8::1", "a") instanceof Promise);
  });

  it("are released by a check that fails", async () => {
    const slots = new CheckSlots({
      slots: 1,
      waitingMax: 0,
      sharePercent: 100,
    });
    for (let i = 0; i < 3; i++) {
      const failed = slots.run("", () => Promise.reject(new Error("no")));
      assert.ok(failed instanceof Promise);
      await assert.rejects(failed);
    }
  });
});

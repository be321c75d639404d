// Which colour a channel has: none twice, and the same while it is shown, also from an address.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  coloursFor,
  coloursOf,
  coloursText,
} from "../../src/page/channel_colours.js";
import { emptyView, hashOf, viewOf } from "../../src/page/view.js";

const plots = (...names: string[]) =>
  names.map((name) => ({ kind: "series" as const, name }));

describe("the colours of channels", () => {
  it("stay with a channel while others are added, moved or removed", () => {
    const first = coloursFor(["A", "B", "C"], new Map());
    assert.deepEqual([...first], [["A", 0], ["B", 1], ["C", 2]]);
    assert.equal(coloursFor(["C", "A", "B"], first), first);
    const less = coloursFor(["C", "A"], first);
    assert.deepEqual([...less], [["C", 2], ["A", 0]]);
    const more = coloursFor(["D", "E", "C", "A"], less);
    assert.deepEqual([...more], [["D", 1], ["E", 3], ["C", 2], ["A", 0]]);
  });

  it("are not repeated, however many channels there are", () => {
    let names: string[] = [];
    let colours = coloursFor(names, new Map());
    for (let i = 0; i < 200; i++) {
      names.push(`C${i}`);
      if (i % 3 === 2) names = names.slice(1);
      colours = coloursFor(names, colours);
      assert.equal(new Set(colours.values()).size, names.length);
    }
    assert.ok(Math.max(...colours.values()) < names.length);
  });

  it("are in the address where they are not in the order of the channels", () => {
    const view = { ...emptyView(), plots: plots("C", "A") };
    assert.doesNotMatch(hashOf(view), /colours/);
    const colours = coloursFor(["C", "A"], new Map([["A", 0], ["C", 2]]));
    const moved = { ...view, colours };
    assert.match(hashOf(moved), /&colours=3,1$/);
    assert.deepEqual(viewOf(hashOf(moved)), moved);
    assert.equal(coloursText(["A", "B"], new Map([["A", 0]])), "");
  });

  it("of an address that repeats some, or gives none, are not repeated", () => {
    const names = ["A", "B", "C", "D"];
    assert.deepEqual([...coloursOf(names, "2,2,x,1e9,7")], [
      ["A", 1],
      ["B", 0],
      ["C", 2],
      ["D", 3],
    ]);
    assert.equal(coloursOf(names, "0,-1,1.5").size, 0);
  });
});

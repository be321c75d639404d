// The envelope in a terminal: extremes per bin as braille.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Envelope } from "../../src/tail/envelope.ts";

describe("Envelope", () => {
  it("draws the full height in the bin that has the extremes, even if one sample of thousands is one", () => {
    const envelope = new Envelope(4);
    const samples = new Float64Array(4000);
    samples[1500] = 1;
    samples[1501] = -1;
    envelope.add(samples, 4);
    assert.deepEqual(envelope.range, [-1, 1]);
    // Bins 0, 2 and 3 are at 0, the third level of four; bin 1 extends from bottom to top.
    assert.equal(envelope.draw(), "⢺⠒");
  });

  it("is blank where a row is missing", () => {
    const envelope = new Envelope(4);
    envelope.add([0, 1], 2);
    envelope.add(null, 2);
    assert.equal(envelope.draw(), "⡈⠀");
  });

  it("repeats a sample in all bins that it covers, and draws a constant in the middle", () => {
    const envelope = new Envelope(4);
    envelope.add([7], 4);
    assert.equal(envelope.draw(), "⠒⠒");
  });

  it("drops the oldest bins", () => {
    const envelope = new Envelope(2);
    envelope.add([9, 9], 2);
    envelope.add([1, 2], 2);
    assert.deepEqual(envelope.range, [1, 2]);
  });

  it("ignores NaN", () => {
    const envelope = new Envelope(2);
    envelope.add([NaN, 1, 2, NaN], 2);
    assert.deepEqual(envelope.range, [1, 2]);
  });
});

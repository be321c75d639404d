// The envelope in a terminal: extremes per bin as braille.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Envelope } from "../../src/tail/envelope.ts";

describe("Envelope", () => {
  it("draws the full height where a bin holds the extremes, though one sample of thousands is one", () => {
    const envelope = new Envelope(4);
    const samples = new Float64Array(4000);
    samples[1500] = 1;
    samples[1501] = -1;
    envelope.add(samples, 4);
    assert.deepEqual(envelope.range, [-1, 1]);
    // Bins 0, 2, 3 stand at 0, the third level of four; bin 1 goes from bottom to top.
    assert.equal(envelope.draw(), "⢺⠒");
  });

  it("leaves a hole where a row is missing", () => {
    const envelope = new Envelope(4);
    envelope.add([0, 1], 2);
    envelope.add(null, 2);
    assert.equal(envelope.draw(), "⡈⠀");
  });

  it("holds one sample for as long as it lasts, and a constant in the middle", () => {
    const envelope = new Envelope(4);
    envelope.add([7], 4);
    assert.equal(envelope.draw(), "⠒⠒");
  });

  it("drops the oldest", () => {
    const envelope = new Envelope(2);
    envelope.add([9, 9], 2);
    envelope.add([1, 2], 2);
    assert.deepEqual(envelope.range, [1, 2]);
  });

  it("passes over NaN", () => {
    const envelope = new Envelope(2);
    envelope.add([NaN, 1, 2, NaN], 2);
    assert.deepEqual(envelope.range, [1, 2]);
  });
});

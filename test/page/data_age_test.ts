// When a channel is silent, and what is said of it.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { silenceOf, silenceText } from "../../src/page/data_age.js";

const NOW_MS = 1_000_000;
const textOf = (all: readonly (readonly [strideS: number, ageS: number])[]) =>
  silenceText(silenceOf(
    all.map(([strideS, ageS], i) => ({
      channel: { name: `X:${i}` },
      strideS,
      dataMs: NOW_MS - ageS * 1000,
    })),
    NOW_MS,
  ));

describe("silenceText()", () => {
  it("says nothing for three seconds, nor for three strides", () => {
    assert.equal(textOf([]), "");
    assert.equal(textOf([[1 / 16, 0], [1 / 16, 3], [10, 30]]), "");
  });

  it("says for how long, and how many channels of how many", () => {
    assert.equal(textOf([[1 / 16, 3.1]]), "no data for 3 s (1 of 1 channel)");
    assert.equal(
      textOf([[1 / 16, 0.1], [1 / 16, 12.7], [10, 31], [60, 170]]),
      "no data for 31 s (2 of 4 channels)",
    );
  });

  it("names a channel that is the only silent one of several", () => {
    assert.equal(
      textOf([[1 / 16, 0.1], [1 / 16, 12.7]]),
      "no data for 12 s (1 of 2 channels: X:1)",
    );
  });
});

// Labels of axes: as short as their differences allow. Values: up to six digits.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { numbersText, rangeText, valueText } from "../../src/page/axis_text.js";

describe("numbersText()", () => {
  it("writes ticks that differ as different labels, near zero and far from it", () => {
    assert.deepEqual(numbersText([-2, 0, 2]), ["-2", "0", "2"]);
    assert.deepEqual(numbersText([0, 0.25, 0.5]), ["0.00", "0.25", "0.50"]);
    assert.deepEqual(numbersText([-0.2, 0.1]), ["-0.2", "0.1"]);
    const strain = numbersText([-5e-19, 0, 5e-19]);
    assert.deepEqual(strain, ["-5.0e-19", "0", "5.0e-19"]);
    assert.deepEqual(numbersText([0, 2e6, 4e6]), ["0", "2.0e6", "4.0e6"]);
    const far = numbersText([23_673_216_000, 23_673_216_050]);
    assert.deepEqual(far, ["…216,000", "…216,050"]);
    assert.deepEqual(numbersText([0]), ["0"]);
  });
});

describe("valueText()", () => {
  it("is short and exact enough", () => {
    assert.equal(valueText(NaN), "–");
    assert.equal(valueText(23_673_216_121), "23,673,216,121");
    assert.equal(valueText(1 / 3), "0.333333");
    assert.equal(valueText(-1.23456789e-19), "-1.2346e-19");
  });
});

describe("rangeText()", () => {
  it("writes near values as a value and a difference", () => {
    assert.equal(rangeText(-2, 3.5), "-2 … 3.5");
    assert.equal(rangeText(7, 7), "7");
    assert.equal(
      rangeText(2 ** 60, 2 ** 60 + 512),
      "1,152,921,504,606,846,976 + 0 … 512",
    );
    assert.equal(rangeText(-Infinity, Infinity), "-∞ … ∞");
  });
});

import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  DECIMAL_LENGTH_MAX,
  decimalOf,
} from "../../../src/http/routes/decimal.ts";

describe("decimalOf()", () => {
  it("accepts decimal numbers", () => {
    const numbers = [
      ["1", 1],
      ["-0.5", -0.5],
      [".5", 0.5],
      ["+2", 2],
      ["1e3", 1000],
      ["1.5E-2", 0.015],
      ["007", 7],
    ] as const;
    for (const [text, value] of numbers) assert.equal(decimalOf(text), value);
  });

  it("refuses everything else", () => {
    const others = [
      "",
      " 1",
      "1 ",
      "0x10",
      "Infinity",
      "1e999",
      "5.",
      ".",
      "e",
    ];
    for (const text of [...others, "1.2.3", "--1", "1e", "NaN"]) {
      assert.ok(Number.isNaN(decimalOf(text)), text);
    }
  });

  it("does not parse a text that is longer than any number needs to be (100,000 digits and an x took 12 s)", () => {
    const digits = "1".repeat(DECIMAL_LENGTH_MAX);
    assert.equal(decimalOf(digits), Number(digits));
    assert.ok(Number.isNaN(decimalOf(digits + "1")));
    assert.ok(Number.isNaN(decimalOf("1".repeat(100_000) + "x")));
  });
});

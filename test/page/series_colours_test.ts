// Colours of channels: none twice among many, all with enough contrast in both themes.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { seriesColour } from "../../src/page/series_colours.js";

const OWN = ["#0b6aa8", "#b8480e"];
const luminance = (colour: string) => {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const v = parseInt(colour.slice(at, at + 2), 16) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
};
const contrast = (a: string, b: string) => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
};

describe("seriesColour()", () => {
  it("takes the theme's own colours first", () => {
    assert.equal(seriesColour(OWN, 0, false), OWN[0]);
    assert.equal(seriesColour(OWN, 1, true), OWN[1]);
  });

  it("has others for all further channels, of enough contrast", () => {
    for (
      const [isDark, back] of [[false, "#ffffff"], [true, "#141e26"]] as const
    ) {
      const all = Array.from(
        { length: 60 },
        (_, i) => seriesColour(OWN, i + 2, isDark),
      );
      assert.equal(new Set(all).size, all.length);
      for (const colour of all) {
        assert.match(colour, /^#[0-9a-f]{6}$/);
        const found = contrast(colour, back);
        assert.ok(found >= 4.5, `${colour} on ${back}: ${found}`);
      }
    }
  });
});

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
/** Red, green and blue as OKLab, in which distances are about those that people see. */
const labOf = (colour: string) => {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const v = parseInt(colour.slice(at, at + 2), 16) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ] as const;
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

  it("has twelve of its own in each theme, which differ clearly, of enough contrast", async () => {
    const css = await Deno.readTextFile(
      new URL("../../src/page/page.css", import.meta.url),
    );
    const all = [...css.matchAll(/--series-\d+: (#\w+);/g)].map((m) => m[1]!);
    for (const [at, back] of [[0, "#ffffff"], [12, "#141e26"]] as const) {
      const own = all.slice(at, at + 12);
      assert.equal(own.length, 12);
      own.forEach((colour, i) => {
        assert.ok(contrast(colour, back) >= 4.5, colour);
        for (const other of own.slice(0, i)) {
          const [a, b] = [labOf(colour), labOf(other)];
          const distance = Math.hypot(...a.map((v, k) => v - b[k]!));
          assert.ok(distance > 0.07, `${colour} and ${other}: ${distance}`);
        }
      });
    }
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

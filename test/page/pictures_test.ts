// Pictures as SVG: lines for samples, and missing data with their reason.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { levelLines } from "../../src/page/limit_lines.js";
import { svgOf } from "../../src/page/pictures.js";

type Frame = Parameters<typeof svgOf>[1];

const COLOURS = {
  text: "#111",
  muted: "#222",
  grid: "#333",
  back: "#444",
  gap: "#555",
  gapText: "#666",
  bad: "#888",
  isDark: false,
  series: [],
} as unknown as Frame["colours"];
const FRAME = {
  title: "H1:A<B",
  colours: COLOURS,
  colour: () => "#777",
  fromS: 1000,
  toS: 1010,
  time: "gps" as const,
};
const PICTURE = {
  canvas: { width: 1100, height: 120 } as unknown as Parameters<
    typeof svgOf
  >[0]["canvas"],
  bbox: { left: 100, top: 10, width: 1000, height: 100 },
  lines: [{ name: "H1:A<B", unit: "", path: "M0 0L1000 1000" }],
};

describe("a picture as SVG", () => {
  it("has missing data hatched at their time, each with its reason", async () => {
    Object.assign(globalThis, { devicePixelRatio: 1 });
    const gaps = [
      { fromS: 990, toS: 1002, reason: "retention" },
      { fromS: 1005, toS: 1005.5, reason: "missing" },
      { fromS: 1020, toS: 1030, reason: "late" },
    ];
    const svg = await svgOf({ ...PICTURE, gaps }, FRAME).text();
    assert.match(svg, />H1:A&lt;B<\/text>/);
    assert.match(
      svg,
      /<title>older than the server keeps<\/title><rect x="100" y="36" width="200" height="100" fill="url\(#gap\)"\/><text /,
    );
    // Too narrow for its words, which are in the title.
    assert.match(
      svg,
      /<title>no data received<\/title><rect x="600" y="36" width="50" height="100" fill="url\(#gap\)"\/><\/g>/,
    );
    assert.ok(!svg.includes("did not arrive in time"));
  });

  it("has the limits and the level of a trigger as lines with words, or as arrows", async () => {
    const scale = { share: (value: number) => value / 10 };
    const levels = levelLines(scale, {
      limits: { above: 8, below: -2 },
      level: 5,
      origin: 0,
    });
    const svg = await svgOf({ ...PICTURE, levels }, FRAME).text();
    const bad = COLOURS.bad;
    assert.match(svg, /<rect x="100" y="36" [^>]*height="20" [^>]*opacity/);
    assert.match(
      svg,
      new RegExp(`M100 56h1000" stroke="${bad}" stroke-dasharray="6 3"`),
    );
    assert.match(svg, />limit 8<\/text>/);
    assert.match(svg, /M100 86h1000" stroke="#111" stroke-dasharray="2 3"/);
    assert.match(svg, />trigger 5<\/text>/);
    // The axis does not reach the lower limit.
    assert.match(svg, />↓ limit -2<\/text>/);
    assert.equal(svg.match(/dasharray/g)?.length, 2);
  });

  it("has no time that its right edge would cut off", async () => {
    const times = async (toS: number) => {
      const svg = await svgOf(PICTURE, { ...FRAME, toS }).text();
      return [...svg.matchAll(/text-anchor="middle" fill="#222">(\d+)</g)]
        .map((m) => Number(m[1]));
    };
    assert.equal((await times(1010)).at(-1), 1008);
    assert.equal((await times(1010.5)).at(-1), 1010);
  });

  it("has no pattern without a gap", async () => {
    const svg = await svgOf(PICTURE, FRAME).text();
    assert.ok(!svg.includes("pattern"));
    assert.match(svg, /stroke="#777"/);
  });
});

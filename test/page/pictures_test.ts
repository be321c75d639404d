// Pictures as SVG: lines for samples, and missing data with their reason.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { svgOf } from "../../src/page/pictures.js";

type Frame = Parameters<typeof svgOf>[1];

const COLOURS = {
  text: "#111",
  muted: "#222",
  grid: "#333",
  back: "#444",
  gap: "#555",
  gapText: "#666",
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
    assert.ok(!svg.includes("arrived too late"));
  });

  it("has no pattern without a gap", async () => {
    const svg = await svgOf(PICTURE, FRAME).text();
    assert.ok(!svg.includes("pattern"));
    assert.match(svg, /stroke="#777"/);
  });
});

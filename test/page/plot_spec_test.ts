// The text of a plot in the address: channels, which of them are hidden, and options of its axis.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  CHANNELS_MAX,
  channelsOf,
  plotsOf,
  type PlotSpec,
  plotText,
  withChannels,
} from "../../src/page/plot_spec.js";

const again = (plot: PlotSpec) => {
  const text = plotText(plot);
  const at = text.indexOf("=");
  return plotsOf(plot.kind, text.slice(at + 1));
};
const series = (name: string, more = {}): PlotSpec => ({
  kind: "series",
  name,
  ...more,
});

describe("a plot in the address", () => {
  it("comes back, whatever its channels are called", () => {
    for (
      const plot of [
        series("H1:A"),
        series("A,B"),
        series("A;hide=1,B;y=log", { y: { min: -1 } }),
        series("100% +é/?#&=", { y: { log: true } }),
        series("A,B", { more: ["C", "D;hide=1", "E,"], hidden: ["E,", "A,B"] }),
        series("A", { more: ["B"], hidden: ["B"], y: { min: 0, max: 1 } }),
        { kind: "spectrum", name: ",;," } as const,
      ]
    ) assert.deepEqual(again(plot), [plot]);
  });

  it("has a comma between channels, and numbers of those that are hidden", () => {
    const plot = series("H1:A", { more: ["L1:A"], hidden: ["L1:A"] });
    assert.equal(plotText(plot), "series=H1:A,L1:A;hide=2");
    assert.deepEqual(plotsOf("series", "A,,B,A;hide=7,x,2;hide="), [
      series("A", { more: ["B"] }),
    ]);
    assert.deepEqual(plotsOf("series", "A;hide=1"), [series("A")]);
  });

  it("keeps the meaning of an old address: %2C is a comma of the name", () => {
    assert.deepEqual(plotsOf("series", "A%2CB;min=1"), [
      series("A,B", { y: { min: 1 } }),
    ]);
    assert.deepEqual(plotsOf("series", ""), []);
  });

  it("has a plot for each part of more channels than one may have", () => {
    for (const kind of ["series", "spectrogram", "spectrum"] as const) {
      const most = CHANNELS_MAX[kind];
      const names = Array.from({ length: 2 * most + 1 }, (_, i) => `C${i}`);
      const plots = plotsOf(kind, names.join(","));
      assert.deepEqual(plots.flatMap(channelsOf), names);
      assert.equal(plots.length, 3);
    }
  });
});

describe("withChannels()", () => {
  it("has each channel once, and none without channels", () => {
    const plot = series("A", { y: { max: 2 } });
    assert.deepEqual(channelsOf(withChannels(plot, ["B", "A", "B"])!), [
      "B",
      "A",
    ]);
    assert.deepEqual(withChannels(plot, ["B"]), series("B", { y: { max: 2 } }));
    const hiding = { ...plot, more: ["B"], hidden: ["A"] };
    assert.deepEqual(withChannels(hiding, ["B", "C", "A"])!.hidden, ["A"]);
    assert.equal(withChannels(hiding, ["A"])!.hidden, undefined);
    assert.equal(withChannels(plot, []), null);
  });
});

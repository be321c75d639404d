// A channel's card: what is said of a channel with notes and without, and how old its newest data are.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  cardOf,
  newestText,
  secondsText,
} from "../../src/page/channel_facts.js";

const CHANNEL = {
  name: "H1:A",
  data_type: "float32" as const,
  sample_rate: 16_384,
  publisher: "H1GWOSC",
  stride_ns: 62_500_000,
  max_latency_ns: 1_000_000_000,
  available_from_ns: "1000000000000000000",
  trends_from_ns: { "1s": null, "10s": "1000000010000000000", "60s": null },
};
const NOW = {
  newestS: NaN,
  beganS: 1000,
  nowS: 1012.04,
  state: null,
  time: "gps" as const,
};
const textOf = (s: number) => `${s} GPS`;

describe("a channel's card", () => {
  it("says what the operator has noted, and since when there are data", () => {
    const card = Object.fromEntries(cardOf({
      ...CHANNEL,
      live: false,
      unit: "m",
      description: "Length",
      range: [-1, 2],
    }, textOf));
    assert.deepEqual(card, {
      Description: "Length",
      Unit: "m",
      "Usual range": "-1 … 2 m",
      Publisher: "H1GWOSC",
      "Sample rate": "16,384 Hz",
      Type: "float32",
      Stride: "62.5 ms in each message",
      State: "silent: no new data",
      Samples: "from 1000000000 GPS",
      "Bins of 10 s": "from 1000000010 GPS",
    });
  });

  it("says what is not known", () => {
    const card = Object.fromEntries(cardOf({
      ...CHANNEL,
      unit: null,
      available_from_ns: null,
      trends_from_ns: { "1s": null },
    }, textOf));
    assert.equal(card.Unit, "not noted by the operator");
    assert.equal(card.Samples, "none are known to be available now");
    assert.equal(
      card.Trends,
      "none now; recording begins, at the latest, when a plot shows a long span",
    );
  });

  it("says how old the newest data are, or for how long there were none", () => {
    assert.equal(newestText({ ...NOW, nowS: 1001 }), "waiting");
    assert.equal(
      newestText(NOW),
      "no data received for 12 s, since this card is open",
    );
    assert.equal(
      newestText({ ...NOW, newestS: 1011.5 }),
      "1011.5 GPS, 500 ms ago",
    );
    const state = { state: "refused" as const, reconnects: 0, detail: "No." };
    assert.equal(newestText({ ...NOW, state }), "refused: No.");
  });

  it("has seconds with a unit that is easy to read", () => {
    const all = [0.0625, 1.5, 90, 600, 36_000, 864_000].map(secondsText);
    assert.deepEqual(all, [
      "62.5 ms",
      "1.5 s",
      "90 s",
      "10 min",
      "10 h",
      "10 d",
    ]);
  });
});

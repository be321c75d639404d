// What a user does to plots and to the channels in them, and which card shows which plot then.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  actOn,
  cardsFor,
  onceEach,
  picked,
  pickedInto,
  withY,
} from "../../src/page/plot_actions.js";
import { CHANNELS_MAX, channelsOf } from "../../src/page/plot_spec.js";

const plot = (...names: string[]) => {
  const [name = "", ...more] = names;
  const kind = "series" as const;
  return more.length > 0 ? { kind, name, more } : { kind, name };
};
const [A, B, AB, ABC] = [
  plot("A"),
  plot("B"),
  plot("A", "B"),
  plot("A", "B", "C"),
];

describe("actOn()", () => {
  it("moves, removes and adds, or says that nothing changes", () => {
    assert.deepEqual(actOn([A, B], A, { what: "down" }), [B, A]);
    assert.equal(actOn([A, B], A, { what: "up" }), null);
    assert.deepEqual(actOn([A, B], B, { what: "remove" }), [A]);
    const spectrum = { kind: "spectrum" as const, name: "A" };
    const added = [A, spectrum, B];
    assert.deepEqual(
      actOn([A, B], A, { what: "add", kind: "spectrum" }),
      added,
    );
    assert.equal(actOn(added, A, { what: "add", kind: "spectrum" }), null);
    assert.equal(actOn([A], B, { what: "remove" }), null);
  });

  it("adds a plot of another kind for the channels that are shown: one, or where that holds one channel, one for each", () => {
    const hiding = { ...ABC, hidden: ["B"] };
    const of = (kind: "spectrum" | "spectrogram", name: string) => ({
      kind,
      name,
    });
    const both = { ...of("spectrum", "A"), more: ["C"] };
    assert.deepEqual(
      actOn([hiding], hiding, { what: "add", kind: "spectrum" }),
      [hiding, both],
    );
    assert.equal(
      actOn([hiding, both], hiding, { what: "add", kind: "spectrum" }),
      null,
    );
    assert.deepEqual(actOn([both], both, { what: "add", kind: "series" }), [
      both,
      { kind: "series", name: "A", more: ["C"] },
    ]);
    const other = of("spectrogram", "C");
    assert.deepEqual(
      actOn([hiding, other], hiding, { what: "add", kind: "spectrogram" }),
      [hiding, of("spectrogram", "A"), other],
    );
  });

  it("hides a channel and shows it again", () => {
    const hidden = actOn([ABC, B], ABC, { what: "toggle", name: "B" })!;
    assert.deepEqual(hidden, [{ ...ABC, hidden: ["B"] }, B]);
    assert.deepEqual(
      actOn(hidden, hidden[0]!, { what: "toggle", name: "B" }),
      [ABC, B],
    );
  });

  it("gives a channel a plot of its own, once, or takes it out", () => {
    assert.deepEqual(actOn([ABC], ABC, { what: "split", name: "C" }), [
      AB,
      plot("C"),
    ]);
    assert.deepEqual(actOn([B, AB], AB, { what: "split", name: "B" }), [B, A]);
    assert.deepEqual(actOn([AB], AB, { what: "drop", name: "A" }), [B]);
    assert.deepEqual(actOn([B, AB], AB, { what: "drop", name: "A" }), [B]);
  });
});

describe("a picked channel", () => {
  it("has a plot of its own, or is in none any more", () => {
    assert.deepEqual(picked([AB], "C"), [AB, plot("C")]);
    assert.deepEqual(picked([AB, B, A], "B"), [A]);
  });

  it("goes into a plot and out again, and never beyond what a plot holds", () => {
    assert.deepEqual(pickedInto([B, A], A, "B"), [B, AB]);
    assert.deepEqual(pickedInto([AB], AB, "A"), [B]);
    assert.deepEqual(pickedInto([A], A, "A"), [A]);
    const names = Array.from(
      { length: CHANNELS_MAX.series },
      (_, i) => `C${i}`,
    );
    const full = plot(...names);
    assert.equal(pickedInto([full], full, "D"), null);
    const [less] = pickedInto([full], full, "C0")!;
    assert.deepEqual(channelsOf(less!), names.slice(1));
    const log = { ...A, y: { log: true } };
    assert.deepEqual(pickedInto([log], log, "B"), [{ ...AB, y: log.y }]);
  });
});

describe("plots and their cards", () => {
  it("changes the axis and nothing else", () => {
    const hiding = { ...AB, hidden: ["A"], y: { min: 1 } };
    assert.deepEqual(withY(hiding, { max: 2 }), { ...hiding, y: { max: 2 } });
    assert.deepEqual(withY(hiding, undefined), { ...AB, hidden: ["A"] });
    assert.deepEqual(onceEach([A, B, A]), [A, B]);
  });

  it("keeps the card of a plot whose channels change", () => {
    const [a, bc] = [{ spec: A }, { spec: plot("B", "C") }];
    assert.deepEqual(cardsFor([A, plot("B", "C")], [a, bc]), [a, bc]);
    assert.deepEqual(cardsFor([AB, plot("C")], [a, bc]), [a, bc]);
    assert.deepEqual(cardsFor([plot("C"), A, B], [a, bc]), [bc, a, undefined]);
    const spectrum = { kind: "spectrum" as const, name: "A" };
    assert.deepEqual(cardsFor([spectrum], [a]), [undefined]);
  });
});

// The plots of a view after what a user does to one of them, or to a channel in it.
// Invariant: no two plots are of the same kind and channels, and none has more channels than its kind may have.
import {
  CHANNELS_MAX,
  channelsOf,
  isPair,
  takesMore,
  withChannels,
} from "./plot_spec.js";

/** @typedef {import("./plot_spec.js").PlotKind} PlotKind */
/** @typedef {import("./plot_spec.js").PlotSpec} PlotSpec */
/** @typedef {{ what: "up" | "down" | "remove" } | { what: "add", kind: PlotKind } | { what: "toggle" | "split" | "drop", name: string }} Act
 * add: a plot of another kind of the channels that are shown, or one for each; toggle: hides or shows a channel; split: gives it a plot of
 * its own; drop: removes it from the plot */

/** Names a plot among others. @param {PlotSpec} plot */
export function keyOf(plot) {
  return JSON.stringify([plot.kind, ...channelsOf(plot)]);
}

/**
 * The plots after an action on one of them; null when it changes nothing.
 * @param {readonly PlotSpec[]} before
 * @param {PlotSpec} spec
 * @param {Act} act
 */
export function actOn(before, spec, act) {
  const at = before.findIndex((p) => keyOf(p) === keyOf(spec));
  if (at < 0) return null;
  if (act.what === "add") return added(before, at, act.kind);
  if ("name" in act) return channelActOn(before, at, act);
  const plots = [...before];
  if (act.what === "remove") plots.splice(at, 1);
  else {
    const to = at + (act.what === "up" ? -1 : 1);
    if (to < 0 || to >= plots.length) return null;
    [plots[at], plots[to]] = [plots[to], plots[at]];
  }
  return plots;
}

/**
 * @param {readonly PlotSpec[]} before
 * @param {number} at which plot
 * @param {PlotKind} kind
 */
function added(before, at, kind) {
  const { hidden = [] } = before[at];
  const names = channelsOf(before[at]).filter((n) => !hidden.includes(n));
  const together = takesMore({ kind })
    ? [withChannels({ kind, name: "" }, names) ?? []].flat()
    : names.map((name) => ({ kind, name }));
  const plots = onceEach(before.toSpliced(at + 1, 0, ...together));
  return plots.length === before.length ? null : plots;
}

/**
 * @param {readonly PlotSpec[]} before
 * @param {number} at which plot
 * @param {{ what: "toggle" | "split" | "drop", name: string }} act
 */
function channelActOn(before, at, { what, name }) {
  const plot = before[at];
  const { hidden = [] } = plot;
  if (what === "toggle") {
    const isHidden = hidden.includes(name);
    const now = isHidden ? hidden.filter((n) => n !== name) : [...hidden, name];
    const changed = withChannels({ ...plot, hidden: now }, channelsOf(plot));
    return before.toSpliced(at, 1, ...changed ? [changed] : []);
  }
  const rest = without(plot, name);
  const own = what === "split" ? [{ kind: plot.kind, name }] : [];
  return onceEach(before.toSpliced(at, 1, ...rest ? [rest] : [], ...own));
}

/**
 * Without a channel; null where it was the only one, or one of two that are compared.
 * @param {PlotSpec} plot
 * @param {string} name
 */
function without(plot, name) {
  if (isPair(plot) && channelsOf(plot).includes(name)) return null;
  return withChannels(plot, channelsOf(plot).filter((n) => n !== name));
}

/** The first of equal plots. @param {readonly PlotSpec[]} plots */
export function onceEach(plots) {
  const keys = plots.map(keyOf);
  return plots.filter((_, i) => keys.indexOf(keys[i]) === i);
}

/**
 * With other options of its axis.
 * @param {PlotSpec} plot
 * @param {PlotSpec["y"]} y
 */
export function withY({ y: _, ...plot }, y) {
  return y ? { ...plot, y } : plot;
}

/**
 * With other options of its spectra.
 * @param {PlotSpec} plot
 * @param {PlotSpec["spectral"]} spectral
 * @returns {PlotSpec}
 */
export function withSpectral({ spectral: _, ...plot }, spectral) {
  return spectral ? { ...plot, spectral } : plot;
}

/**
 * Adds a plot of a channel, or removes the channel from all plots.
 * @param {readonly PlotSpec[]} plots
 * @param {string} name
 * @returns {PlotSpec[]}
 */
export function picked(plots, name) {
  const isThere = plots.some((p) => channelsOf(p).includes(name));
  return isThere
    ? onceEach(plots.flatMap((p) => without(p, name) ?? []))
    : [...plots, { kind: "series", name }];
}

/**
 * Puts a channel into a plot, or takes it out. Null where the plot has as many channels as it may have; the last one
 * stays.
 * @param {readonly PlotSpec[]} plots
 * @param {PlotSpec} into
 * @param {string} name
 * @returns {PlotSpec[] | null}
 */
export function pickedInto(plots, into, name) {
  const names = channelsOf(into);
  const isThere = names.includes(name);
  if (!isThere && names.length >= CHANNELS_MAX[into.kind]) return null;
  const changed = isThere
    ? without(into, name) ?? into
    : withChannels(into, [...names, name]) ?? into;
  return onceEach(
    plots.map((p) => keyOf(p) === keyOf(into) ? changed : p),
  );
}

/**
 * Which card shows which plot: the same one as before, or one of the same kind that had one of its channels; undefined
 * where there is none.
 * @template {{ spec: PlotSpec }} Card
 * @param {readonly PlotSpec[]} plots
 * @param {readonly Card[]} cards
 * @returns {(Card | undefined)[]}
 */
export function cardsFor(plots, cards) {
  const keys = new Map(cards.map((card) => [keyOf(card.spec), card]));
  const found = plots.map((plot) => keys.get(keyOf(plot)));
  const left = new Set(cards.filter((card) => !found.includes(card)));
  return plots.map((plot, i) => {
    const card = found[i] ??
      [...left].find(({ spec }) =>
        spec.kind === plot.kind &&
        channelsOf(spec).some((n) => channelsOf(plot).includes(n))
      );
    if (card) left.delete(card);
    return card;
  });
}

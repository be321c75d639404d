// One plot of a view and its text in the address: its channels, which of them are hidden, and its axis.
// Invariant: plotsOf(kind, plotText(plot)) is the plot. A comma in a name is escaped, so a comma separates names.
import { optionsOf, optionsText } from "./plot_options.js";
import { printable } from "./quoting.js";
import { spectralOf, spectralText } from "./spectral_options.js";

/** @typedef {"series" | "spectrogram" | "spectrum" | "coherence" | "transfer"} PlotKind */
/** @typedef {import("./plot_options.js").YOptions} YOptions */
/**
 * @typedef {object} PlotSpec
 * @property {PlotKind} kind
 * @property {string} name of the first channel
 * @property {string[]} [more] the other channels in the same plot
 * @property {string[]} [hidden] channels of the plot that are not drawn
 * @property {YOptions | undefined} [y] of a plot over time
 * @property {import("./spectral_options.js").SpectralOptions | undefined} [spectral] of all others
 */

/** Kinds of plots of one channel, or of each of several. */
export const SINGLE_KINDS =
  /** @type {const} */ (["series", "spectrogram", "spectrum"]);
/** Kinds of plots of two channels. */
export const PAIR_KINDS = /** @type {const} */ (["coherence", "transfer"]);
export const KINDS = [...SINGLE_KINDS, ...PAIR_KINDS];
/** Most channels in one plot: more lines on one axis are hard to read. @type {Readonly<Record<PlotKind, number>>} */
export const CHANNELS_MAX = {
  series: 8,
  spectrogram: 1,
  spectrum: 8,
  coherence: 2,
  transfer: 2,
};
const HIDE = "hide=";

/** All channels of a plot. @param {PlotSpec} plot */
export function channelsOf({ name, more = [] }) {
  return [name, ...more];
}

/** Short enough for a list or a heading. @param {PlotSpec} plot */
export function titleOf({ name, more = [] }) {
  const first = printable(name);
  return more.length > 0 ? `${first} and ${more.length} more` : first;
}

/**
 * The plot with these channels; null without any. The only channel of a plot is not hidden.
 * @param {PlotSpec} plot
 * @param {readonly string[]} names
 * @returns {PlotSpec | null}
 */
export function withChannels({ kind, hidden = [], y, spectral }, names) {
  const [name, ...more] = new Set(names);
  if (name === undefined) return null;
  const still = more.length > 0 ? hidden.filter((n) => names.includes(n)) : [];
  return {
    kind,
    name,
    ...(more.length > 0 ? { more } : {}),
    ...(still.length > 0 ? { hidden: still } : {}),
    ...(y ? { y } : {}),
    ...(spectral ? { spectral } : {}),
  };
}

/** Whether a plot is of two channels. @param {Pick<PlotSpec, "kind">} plot */
export function isPair({ kind }) {
  return PAIR_KINDS.some((k) => k === kind);
}

/** Whether more channels can be put into a plot. @param {Pick<PlotSpec, "kind">} plot */
export function takesMore({ kind }) {
  return CHANNELS_MAX[kind] > 1 && !isPair({ kind });
}

/** As a field of the address. @param {PlotSpec} plot */
export function plotText(plot) {
  const { kind, hidden = [], y, spectral } = plot;
  const names = channelsOf(plot);
  const numbers = hidden.map((n) => names.indexOf(n) + 1);
  const hides = numbers.length > 0 ? `;${HIDE}${numbers.join(",")}` : "";
  return `${kind}=${names.map(escaped).join(",")}${hides}${optionsText(y)}${
    spectralText(spectral)
  }`;
}

/**
 * The plots of a field of the address: one; more where it has more channels than a plot may have.
 * @param {PlotKind} kind
 * @param {string} text what follows the kind
 */
export function plotsOf(kind, text) {
  const [first, ...options] = text.split(";");
  const names = first.split(",").map(unescaped).filter((n) => n !== "");
  const hides = options.findLast((o) => o.startsWith(HIDE)) ?? HIDE;
  const hidden = hides.slice(HIDE.length).split(",")
    .flatMap((n) => names[Number(n) - 1] ?? []);
  const texts = options.map(unescaped);
  const y = kind === "series" ? optionsOf(texts) : undefined;
  const spectral = kind === "series" ? undefined : spectralOf(texts);
  /** @type {PlotSpec[]} */
  const plots = [];
  const each = CHANNELS_MAX[kind];
  for (let i = 0; i < names.length; i += each) {
    const some = names.slice(i, i + each);
    const plot = withChannels({ kind, name: "", hidden, y, spectral }, some);
    if (plot) plots.push(plot);
  }
  return plots;
}

/** Names stay readable: only what would end them is escaped. @param {string} name */
export function escaped(name) {
  return encodeURIComponent(name).replaceAll("%3A", ":").replaceAll("%2F", "/");
}

/** As URLSearchParams reads it. @param {string} text */
export function unescaped(text) {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // A percent sign that escapes nothing.
    return text;
  }
}

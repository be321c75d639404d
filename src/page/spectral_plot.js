// A plot over frequency: averaged spectra of one or several channels, or what is between two; and next to them those that
// were kept as a reference.
// Invariant: the note says which segments are averaged, all with the same length, number and window. The plot is drawn
// again only when a segment is complete.
import { timeText } from "./clock.js";
import { FrequencyPlot } from "./frequency_plot.js";
import { CONTENTS } from "./spectral_contents.js";
import { SpectralLine } from "./spectral_line.js";
import { PAIR_PARTS, plansOf } from "./spectral_options.js";

/** @typedef {import("./series.js").Series} Series */
/** @typedef {import("./spectral_options.js").SpectralOptions} SpectralOptions */
/** @typedef {{ name: string, values: Float32Array[], hertzPerBin: number }} Kept values: of each panel */
/** @typedef {{ lines: Kept[], atS: number, note: string }} Reference atS: end of what was averaged, GPS s */

const REFRESH_MS = 250;
/** @type {SpectralOptions} */
const AUTOMATIC = {};
/** @type {readonly string[]} */
const NONE = [];

export class SpectralPlot {
  /** @type {Reference | null} */
  reference = null;
  #kind;
  #content;
  #plot;
  #look;
  /** @type {readonly Series[]} */
  #all = [];
  #hidden = NONE;
  /** @type {SpectralLine[]} */
  #lines = [];
  /** @type {SpectralOptions} */
  #options = AUTOMATIC;
  /** Which line is averaged first. */
  #turn = 0;
  #drawnMs = 0;
  #drawn = "";
  #isWhole = false;
  /** What the drawn lines follow from, besides their values. */
  #shownKey = "";
  /** @type {import("./dom.js").Colours | null} */
  #colours = null;
  /** The end of what is averaged, GPS s. */
  #atS = NaN;

  /**
   * @param {HTMLElement} parent
   * @param {() => import("./time_plot.js").Look} look
   * @param {keyof typeof CONTENTS} kind
   */
  constructor(parent, look, kind) {
    this.#kind = kind;
    this.#content = CONTENTS[kind];
    this.#look = look;
    this.#plot = new FrequencyPlot(parent, look);
  }

  /** Those that are not hidden; their first one is what the note is about. */
  get #shown() {
    return this.#lines.filter(({ isHidden }) => !isHidden);
  }

  get note() {
    const shown = this.#shown;
    return shown[0]?.note ?? (this.#lines.length > 0 ? "all are hidden" : "");
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    if (this.#plot.resize(width, height)) this.#shownKey = this.#drawn = "";
  }

  /** Why it cannot show these channels; empty where it can. @param {readonly Series[]} all */
  whyNot(all) {
    if (this.#kind === "spectrum") return "";
    if (all.length !== 2) return "It needs two channels";
    const [one, other] = all.map(({ channel }) => channel);
    return one.sample_rate === other.sample_rate
      ? ""
      : `The channels need the same sample rate: ${one.name} has ${one.sample_rate} Hz, ${other.name} has ${other.sample_rate} Hz`;
  }

  /**
   * @param {readonly Series[]} all one or more; of coherence and transfer function, two of the same rate
   * @param {SpectralOptions} [options]
   * @param {readonly string[]} [hidden] names of channels that are not drawn
   */
  use(all, options = AUTOMATIC, hidden = NONE) {
    const isSame = options === this.#options &&
      all.length === this.#all.length &&
      all.every((series, i) => series === this.#all[i]);
    if (isSame && hidden === this.#hidden) return;
    this.#hidden = hidden;
    if (!isSame) {
      this.#all = [...all];
      this.#options = options;
      this.#makeLines();
    }
    for (const line of this.#lines) line.isHidden = hidden.includes(line.name);
    this.#drawn = this.#shownKey = "";
    this.#isWhole = false;
    this.#turn = 0;
  }

  #makeLines() {
    for (const line of this.#lines) line.close();
    const isPair = this.#kind !== "spectrum";
    const groups = isPair ? [this.#all] : this.#all.map((series) => [series]);
    const rates = groups.map(([{ channel }]) => channel.sample_rate);
    const plans = plansOf(this.#options, rates, isPair ? PAIR_PARTS : 1);
    this.#lines = groups.map((group, i) =>
      new SpectralLine(group, plans[i], this.#content)
    );
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} version nothing is drawn while it and the times are the same
   */
  draw(fromS, toS, version) {
    const key = `${fromS} ${toS} ${version}`;
    const now = performance.now();
    if (this.#lines.length === 0 || key === this.#drawn) return;
    if (this.#isWhole && now - this.#drawnMs < REFRESH_MS) return;
    this.#drawnMs = now;
    const hasChanged = this.#update(fromS, toS);
    this.#drawn = this.#isWhole ? key : "";
    const { colour, colours, time } = this.#look();
    const shown = `${time} ${this.reference?.atS} ${
      this.#shown.map(({ name }) => colour(name))
    }`;
    const isSame = shown === this.#shownKey && colours === this.#colours;
    if (isSame && !hasChanged) return;
    this.#shownKey = shown;
    this.#colours = colours;
    this.#atS = Math.min(toS, ...this.#shown.map(({ endS }) => endS));
    this.#show();
  }

  /**
   * Averages one line after another until one takes longer: it and the others have their turn with the next picture of the
   * screen. Returns whether a line has changed.
   * @param {number} fromS
   * @param {number} toS
   */
  #update(fromS, toS) {
    const shown = this.#shown;
    let hasChanged = false;
    this.#isWhole = true;
    for (let i = 0; this.#isWhole && i < shown.length; i++) {
      const line = shown[this.#turn++ % shown.length];
      hasChanged = line.update(fromS, toS) || hasChanged;
      this.#isWhole = line.isWhole;
    }
    return hasChanged;
  }

  #show() {
    const { reference } = this;
    const { panels, scales, titles } = this.#content;
    const { colour, colours } = this.#look();
    const shown = this.#shown;
    const lines = shown.filter(({ values }) => values.length > 0);
    const kept =
      reference?.lines.filter(({ name }) =>
        shown.some((line) => line.name === name)
      ) ?? [];
    const isAlone = this.#lines.length === 1;
    const drawn = Array.from(
      { length: panels },
      (_, p) => [...lines, ...kept].map(({ values }) => values[p]),
    );
    const axes = scales(drawn, this.#options);
    const all = shown.flatMap(({ channels }) => channels);
    const words = titles(all.length > 0 ? all : this.#channels);
    const isLinear = this.#options.linear ?? false;
    this.#plot.show(
      axes.map((scale, p) => ({
        title: words[p],
        scale,
        notes: p === 0 && reference ? [this.#referenceText(reference)] : [],
        traces: [
          ...lines.map(({ name, hertzPerBin, values }) => ({
            values: values[p],
            hertzPerBin,
            colour: colour(name),
          })),
          ...kept.map(({ name, hertzPerBin, values }) => ({
            values: values[p],
            hertzPerBin,
            colour: isAlone ? colours.text : colour(name),
            isThin: true,
          })),
        ],
      })),
      {
        lowHz: isLinear
          ? 0
          : Math.min(...this.#lines.map(({ hertzPerBin }) => hertzPerBin)),
        highHz: Math.max(...this.#channels.map((c) => c.sample_rate)) / 2,
        isLinear,
      },
    );
  }

  get #channels() {
    return this.#all.map(({ channel }) => channel);
  }

  /** @param {Reference} reference */
  #referenceText({ atS, lines, note }) {
    const { time } = this.#look();
    const zone = time === "gps" ? "GPS" : "UTC";
    return `Thin ${lines.length > 1 ? "lines" : "line"}: ${
      timeText(atS, time)
    } ${zone}, ${note}`;
  }

  /** Keeps what is drawn as the reference, or removes the reference that there is. Returns what it did. */
  toggleReference() {
    this.#drawn = "";
    if (this.reference) {
      this.reference = null;
      return "The reference is removed";
    }
    const lines = this.#shown.filter(({ values }) => values.length > 0);
    if (lines.length === 0) {
      return "There is no spectrum yet that could be kept as a reference";
    }
    this.reference = {
      lines: lines.map(({ name, hertzPerBin, values }) => ({
        name,
        hertzPerBin,
        values: values.map((some) => Float32Array.from(some)),
      })),
      atS: this.#atS,
      note: this.note,
    };
    return lines.length > 1
      ? "The spectra are kept as a reference, thin lines (r removes them)"
      : "The spectrum is kept as a reference, a thin line (r removes it)";
  }

  /** The values under the mouse, and the note; of several channels, the legend has the values. */
  textAt() {
    const hertz = this.#plot.cursorHz;
    const at = hertz === null ? null : this.#shown[0]?.textAt(hertz);
    if (!at) return this.note;
    const value = this.#lines.length > 1 ? "" : `: ${at.text}`;
    return `${at.hertz} Hz${value} · ${this.note}`;
  }

  /** What the legend says of one of several channels: its value under the mouse, else what differs from the note. @param {string} name */
  textOf(name) {
    const line = this.#lines.find((some) => some.name === name);
    if (!line || line.isHidden) return "";
    const hertz = this.#plot.cursorHz;
    const at = hertz === null ? null : line.textAt(hertz);
    return at ? at.text : line.note === this.note ? "" : line.note;
  }

  /** What the plot shows, for readers who do not see it. */
  get description() {
    if (this.#all.length === 0) return "";
    const titles = this.#content.titles(this.#channels);
    const reference = this.reference
      ? `; ${this.#referenceText(this.reference)}`
      : "";
    return `${titles.join(", ")} over Frequency (Hz), ${this.note}${reference}`;
  }

  /** For a picture of it. @returns {import("./pictures.js").Picture} */
  picture() {
    const names = this.#lines.length > 1
      ? this.#shown.map(({ name, channels: [{ unit }] }) => ({
        name,
        unit: unit ?? "",
      }))
      : [];
    return { ...this.#plot.picture(), names };
  }

  close() {
    for (const line of this.#lines) line.close();
    this.#plot.close();
  }
}

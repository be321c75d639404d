// A plot of the averaged spectra of one or two channels over frequency, and next to it one that was kept as a reference.
// Invariant: the note says which segments are averaged. The plot is drawn again only when a segment is complete.
import { timeText } from "./clock.js";
import { FrequencyPlot } from "./frequency_plot.js";
import { CONTENTS } from "./spectral_contents.js";
import { SpectralMean } from "./spectral_mean.js";
import { planText } from "./spectral_options.js";

/** @typedef {import("./series.js").Series} Series */
/** @typedef {import("./spectral_options.js").SpectralOptions} SpectralOptions */
/** @typedef {{ values: Float32Array[], hertzPerBin: number, atS: number, note: string }} Reference values: of each panel; atS: end of what was averaged, GPS s */

const REFRESH_MS = 250;
/** @type {SpectralOptions} */
const AUTOMATIC = {};

export class SpectralPlot {
  /** @type {Reference | null} */
  reference = null;
  note = "";
  #kind;
  #content;
  #plot;
  #look;
  /** @type {readonly Series[]} */
  #all = [];
  /** @type {SpectralMean | null} */
  #mean = null;
  /** @type {SpectralOptions} */
  #options = AUTOMATIC;
  #drawnMs = 0;
  #drawn = "";
  #isWhole = false;
  /** What the drawn lines follow from. */
  #shownKey = "";
  /** @type {import("./dom.js").Colours | null} */
  #colours = null;
  /** What is drawn in each panel; empty before the first average. @type {Float64Array[]} */
  #values = [];
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

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    if (this.#plot.resize(width, height)) this.#shownKey = this.#drawn = "";
  }

  /** Why it cannot show these channels; empty where it can. @param {readonly Series[]} all */
  whyNot(all) {
    const wanted = this.#kind === "spectrum" ? 1 : 2;
    if (all.length !== wanted) return "It needs two channels";
    const one = all[0].channel;
    const other = all[wanted - 1].channel;
    return one.sample_rate === other.sample_rate
      ? ""
      : `The channels need the same sample rate: ${one.name} has ${one.sample_rate} Hz, ${other.name} has ${other.sample_rate} Hz`;
  }

  /**
   * @param {readonly Series[]} all one; of coherence and transfer function, two of the same rate
   * @param {SpectralOptions} [options]
   */
  use(all, options = AUTOMATIC) {
    const isSame = options === this.#options &&
      all.length === this.#all.length &&
      all.every((series, i) => series === this.#all[i]);
    if (isSame) return;
    this.#mean?.close();
    this.#all = [...all];
    this.#options = options;
    this.#mean = new SpectralMean(all.map(({ ring }) => ring), options);
    this.#values = [];
    this.#drawn = this.#shownKey = "";
    this.#isWhole = false;
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} version nothing is drawn while it and the times are the same
   */
  draw(fromS, toS, version) {
    const key = `${fromS} ${toS} ${version}`;
    const now = performance.now();
    const mean = this.#mean;
    if (!mean || key === this.#drawn) return;
    if (this.#isWhole && now - this.#drawnMs < REFRESH_MS) return;
    this.#drawnMs = now;
    const { segment, count, left, isWhole } = mean.of(fromS, toS);
    this.#isWhole = isWhole;
    this.#drawn = isWhole ? key : "";
    const { colours, time } = this.#look();
    const shown = `${mean.version} ${count} ${time} ${this.reference?.atS}`;
    if (shown === this.#shownKey && colours === this.#colours) return;
    this.#shownKey = shown;
    this.#colours = colours;
    this.note = planText(mean.plan, { count, left });
    const { averagesMin } = this.#content;
    if (count > 0 && count < averagesMin) {
      this.note =
        `it needs ${averagesMin} averages or more: choose a longer span, or more averages; ${this.note}`;
    }
    this.#atS = Math.min(toS, ...this.#all.map(({ ring }) => ring.endS));
    this.#take(count < averagesMin ? null : segment, mean.bins);
    this.#show(mean);
  }

  /**
   * @param {import("./segment_average.js").Segment | null} segment
   * @param {number} bins
   */
  #take(segment, bins) {
    const { panels } = this.#content;
    if (segment === null) this.#values = [];
    else {
      if (this.#values[0]?.length !== bins) {
        this.#values = Array.from(
          { length: panels },
          () => new Float64Array(bins),
        );
      }
      this.#content.take(segment, bins, this.#values);
    }
    // Samples that are all the same have no power without their mean.
    const [first] = this.#values;
    const isConstant = first?.every((v, k) => k === 0 || !isFinite(v));
    if (isConstant) {
      this.note = `constant: no power at any frequency; ${this.note}`;
    }
  }

  /** @param {SpectralMean} mean */
  #show({ hertzPerBin }) {
    const { reference } = this;
    const { panels, scales, titles } = this.#content;
    const { colour, colours } = this.#look();
    const all = this.#all.map(({ channel }) => channel);
    const drawn = Array.from({ length: panels }, (_, p) => [
      ...this.#values.slice(p, p + 1),
      ...reference ? [reference.values[p]] : [],
    ]);
    const axes = scales(drawn, this.#options);
    const words = titles(all);
    const isLinear = this.#options.linear ?? false;
    this.#plot.show(
      drawn.map((lines, p) => ({
        title: words[p],
        scale: axes[p],
        notes: p === 0 && reference ? [this.#referenceText(reference)] : [],
        traces: lines.map((values) => {
          const isKept = values instanceof Float32Array;
          return {
            values,
            hertzPerBin: isKept && reference
              ? reference.hertzPerBin
              : hertzPerBin,
            colour: isKept ? colours.text : colour(all[0].name),
            isThin: isKept,
          };
        }),
      })),
      {
        lowHz: isLinear ? 0 : hertzPerBin,
        highHz: all[0].sample_rate / 2,
        isLinear,
      },
    );
  }

  /** @param {Reference} reference */
  #referenceText({ atS, note }) {
    const { time } = this.#look();
    const zone = time === "gps" ? "GPS" : "UTC";
    return `Thin line: ${timeText(atS, time)} ${zone}, ${note}`;
  }

  /** Keeps what is drawn as the reference, or removes the reference that there is. Returns what it did. */
  toggleReference() {
    this.#drawn = "";
    if (this.reference) {
      this.reference = null;
      return "The reference is removed";
    }
    if (this.#values.length === 0 || !this.#mean) {
      return "There is no spectrum yet that could be kept as a reference";
    }
    this.reference = {
      values: this.#values.map((values) => Float32Array.from(values)),
      hertzPerBin: this.#mean.hertzPerBin,
      atS: this.#atS,
      note: this.note,
    };
    return "The spectrum is kept as a reference, a thin line (r removes it)";
  }

  /** The values under the mouse, and the note. */
  textAt() {
    const hertz = this.#plot.cursorHz;
    if (hertz === null || !this.#mean || this.#values.length === 0) {
      return this.note;
    }
    const { bins, hertzPerBin } = this.#mean;
    const k = Math.min(Math.max(Math.round(hertz / hertzPerBin), 1), bins - 1);
    const all = this.#all.map(({ channel }) => channel);
    const text = this.#content.text(this.#values, k, all);
    const at = Number((k * hertzPerBin).toPrecision(4));
    return `${at} Hz: ${text} · ${this.note}`;
  }

  /** What the plot shows, for readers who do not see it. */
  get description() {
    if (this.#all.length === 0) return "";
    const titles = this.#content.titles(this.#all.map((s) => s.channel));
    const reference = this.reference
      ? `; ${this.#referenceText(this.reference)}`
      : "";
    return `${titles.join(", ")} over Frequency (Hz), ${this.note}${reference}`;
  }

  /** For a picture of it. */
  picture() {
    return this.#plot.picture();
  }

  close() {
    this.#mean?.close();
    this.#plot.close();
  }
}

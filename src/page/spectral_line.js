// One line of a plot of spectra: the average of a channel, or of two and between them, and what the plot shows of it.
// Invariant: its values are computed again only after its average; its note says which segments are averaged.
import { SpectralMean } from "./spectral_mean.js";
import { planText } from "./spectral_options.js";

/** @typedef {import("./series.js").Series} Series */

export class SpectralLine {
  /** What is drawn in each panel; empty before the first average. @type {Float64Array[]} */
  values = [];
  note = "";
  isWhole = false;
  isHidden = false;
  #all;
  #mean;
  #content;
  #made = "";

  /**
   * @param {readonly Series[]} all one; of coherence and transfer function, two of the same rate
   * @param {import("./spectral_options.js").SegmentPlan} plan
   * @param {import("./spectral_contents.js").Content} content
   */
  constructor(all, plan, content) {
    this.#all = all;
    this.#content = content;
    this.#mean = new SpectralMean(all.map(({ ring }) => ring), plan);
  }

  get name() {
    return this.#all[0].channel.name;
  }

  get channels() {
    return this.#all.map(({ channel }) => channel);
  }

  get hertzPerBin() {
    return this.#mean.hertzPerBin;
  }

  /** End of the newest samples of all its channels, GPS s. */
  get endS() {
    return Math.min(...this.#all.map(({ ring }) => ring.endS));
  }

  /**
   * Averages what is there, for some milliseconds. Returns whether the line is another one.
   * @param {number} fromS
   * @param {number} toS
   */
  update(fromS, toS) {
    const mean = this.#mean;
    const { segment, count, left, isWhole } = mean.of(fromS, toS);
    this.isWhole = isWhole;
    const made = `${mean.version} ${count} ${left}`;
    if (made === this.#made) return false;
    this.#made = made;
    this.note = planText(mean.plan, { count, left });
    const { averagesMin } = this.#content;
    if (count > 0 && count < averagesMin) {
      this.note =
        `it needs ${averagesMin} averages or more: choose a longer span, or more averages; ${this.note}`;
    }
    this.#take(count < averagesMin ? null : segment);
    return true;
  }

  /** @param {import("./segment_average.js").Segment | null} segment */
  #take(segment) {
    const { panels, take } = this.#content;
    const { bins } = this.#mean;
    if (segment === null) this.values = [];
    else {
      if (this.values[0]?.length !== bins) {
        this.values = Array.from(
          { length: panels },
          () => new Float64Array(bins),
        );
      }
      take(segment, bins, this.values);
    }
    // Samples that are all the same have no power without their mean.
    const [first] = this.values;
    const isConstant = first?.every((v, k) => k === 0 || !isFinite(v));
    if (isConstant) {
      this.note = `constant: no power at any frequency; ${this.note}`;
    }
  }

  /** The values at the bin next to a frequency, and the frequency of that; null before the first average. @param {number} hertz */
  textAt(hertz) {
    if (this.values.length === 0) return null;
    const { bins, hertzPerBin } = this.#mean;
    const k = Math.min(Math.max(Math.round(hertz / hertzPerBin), 1), bins - 1);
    return {
      text: this.#content.text(this.values, k, this.channels),
      hertz: Number((k * hertzPerBin).toPrecision(4)),
    };
  }

  close() {
    this.#mean.close();
  }
}

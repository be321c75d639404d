// Bins of one channel, made of its samples as the server makes trends: for spans of which no trend was recorded.
// Invariant: rows come in order; samples that are null or NaN are left out.

/** @typedef {import("./series.js").Series} Series */
/** @typedef {import("./qanat.d.ts").Samples} Samples */

export class SampleBins {
  #series;
  #binNs;
  /** Beginning of the bin that is being made, GPS ns; -1: there is none. */
  #timeNs = -1n;
  #count = 0;
  /** Less the first sample, so that sums of large integers stay exact. */
  #sum = 0;
  /** @type {number | bigint} */
  #first = 0;
  /** @type {number | bigint} */
  #min = 0;
  /** @type {number | bigint} */
  #max = 0;

  /** @param {Series} series of bins, which takes those that are made */
  constructor(series) {
    this.#series = series;
    this.#binNs = BigInt(Math.round(series.strideS * 1e9));
  }

  /** Takes a row, which is no longer than a bin. @param {{ timeNs: bigint, channels: Record<string, Samples | null> }} row */
  take({ timeNs, channels }) {
    const samples = channels[this.#series.channel.name];
    if (!samples) return;
    const beginNs = timeNs - timeNs % this.#binNs;
    if (beginNs !== this.#timeNs) {
      this.end();
      this.#timeNs = beginNs;
      this.#count = 0;
    }
    for (let i = 0; i < samples.length; i++) {
      const value = samples[i];
      if (value !== null && value === value) this.#add(value);
    }
  }

  /** @param {number | bigint} value */
  #add(value) {
    if (this.#count === 0) {
      this.#first = this.#min = this.#max = value;
      this.#sum = 0;
    }
    this.#count++;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    this.#sum += typeof value === "bigint"
      ? Number(value - /** @type {bigint} */ (this.#first))
      : value;
  }

  /** Puts the last bin into the series. */
  end() {
    if (this.#timeNs < 0n) return;
    const count = this.#count;
    const first = this.#first;
    const base = typeof first === "bigint" ? Number(first) : 0;
    this.#series.putBin(
      this.#timeNs,
      count === 0 ? { min: null, mean: null, max: null, count } : {
        min: this.#min,
        mean: base + this.#sum / count,
        max: this.#max,
        count,
      },
    );
    this.#timeNs = -1n;
  }
}

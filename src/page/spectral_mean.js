// Averaged spectral densities of one channel, or of two and between them, from the newest samples before a time.
// Invariant: what is computed for a segment is kept until one of its samples changes.
import { Transform } from "./fft.js";
import { SegmentAverage } from "./segment_average.js";
import { PAIR_PARTS } from "./spectral_options.js";

/** @typedef {import("./samples.js").SampleRing} SampleRing */

export class SpectralMean {
  #rings;
  #transforms;
  #samples;
  #average;
  /** End what follows the rings. */
  #ends;
  #change = (/** @type {number} */ from, /** @type {number} */ to) => {
    const { size, step } = this.plan;
    this.#average.forget(
      Math.floor((from - size) / step) + 1,
      Math.ceil(to / step) - 1,
    );
  };

  /**
   * @param {readonly SampleRing[]} rings one, or two of the same rate
   * @param {import("./spectral_options.js").SegmentPlan} plan
   */
  constructor(rings, plan) {
    const { rate } = rings[0];
    const parts = rings.length === 1 ? 1 : PAIR_PARTS;
    this.plan = plan;
    const { size, average, averages } = plan;
    this.#rings = rings;
    this.#samples = new Float64Array(size);
    this.#transforms = rings.map(() => new Transform({ ...plan, rate }));
    const { bins, hertzPerBin } = this.#transforms[0];
    this.bins = bins;
    this.hertzPerBin = hertzPerBin;
    this.#average = new SegmentAverage({
      parts,
      bins,
      average,
      averages,
      compute: (k, segment) => this.#compute(k, segment),
    });
    this.#ends = rings.map((ring) => ring.listen(this.#change));
  }

  /** Grows with each new average. */
  get version() {
    return this.#average.version;
  }

  close() {
    for (const end of this.#ends) end();
  }

  /**
   * The average of the newest segments before a time, as parts of one array: densities; or, of two channels, the density of
   * the first, that of the second, and real and imaginary part of that between them.
   * @param {number} fromS begin of the shown span: without a number of averages, segments before it are used only where none is
   *   within it
   * @param {number} toS
   */
  of(fromS, toS) {
    const { averages, isAuto, size, step } = this.plan;
    const { rate } = this.#rings[0];
    const end = Math.min(...this.#rings.map((ring) => ring.end));
    const last = Math.floor(
      (Math.min(Math.floor(toS * rate + 1e-6), end) - size) / step,
    );
    const shown = Math.min(Math.ceil(fromS * rate / step), last);
    const first = Math.max(last - averages + 1, isAuto ? shown : -Infinity, 0);
    return this.#average.of(first, last);
  }

  /**
   * @param {number} k
   * @param {import("./segment_average.js").Segment} segment
   */
  #compute(k, segment) {
    for (let c = 0; c < this.#rings.length; c++) {
      if (!this.#rings[c].copy(k * this.plan.step, this.#samples)) return false;
      this.#transforms[c].of(this.#samples);
    }
    const [x, y] = this.#transforms;
    productInto(segment, 0, x, x);
    if (y) {
      productInto(segment, 1, y, y);
      productInto(segment, 2, x, y);
    }
    return true;
  }
}

/**
 * Writes the density conj(x) y into a part of a segment: its real part, and, of two channels, its imaginary part after it.
 * @param {import("./segment_average.js").Segment} segment
 * @param {number} part
 * @param {Transform} x
 * @param {Transform} y
 */
function productInto({ values, exponents }, part, x, y) {
  const { bins } = x;
  const isCross = x !== y;
  let at = part * bins;
  for (let i = 0; i < bins; i++) {
    const factor = x.factorAt(i);
    values[at] = (x.re[i] * y.re[i] + x.im[i] * y.im[i]) * factor;
    if (isCross) {
      values[at + bins] = (x.re[i] * y.im[i] - x.im[i] * y.re[i]) * factor;
    }
    at++;
  }
  exponents[part] = x.exponent + y.exponent;
  if (isCross) exponents[part + 1] = exponents[part];
}

// A logarithmic vertical axis: values as shares of its height, and its labels.
// Invariant: the same as of ValueScale. Values that are not above 0 are drawn below the plot.
import { numbersText } from "./axis_text.js";
import { decadeTicks } from "./value_scale.js";

/** Where the least value is not above 0, the axis begins so far below the largest. */
const DECADES = 6;
const MARGIN_DECADES = 0.1;
const OUTSIDE = 0.05;
const LEAST = 1e-300;

export class LogScale {
  /** Grows with each change of the range. */
  version;
  #low = 0.1;
  #high = 1;
  #origin = 0;
  #isFit = false;

  /** @param {number} version of the scale before */
  constructor(version) {
    this.version = version + 1;
  }

  /**
   * @param {number} least less the origin, like all values
   * @param {number} largest
   * @param {number} origin
   * @param {import("./plot_options.js").YOptions} y
   */
  fit(least, largest, origin, { min, max }) {
    const top = Math.max(largest + origin, LEAST);
    let high = max ?? this.#kept(top * 10 ** MARGIN_DECADES, this.#high);
    const bottom = least + origin > 0
      ? (least + origin) / 10 ** MARGIN_DECADES
      : high / 10 ** DECADES;
    let low = min ?? this.#kept(Math.max(bottom, LEAST), this.#low);
    // An end is fixed, and all values are beyond it.
    if (low >= high && max === undefined) high = low * 10;
    if (low >= high) low = high / 10;
    const isSame = low === this.#low && high === this.#high &&
      origin === this.#origin;
    if (isSame) return;
    this.#isFit = true;
    this.version++;
    this.#low = low;
    this.#high = high;
    this.#origin = origin;
  }

  /** What the axis shows: its ends. */
  get ends() {
    return { low: this.#low, high: this.#high };
  }

  /** @param {number} value */
  share(value) {
    const real = value + this.#origin;
    if (!(real > 0)) return Number.isNaN(real) ? NaN : -OUTSIDE;
    const share = Math.log(real / this.#low) / Math.log(this.#high / this.#low);
    return Math.min(Math.max(share, -OUTSIDE), 1 + OUTSIDE);
  }

  /** @param {number} count @returns {import("./value_scale.js").Tick[]} */
  ticks(count) {
    return decadeTicks(this.#low, this.#high, {
      room: count,
      text: (value) => numbersText([value])[0],
    });
  }

  /** Its labels are whole values. @param {number} _count */
  baseText(_count) {
    return "";
  }

  /**
   * An end as it was where it has hardly changed: then the labels stay.
   * @param {number} end
   * @param {number} before
   */
  #kept(end, before) {
    const isNear = Math.abs(Math.log10(end / before)) < MARGIN_DECADES;
    return this.#isFit && isNear ? before : end;
  }
}

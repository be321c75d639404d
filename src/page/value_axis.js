// The vertical axis of one plot, as its options say: automatic, with fixed ends, with labels from an offset, logarithmic.
import { LogScale } from "./log_scale.js";
import { ValueScale } from "./value_scale.js";

/** @typedef {import("./plot_options.js").YOptions} YOptions */

export class ValueAxis {
  /** @type {ValueScale | LogScale} */
  scale = new ValueScale();
  /** @type {YOptions} */
  #y = {};

  /** Returns whether this changes anything. @param {YOptions} [y] */
  set(y = {}) {
    const before = this.#y;
    const isSame = (/** @type {(keyof YOptions)[]} */ ...names) =>
      names.every((name) => before[name] === y[name]);
    const hasLimits = isSame("above", "below");
    const hasAxis = isSame("log", "min", "max", "offset");
    this.#y = y;
    if (hasAxis) return !hasLimits;
    const { version } = this.scale;
    this.scale = y.log ? new LogScale(version) : new ValueScale(version);
    return true;
  }

  /** Lines on it. @type {import("./crossings.js").Limits} */
  get limits() {
    return this.#y;
  }

  /**
   * Fits the axis to finite values.
   * @param {number} least less the origin
   * @param {number} largest less the origin
   * @param {number} [origin] of 64-bit integers
   */
  fit(least, largest, origin = 0) {
    const y = this.#y;
    if (this.scale instanceof LogScale) {
      return this.scale.fit(least, largest, origin, y);
    }
    this.scale.offset = y.offset ?? 0;
    const low = y.min === undefined ? least : y.min - origin;
    const high = y.max === undefined ? largest : y.max - origin;
    if (y.min === undefined && y.max === undefined) {
      return this.scale.fit(least, largest, origin);
    }
    // One end is fixed, and all values are beyond it.
    const size = Math.abs(low) || 1;
    if (low < high) this.scale.hold(low, high, origin);
    else if (y.max === undefined) this.scale.hold(low, low + size, origin);
    else this.scale.hold(high - size, high, origin);
  }
}

// The vertical axis of a plot: values as shares of its height, and its labels.
// Invariant: uPlot gets shares (0 to 1), never values, so that no value breaks its arithmetic; there are always two labels.
import { exactText, numbersText } from "./axis_text.js";

/** Room above and below the values, as a share of their extent. */
const MARGIN = 0.12;
/** A range is kept while the values fill at least this share of it. */
const FILLED_MIN = 0.55;
/** Differences of values beyond these overflow or become zero: such values are multiplied by a power of two first. */
const HUGE = 1e300;
const TINY = 1e-290;
const SHRINK = 2 ** -64;
const GROW = 2 ** 200;
/** How far outside the plot a value is drawn at most, also an infinite one. */
const OUTSIDE = 0.05;
const LABEL_LENGTH_MAX = 9;
/** A label more steps from zero is not exact enough: labels are then relative to a base. */
const STEPS_MAX = 2 ** 40;

/** @typedef {{ at: number, text: string }} Tick at: share of the height */

export class ValueScale {
  /** Grows with each change of the range. */
  version;
  /** Labels count from this value. */
  offset = 0;
  #isFit = false;
  #margin = MARGIN;
  #unit = 1;
  /** The least value, multiplied by the unit. The edges are offsets from it, so that small differences are exact. */
  #base = 0;
  #from = 0;
  #size = 1;
  /** The least value itself. */
  #least = 0;
  /** Subtracted from all values. */
  #origin = 0;
  /** @type {{ key: string, ticks: Tick[], baseText: string }} */
  #made = { key: "", ticks: [], baseText: "" };

  /** @param {number} [version] of the scale before; with one, it is drawn as another */
  constructor(version = -1) {
    this.version = version + 1;
  }

  /**
   * Makes the range fit finite values; small changes of them keep the range.
   * @param {number} least
   * @param {number} largest
   * @param {number} [origin] of 64-bit integers: was subtracted from both, and from all values from now on
   */
  fit(least, largest, origin = 0) {
    const magnitude = Math.max(
      Math.abs(least + origin),
      Math.abs(largest + origin),
    );
    const unit = magnitude > HUGE
      ? SHRINK
      : magnitude > 0 && magnitude < TINY
      ? GROW
      : 1;
    const extent = (largest - least) * unit;
    const wide = isFinite(extent) ? extent : largest * unit - least * unit;
    const size = wide || Math.abs(largest + origin) * unit * 0.1 || 1;
    const keeps = this.#isFit && unit === this.#unit &&
      origin === this.#origin &&
      size > FILLED_MIN * this.#size &&
      this.#exact(least) >= 0 && this.#exact(largest) <= 1;
    if (keeps) return;
    this.#isFit = true;
    this.version++;
    this.#unit = unit;
    this.#least = least;
    this.#origin = origin;
    this.#base = least * unit;
    this.#from = -MARGIN * size;
    // Values that are all the same are in the middle.
    this.#size = (wide || 0) + 2 * MARGIN * size;
  }

  /**
   * Ends at these values exactly. Their difference is finite.
   * @param {number} least less the origin
   * @param {number} largest above `least`
   * @param {number} origin
   */
  hold(least, largest, origin) {
    const isSame = least === this.#least && origin === this.#origin &&
      largest - least === this.#size && this.#from === 0;
    if (isSame) return;
    this.version++;
    this.#margin = 0;
    this.#unit = 1;
    this.#least = this.#base = least;
    this.#origin = origin;
    this.#from = 0;
    this.#size = largest - least;
  }

  /** What the axis shows: its ends, as values. */
  get ends() {
    const low = (this.#base + this.#from) / this.#unit + this.#origin;
    return { low, high: low + this.#size / this.#unit };
  }

  /** A value as a share of the height; an infinite one is just outside. @param {number} value */
  share(value) {
    const share = this.#exact(value);
    return share < -OUTSIDE
      ? -OUTSIDE
      : share > 1 + OUTSIDE
      ? 1 + OUTSIDE
      : share;
  }

  /**
   * Labels at round values, at least two and at most about `count`.
   * @param {number} count
   * @returns {Tick[]}
   */
  ticks(count) {
    return this.#labels(count).ticks;
  }

  /** The base that the labels are added to; empty when they are whole values. @param {number} count */
  baseText(count) {
    return this.#labels(count).baseText;
  }

  /** @param {number} value */
  #exact(value) {
    return (value * this.#unit - this.#base - this.#from) / this.#size;
  }

  /** @param {number} count */
  #labels(count) {
    const key = `${this.version} ${count}`;
    if (this.#made.key === key) return this.#made;
    const whole = this.#at(count, false);
    const isGood = whole.length > 1 && areApart(whole);
    const some = isGood ? whole : this.#at(count, true);
    this.#made = { key, ticks: some, baseText: "" };
    if (isGood) {
      if (this.offset !== 0) this.#made.baseText = exactText(this.offset);
      return this.#made;
    }
    if (some.length > 1 && areApart(some)) {
      for (const tick of some) {
        if (!tick.text.startsWith("-")) tick.text = `+${tick.text}`;
      }
      this.#made.baseText = this.#leastText();
    } else {
      const inner = this.#margin / (1 + 2 * this.#margin);
      const text = (this.#least + this.#origin).toPrecision(4);
      this.#made.ticks = [{ at: inner, text }, { at: 1 - inner, text: "" }];
    }
    return this.#made;
  }

  #leastText() {
    return this.#origin === 0
      ? exactText(this.#least)
      : exactText(BigInt(this.#origin) + BigInt(this.#least));
  }

  /**
   * Round values on the axis, as whole values less the offset, or as offsets from the base.
   * @param {number} count
   * @param {boolean} isFromBase
   * @returns {Tick[]}
   */
  #at(count, isFromBase) {
    const offset = this.offset * this.#unit;
    const low = isFromBase
      ? this.#from
      : this.#origin + this.#base + this.#from - offset;
    const high = low + this.#size;
    for (
      const step of stepsFrom((high - low) / Math.max(count, 2), this.#unit)
    ) {
      const first = Math.ceil(low / step.scaled);
      const last = Math.floor(high / step.scaled);
      // Labels would be the same, or not finite: no other step does better.
      if (!(last - first < 100) || Math.abs(last) > STEPS_MAX) return [];
      const ticks = [];
      const values = [];
      for (let k = first; k <= last; k++) {
        if (!isFinite(k * step.real)) continue;
        values.push(k * step.real);
        // In this order the differences of large integers are exact.
        const fromBase = isFromBase
          ? k * step.scaled
          : k * step.scaled - this.#origin - this.#base + offset;
        const at = (fromBase - this.#from) / this.#size;
        ticks.push(Math.min(Math.max(at, 0), 1));
      }
      if (ticks.length < 2) continue;
      const texts = numbersText(values);
      return ticks.map((at, i) => ({ at, text: texts[i] }));
    }
    return [];
  }
}

/**
 * Steps of 1, 2 and 5 at and below an ideal one, themselves and multiplied by the unit.
 * @param {number} ideal multiplied by the unit
 * @param {number} unit
 */
function stepsFrom(ideal, unit) {
  const exact = Math.log10(ideal) - Math.log10(unit);
  const steps = [];
  for (let e = Math.floor(exact) + 1; e > exact - 2; e--) {
    for (const m of [5, 2, 1]) {
      const real = Number(`${m}e${e}`);
      if (Math.log10(m) + e < exact - 0.8) continue;
      if (real > 0 && isFinite(real)) steps.push({ real, scaled: real * unit });
    }
  }
  // The smallest that is not below the ideal one comes first.
  const at = steps.findLastIndex(({ real }) =>
    Math.log10(real) >= exact - 1e-9
  );
  return steps.slice(Math.max(at, 0));
}

/** @param {Tick[]} ticks */
function areApart(ticks) {
  return new Set(ticks.map(({ text }) => text)).size === ticks.length &&
    ticks.every(({ text }) => text.length <= LABEL_LENGTH_MAX);
}

/**
 * Labels of a logarithmic axis: two or more, as many as there is room for.
 * @param {number} low
 * @param {number} high above `low`
 * @param {{ room: number, text: (value: number) => string }} options room: how many labels have room
 * @returns {Tick[]}
 */
export function decadeTicks(low, high, { room, text }) {
  const from = Math.log10(low);
  const span = Math.log10(high) - from;
  const perDecade = room / span;
  const mantissas = perDecade >= 3.4 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(1 / perDecade));
  /** @param {number[]} some @param {number} skip */
  const made = (some, skip) => {
    const ticks = [];
    for (let e = Math.floor(from); e <= Math.ceil(from + span); e++) {
      if (e % skip !== 0) continue;
      for (const m of some) {
        const at = (Math.log10(m) + e - from) / span;
        if (at < -1e-9 || at > 1 + 1e-9) continue;
        ticks.push({ at, text: text(Number(`${m}e${e}`)) });
      }
    }
    return ticks;
  };
  for (
    const ticks of [made(mantissas, every), made([1], 1), made([1, 2, 5], 1)]
  ) {
    if (ticks.length > 1) return ticks;
  }
  return [{ at: 0, text: text(low) }, { at: 1, text: text(high) }];
}

/**
 * Labels of an axis of octaves, counted from its top: two or more.
 * @param {number} low
 * @param {number} high
 * @param {{ room: number, text: (value: number) => string }} options room: how many labels have room
 * @returns {Tick[]}
 */
export function octaveTicks(low, high, { room, text }) {
  const octaves = Math.log2(high / low);
  const every = Math.max(1, Math.ceil(octaves / Math.max(room - 1, 1) - 1e-9));
  const ticks = [];
  for (let o = 0; o <= octaves + 1e-9; o += every) {
    ticks.push({ at: 1 - o / octaves, text: text(high / 2 ** o) });
  }
  if (ticks.length < 2) ticks.push({ at: 0, text: text(low) });
  return ticks;
}

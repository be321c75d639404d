// The largest magnitude of each channel in a span, from the bins of a trend.
// Invariant: of equal ones the first counts; a bin without a sample counts for nothing.

/** @typedef {import("./qanat.d.ts").Trend} Trend */
/** @typedef {import("./qanat.d.ts").TrendRow} TrendRow */
/** @typedef {{ value: number | bigint, atS: number }} Peak value: with its sign, and all digits of an integer; atS: start of its bin, GPS s */

/** Spans up to so many seconds are read from bins of a second. */
const SECONDS_MAX_S = 600;
/** Longer ones from bins of ten seconds, and from bins of a minute above this. */
const TENS_MAX_S = 7200;

/** The bins that a span is read from. @param {number} spanS @returns {Trend} */
export function peakTrend(spanS) {
  if (spanS <= SECONDS_MAX_S) return "1s";
  return spanS <= TENS_MAX_S ? "10s" : "60s";
}

export class Peaks {
  /** By channel. @type {Map<string, Peak>} */
  #peaks = new Map();
  /** Start of the first bin that has samples, GPS s; NaN before there is one. */
  firstS = NaN;

  /** @param {Pick<TrendRow, "timeNs" | "channels">} row */
  put({ timeNs, channels }) {
    const atS = Number(timeNs) / 1e9;
    for (const [name, bin] of Object.entries(channels)) {
      if (!bin || bin.count === 0) continue;
      if (!(this.firstS <= atS)) this.firstS = atS;
      const value = largestOf(bin);
      const known = this.#peaks.get(name);
      if (known && sizeOf(known.value) >= sizeOf(value)) continue;
      this.#peaks.set(name, { value, atS });
    }
  }

  /** @param {string} name @returns {Peak | undefined} */
  of(name) {
    return this.#peaks.get(name);
  }

  /** The loudest channel first. @returns {({ name: string } & Peak)[]} */
  ranked() {
    return [...this.#peaks].map(([name, peak]) => ({ name, ...peak }))
      .sort((a, b) => {
        const [one, other] = [sizeOf(a.value), sizeOf(b.value)];
        if (one == other) return a.name < b.name ? -1 : 1;
        return one > other ? -1 : 1;
      });
  }
}

/** JSON has no infinity: in a bin that has samples, null means infinity. @param {import("./qanat.d.ts").TrendBin} bin */
function largestOf({ min, max }) {
  const low = min ?? -Infinity;
  const high = max ?? Infinity;
  return sizeOf(low) > sizeOf(high) ? low : high;
}

/** Numbers and bigints compare with each other. @param {number | bigint} value @returns {number | bigint} */
function sizeOf(value) {
  return value < 0 ? -value : value;
}

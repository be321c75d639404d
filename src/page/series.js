// One channel that is shown: its samples (or the bins of a trend), its gaps, and when its data came.
import { SampleRing } from "./samples.js";
import { BIN_S } from "./trend_choice.js";

/** @typedef {import("./qanat.d.ts").StreamState} StreamState */
/** @typedef {import("./qanat.d.ts").Trend} Trend */
/** @typedef {{ name: string, data_type: import("./qanat.d.ts").DataType, sample_rate: number, publisher: string, stride_ns: number, live?: boolean }} Channel */
/** @typedef {{ fromS: number, toS: number, reason: string }} Span */

/** What is known of one channel. */
export class Series {
  /** @type {Span[]} */
  gaps = [];
  latencyMs = NaN;
  /** When samples last came, by the feed's clock; before the first, when they were asked for. */
  dataMs = 0;
  /** When what this page was too slow for was last read again, by the feed's clock. */
  slowAgainMs = -Infinity;
  /** @type {StreamState} */
  state = { state: "connecting", reconnects: 0 };
  /** Up to where the past was asked for. @type {number | undefined} */
  pastEndS = undefined;
  /** Start of the first live row. @type {number | undefined} */
  firstLiveS = undefined;
  /** Of bins: their least and largest samples. @type {SampleRing | undefined} */
  low = undefined;
  /** @type {SampleRing | undefined} */
  high = undefined;

  /**
   * @param {Channel} channel
   * @param {number} seconds
   * @param {Trend | null} [trend]
   */
  constructor(channel, seconds, trend = null) {
    this.channel = channel;
    this.trend = trend;
    const rate = trend ? 1 / BIN_S[trend] : channel.sample_rate;
    const { data_type: type } = channel;
    const isNarrow = trend === null && (type === "float32" || type === "int16");
    const kind = type === "int64" ? type : isNarrow ? "float32" : "float64";
    /** Its samples, or of bins their means. */
    this.ring = new SampleRing({
      rate,
      seconds,
      kind: trend ? "float64" : kind,
    });
    if (trend === null) return;
    this.low = new SampleRing({ rate, seconds, kind });
    this.high = new SampleRing({ rate, seconds, kind });
  }

  /** Seconds between what comes. */
  get strideS() {
    return this.trend ? BIN_S[this.trend] : this.channel.stride_ns / 1e9;
  }

  /** Values a second. */
  get valuesPerS() {
    return this.trend ? 4 / BIN_S[this.trend] : this.channel.sample_rate;
  }

  /**
   * @param {bigint} timeNs
   * @param {import("./qanat.d.ts").TrendBin} bin
   */
  putBin(timeNs, { min, mean, max, count }) {
    const at = indexOf(timeNs, this.ring.rate);
    // JSON has no infinity: of a bin that has samples, null stands for it.
    const without = count > 0 ? Infinity : NaN;
    this.low?.put(at, arrayOf(min ?? -without));
    this.high?.put(at, arrayOf(max ?? without));
    this.ring.put(at, Float64Array.of(mean ?? NaN));
  }

  /**
   * Bin i since the GPS epoch; null when there is none.
   * @param {number} i
   * @param {number} [origin] what it is counted from
   */
  binAt(i, origin = 0) {
    const min = this.low?.at(i, origin) ?? NaN;
    const max = this.high?.at(i, origin) ?? NaN;
    if (Number.isNaN(min) || Number.isNaN(max)) return null;
    const mean = this.ring.at(i, origin);
    if (!this.low?.isInt64) return { min, max, mean };
    // The mean comes as a double: NaN where its step is larger than what the integers differ by.
    const isKnown = Math.abs(this.ring.at(i)) * 2 ** -52 <= max - min;
    const near = isKnown ? Math.min(Math.max(mean, min), max) : NaN;
    return { min, max, mean: min === max ? min : near };
  }

  /** Ends of bin i with all their digits; null when there is none. @param {number} i */
  exactBinAt(i) {
    const min = this.low?.exactExtremes(i, i + 1)?.min;
    const max = this.high?.exactExtremes(i, i + 1)?.max;
    return min === undefined || max === undefined ? null : { min, max };
  }

  /**
   * @param {bigint} timeNs
   * @param {import("./qanat.d.ts").Samples} samples
   */
  put(timeNs, samples) {
    this.ring.put(indexOf(timeNs, this.ring.rate), samples);
  }

  /** @param {Span} span */
  addGap({ fromS, toS, reason }) {
    const last = this.gaps.at(-1);
    if (last && last.reason === reason && Math.abs(last.toS - fromS) < 1e-6) {
      last.toS = toS;
    } else if (!this.gaps.some((g) => g.fromS <= fromS && g.toS >= toS)) {
      this.gaps.push({ fromS, toS, reason });
    }
    const oldestS = this.ring.endS - this.ring.capacity / this.ring.rate;
    while (this.gaps.length > 0 && this.gaps[0].toS < oldestS) {
      this.gaps.shift();
    }
    if (this.gaps.length > 500) this.gaps.shift();
  }
}

/** @param {number | bigint} value */
function arrayOf(value) {
  return typeof value === "bigint"
    ? BigInt64Array.of(value)
    : Float64Array.of(value);
}

/**
 * @param {bigint} timeNs
 * @param {number} rate
 */
function indexOf(timeNs, rate) {
  return Math.round(Number(timeNs) / 1e9 * rate);
}

// One channel that is shown: its samples (or the bins of a trend), its gaps, and when its data came.
import { nsOf } from "./clock.js";
import { is64Bit } from "./int64_samples.js";
import { SampleRing } from "./samples.js";
import { BIN_S } from "./trend_choice.js";

/** @typedef {import("./qanat.d.ts").StreamState} StreamState */
/** @typedef {import("./qanat.d.ts").Trend} Trend */
/** @typedef {{ name: string, data_type: import("./qanat.d.ts").DataType, sample_rate: number, publisher: string, stride_ns: number, live?: boolean } & import("./channel_note.js").Noted} Channel */
/** @typedef {{ fromS: number, toS: number, reason: string }} Span */

/** Types whose values a float32 holds. */
const NARROW = new Set(["float32", "int8", "int16", "uint8", "uint16"]);

/** @type {readonly Span[]} */
const NONE = [];

export class Series {
  /** @type {Span[]} */
  gaps = [];
  latencyMs = NaN;
  /** When samples last came, by the feed's clock; before the first, when they were requested. */
  dataMs = 0;
  /** When the rows that this page was too slow for were last read again, by the feed's clock. */
  slowAgainMs = -Infinity;
  /** @type {StreamState} */
  state = { state: "connecting", reconnects: 0 };
  /** Up to where history was requested. @type {number | undefined} */
  historyEndS = undefined;
  /** Start of the first live row. @type {number | undefined} */
  firstLiveS = undefined;
  /** The least and the largest sample of each bin; undefined for rows. @type {SampleRing | undefined} */
  low = undefined;
  /** @type {SampleRing | undefined} */
  high = undefined;
  /** Spans of history that were requested and have not come yet. @type {readonly Span[]} */
  awaited = NONE;
  /** What a drag shows and will be requested when it rests. @type {Span | null} */
  wanted = null;

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
    const isNarrow = trend === null && NARROW.has(type);
    const kind = is64Bit(type) ? type : isNarrow ? "float32" : "float64";
    /** Samples; of bins, their means. */
    this.ring = new SampleRing({
      rate,
      seconds,
      kind: trend ? "float64" : kind,
    });
    if (trend === null) return;
    this.low = new SampleRing({ rate, seconds, kind });
    this.high = new SampleRing({ rate, seconds, kind });
  }

  /** Seconds of a row or a bin. */
  get strideS() {
    return this.trend ? BIN_S[this.trend] : this.channel.stride_ns / 1e9;
  }

  /** Values per second: samples, or four of each bin. */
  get valuesPerS() {
    return this.trend ? 4 / BIN_S[this.trend] : this.channel.sample_rate;
  }

  /**
   * @param {bigint} timeNs
   * @param {import("./qanat.d.ts").TrendBin} bin
   */
  putBin(timeNs, { min, mean, max, count }) {
    const at = indexOf(timeNs, this.ring.rate);
    // JSON has no infinity: in a bin that has samples, null means infinity.
    const without = count > 0 ? Infinity : NaN;
    this.low?.put(at, arrayOf(min ?? -without));
    this.high?.put(at, arrayOf(max ?? without));
    this.ring.put(at, Float64Array.of(mean ?? NaN));
  }

  /**
   * Bin i since the GPS epoch; null when there is none.
   * @param {number} i
   * @param {number} [origin] subtracted from each value
   */
  binAt(i, origin = 0) {
    const min = this.low?.at(i, origin) ?? NaN;
    const max = this.high?.at(i, origin) ?? NaN;
    if (Number.isNaN(min) || Number.isNaN(max)) return null;
    const mean = this.ring.at(i, origin);
    if (!this.low?.is64Bit) return { min, max, mean };
    // The mean is a double: NaN where doubles of its size are further apart than the bin's integers.
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
   * Takes this channel's part of a row: samples, a bin, or a gap where it is null.
   * @param {import("./qanat.d.ts").Row | import("./qanat.d.ts").TrendRow} row
   */
  putRow(row) {
    const { name } = this.channel;
    const samples = row.channels[name];
    if (samples && "count" in samples) return this.putBin(row.timeNs, samples);
    if (samples) return this.put(row.timeNs, samples);
    if (samples === undefined) return;
    const fromS = Number(row.timeNs) / 1e9;
    const toS = fromS + Number(row.strideNs) / 1e9;
    const reason = Object.hasOwn(row.missing, name)
      ? row.missing[name]
      : "not in its block";
    this.addGap({ fromS, toS, reason });
  }

  /**
   * @param {bigint} timeNs
   * @param {import("./qanat.d.ts").Samples} samples
   */
  put(timeNs, samples) {
    this.ring.put(indexOf(timeNs, this.ring.rate), samples);
  }

  /**
   * Continues a series of the same channel: takes over what it has of a span, except gaps, which are read again.
   * @param {Series} old
   * @param {{ fromS: number, toS: number }} span GPS s
   */
  follow(old, { fromS, toS }) {
    this.state = old.state;
    this.latencyMs = old.latencyMs;
    this.dataMs = old.dataMs;
    this.slowAgainMs = old.slowAgainMs;
    this.ring.takeFrom(old.ring, fromS, toS);
    if (old.low) this.low?.takeFrom(old.low, fromS, toS);
    if (old.high) this.high?.takeFrom(old.high, fromS, toS);
  }

  /** Marks a span as to be requested soon; null: none. @param {{ fromS: number, toS: number } | null} span */
  want(span) {
    this.wanted = span && { ...span, reason: "awaited" };
  }

  /**
   * Marks a span as requested. Returns a function that removes the mark.
   * @param {number} fromS
   * @param {number} toS
   */
  markAwaited(fromS, toS) {
    const span = { fromS, toS, reason: "awaited" };
    this.awaited = [...this.awaited, span];
    return () => {
      this.awaited = this.awaited.filter((s) => s !== span);
    };
  }

  /**
   * What is requested, or will be, and has neither come nor is a gap, between two times.
   * @param {number} fromS
   * @param {number} toS
   * @returns {readonly Span[]}
   */
  awaitedIn(fromS, toS) {
    const all = this.wanted ? [this.wanted] : this.awaited;
    if (all.length === 0) return NONE;
    const { rate } = this.ring;
    return all.flatMap(({ reason, ...span }) =>
      this.ring.missing(
        Math.floor(Math.max(span.fromS, fromS) * rate),
        Math.ceil(Math.min(span.toS, toS) * rate),
      ).map(({ from, to }) => ({ fromS: from / rate, toS: to / rate, reason }))
    ).filter((one) =>
      one.fromS < one.toS &&
      !this.gaps.some((g) => g.fromS < one.toS && one.fromS < g.toS)
    );
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

/** @param {{ fromNs: bigint, toNs: bigint, reason: string }} gap @returns {Span} */
export function spanOf({ fromNs, toNs, reason }) {
  return { fromS: Number(fromNs) / 1e9, toS: Number(toNs) / 1e9, reason };
}

/**
 * What every request for a span of some series has.
 * @param {readonly Series[]} all
 * @param {{ fromS: number, toS: number }} span GPS s
 * @param {() => void} onChange a series has changed
 */
export function requestOf(all, { fromS, toS }, onChange) {
  return {
    channels: all.map(({ channel }) => ({
      name: channel.name,
      sampleRate: channel.sample_rate,
    })),
    startNs: nsOf(fromS),
    endNs: nsOf(toS),
    onGap: (/** @type {import("./qanat.d.ts").Gap} */ gap) => {
      for (const series of all) series.addGap(spanOf(gap));
      onChange();
    },
  };
}

/** @param {number | bigint} value */
function arrayOf(value) {
  return typeof value === "bigint" ? [value] : Float64Array.of(value);
}

/**
 * @param {bigint} timeNs
 * @param {number} rate
 */
function indexOf(timeNs, rate) {
  return Math.round(Number(timeNs) / 1e9 * rate);
}

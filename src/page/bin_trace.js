// The bins of one channel in a plot over time: a band from the least to the largest sample of each bin, and a line of the
// means. Invariant: a bin is drawn over the time that it covers.
import { differenceOf, exactText, valueText } from "./axis_text.js";
import { gapWords } from "./gap_words.js";
import { holesOf, NOT_FINITE } from "./hatching.js";
import { binsPath } from "./plot_paths.js";
import { finiteExtremes } from "./samples.js";

/** @typedef {import("./series.js").Series} Series */
/** @typedef {import("./value_axis.js").ValueAxis["scale"]} Scale */

const BAND_ALPHA = 0.4;

export class BinTrace {
  series;
  isHidden = false;
  /** Why there is nothing at the right edge; empty when nothing is missing. */
  pending = "";
  /** Spans of bins without a finite value. @type {import("./series.js").Span[]} */
  holes = [];
  #origin = 0;

  /** @param {Series} series of bins */
  constructor(series) {
    this.series = series;
  }

  get is64Bit() {
    return this.series.low?.is64Bit ?? false;
  }

  /** Subtracted from all values, so that large integers stay exact. @param {number} origin */
  setOrigin(origin) {
    this.#origin = origin;
  }

  /** Bins have a grid of their own. */
  setGrid() {}

  /**
   * Least and largest finite value, less the origin; `low` is above `high` where there is none.
   * @param {number} fromS
   * @param {number} toS
   */
  extremes(fromS, toS) {
    const { high, low, ring } = this.series;
    const from = Math.floor(fromS * ring.rate);
    const to = Math.ceil(toS * ring.rate);
    const lows = low && finiteExtremes(low, from, to, this.#origin);
    const highs = high && finiteExtremes(high, from, to, this.#origin);
    return {
      low: Math.min(lows?.min ?? Infinity, highs?.min ?? Infinity),
      high: Math.max(lows?.max ?? -Infinity, highs?.max ?? -Infinity),
    };
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   */
  findHoles(fromS, toS) {
    const { series } = this;
    const { ring } = series;
    const { first, end } = this.#binsIn(fromS, toS);
    this.holes = holesOf(
      { first, last: end - 1, perS: ring.rate },
      (i) => !series.binAt(i) && ring.hasCome(i, i + 1),
    );
  }

  /**
   * Paints into the plot, in its fill and stroke colour.
   * @param {import("uplot")} u
   * @param {Scale} scale
   */
  paint(u, scale) {
    const { ctx } = u;
    const { globalAlpha } = ctx;
    ctx.globalAlpha = globalAlpha * BAND_ALPHA;
    const means = this.#paintBand(u, scale);
    ctx.globalAlpha = globalAlpha;
    ctx.lineWidth = devicePixelRatio * 1.25;
    ctx.lineJoin = "round";
    ctx.stroke(means);
  }

  /**
   * Numbers of the bins between two times, without those that are not there.
   * @param {number} fromS
   * @param {number} toS
   */
  #binsIn(fromS, toS) {
    const { ring } = this.series;
    const end = Math.min(Math.ceil(toS * ring.rate), ring.end);
    const oldest = Math.max(ring.end - ring.capacity, 0);
    return { first: Math.max(Math.floor(fromS * ring.rate), oldest), end };
  }

  /**
   * Fills each bin from its least to its largest sample; returns the line of the means.
   * @param {import("uplot")} u
   * @param {Scale} scale
   */
  #paintBand(u, scale) {
    const { series } = this;
    const { left, top, width, height } = u.bbox;
    const { ctx } = u;
    const { min: fromS = 0, max: toS = 1 } = u.scales.x;
    const { rate } = series.ring;
    const perS = width / (toS - fromS);
    const y = (/** @type {number} */ v) => top + height * (1 - scale.share(v));
    const x = (/** @type {number} */ i) =>
      Math.round(left + (i / rate - fromS) * perS);
    const thin = Math.max(1, Math.round(devicePixelRatio));
    const means = new Path2D();
    let isOn = false;
    const { first, end } = this.#binsIn(fromS, toS);
    for (let i = first; i < end; i++) {
      const bin = series.binAt(i, this.#origin);
      if (!bin) {
        isOn = false;
        continue;
      }
      const tall = Math.max(thin, y(bin.min) - y(bin.max));
      const x0 = x(i);
      const x1 = Math.max(x(i + 1), x0 + 1);
      ctx.fillRect(x0, y(bin.max), x1 - x0, tall);
      if (!isFinite(bin.mean)) {
        isOn = false;
        continue;
      }
      const middle = (x0 + x1) / 2;
      if (isOn) means.lineTo(middle, y(bin.mean));
      else {
        // A bin without neighbours has a line, too.
        means.moveTo(x0, y(bin.mean));
        means.lineTo(middle, y(bin.mean));
      }
      isOn = true;
    }
    return means;
  }

  /** The bin under a time. @param {number} gpsS */
  textAt(gpsS) {
    const { series } = this;
    const i = Math.floor(gpsS * series.ring.rate);
    const exact = series.exactBinAt(i);
    const bin = series.binAt(i, this.#origin);
    if (exact && bin) {
      const { min, max } = exact;
      const hasMean = !Number.isNaN(bin.mean);
      if (min !== max && shortText(min) === shortText(max)) {
        const mean = hasMean ? `, mean + ${shortText(bin.mean - bin.min)}` : "";
        return `${exactText(min)} + 0 … ${
          shortText(differenceOf(min, max))
        }${mean}`;
      }
      const mean = hasMean
        ? `, mean ${shortText(bin.mean + this.#origin)}`
        : "";
      return `${shortText(min)} … ${shortText(max)}${mean}`;
    }
    const gap = series.gaps.find((g) => g.fromS <= gpsS && gpsS < g.toS);
    if (gap) return `gap: ${gapWords(gap.reason)}`;
    return series.ring.hasCome(i, i + 1) ? NOT_FINITE : "–";
  }

  /** As lines of an SVG. @param {{ fromS: number, toS: number, scale: Scale }} view */
  path(view) {
    return binsPath(this.series, this.#origin, view);
  }

  close() {}
}

/** Short enough for three values next to each other. @param {number | bigint} some */
function shortText(some) {
  const value = Number(some);
  const size = Math.abs(value);
  if (!isFinite(size)) return valueText(value);
  if (size >= 1e12) return value.toExponential(3);
  return size < 1e-3 && size > 0
    ? value.toExponential(2)
    : valueText(Number(value.toPrecision(4)));
}

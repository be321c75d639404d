// Bins over time: a band from the least to the largest sample of each bin, and a line of the means.
// Invariant: a bin is drawn over the time that it covers; times without bins are hatched with the reason.
import { differenceOf, exactText, valueText } from "./axis_text.js";
import { gapWords } from "./gap_words.js";
import { holesOf, NOT_FINITE, paintGaps, paintPending } from "./hatching.js";
import { originFor } from "./int64_samples.js";
import { finiteExtremes } from "./samples.js";
import { axisTitle } from "./channel_note.js";
import { binsPath } from "./plot_paths.js";
import { AXIS_SPACE_PX, roomOf } from "./time_axis.js";
import { clipped, paintTitle, timePlot } from "./time_plot.js";
import { ValueAxis } from "./value_axis.js";

/** @typedef {import("./series.js").Series} Series */

const BAND_ALPHA = 0.4;

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

export class TrendPlot {
  #u;
  #look;
  /** @type {Series | null} */
  #series = null;
  #axis = new ValueAxis();
  #scaleDrawn = 0;
  /** Subtracted from all values, so that large integers stay exact. */
  #origin = 0;
  #drawn = "";
  /** Why there is nothing at the right edge; empty when nothing is missing. */
  pending = "";

  /**
   * @param {HTMLElement} parent
   * @param {() => import("./time_plot.js").Look} look
   * @param {import("./time_plot.js").PlotEvents} events
   */
  constructor(parent, look, events) {
    this.#look = look;
    this.#u = timePlot(parent, look, {
      events,
      ticks: (room) => this.#axis.scale.ticks(room),
      paint: () => clipped(this.#u, () => this.#paint()),
    });
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    if (this.#u.width === width && this.#u.height === height) return;
    this.#u.setSize({ width, height });
    this.#drawn = "";
  }

  /** @param {import("./plot_options.js").YOptions} [y] */
  setAxis(y) {
    if (this.#axis.set(y)) this.#drawn = "";
  }

  /** The ends of the vertical axis. */
  get ends() {
    return this.#axis.scale.ends;
  }

  /** @param {Series} series */
  use(series) {
    if (series === this.#series) return;
    this.#series = series;
    this.#drawn = "";
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} version nothing is drawn while it and the times are the same
   */
  draw(fromS, toS, version) {
    const key = `${fromS} ${toS} ${version}`;
    if (key === this.#drawn || !this.#series) return;
    this.#drawn = key;
    this.#fitRange(this.#series, fromS, toS);
    this.#u.batch(() => {
      this.#u.setScale("x", { min: fromS, max: toS });
      if (this.#scaleDrawn !== this.#axis.scale.version) {
        this.#scaleDrawn = this.#axis.scale.version;
        this.#u.redraw(false, true);
      }
    });
  }

  /** The bin under a time. @param {number} gpsS */
  textAt(gpsS) {
    const series = this.#series;
    const i = Math.floor(gpsS * (series?.ring.rate ?? 1));
    const exact = series?.exactBinAt(i);
    const bin = series?.binAt(i, this.#origin);
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
    const gap = series?.gaps.find((g) => g.fromS <= gpsS && gpsS < g.toS);
    if (gap) return `gap: ${gapWords(gap.reason)}`;
    return series?.ring.hasCome(i, i + 1) ? NOT_FINITE : "–";
  }

  /** For a picture of it. @returns {import("./pictures.js").Picture} */
  picture() {
    const { bbox, ctx, scales } = this.#u;
    const { min: fromS = 0, max: toS = 1 } = scales.x;
    const { scale } = this.#axis;
    const room = roomOf(this.#u, AXIS_SPACE_PX);
    const view = { fromS, toS, scale };
    return {
      canvas: ctx.canvas,
      bbox,
      ticks: scale.ticks(room),
      axis: this.#series
        ? axisTitle(this.#series.channel, scale.baseText(room))
        : "",
      path: this.#series ? binsPath(this.#series, this.#origin, view) : "",
    };
  }

  close() {
    this.#u.destroy();
  }

  /**
   * @param {Series} series
   * @param {number} fromS
   * @param {number} toS
   */
  #fitRange(series, fromS, toS) {
    const from = Math.floor(fromS * series.ring.rate);
    const to = Math.ceil(toS * series.ring.rate);
    let range = rangeOf(series, { from, to, origin: this.#origin });
    if (!range) return;
    const origin = series.low?.is64Bit
      ? originFor(range.min, range.max, this.#origin)
      : 0;
    if (origin !== this.#origin) {
      this.#origin = origin;
      range = rangeOf(series, { from, to, origin }) ?? range;
    }
    this.#axis.fit(range.min, range.max, origin);
  }

  #paint() {
    const u = this.#u;
    const series = this.#series;
    if (!series) return;
    const { ctx } = u;
    const { min: fromS = 0, max: toS = 1 } = u.scales.x;
    const { ring, gaps } = series;
    const { colours, colour } = this.#look();
    paintGaps(u, gaps, { fromS, toS, colours });
    paintPending(u, series, { pending: this.pending, fromS, toS, colours });
    const last = Math.min(Math.ceil(toS * ring.rate), ring.end);
    const first = Math.max(
      Math.floor(fromS * ring.rate),
      ring.end - ring.capacity,
      0,
    );
    const holes = holesOf(
      { first, last: last - 1, perS: ring.rate },
      (i) => !series.binAt(i) && ring.hasCome(i, i + 1),
    );
    paintGaps(u, holes, { fromS, toS, colours });
    ctx.fillStyle = ctx.strokeStyle = colour(series.channel.name);
    ctx.globalAlpha = BAND_ALPHA;
    const means = this.#paintBand(series, first, last);
    ctx.globalAlpha = 1;
    ctx.lineWidth = devicePixelRatio * 1.25;
    ctx.lineJoin = "round";
    ctx.stroke(means);
    paintTitle(u, this.#axis.scale, { colours, channel: series.channel });
  }

  /**
   * Fills each bin from its least to its largest sample; returns the line of the means.
   * @param {Series} series
   * @param {number} first
   * @param {number} end behind the last bin
   */
  #paintBand(series, first, end) {
    const { left, top, width, height } = this.#u.bbox;
    const { ctx } = this.#u;
    const { min: fromS = 0, max: toS = 1 } = this.#u.scales.x;
    const { rate } = series.ring;
    const perS = width / (toS - fromS);
    const y = (/** @type {number} */ v) =>
      top + height * (1 - this.#axis.scale.share(v));
    const x = (/** @type {number} */ i) =>
      Math.round(left + (i / rate - fromS) * perS);
    const thin = Math.max(1, Math.round(devicePixelRatio));
    const means = new Path2D();
    let isOn = false;
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
}

/**
 * Least and largest finite value of some bins; null when there is none.
 * @param {Series} series
 * @param {{ from: number, to: number, origin: number }} options origin: subtracted from each value
 */
function rangeOf({ low, high }, { from, to, origin }) {
  if (!low || !high) return null;
  const lows = finiteExtremes(low, from, to, origin);
  const highs = finiteExtremes(high, from, to, origin);
  const some = lows ?? highs;
  return some && {
    min: Math.min(some.min, highs?.min ?? Infinity),
    max: Math.max(some.max, highs?.max ?? -Infinity),
  };
}

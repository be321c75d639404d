// Bins over time: the band from each bin's least to its largest sample, and the means as a line.
// Invariant: a bin is drawn over the time that it covers; what is not there is hatched with its reason.
import uPlot from "uplot";
import { differenceOf, exactText, valueText } from "./axis_text.js";
import { holesOf, NOT_FINITE, paintGaps, paintPending } from "./hatching.js";
import { originFor } from "./int64_samples.js";
import { finiteExtremes } from "./samples.js";
import { paintBase, timeHooks, timePlot } from "./series_plot.js";
import { ValueScale } from "./value_scale.js";

/** @typedef {import("./series.js").Series} Series */

const BAND_ALPHA = 0.4;

/** Three values have to stand beside each other. @param {number | bigint} some */
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
  #scale = new ValueScale();
  #scaleDrawn = 0;
  /** What the bins are counted from. */
  #origin = 0;
  #drawn = "";
  /** Why the newest is not there. */
  pending = "";

  /**
   * @param {HTMLElement} parent
   * @param {() => import("./series_plot.js").Look} look
   * @param {import("./series_plot.js").PlotEvents} events
   */
  constructor(parent, look, events) {
    this.#look = look;
    this.#u = new uPlot(
      {
        ...timePlot(look, events, (room) => this.#scale.ticks(room)),
        series: [{}, {
          stroke: "#888",
          points: { show: false },
          paths: () => null,
        }],
        hooks: { ...timeHooks(events), drawAxes: [() => this.#paint()] },
      },
      [[0, 1], [null, null]],
      parent,
    );
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

  /** @param {Series} series */
  use(series) {
    if (series === this.#series) return;
    this.#series = series;
    this.#drawn = "";
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} version nothing is drawn while it and the times stay the same
   */
  draw(fromS, toS, version) {
    const key = `${fromS} ${toS} ${version}`;
    if (key === this.#drawn || !this.#series) return;
    this.#drawn = key;
    this.#fitRange(this.#series, fromS, toS);
    this.#u.batch(() => {
      this.#u.setScale("x", { min: fromS, max: toS });
      if (this.#scaleDrawn !== this.#scale.version) {
        this.#scaleDrawn = this.#scale.version;
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
    if (gap) return `gap: ${gap.reason}`;
    return series?.ring.hasCome(i, i + 1) ? NOT_FINITE : "–";
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
    const origin = series.low?.isInt64
      ? originFor(range.min, range.max, this.#origin)
      : 0;
    if (origin !== this.#origin) {
      this.#origin = origin;
      range = rangeOf(series, { from, to, origin }) ?? range;
    }
    this.#scale.fit(range.min, range.max, origin);
  }

  #paint() {
    const u = this.#u;
    const series = this.#series;
    if (!series) return;
    const { left, top, width, height } = u.bbox;
    const { ctx } = u;
    const { min: fromS = 0, max: toS = 1 } = u.scales.x;
    const { ring, gaps } = series;
    const { colours, colour } = this.#look();
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    paintGaps(u, gaps, { fromS, toS, colours });
    paintPending(u, series, { pending: this.pending, fromS, toS, colours });
    const perS = width / (toS - fromS);
    const y = (/** @type {number} */ v) =>
      top + height * (1 - this.#scale.share(v));
    const x = (/** @type {number} */ i) =>
      Math.round(left + (i / ring.rate - fromS) * perS);
    const thin = Math.max(1, Math.round(devicePixelRatio));
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
    const line = new Path2D();
    let isOn = false;
    ctx.globalAlpha = BAND_ALPHA;
    for (let i = first; i < last; i++) {
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
      if (isOn) line.lineTo(middle, y(bin.mean));
      else {
        // A bin without neighbours is seen as well.
        line.moveTo(x0, y(bin.mean));
        line.lineTo(middle, y(bin.mean));
      }
      isOn = true;
    }
    ctx.globalAlpha = 1;
    ctx.lineWidth = devicePixelRatio * 1.25;
    ctx.lineJoin = "round";
    ctx.stroke(line);
    paintBase(u, this.#scale, colours);
    ctx.restore();
  }
}

/**
 * Least and largest of bins, of those that go to infinity what is finite; null when there is none.
 * @param {Series} series
 * @param {{ from: number, to: number, origin: number }} options origin: what they are counted from
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

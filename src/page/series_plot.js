// Samples over time: each column of pixels from the least to the largest of its samples; a line when zoomed in.
// Invariant: every sample is drawn, and spans without samples are hatched with the reason.
import { rangeText } from "./axis_text.js";
import { Envelope } from "./envelope.js";
import { gapWords } from "./gap_words.js";
import { holesOf, NOT_FINITE, paintGaps, paintPending } from "./hatching.js";
import { originFor } from "./int64_samples.js";
import { ColumnStrip } from "./column_strip.js";
import { axisTitle } from "./channel_note.js";
import { samplesPath } from "./plot_paths.js";
import { AXIS_SPACE_PX, roomOf } from "./time_axis.js";
import { clipped, paintTitle, timePlot } from "./time_plot.js";
import { ValueAxis } from "./value_axis.js";

/** @typedef {import("./series.js").Series} Series */

/** How often the range of values is computed: it takes all columns. */
const FIT_MS = 100;

export class SeriesPlot {
  #u;
  #look;
  /** @type {Envelope | null} */
  #envelope = null;
  /** @type {Series | null} */
  #series = null;
  #axis = new ValueAxis();
  #scaleDrawn = 0;
  /** Spans in which samples have come and none of them is finite. @type {import("./series.js").Span[]} */
  #holes = [];
  #drawn = "";
  #fittedMs = 0;
  #fittedFor = 0;
  #strip = new ColumnStrip();
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
    if (!this.#axis.set(y)) return;
    this.#fittedMs = 0;
    this.#drawn = "";
  }

  /** The ends of the vertical axis. */
  get ends() {
    return this.#axis.scale.ends;
  }

  /** @param {Series} series */
  use(series) {
    if (series === this.#series) return;
    this.#envelope?.close();
    this.#series = series;
    this.#envelope = new Envelope(series.ring);
    this.#strip.forget();
    this.#fittedMs = 0;
    this.#drawn = "";
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} version nothing is drawn while it and the times are the same
   */
  draw(fromS, toS, version) {
    const key = `${fromS} ${toS} ${version}`;
    if (key === this.#drawn || !this.#envelope || !this.#series) return;
    this.#drawn = key;
    const { width } = this.#u.bbox;
    const binsPerS = width / (toS - fromS);
    this.#envelope.setGrid(binsPerS, Math.ceil(width) + 2);
    const now = performance.now();
    if (now - this.#fittedMs > FIT_MS || binsPerS !== this.#fittedFor) {
      this.#fittedMs = now;
      this.#fittedFor = binsPerS;
      this.#fitRange(fromS, toS, binsPerS);
      this.#findHoles(fromS, toS, binsPerS);
    }
    this.#u.batch(() => {
      this.#u.setScale("x", { min: fromS, max: toS });
      if (this.#scaleDrawn !== this.#axis.scale.version) {
        this.#scaleDrawn = this.#axis.scale.version;
        this.#u.redraw(false, true);
      }
    });
  }

  /** The value at a time: one sample, or the range of those in the pixel. @param {number} gpsS */
  textAt(gpsS) {
    const series = this.#series;
    if (!series) return "";
    const { ring, gaps } = series;
    const gap = gaps.find((g) => g.fromS <= gpsS && gpsS < g.toS);
    const { min = 0, max = 1 } = this.#u.scales.x;
    const pixelS = (max - min) / Math.max(this.#u.bbox.width, 1);
    const first = Math.floor(gpsS * ring.rate + 1e-6);
    const found = pixelS * ring.rate <= 2
      ? ring.exactExtremes(first, first + 1)
      : ring.exactExtremes(first, Math.ceil((gpsS + pixelS) * ring.rate));
    if (!found) {
      if (gap) return `gap: ${gapWords(gap.reason)}`;
      return ring.hasCome(first, first + 1) ? NOT_FINITE : "–";
    }
    return rangeText(found.min, found.max);
  }

  /** For a picture of it. @returns {import("./pictures.js").Picture} */
  picture() {
    const { bbox, ctx, scales } = this.#u;
    const { min: fromS = 0, max: toS = 1 } = scales.x;
    const { scale } = this.#axis;
    const room = roomOf(this.#u, AXIS_SPACE_PX);
    return {
      canvas: ctx.canvas,
      bbox,
      ticks: scale.ticks(room),
      axis: this.#series
        ? axisTitle(this.#series.channel, scale.baseText(room))
        : "",
      path: this.#envelope && this.#series
        ? samplesPath(this.#envelope, this.#series, { fromS, toS, scale })
        : "",
    };
  }

  close() {
    this.#envelope?.close();
    this.#u.destroy();
  }

  /**
   * Makes the scale fit the values that are shown.
   * @param {number} fromS
   * @param {number} toS
   * @param {number} binsPerS
   */
  #fitRange(fromS, toS, binsPerS) {
    const envelope = /** @type {Envelope} */ (this.#envelope);
    const first = Math.floor(fromS * binsPerS);
    const last = Math.floor(toS * binsPerS);
    let { low, high } = this.#extremes(first, last);
    if (low > high) return;
    if (this.#series?.ring.is64Bit) {
      const { origin } = envelope;
      envelope.setOrigin(originFor(low, high, origin));
      if (envelope.origin !== origin) {
        ({ low, high } = this.#extremes(first, last));
      }
    }
    this.#axis.fit(low, high, envelope.origin);
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {number} binsPerS
   */
  #findHoles(fromS, toS, binsPerS) {
    const envelope = /** @type {Envelope} */ (this.#envelope);
    const { ring } = /** @type {Series} */ (this.#series);
    const isLine = ring.rate < binsPerS;
    const perS = isLine ? ring.rate : binsPerS;
    const columns = {
      first: Math.floor(fromS * perS),
      last: Math.floor(toS * perS),
      perS,
      lead: isLine ? 0.5 : 0,
    };
    this.#holes = holesOf(
      columns,
      isLine
        ? (i) => !isFinite(ring.at(i)) && ring.hasCome(i, i + 1)
        : (k) => envelope.isHole(k),
    );
  }

  /**
   * Least and largest finite sample of some bins, less the envelope's origin.
   * @param {number} first
   * @param {number} last
   */
  #extremes(first, last) {
    const envelope = /** @type {Envelope} */ (this.#envelope);
    let low = Infinity;
    let high = -Infinity;
    for (let k = first; k <= last; k++) {
      const at = envelope.place(k);
      if (at < 0) continue;
      if (envelope.finiteMin[at] < low) low = envelope.finiteMin[at];
      if (envelope.finiteMax[at] > high) high = envelope.finiteMax[at];
    }
    return { low, high };
  }

  #paint() {
    const u = this.#u;
    const envelope = this.#envelope;
    const series = this.#series;
    if (!envelope || !series) return;
    const { ctx } = u;
    const { min: fromS = 0, max: toS = 1 } = u.scales.x;
    const { ring, gaps } = series;
    const { colours, colour } = this.#look();
    paintGaps(u, gaps, { fromS, toS, colours });
    paintPending(u, series, { pending: this.pending, fromS, toS, colours });
    paintGaps(u, this.#holes, { fromS, toS, colours });
    ctx.fillStyle = ctx.strokeStyle = colour(series.channel.name);
    const { binsPerS } = envelope;
    if (ring.rate < binsPerS) this.#paintLine();
    else {
      const first = Math.floor(fromS * binsPerS);
      const last = Math.floor(toS * binsPerS);
      this.#strip.paint(u, { envelope, scale: this.#axis.scale, first, last });
    }
    paintTitle(u, this.#axis.scale, { colours, channel: series.channel });
  }

  #paintLine() {
    const u = this.#u;
    const { ring } = /** @type {Series} */ (this.#series);
    const { origin } = /** @type {Envelope} */ (this.#envelope);
    const { left, top, width, height } = u.bbox;
    const { min: fromS = 0, max: toS = 1 } = u.scales.x;
    const perS = width / (toS - fromS);
    const { ctx } = u;
    ctx.lineWidth = devicePixelRatio * 1.25;
    ctx.lineJoin = "round";
    ctx.beginPath();
    let isOn = false;
    const last = Math.ceil(toS * ring.rate) + 1;
    const spot = perS / ring.rate > 8 * devicePixelRatio
      ? 2 * devicePixelRatio
      : 0;
    for (let i = Math.floor(fromS * ring.rate) - 1; i <= last; i++) {
      const value = ring.at(i, origin);
      if (Number.isNaN(value)) {
        isOn = false;
        continue;
      }
      const x = left + (i / ring.rate - fromS) * perS;
      const y = top + height * (1 - this.#axis.scale.share(value));
      if (isOn) ctx.lineTo(x, y);
      else ctx.moveTo(x, y);
      if (spot > 0) ctx.fillRect(x - spot, y - spot, 2 * spot, 2 * spot);
      isOn = true;
    }
    ctx.stroke();
  }
}

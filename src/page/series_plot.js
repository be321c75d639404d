// Channels over time in one plot, with one axis of values: their samples, or their bins.
// Invariant: spans without samples are hatched with the reason, for each channel that is shown.
import { axisTitle } from "./channel_note.js";
import { BinTrace } from "./bin_trace.js";
import { levelLines, levelOn, paintLimits } from "./limit_lines.js";
import { paintGaps, paintPending, stripOf } from "./hatching.js";
import { SampleTrace } from "./sample_trace.js";
import { fitTogether, unitOf } from "./shared_axis.js";
import { AXIS_SPACE_PX, roomOf } from "./time_axis.js";
import { clipped, paintTitle, timePlot } from "./time_plot.js";
import { ValueAxis } from "./value_axis.js";

/** @typedef {import("./series.js").Series} Series */
/** @typedef {SampleTrace | BinTrace} Trace */

/** How often the range of values is computed: it takes all columns. */
const FIT_MS = 100;
/** Of several channels, each covers those before it; so much of them is seen. */
const OVER_ALPHA = 0.75;
/** @type {readonly string[]} */
const NONE = [];

export class SeriesPlot {
  #u;
  #look;
  /** In the order of the plot's channels. @type {Trace[]} */
  #traces = [];
  /** Those that are not hidden. @type {Trace[]} */
  #shown = [];
  /** Names of those that are hidden. */
  #hidden = NONE;
  /** Subtracted from all values, so that large integers stay exact. */
  #origin = 0;
  #axis = new ValueAxis();
  #scaleDrawn = 0;
  #drawn = "";
  #fittedMs = 0;
  #fittedFor = 0;

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
    if (this.#axis.set(y)) this.#forget();
  }

  /** The ends of the vertical axis. */
  get ends() {
    return this.#axis.scale.ends;
  }

  /**
   * @param {readonly Series[]} all one for each channel
   * @param {readonly string[]} [hidden] names of channels that are not drawn
   */
  use(all, hidden = NONE) {
    let isSame = all.length === this.#traces.length;
    for (let i = 0; isSame && i < all.length; i++) {
      isSame = all[i] === this.#traces[i].series;
    }
    if (isSame && hidden === this.#hidden) return;
    this.#hidden = hidden;
    const before = this.#traces;
    this.#traces = all.map((series) =>
      before.find((t) => t.series === series) ?? this.#traceOf(series)
    );
    for (const trace of before) {
      if (!this.#traces.includes(trace)) trace.close();
    }
    for (const trace of this.#traces) {
      trace.isHidden = hidden.includes(trace.series.channel.name);
    }
    this.#shown = this.#traces.filter((t) => !t.isHidden);
    this.#forget();
  }

  /**
   * Why a channel has nothing at the right edge; empty when nothing is missing.
   * @param {number} i which channel
   * @param {string} why
   */
  setPending(i, why) {
    this.#traces[i].pending = why;
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} version nothing is drawn while it and the times are the same
   */
  draw(fromS, toS, version) {
    const key = `${fromS} ${toS} ${version}`;
    if (key === this.#drawn || this.#traces.length === 0) return;
    this.#drawn = key;
    const { width } = this.#u.bbox;
    const binsPerS = width / (toS - fromS);
    for (const trace of this.#shown) {
      trace.setGrid(binsPerS, Math.ceil(width) + 2);
    }
    const now = performance.now();
    if (now - this.#fittedMs > FIT_MS || binsPerS !== this.#fittedFor) {
      this.#fittedMs = now;
      this.#fittedFor = binsPerS;
      this.#fit(fromS, toS);
      for (const trace of this.#shown) trace.findHoles(fromS, toS);
    } // Not fitted to what has just come: it is when it is drawn again.
    else this.#drawn = "";
    this.#u.batch(() => {
      this.#u.setScale("x", { min: fromS, max: toS });
      if (this.#scaleDrawn !== this.#axis.scale.version) {
        this.#scaleDrawn = this.#axis.scale.version;
        this.#u.redraw(false, true);
      }
    });
  }

  /**
   * The value at a time.
   * @param {number} gpsS
   * @param {number} [i] which channel
   */
  textAt(gpsS, i = 0) {
    const { min = 0, max = 1 } = this.#u.scales.x;
    const pixelS = (max - min) / Math.max(this.#u.bbox.width, 1);
    return this.#traces[i]?.textAt(gpsS, pixelS) ?? "";
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
      gaps: this.#shown.length === 1 ? this.#shown[0].series.gaps : [],
      levels: levelLines(scale, this.#levels),
      axis: axisTitle({ unit: unitOf(this.#shown) }, scale.baseText(room)),
      lines: this.#shown.map((trace) => ({
        name: trace.series.channel.name,
        unit: trace.series.channel.unit ?? "",
        path: trace.path({ fromS, toS, scale }),
      })),
    };
  }

  close() {
    for (const trace of this.#traces) trace.close();
    this.#u.destroy();
  }

  /** Fits and draws again. */
  #forget() {
    this.#fittedMs = 0;
    this.#drawn = "";
  }

  /** @param {Series} series */
  #traceOf(series) {
    const trace = series.trend ? new BinTrace(series) : new SampleTrace(series);
    trace.setOrigin(this.#origin);
    return trace;
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   */
  #fit(fromS, toS) {
    const before = this.#origin;
    const span = { fromS, toS, origin: before };
    this.#origin = fitTogether(this.#axis, this.#shown, span);
    if (this.#origin === before) return;
    for (const trace of this.#traces) trace.setOrigin(this.#origin);
  }

  #paint() {
    const u = this.#u;
    const { ctx } = u;
    const { colours, colour } = this.#look();
    const shown = this.#shown;
    for (let i = 0; i < shown.length; i++) this.#paintMissing(i);
    for (let i = 0; i < shown.length; i++) {
      ctx.fillStyle = ctx.strokeStyle = colour(shown[i].series.channel.name);
      ctx.globalAlpha = i > 0 ? OVER_ALPHA : 1;
      shown[i].paint(u, this.#axis.scale);
    }
    ctx.globalAlpha = 1;
    const channel = { unit: unitOf(shown) };
    const { scale } = this.#axis;
    paintLimits(u, scale, { ...this.#levels, colours });
    paintTitle(u, scale, { colours, channel });
  }

  /** Limits, and the level of the trigger if it is on a channel that is shown. */
  get #levels() {
    const names = this.#shown.map(({ series }) => series.channel.name);
    const level = levelOn(this.#look().trigger, names);
    return { limits: this.#axis.limits, level, origin: this.#origin };
  }

  /** Hatches where a channel has no samples: in a strip of its own where there are several. @param {number} i */
  #paintMissing(i) {
    const { holes, pending, series } = this.#shown[i];
    const { min: fromS = 0, max: toS = 1 } = this.#u.scales.x;
    const { colours: theme, colour } = this.#look();
    const isAlone = this.#shown.length === 1;
    const area = isAlone ? this.#u : stripOf(this.#u, i, this.#shown.length);
    const colours = isAlone
      ? theme
      : { ...theme, gapText: colour(series.channel.name) };
    const options = { fromS, toS, colours };
    paintGaps(area, series.gaps, options);
    paintGaps(area, series.awaitedIn(fromS, toS), options);
    paintPending(area, series, { pending, ...options });
    paintGaps(area, holes, options);
  }
}

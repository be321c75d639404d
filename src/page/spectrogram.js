// Density over time and frequency, in decibels: an image whose columns are made once and then move.
// Invariant: times without a column are hatched with the reason: a gap, or samples that are not finite.
import { valueText } from "./axis_text.js";
import { BAR_ROOM_PX, paintColourBar, rangeTexts } from "./colour_bar.js";
import { holesOf, NOT_FINITE, paintGaps, paintPending } from "./hatching.js";
import { hertzAt } from "./spectral_scales.js";
import { powerUnit } from "./spectral_units.js";
import { WINDOW_TITLES } from "./spectral_windows.js";
import { ROWS, SpectrogramColumns } from "./spectrogram_columns.js";
import { clipped, timePlot } from "./time_plot.js";
import { octaveTicks } from "./value_scale.js";

/** @typedef {import("./spectral_options.js").SpectralOptions} SpectralOptions */

/** @typedef {import("./series.js").Series} Series */

const OCTAVES = 7;
/** @type {SpectralOptions} */
const AUTOMATIC = {};
/** Between the labels of frequencies. */
const SPACE_PX = 16;

export class Spectrogram {
  #u;
  #look;
  #options;
  /** @type {Series | null} */
  #series = null;
  /** @type {SpectrogramColumns | null} */
  #columns = null;
  /** @type {SpectralOptions} */
  #chosen = AUTOMATIC;
  #drawn = "";
  #lowHz = 1;
  #highHz = 2;
  /** @type {import("./value_scale.js").Tick[]} */
  #ticks = [];
  #ticksKey = "";
  /** Why there is nothing at the right edge; empty when nothing is missing. */
  pending = "";

  /**
   * @param {HTMLElement} parent
   * @param {() => import("./time_plot.js").Look} look
   * @param {import("./time_plot.js").PlotEvents & import("./spectrogram_columns.js").ColumnOptions & { highShare?: number, octaves?: number, hasBar?: boolean }} options
   *   highShare: highest frequency as a share of the rate; hasBar: false leaves the bar of colours out
   */
  constructor(parent, look, options) {
    this.#look = look;
    this.#options = options;
    this.#u = timePlot(parent, look, {
      events: options,
      ticks: (room) => this.#ticksFor(room),
      spacePx: SPACE_PX,
      hasGrid: false,
      ...(options.hasBar === false ? {} : { topPx: BAR_ROOM_PX }),
      paint: () => {
        clipped(this.#u, () => this.#paint());
        this.#paintBar();
      },
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

  /**
   * @param {Series} series
   * @param {SpectralOptions} [chosen]
   */
  use(series, chosen = AUTOMATIC) {
    if (series === this.#series && chosen === this.#chosen) return;
    const before = this.#series;
    this.#series = series;
    if (chosen === this.#chosen && series.channel === before?.channel) {
      // Other samples of the same channel: columns that are made stay.
      this.#drawn = "";
      return this.#columns?.follow(series.ring);
    }
    this.#columns?.close();
    this.#chosen = chosen;
    this.#drawn = this.#ticksKey = "";
    const { highShare = 0.5, octaves = OCTAVES, ...options } = this.#options;
    const { linear: isLinear = false, min: floor, max: ceiling } = chosen;
    this.#highHz = series.ring.rate * highShare;
    this.#lowHz = isLinear ? 0 : this.#highHz / 2 ** octaves;
    this.#columns = new SpectrogramColumns(series.ring, {
      ...options,
      ...(chosen.seconds ? { windowS: chosen.seconds } : {}),
      window: chosen.window,
      isLinear,
      floor,
      ceiling,
      lowHz: this.#lowHz,
      highHz: this.#highHz,
    });
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} version nothing is drawn while it and the times are the same, unless columns are missing
   */
  draw(fromS, toS, version) {
    const key = `${fromS} ${toS} ${version}`;
    const columns = this.#columns;
    if (!columns || (key === this.#drawn && !columns.isBusy)) return;
    this.#drawn = key;
    columns.setGrid(fromS, toS, this.#u.bbox.width);
    columns.make(fromS, toS);
    this.#u.batch(() => {
      this.#u.setScale("x", { min: fromS, max: toS });
      // The axis's labels follow the channel's rate.
      if (this.#ticksKey === "") this.#u.redraw(false, true);
    });
  }

  /** @param {number} room */
  #ticksFor(room) {
    const key = `${this.#lowHz} ${this.#highHz} ${room}`;
    if (key !== this.#ticksKey) {
      this.#ticksKey = key;
      this.#ticks = this.#chosen.linear
        ? linearTicks(this.#highHz, room)
        : octaveTicks(this.#lowHz, this.#highHz, { room, text: hertzText });
    }
    return this.#ticks;
  }

  /** The frequency under the mouse, and the density there. @param {number} gpsS */
  textAt(gpsS) {
    const { top = -1 } = this.#u.cursor;
    const columns = this.#columns;
    if (!columns || columns.count === 0 || top < 0) return "";
    const share = this.#u.posToVal(top, "y");
    const hertz = hertzAt(share, {
      lowHz: this.#lowHz,
      highHz: this.#highHz,
      isLinear: this.#chosen.linear ?? false,
    });
    const k = Math.round(gpsS * columns.columnsPerS);
    if (!columns.isDone(k)) {
      const why = columns.isHole(k) ? `: ${NOT_FINITE}` : "";
      return `${valueText(hertz)} Hz${why}`;
    }
    const db = columns.decibelsAt(k, Math.floor(ROWS * share));
    return `${valueText(Number(hertz.toPrecision(3)))} Hz: ${db.toFixed(1)} dB`;
  }

  /** What the picture shows, for readers who do not see it. */
  get description() {
    const range = this.#columns?.range;
    if (!range || !this.#series) return "";
    const { low, high } = rangeTexts(range, powerUnit(this.#series.channel));
    return `frequency (Hz) over time, ${this.#note}; colours from ${low} to ${high}`;
  }

  get #note() {
    const seconds = Number((2 * (this.#columns?.aroundS ?? 0)).toPrecision(3));
    return `${seconds} s, ${WINDOW_TITLES[this.#chosen.window ?? "hann"]}`;
  }

  /** For a picture of it. @returns {import("./pictures.js").Picture} */
  picture() {
    return { canvas: this.#u.ctx.canvas, bbox: this.#u.bbox };
  }

  close() {
    this.#columns?.close();
    this.#u.destroy();
  }

  #paintBar() {
    const range = this.#columns?.range;
    if (this.#options.hasBar === false || !range || !this.#series) return;
    paintColourBar(this.#u, {
      range,
      unit: powerUnit(this.#series.channel),
      note: `Frequency (Hz), ${this.#note}`,
      colours: this.#look().colours,
    });
  }

  #paint() {
    const u = this.#u;
    const series = this.#series;
    const columns = this.#columns;
    if (!series || !columns || columns.count === 0) return;
    const { left, top, width, height } = u.bbox;
    const { min: fromS = 0, max: toS = 1 } = u.scales.x;
    const { colours } = this.#look();
    const perS = columns.columnsPerS;
    const wide = width / ((toS - fromS) * perS);
    const first = Math.floor(fromS * perS);
    const last = Math.min(Math.ceil(toS * perS), first + columns.count - 1);
    columns.draw(u.ctx, {
      first,
      last,
      top,
      height,
      width: wide,
      xOf: (k) => left + (k - 0.5 - fromS * perS) * wide,
    });
    const holes = holesOf(
      { first, last, perS, lead: 0.5 },
      (k) => columns.isHole(k),
    );
    paintGaps(u, holes, { fromS, toS, colours });
    const { aroundS } = columns;
    paintGaps(u, series.gaps, { fromS, toS, colours, aroundS });
    paintGaps(u, series.awaitedIn(fromS, toS), { fromS, toS, colours });
    paintPending(u, series, { pending: this.pending, fromS, toS, colours });
  }
}

/**
 * Labels of an axis that begins at 0 Hz: two or more.
 * @param {number} highHz
 * @param {number} room
 */
function linearTicks(highHz, room) {
  const count = 2 ** Math.floor(Math.log2(Math.max(room - 1, 1)));
  return Array.from({ length: count + 1 }, (_, i) => ({
    at: i / count,
    text: hertzText(highHz * i / count),
  }));
}

/** @param {number} hertz */
function hertzText(hertz) {
  return hertz >= 1000
    ? `${Number((hertz / 1000).toPrecision(4))}k`
    : String(Number(hertz.toPrecision(3)));
}

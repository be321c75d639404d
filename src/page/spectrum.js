// The amplitude spectral density of the newest seconds that are shown, over logarithmic axes.
// Invariant: uPlot gets shares (0 to 1) of the logarithms, never values; the note says how many pieces are in the mean.
import uPlot from "uplot";
import { AXIS_LEFT_PX, AXIS_SPACE_PX, labelled, roomOf } from "./time_axis.js";
import { decadeTicks } from "./value_scale.js";
import { WelchMean } from "./welch_mean.js";

const REFRESH_MS = 250;
/** Between the labels of frequencies. */
const HERTZ_PX = 50;

export class Spectrum {
  #u;
  /** @type {import("./series.js").Series | null} */
  #series = null;
  /** @type {WelchMean | null} */
  #welch = null;
  #drawnMs = 0;
  #drawn = "";
  /** Exponents of ten at the ends of both axes. */
  #hertz = { low: 0, high: 1 };
  #values = { low: 0, high: 1 };
  /** Exponents of ten of the densities that are drawn. @type {number[]} */
  #shown = [];
  note = "";
  /** @type {number | null} */
  #cursorHz = null;

  /**
   * @param {HTMLElement} parent
   * @param {() => import("./time_plot.js").Look} look
   */
  constructor(parent, look) {
    this.#u = new uPlot(
      {
        width: 300,
        height: 160,
        padding: [6, 24, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          drag: { x: false, y: false, setScale: false },
          points: { show: false },
        },
        scales: {
          x: { time: false, auto: false, range: [0, 1] },
          y: { auto: false, range: [0, 1] },
        },
        axes: [
          labelled(look, (u) => this.#hertzTicks(u), { size: 28, gap: 5 }),
          labelled(look, (u) => this.#valueTicks(u), {
            size: AXIS_LEFT_PX,
            gap: 4,
          }),
        ],
        series: [{}, {
          stroke: () => look().colour(this.#series?.channel.name ?? ""),
          width: 1.25,
          points: { show: false },
        }],
        hooks: { setCursor: [(u) => this.#follow(u)] },
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
    if (this.#u.width !== width || this.#u.height !== height) {
      this.#u.setSize({ width, height });
      this.#drawn = "";
    }
  }

  /** @param {import("./series.js").Series} series */
  use(series) {
    if (series === this.#series) return;
    this.#welch?.close();
    this.#series = series;
    this.#welch = new WelchMean(series.ring);
    this.#drawn = "";
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} version nothing is drawn while it and the times are the same
   */
  draw(fromS, toS, version) {
    const key = `${fromS} ${toS} ${version}`;
    const now = performance.now();
    const welch = this.#welch;
    if (!welch || key === this.#drawn) return;
    if (now - this.#drawnMs < REFRESH_MS) return;
    this.#drawnMs = now;
    const { mean, count, isWhole } = welch.of(fromS, toS);
    this.#drawn = isWhole ? key : "";
    const pieceS = Number(welch.pieceS.toPrecision(3));
    this.note = count === 0
      ? `waiting for ${pieceS} s without a gap or a value that is not finite`
      : `mean of ${count} × ${pieceS} s`;
    if (count > 0) this.#show(welch, mean);
  }

  /**
   * @param {WelchMean} welch
   * @param {Float64Array} mean natural logarithms of densities
   */
  #show({ bins, hertzPerBin }, mean) {
    /** Exponents of ten of amplitudes. @type {number[]} */
    const shown = [];
    let low = Infinity;
    let high = -Infinity;
    for (let i = 1; i < bins; i++) {
      const value = mean[i] / Math.LN10 / 2;
      shown.push(value);
      if (value > high) high = value;
      if (isFinite(value) && value < low) low = value;
    }
    // Samples that are all the same have no power without their mean.
    if (high === -Infinity) {
      this.note = `constant: no power at any frequency; ${this.note}`;
      low = high = 0;
    }
    const bottom = Math.floor(Math.max(low, high - 6));
    this.#shown = shown;
    this.#values = { low: bottom, high: Math.max(Math.ceil(high), bottom + 1) };
    this.#hertz = {
      low: Math.log10(hertzPerBin),
      high: Math.log10(hertzPerBin * bins),
    };
    /** @param {{ low: number, high: number }} of @param {number} value */
    const share = (of, value) => (value - of.low) / (of.high - of.low);
    const x = shown.map((_, i) =>
      share(this.#hertz, Math.log10((i + 1) * hertzPerBin))
    );
    const y = shown.map((value) =>
      isFinite(value) ? share(this.#values, value) : null
    );
    this.#u.batch(() => {
      this.#u.setData([x, y], false);
      this.#u.redraw(true, true);
    });
  }

  /** Keeps the frequency under the mouse. @param {uPlot} u */
  #follow(u) {
    const { left = -1 } = u.cursor;
    const { low, high } = this.#hertz;
    this.#cursorHz = left < 0
      ? null
      : 10 ** (low + u.posToVal(left, "x") * (high - low));
  }

  /** @param {uPlot} u */
  #hertzTicks(u) {
    const { low, high } = this.#hertz;
    const room = Math.max(u.bbox.width / devicePixelRatio / HERTZ_PX, 2);
    return decadeTicks(10 ** low, 10 ** high, { room, text: hertzText });
  }

  /** @param {uPlot} u */
  #valueTicks(u) {
    const { low, high } = this.#values;
    const every = Math.ceil((high - low) / (roomOf(u, AXIS_SPACE_PX) - 1));
    const ticks = [];
    for (let e = low; e <= high; e += every) {
      ticks.push({ at: (e - low) / (high - low), text: powerText(e) });
    }
    return ticks;
  }

  /** The density under the mouse, and the note. */
  textAt() {
    const hertz = this.#cursorHz;
    if (hertz === null || !this.#welch || this.#shown.length === 0) {
      return this.note;
    }
    const { hertzPerBin } = this.#welch;
    const i = Math.min(
      Math.max(Math.round(hertz / hertzPerBin) - 1, 0),
      this.#shown.length - 1,
    );
    return `${Number(((i + 1) * hertzPerBin).toPrecision(4))} Hz: ${
      (10 ** this.#shown[i]).toExponential(2)
    } ${this.#series?.channel.unit ?? ""}/√Hz · ${this.note}`;
  }

  /** For a picture of it. @returns {import("./pictures.js").Picture} */
  picture() {
    return { canvas: this.#u.ctx.canvas, bbox: this.#u.bbox };
  }

  close() {
    this.#welch?.close();
    this.#u.destroy();
  }
}

/** @param {number} hertz */
function hertzText(hertz) {
  return hertz >= 1000
    ? `${hertz / 1000} kHz`
    : `${Number(hertz.toPrecision(2))} Hz`;
}

/** @param {number} power */
function powerText(power) {
  return `10${
    [...String(power)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)] ?? "⁻").join("")
  }`;
}

// Amplitude spectral density of what is shown (its newest seconds), by Welch's mean of overlapping pieces.
// Invariant: pieces with a gap are left out; the note says how many were taken. uPlot is given shares of both axes' logarithms.
import uPlot from "uplot";
import { Density, powerOfTwo } from "./fft.js";
import { AXIS_LEFT_PX, AXIS_SPACE_PX, roomOf } from "./time_axis.js";
import { decadeTicks } from "./value_scale.js";

const SECONDS_MAX = 8;
const SIZE_MAX = 8192;
const REFRESH_MS = 250;
const PIECES_MS = 12;
/** Between the labels of frequencies. */
const HERTZ_PX = 50;

export class Spectrum {
  #u;
  /** @type {import("./series.js").Series | null} */
  #series = null;
  /** @type {Density | null} */
  #density = null;
  #samples = new Float64Array(2);
  /** Densities by number of piece. @type {Map<number, Float32Array>} */
  #pieces = new Map();
  #drawnMs = 0;
  #drawn = "";
  /** Exponents of ten at the ends of both axes. */
  #hertz = { low: 0, high: 1 };
  #values = { low: 0, high: 1 };
  /** Exponents of ten of the densities that are drawn. @type {number[]} */
  #shown = [];
  #look;
  note = "";
  /** @type {number | null} */
  #cursorHz = null;
  #change = (/** @type {number} */ from, /** @type {number} */ to) => {
    const half = this.#samples.length / 2;
    for (const k of this.#pieces.keys()) {
      if (k * half < to && k * half + 2 * half > from) this.#pieces.delete(k);
    }
  };

  /**
   * @param {HTMLElement} parent
   * @param {() => import("./time_plot.js").Look} look
   */
  constructor(parent, look) {
    this.#look = look;
    const stroke = () => look().colours.muted;
    const grid = { stroke: () => look().colours.grid, width: 1 };
    const font = "11px system-ui, sans-serif";
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
          {
            stroke,
            grid,
            font,
            size: 28,
            gap: 5,
            ticks: { show: false },
            splits: (u) => this.#hertzTicks(u).map(({ at }) => at),
            values: (u) => this.#hertzTicks(u).map(({ text }) => text),
          },
          {
            stroke,
            grid,
            font,
            size: AXIS_LEFT_PX,
            gap: 4,
            ticks: { show: false },
            splits: (u) => this.#valueTicks(u).map(({ at }) => at),
            values: (u) => this.#valueTicks(u).map(({ text }) => text),
          },
        ],
        series: [{}, {
          stroke: () => look().colour(this.#series?.channel.name ?? ""),
          width: 1.25,
          points: { show: false },
        }],
        hooks: {
          setCursor: [(u) => {
            const { left = -1 } = u.cursor;
            const { low, high } = this.#hertz;
            this.#cursorHz = left < 0
              ? null
              : 10 ** (low + u.posToVal(left, "x") * (high - low));
          }],
        },
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
    this.#leave();
    this.#series = series;
    this.#pieces.clear();
    this.#drawn = "";
    const { rate } = series.ring;
    const size = Math.min(SIZE_MAX, Math.max(16, powerOfTwo(rate)));
    this.#density = new Density(size, rate);
    this.#samples = new Float64Array(size);
    series.ring.onChange.push(this.#change);
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} version
   */
  draw(fromS, toS, version) {
    const key = `${fromS} ${toS} ${version}`;
    const now = performance.now();
    if (!this.#series || !this.#density || key === this.#drawn) return;
    if (now - this.#drawnMs < REFRESH_MS) return;
    this.#drawn = key;
    this.#drawnMs = now;
    const { ring } = this.#series;
    const { size, bins } = this.#density;
    const half = size / 2;
    const last = Math.floor(
      (Math.min(toS * ring.rate, ring.end) - size) / half,
    );
    const from = Math.max(fromS, toS - SECONDS_MAX) * ring.rate;
    const first = Math.min(Math.ceil(from / half), last);
    const sum = new Float64Array(bins);
    let count = 0;
    let isWhole = true;
    for (const k of this.#pieces.keys()) if (k < first) this.#pieces.delete(k);
    for (let k = last; k >= first; k--) {
      let piece = this.#pieces.get(k);
      if (!piece) {
        if (performance.now() - now > PIECES_MS) {
          isWhole = false;
          break;
        }
        if (!ring.copy(k * half, this.#samples)) continue;
        piece = Float32Array.from(
          this.#density.of(this.#samples),
          (p) => Math.log(p),
        );
        const shift = this.#density.decibels * Math.LN10 / 10;
        if (shift !== 0) piece = piece.map((p) => p + shift);
        this.#pieces.set(k, piece);
      }
      // Sums of logarithms: densities of extreme samples are no numbers.
      for (let i = 0; i < bins; i++) {
        sum[i] = count === 0 ? piece[i] : logOfSum(sum[i], piece[i]);
      }
      count++;
    }
    if (!isWhole) this.#drawn = "";
    const pieceS = Number((size / ring.rate).toPrecision(3));
    this.note = count === 0
      ? `waiting for ${pieceS} s without a gap or a value that is not finite`
      : `mean of ${count} × ${pieceS} s`;
    if (count === 0) return;
    this.#show(sum, count);
  }

  /**
   * @param {Float64Array} sum natural logarithms of the sums of densities
   * @param {number} count of what was summed
   */
  #show(sum, count) {
    const { bins, hertzPerBin } = /** @type {Density} */ (this.#density);
    /** Exponents of ten of amplitudes. @type {number[]} */
    const shown = [];
    let low = Infinity;
    let high = -Infinity;
    for (let i = 1; i < bins; i++) {
      const value = (sum[i] - Math.log(count)) / Math.LN10 / 2;
      shown.push(value);
      if (value > high) high = value;
      if (isFinite(value) && value < low) low = value;
    }
    // Of samples that are all the same, nothing is left without their mean.
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

  textAt() {
    const hertz = this.#cursorHz;
    if (hertz === null || !this.#density || this.#shown.length === 0) {
      return this.note;
    }
    const { hertzPerBin } = this.#density;
    const i = Math.min(
      Math.max(Math.round(hertz / hertzPerBin) - 1, 0),
      this.#shown.length - 1,
    );
    return `${Number(((i + 1) * hertzPerBin).toPrecision(4))} Hz: ${
      (10 ** this.#shown[i]).toExponential(2)
    } /√Hz · ${this.note}`;
  }

  get isHovered() {
    return this.#cursorHz !== null;
  }

  close() {
    this.#leave();
    this.#u.destroy();
  }

  #leave() {
    const { onChange = [] } = this.#series?.ring ?? {};
    const at = onChange.indexOf(this.#change);
    if (at >= 0) onChange.splice(at, 1);
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

/**
 * Logarithm of the sum of two numbers whose logarithms are given.
 * @param {number} a
 * @param {number} b
 */
function logOfSum(a, b) {
  const most = Math.max(a, b);
  return most === -Infinity
    ? most
    : most + Math.log1p(Math.exp(-Math.abs(a - b)));
}

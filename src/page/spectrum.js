// Amplitude spectral density of what is shown (its newest seconds), by Welch's mean of overlapping pieces.
// Invariant: pieces with a gap are left out; the note says how many were taken.
import uPlot from "uplot";
import { Density, powerOfTwo } from "./fft.js";
import { AXIS_LEFT_PX } from "./time_axis.js";

const SECONDS_MAX = 8;
const SIZE_MAX = 8192;
const REFRESH_MS = 250;
const PIECES_MS = 12;

export class Spectrum {
  #u;
  /** @type {import("./feed.js").Series | null} */
  #series = null;
  /** @type {Density | null} */
  #density = null;
  #samples = new Float64Array(2);
  /** Densities by number of piece. @type {Map<number, Float32Array>} */
  #pieces = new Map();
  #drawnMs = 0;
  #drawn = "";
  /** A power of ten: uPlot takes no scale below 1e-16, and strain is of 1e-21. */
  #factor = 1;
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
   * @param {() => import("./series_plot.js").Look} look
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
        padding: [6, 14, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          drag: { x: false, y: false, setScale: false },
          points: { show: false },
        },
        scales: {
          x: { time: false, distr: 3, auto: false, range: asAsked },
          y: { distr: 3, auto: false, range: asAsked },
        },
        axes: [
          {
            stroke,
            grid,
            font,
            size: 26,
            gap: 2,
            ticks: { show: false },
            filter: (_u, splits) => splits.map((v) => isRound(v) ? v : null),
            values: (_u, splits) =>
              splits.map((v) => v === null ? "" : hertzText(v)),
          },
          {
            stroke,
            grid: { ...grid, filter: powersOf },
            font,
            size: AXIS_LEFT_PX,
            gap: 4,
            ticks: { show: false },
            space: 22,
            filter: powersOf,
            values: (_u, splits) =>
              splits.map((v) => v === null ? "" : powerText(v / this.#factor)),
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
            this.#cursorHz = left < 0 ? null : u.posToVal(left, "x");
          }],
        },
      },
      [[1, 2], [1, 1]],
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

  /** @param {import("./feed.js").Series} series */
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
    const { size, bins, hertzPerBin } = this.#density;
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
        this.#pieces.set(k, piece);
      }
      for (let i = 0; i < bins; i++) sum[i] += Math.exp(piece[i]);
      count++;
    }
    if (!isWhole) this.#drawn = "";
    this.note = count === 0
      ? "no piece is whole yet"
      : `mean of ${count} × ${Number((size / ring.rate).toPrecision(3))} s`;
    if (count === 0) return;
    /** @type {number[]} */
    const x = [];
    /** @type {(number | null)[]} */
    const y = [];
    let most = 0;
    for (let i = 1; i < bins; i++) most = Math.max(most, sum[i] / count);
    this.#factor = most > 0 && most < 1e-12
      ? 10 ** -Math.floor(Math.log10(Math.sqrt(most)))
      : 1;
    let low = Infinity;
    let high = 0;
    for (let i = 1; i < bins; i++) {
      const value = Math.sqrt(sum[i] / count);
      x.push(i * hertzPerBin);
      y.push(value > 0 ? value * this.#factor : null);
      if (value > high) high = value;
      if (value > 0 && value < low) low = value;
    }
    if (high === 0) return;
    low = Math.max(low, high * 1e-6) * this.#factor;
    high *= this.#factor;
    this.#u.batch(() => {
      this.#u.setData([x, y], false);
      this.#u.setScale("x", { min: hertzPerBin, max: ring.rate / 2 });
      this.#u.setScale("y", {
        min: 10 ** Math.floor(Math.log10(low)),
        max: 10 ** Math.ceil(Math.log10(high)),
      });
    });
  }

  textAt() {
    const hertz = this.#cursorHz;
    const [x, y] = this.#u.data;
    if (hertz === null || !this.#density || x.length < 3) return this.note;
    const i = Math.min(
      Math.max(Math.round(hertz / this.#density.hertzPerBin) - 1, 0),
      x.length - 1,
    );
    return `${Number(x[i].toPrecision(4))} Hz: ${
      (Number(y[i] ?? 0) / this.#factor).toExponential(2)
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

/** @param {number} value */
function powerText(value) {
  const power = Math.round(Math.log10(value));
  return `10${
    [...String(power)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)] ?? "⁻").join("")
  }`;
}

/**
 * @param {uPlot} _u
 * @param {number} min
 * @param {number} max
 * @returns {[number, number]}
 */
function asAsked(_u, min, max) {
  return [min, max];
}

/** 1, 2 and 5 of each decade. @param {number} value */
function isRound(value) {
  const mantissa = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
  return [1, 2, 5].some((m) => Math.abs(mantissa - m) < 1e-6);
}

/**
 * @param {uPlot} _u
 * @param {number[]} splits
 */
function powersOf(_u, splits) {
  return splits.map((v) => {
    const power = Math.log10(v);
    return Math.abs(power - Math.round(power)) < 1e-6 ? v : null;
  });
}

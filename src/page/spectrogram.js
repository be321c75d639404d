// Density over time and frequency, in decibels, as a picture that is made a column at a time and then only moved.
// Invariant: a column is made once its samples are all there, and again when one of them changes; a gap, and
// samples that are not finite, stay empty and are hatched.
import uPlot from "uplot";
import { Density, powerOfTwo } from "./fft.js";
import { holesOf, NOT_FINITE, paintGaps, paintPending } from "./hatching.js";
import { timeHooks, timePlot } from "./series_plot.js";
import { valueText } from "./axis_text.js";
import { octaveTicks } from "./value_scale.js";

/** @typedef {import("./series.js").Series} Series */

const ROWS = 160;
const OCTAVES = 7;
/** Columns made in one picture of the screen. */
const COLUMN_MS = 5;
const RANGE_MS = 700;
const SPACE_PX = 16;
/** Stands for no power at all. */
const SILENT_DB = -1e5;
/**
 * What is known of a column: nothing, what is painted, what was painted before some of its samples changed, that some of
 * its samples are not finite.
 */
const NEW = 0;
const DONE = 1;
const OLD = 2;
const HOLE = 3;

export class Spectrogram {
  #u;
  #look;
  /** @type {Series | null} */
  #series = null;
  /** @type {Density} */
  #density = new Density(2, 1);
  #samples = new Float64Array(2);
  #hop = 1;
  #columns = 0;
  #numbers = new Float64Array(0);
  #state = new Uint8Array(0);
  #decibels = new Float32Array(0);
  #canvas = document.createElement("canvas");
  #context =
    /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
  #pixels = new ImageData(1, ROWS);
  /** First and last bin of each picture row. */
  #rowBins = new Float64Array(ROWS + 1);
  #floor = 0;
  #ceiling = 1;
  #hasRange = false;
  #rangeMs = 0;
  #drawn = "";
  #grid = "";
  #change = (/** @type {number} */ from, /** @type {number} */ to) =>
    this.#forget(from, to);
  #lowHz = 1;
  #highHz = 2;
  #isBusy = false;
  /** @type {import("./value_scale.js").Tick[]} */
  #ticks = [];
  #ticksKey = "";
  /** Why the newest is not there. */
  pending = "";

  /**
   * @param {HTMLElement} parent
   * @param {() => import("./series_plot.js").Look} look
   * @param {import("./series_plot.js").PlotEvents & { highShare?: number, octaves?: number, hopMin?: number, windowS?: number, rangeDb?: number }} events
   *   highShare: highest frequency as a share of the rate
   */
  constructor(parent, look, events) {
    this.#look = look;
    this.events = events;
    const options = timePlot(
      look,
      events,
      (room) => this.#ticksFor(room),
      SPACE_PX,
    );
    this.#u = new uPlot(
      {
        ...options,
        axes: options.axes.map((axis) => ({ ...axis, grid: { show: false } })),
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
    this.#leave();
    this.#series = series;
    series.ring.onChange.push(this.#change);
    this.#drawn = this.#grid = this.#ticksKey = "";
    this.#hasRange = false;
    const { rate } = series.ring;
    this.#highHz = rate * (this.events.highShare ?? 0.5);
    this.#lowHz = this.#highHz / 2 ** (this.events.octaves ?? OCTAVES);
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} version
   */
  draw(fromS, toS, version) {
    const key = `${fromS} ${toS} ${version}`;
    if (!this.#series || (key === this.#drawn && !this.#isBusy)) return;
    this.#drawn = key;
    this.#setGrid(fromS, toS);
    this.#make(fromS, toS);
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
      this.#ticks = octaveTicks(this.#lowHz, this.#highHz, {
        room,
        text: hertzText,
      });
    }
    return this.#ticks;
  }

  /** @param {number} gpsS */
  textAt(gpsS) {
    const { top = -1 } = this.#u.cursor;
    const share = this.#u.posToVal(Math.max(top, 0), "y");
    const hertz = this.#lowHz * (this.#highHz / this.#lowHz) ** share;
    if (this.#columns === 0 || top < 0) return "";
    const k = Math.round(gpsS * (this.#series?.ring.rate ?? 1) / this.#hop);
    const at = k % this.#columns;
    if (this.#numbers[at] !== k || this.#state[at] !== DONE) {
      const isHole = this.#numbers[at] === k && this.#state[at] === HOLE;
      return `${valueText(hertz)} Hz${isHole ? `: ${NOT_FINITE}` : ""}`;
    }
    const row = Math.floor(ROWS * share);
    const db = this.#decibels[at * ROWS + Math.min(Math.max(row, 0), ROWS - 1)];
    return `${valueText(Number(hertz.toPrecision(3)))} Hz: ${db.toFixed(1)} dB`;
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

  /**
   * @param {number} fromS
   * @param {number} toS
   */
  #setGrid(fromS, toS) {
    const { ring } = /** @type {Series} */ (this.#series);
    const { rate } = ring;
    const span = toS - fromS;
    const windowS = this.events.windowS ??
      Math.min(Math.max(span / 60, 1 / 16), 1 / 8);
    const size = Math.max(16, powerOfTwo(rate * Math.max(windowS, 16 / rate)));
    const perPixel = rate * span / Math.max(this.#u.bbox.width, 1);
    const hop = Math.max(
      1,
      this.events.hopMin ?? size / 64,
      Math.round(perPixel),
    );
    const columns = Math.ceil(rate * span / hop) + 4;
    const grid = `${size} ${hop} ${columns}`;
    if (grid === this.#grid) return;
    this.#grid = grid;
    this.#density = new Density(size, rate, 2);
    this.#samples = new Float64Array(size);
    this.#hop = hop;
    this.#columns = columns;
    this.#numbers = new Float64Array(columns).fill(-1);
    this.#state = new Uint8Array(columns);
    this.#decibels = new Float32Array(columns * ROWS);
    this.#canvas.width = columns;
    this.#canvas.height = ROWS;
    for (let r = 0; r <= ROWS; r++) {
      const hertz = this.#lowHz * (this.#highHz / this.#lowHz) ** (r / ROWS);
      this.#rowBins[r] = hertz / this.#density.hertzPerBin;
    }
  }

  /** Makes the columns that are missing, newest first, for a few milliseconds.
   * @param {number} fromS
   * @param {number} toS
   */
  #make(fromS, toS) {
    const { ring } = /** @type {Series} */ (this.#series);
    const perS = ring.rate / this.#hop;
    const { size } = this.#density;
    const begun = performance.now();
    const wasBusy = this.#isBusy;
    this.#isBusy = false;
    const newest = Math.min(
      Math.ceil(toS * perS),
      Math.floor((ring.end - size / 2) / this.#hop),
    );
    for (let k = newest; k >= Math.floor(fromS * perS); k--) {
      const at = k % this.#columns;
      const isKnown = this.#state[at] === DONE || this.#state[at] === HOLE;
      if (this.#numbers[at] === k && isKnown) continue;
      if (this.#numbers[at] !== k) {
        this.#numbers[at] = k;
        this.#state[at] = NEW;
        this.#context.clearRect(at, 0, 1, ROWS);
      }
      const from = k * this.#hop - size / 2;
      if (!ring.copy(from, this.#samples)) {
        this.#state[at] = ring.hasCome(from, from + size) ? HOLE : NEW;
        continue;
      }
      this.#column(at);
      if (performance.now() - begun > COLUMN_MS) {
        this.#isBusy = true;
        break;
      }
    }
    const now = performance.now();
    const isDone = wasBusy && !this.#isBusy;
    if (now - this.#rangeMs > RANGE_MS || !this.#hasRange || isDone) {
      this.#rangeMs = now;
      this.#fitRange();
    }
  }

  /** @param {number} at */
  #column(at) {
    const power = this.#density.of(this.#samples);
    const shift = this.#density.decibels;
    const bins = this.#rowBins;
    const out = this.#decibels;
    for (let r = 0; r < ROWS; r++) {
      const from = bins[r];
      const to = bins[r + 1];
      let value = 0;
      if (to - from <= 1) {
        const k = Math.min(Math.floor(from), power.length - 2);
        const share = Math.min(from - k, 1);
        value = power[k] * (1 - share) + power[k + 1] * share;
      } else {
        const last = Math.min(Math.ceil(to), power.length);
        for (let k = Math.floor(from); k < last; k++) {
          if (power[k] > value) value = power[k];
        }
      }
      out[at * ROWS + r] = value > 0
        ? 10 * Math.log10(value) + shift
        : SILENT_DB;
    }
    this.#state[at] = DONE;
    this.#colour(at);
  }

  /** @param {number} at */
  #colour(at) {
    if (!this.#hasRange) return;
    const { data } = this.#pixels;
    const scale = 255 / (this.#ceiling - this.#floor);
    for (let r = 0; r < ROWS; r++) {
      const level = (this.#decibels[at * ROWS + r] - this.#floor) * scale;
      const c = 3 * Math.round(level < 0 ? 0 : level > 255 ? 255 : level);
      const p = 4 * (ROWS - 1 - r);
      data[p] = PALETTE[c];
      data[p + 1] = PALETTE[c + 1];
      data[p + 2] = PALETTE[c + 2];
      data[p + 3] = 255;
    }
    this.#context.putImageData(this.#pixels, at, 0);
  }

  /** The colours go from the middle of what there is to nearly its loudest. */
  #fitRange() {
    const some = [];
    for (let at = 0; at < this.#columns; at++) {
      if (this.#state[at] !== DONE) continue;
      for (let r = at % 4; r < ROWS; r += 4) {
        const db = this.#decibels[at * ROWS + r];
        if (db > SILENT_DB) some.push(db);
      }
    }
    // Silence has a colour, too.
    if (some.length === 0 && this.#state.includes(DONE)) some.push(0, 1);
    else if (some.length < 200) return;
    const sorted = Float32Array.from(some).sort();
    const ceiling = sorted[
      Math.floor(sorted.length * (this.events.rangeDb ? 0.9999 : 0.9995))
    ];
    const low = sorted[Math.floor(sorted.length * 0.35)];
    const { rangeDb } = this.events;
    const floor = rangeDb
      ? ceiling - rangeDb
      : Math.max(Math.min(low, ceiling - 18), ceiling - 70);
    const isNear = Math.abs(floor - this.#floor) < 2 &&
      Math.abs(ceiling - this.#ceiling) < 2;
    if (this.#hasRange && isNear) return;
    this.#hasRange = true;
    this.#floor = floor;
    this.#ceiling = ceiling;
    for (let at = 0; at < this.#columns; at++) {
      if (this.#state[at] === DONE) this.#colour(at);
    }
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #forget(from, to) {
    if (this.#columns === 0) return;
    const half = this.#density.size / 2;
    const last = Math.ceil((to + half) / this.#hop);
    const first = Math.max(
      Math.floor((from - half) / this.#hop),
      last - this.#columns,
    );
    for (let k = first; k <= last; k++) {
      const at = k % this.#columns;
      if (this.#numbers[at] !== k) continue;
      if (this.#state[at] === DONE) this.#state[at] = OLD;
      else if (this.#state[at] === HOLE) this.#state[at] = NEW;
    }
  }

  #paint() {
    const u = this.#u;
    const series = this.#series;
    if (!series || this.#columns === 0) return;
    const { ctx } = u;
    const { left, top, width, height } = u.bbox;
    const { min: fromS = 0, max: toS = 1 } = u.scales.x;
    const perS = series.ring.rate / this.#hop;
    const { colours } = this.#look();
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    const pixels = width / ((toS - fromS) * perS);
    const first = Math.floor(fromS * perS);
    const last = Math.min(Math.ceil(toS * perS), first + this.#columns - 1);
    for (let k = first; k <= last;) {
      const at = k % this.#columns;
      // The columns lie in a ring: one that holds another time's is not painted.
      let count = 0;
      while (
        at + count < this.#columns && k + count <= last &&
        this.#numbers[at + count] === k + count &&
        this.#state[at + count] !== NEW && this.#state[at + count] !== HOLE
      ) count++;
      if (count === 0) {
        k++;
        continue;
      }
      const x = left + (k - 0.5 - fromS * perS) * pixels;
      ctx.drawImage(
        this.#canvas,
        at,
        0,
        count,
        ROWS,
        x,
        top,
        count * pixels,
        height,
      );
      k += count;
    }
    const holes = holesOf({ first, last, perS, lead: 0.5 }, (k) => {
      const at = k % this.#columns;
      return this.#numbers[at] === k && this.#state[at] === HOLE;
    });
    paintGaps(u, holes, { fromS, toS, colours });
    const { size } = this.#density;
    const aroundS = size / 2 / series.ring.rate;
    paintGaps(u, series.gaps, { fromS, toS, colours, aroundS });
    paintPending(u, series, { pending: this.pending, fromS, toS, colours });
    ctx.restore();
  }
}

/** @param {number} hertz */
function hertzText(hertz) {
  return hertz >= 1000
    ? `${Number((hertz / 1000).toPrecision(4))}k`
    : String(Number(hertz.toPrecision(3)));
}

/** Black over violet and orange to light yellow: brighter is louder, for all eyes. */
const STOPS = [
  [0, 6, 5, 24],
  [0.2, 40, 12, 84],
  [0.4, 112, 28, 109],
  [0.6, 188, 55, 84],
  [0.8, 246, 130, 28],
  [0.92, 250, 200, 60],
  [1, 254, 254, 190],
];
const PALETTE = paletteOf(STOPS);

/** @param {number[][]} stops */
function paletteOf(stops) {
  const palette = new Uint8Array(3 * 256);
  for (let i = 0; i < 256; i++) {
    const x = i / 255;
    const next = stops.findIndex(([at]) => at >= x);
    const b = stops[Math.max(next, 1)];
    const a = stops[Math.max(next, 1) - 1];
    const share = (x - a[0]) / (b[0] - a[0]);
    for (let c = 0; c < 3; c++) {
      palette[3 * i + c] = Math.round(a[c + 1] + share * (b[c + 1] - a[c + 1]));
    }
  }
  return palette;
}

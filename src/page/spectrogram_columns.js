// The columns of a spectrogram as an image: the density at one time each, in decibels.
// Invariant: a column is made once its samples are all there, and again when one of them changes; a column with samples
// that are not finite stays empty.
import { Density, powerOfTwo } from "./fft.js";
import { hertzAt } from "./spectral_scales.js";
import { decibelRange, PALETTE } from "./spectrogram_palette.js";

/** @typedef {import("./samples.js").SampleRing} SampleRing */
/** @typedef {{ hopMin?: number, windowS?: number, rangeDb?: number, window?: import("./spectral_windows.js").WindowName | undefined, floor?: number | undefined, ceiling?: number | undefined }} ColumnOptions */

/** Rows of the image, from the lowest to the highest frequency. */
export const ROWS = 160;
/** A column of more samples takes several ms. */
const SIZE_MAX = 2 ** 15;
/** Time for making columns in one picture of the screen. */
const COLUMN_MS = 5;
/** How often the range of the colours is computed. */
const RANGE_MS = 700;
/** Stands for no power at all. */
const SILENT_DB = -1e5;
/** A column is not made, made, made before some of its samples changed, or empty because of samples that are not finite. */
const NEW = 0;
const DONE = 1;
const OLD = 2;
const HOLE = 3;

export class SpectrogramColumns {
  /** Samples from one column to the next. */
  hop = 1;
  /** Columns of the image; 0 before the first grid. */
  count = 0;
  /** Some columns are still to be made. */
  isBusy = false;
  #density = new Density({ size: 2, rate: 1 });
  #samples = new Float64Array(2);
  /** Number of the column at each place of the image. */
  #numbers = new Float64Array(0);
  #state = new Uint8Array(0);
  #decibels = new Float32Array(0);
  #canvas = document.createElement("canvas");
  #context =
    /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
  #pixels = new ImageData(1, ROWS);
  /** First and last bin of each row of the image. */
  #rowBins = new Float64Array(ROWS + 1);
  /** What the darkest and the brightest colour stand for, dB; null before the first column. @type {{ floor: number, ceiling: number } | null} */
  range = null;
  #rangeMs = 0;
  #grid = "";
  #options;
  #ring;
  /** Ends what follows the ring. */
  close = () => {};

  /**
   * @param {SampleRing} ring
   * @param {ColumnOptions & import("./spectral_scales.js").Frequencies} options hopMin: least samples from column to column;
   *   windowS: length of the samples of a column; rangeDb: from the darkest to the brightest colour;
   *   floor, ceiling: fixed ends of the colours, dB
   */
  constructor(ring, options) {
    this.#options = options;
    this.#ring = ring;
    this.follow(ring);
  }

  /** Continues with another ring of the same channel. @param {SampleRing} ring */
  follow(ring) {
    this.close();
    this.#ring = ring;
    this.close = ring.listen((from, to) => this.#forget(from, to));
  }

  get columnsPerS() {
    return this.#ring.rate / this.hop;
  }

  /** Half of the time that the samples of a column cover, s. */
  get aroundS() {
    return this.#density.size / 2 / this.#ring.rate;
  }

  /** Whether column k is made. @param {number} k */
  isDone(k) {
    const at = k % this.count;
    return this.#numbers[at] === k && this.#state[at] === DONE;
  }

  /** Whether column k is empty because of samples that are not finite. @param {number} k */
  isHole(k) {
    const at = k % this.count;
    return this.#numbers[at] === k && this.#state[at] === HOLE;
  }

  /** @param {number} k @param {number} row from the lowest frequency */
  decibelsAt(k, row) {
    const at = k % this.count;
    return this.#decibels[at * ROWS + Math.min(Math.max(row, 0), ROWS - 1)];
  }

  /**
   * Draws columns `first` to `last` in runs that are next to each other in the image.
   * @param {CanvasRenderingContext2D} ctx
   * @param {{ first: number, last: number, top: number, height: number, width: number, xOf: (k: number) => number }} area
   *   width: of one column; xOf: left edge of a column
   */
  draw(ctx, { first, last, top, height, width, xOf }) {
    const isSeen = (/** @type {number} */ at, /** @type {number} */ k) =>
      this.#numbers[at] === k && this.#state[at] !== NEW &&
      this.#state[at] !== HOLE;
    for (let k = first; k <= last;) {
      const at = k % this.count;
      let run = 0;
      while (
        at + run < this.count && k + run <= last && isSeen(at + run, k + run)
      ) run++;
      if (run === 0) {
        k++;
        continue;
      }
      const x = xOf(k);
      const wide = run * width;
      ctx.drawImage(this.#canvas, at, 0, run, ROWS, x, top, wide, height);
      k += run;
    }
  }

  /**
   * Chooses the length and the distance of columns for a span; all are made again where these change.
   * @param {number} fromS
   * @param {number} toS
   * @param {number} widthPx
   */
  setGrid(fromS, toS, widthPx) {
    const { rate } = this.#ring;
    const span = toS - fromS;
    const windowS = this.#options.windowS ??
      Math.min(Math.max(span / 60, 1 / 16), 1 / 8);
    const size = Math.min(Math.max(16, powerOfTwo(rate * windowS)), SIZE_MAX);
    const perPixel = rate * span / Math.max(widthPx, 1);
    const hop = Math.max(
      1,
      this.#options.hopMin ?? size / 64,
      Math.round(perPixel),
    );
    const columns = Math.ceil(rate * span / hop) + 4;
    const grid = `${size} ${hop} ${columns}`;
    if (grid === this.#grid) return;
    this.#grid = grid;
    const { window = "hann" } = this.#options;
    this.#density = new Density({ size, rate, length: 2 * size, window });
    this.#samples = new Float64Array(size);
    this.hop = hop;
    this.count = columns;
    this.#numbers = new Float64Array(columns).fill(-1);
    this.#state = new Uint8Array(columns);
    this.#decibels = new Float32Array(columns * ROWS);
    this.#canvas.width = columns;
    this.#canvas.height = ROWS;
    for (let r = 0; r <= ROWS; r++) {
      const hertz = hertzAt(r / ROWS, this.#options);
      this.#rowBins[r] = hertz / this.#density.hertzPerBin;
    }
  }

  /**
   * Makes missing columns for a few milliseconds, the newest first.
   * @param {number} fromS
   * @param {number} toS
   */
  make(fromS, toS) {
    const ring = this.#ring;
    const perS = this.columnsPerS;
    const { size } = this.#density;
    const begun = performance.now();
    const wasBusy = this.isBusy;
    this.isBusy = false;
    const newest = Math.min(
      Math.ceil(toS * perS),
      Math.floor((ring.end - size / 2) / this.hop),
    );
    for (let k = newest; k >= Math.floor(fromS * perS); k--) {
      const at = k % this.count;
      const isKnown = this.#state[at] === DONE || this.#state[at] === HOLE;
      if (this.#numbers[at] === k && isKnown) continue;
      if (this.#numbers[at] !== k) {
        this.#numbers[at] = k;
        this.#state[at] = NEW;
        this.#context.clearRect(at, 0, 1, ROWS);
      }
      const from = k * this.hop - size / 2;
      if (!ring.copy(from, this.#samples)) {
        this.#state[at] = ring.hasCome(from, from + size) ? HOLE : NEW;
        continue;
      }
      this.#column(at);
      if (performance.now() - begun > COLUMN_MS) {
        this.isBusy = true;
        break;
      }
    }
    const now = performance.now();
    const isDone = wasBusy && !this.isBusy;
    if (now - this.#rangeMs > RANGE_MS || !this.range || isDone) {
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
    if (!this.range) return;
    const { floor, ceiling } = this.range;
    const { data } = this.#pixels;
    const scale = 255 / (ceiling - floor);
    for (let r = 0; r < ROWS; r++) {
      const level = (this.#decibels[at * ROWS + r] - floor) * scale;
      const c = 3 * Math.round(level < 0 ? 0 : level > 255 ? 255 : level);
      const p = 4 * (ROWS - 1 - r);
      data[p] = PALETTE[c];
      data[p + 1] = PALETTE[c + 1];
      data[p + 2] = PALETTE[c + 2];
      data[p + 3] = 255;
    }
    this.#context.putImageData(this.#pixels, at, 0);
  }

  /** Makes the colours reach from the middle of the densities to nearly the loudest. */
  #fitRange() {
    const some = [];
    for (let at = 0; at < this.count; at++) {
      if (this.#state[at] !== DONE) continue;
      for (let r = at % 4; r < ROWS; r += 4) {
        const db = this.#decibels[at * ROWS + r];
        if (db > SILENT_DB) some.push(db);
      }
    }
    // Columns of silence have a colour, too.
    if (some.length === 0 && this.#state.includes(DONE)) some.push(0, 1);
    else if (some.length < 200) return;
    const range = decibelRange(some, this.#options);
    const before = this.range;
    const isNear = before && Math.abs(range.floor - before.floor) < 2 &&
      Math.abs(range.ceiling - before.ceiling) < 2;
    if (isNear) return;
    this.range = range;
    for (let at = 0; at < this.count; at++) {
      if (this.#state[at] === DONE) this.#colour(at);
    }
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #forget(from, to) {
    if (this.count === 0) return;
    const half = this.#density.size / 2;
    const last = Math.ceil((to + half) / this.hop);
    const first = Math.max(
      Math.floor((from - half) / this.hop),
      last - this.count,
    );
    for (let k = first; k <= last; k++) {
      const at = k % this.count;
      if (this.#numbers[at] !== k) continue;
      if (this.#state[at] === DONE) this.#state[at] = OLD;
      else if (this.#state[at] === HOLE) this.#state[at] = NEW;
    }
  }
}

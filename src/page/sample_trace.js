// The samples of one channel in a plot over time: each column of pixels from the least to the largest of its samples; a
// line when zoomed in. Invariant: every sample is drawn.
import { rangeText } from "./axis_text.js";
import { ColumnStrip } from "./column_strip.js";
import { Envelope } from "./envelope.js";
import { gapWords } from "./gap_words.js";
import { holesOf, NOT_FINITE } from "./hatching.js";
import { samplesPath } from "./plot_paths.js";

/** @typedef {import("./series.js").Series} Series */
/** @typedef {import("./value_axis.js").ValueAxis["scale"]} Scale */

export class SampleTrace {
  series;
  isHidden = false;
  /** Why there is nothing at the right edge; empty when nothing is missing. */
  pending = "";
  /** Spans in which samples have come and none of them is finite. @type {import("./series.js").Span[]} */
  holes = [];
  #envelope;
  #strip = new ColumnStrip();

  /** @param {Series} series of rows */
  constructor(series) {
    this.series = series;
    this.#envelope = new Envelope(series.ring);
  }

  get is64Bit() {
    return this.series.ring.is64Bit;
  }

  /** Subtracted from all values, so that large integers stay exact. @param {number} origin */
  setOrigin(origin) {
    this.#envelope.setOrigin(origin);
  }

  /**
   * @param {number} binsPerS columns of pixels per second
   * @param {number} bins that are on the screen at once
   */
  setGrid(binsPerS, bins) {
    this.#envelope.setGrid(binsPerS, bins);
  }

  /**
   * Least and largest finite sample, less the origin; `low` is above `high` where there is none.
   * @param {number} fromS
   * @param {number} toS
   */
  extremes(fromS, toS) {
    const envelope = this.#envelope;
    let low = Infinity;
    let high = -Infinity;
    const last = Math.floor(toS * envelope.binsPerS);
    for (let k = Math.floor(fromS * envelope.binsPerS); k <= last; k++) {
      const at = envelope.place(k);
      if (at < 0) continue;
      if (envelope.finiteMin[at] < low) low = envelope.finiteMin[at];
      if (envelope.finiteMax[at] > high) high = envelope.finiteMax[at];
    }
    const { ring } = this.series;
    if (ring.rate >= envelope.binsPerS) return { low, high };
    // A line runs into the plot from the sample before it, and on to the one after it.
    for (let side = 0; side < 2; side++) {
      const i = side === 0
        ? Math.floor(fromS * ring.rate)
        : Math.ceil(toS * ring.rate);
      const value = ring.at(i, envelope.origin);
      if (!isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return { low, high };
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   */
  findHoles(fromS, toS) {
    const envelope = this.#envelope;
    const { ring } = this.series;
    const isLine = ring.rate < envelope.binsPerS;
    const perS = isLine ? ring.rate : envelope.binsPerS;
    const columns = {
      first: Math.floor(fromS * perS),
      last: Math.floor(toS * perS),
      perS,
      lead: isLine ? 0.5 : 0,
    };
    this.holes = holesOf(
      columns,
      isLine
        ? (i) => !isFinite(ring.at(i)) && ring.hasCome(i, i + 1)
        : (k) => envelope.isHole(k),
    );
  }

  /**
   * Paints into the plot, in its fill and stroke colour.
   * @param {import("uplot")} u
   * @param {Scale} scale
   */
  paint(u, scale) {
    const envelope = this.#envelope;
    const { binsPerS } = envelope;
    if (this.series.ring.rate < binsPerS) return this.#paintLine(u, scale);
    const { min: fromS = 0, max: toS = 1 } = u.scales.x;
    const first = Math.floor(fromS * binsPerS);
    const last = Math.floor(toS * binsPerS);
    this.#strip.paint(u, { envelope, scale, first, last });
  }

  /**
   * @param {import("uplot")} u
   * @param {Scale} scale
   */
  #paintLine(u, scale) {
    const { ring } = this.series;
    const { origin } = this.#envelope;
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
      const y = top + height * (1 - scale.share(value));
      if (isOn) ctx.lineTo(x, y);
      else ctx.moveTo(x, y);
      if (spot > 0) ctx.fillRect(x - spot, y - spot, 2 * spot, 2 * spot);
      isOn = true;
    }
    ctx.stroke();
  }

  /**
   * The value at a time: one sample, or the range of those in the pixel.
   * @param {number} gpsS
   * @param {number} pixelS seconds of a pixel
   */
  textAt(gpsS, pixelS) {
    const { ring, gaps } = this.series;
    const gap = gaps.find((g) => g.fromS <= gpsS && gpsS < g.toS);
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

  /** As lines of an SVG. @param {{ fromS: number, toS: number, scale: Scale }} view */
  path(view) {
    return samplesPath(this.#envelope, this.series, view);
  }

  close() {
    this.#envelope.close();
  }
}

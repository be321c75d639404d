// A plot of values over frequency: one panel, or several above each other, with titles of its axes.
// Invariant: uPlot draws axes and cursor only; a line reaches from the least to the largest value of each pixel column.
import uPlot from "uplot";
import { hertzAt, shareOfHertz } from "./spectral_scales.js";
import { AXIS_LEFT_PX, labelled } from "./time_axis.js";
import { clipped } from "./time_plot.js";
import { decadeTicks } from "./value_scale.js";

/** @typedef {{ values: ArrayLike<number>, hertzPerBin: number, colour: string, isThin?: boolean }} Trace values[k] is at k × hertzPerBin; what is not finite is left out */
/** @typedef {{ title: string, scale: import("./spectral_scales.js").Scale, traces: readonly Trace[], notes?: readonly string[] }} Panel notes: lines of text below its title */
/** @typedef {import("./spectral_scales.js").Frequencies} Frequencies */

/** Between the labels of frequencies. */
const HERTZ_PX = 44;
const VALUE_PX = 22;
/** Height of the axis of frequencies, its title among it. */
const TICKS_PX = 22;
const TITLE_PX = 15;
/** Between panels, as a share of the height. */
const BETWEEN = 0.08;
const FONT = "11px system-ui, sans-serif";

export class FrequencyPlot {
  #u;
  #look;
  /** @type {readonly Panel[]} */
  #panels = [];
  /** @type {Frequencies} */
  #frequencies = { lowHz: 1, highHz: 10, isLinear: false };
  /** The frequency under the mouse. @type {number | null} */
  cursorHz = null;

  /**
   * @param {HTMLElement} parent
   * @param {() => import("./time_plot.js").Look} look
   */
  constructor(parent, look) {
    this.#look = look;
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
          x: { time: false, auto: false, range: [0, 1] },
          y: { auto: false, range: [0, 1] },
        },
        axes: [
          {
            ...labelled(look, (u) => this.#hertzTicks(u), {
              size: TICKS_PX,
              gap: 4,
            }),
            label: "Frequency (Hz)",
            labelFont: FONT,
            labelSize: TITLE_PX,
            labelGap: 0,
          },
          labelled(look, (u) => this.#valueTicks(u), {
            size: AXIS_LEFT_PX,
            gap: 4,
            space: VALUE_PX / 2,
          }),
        ],
        series: [{}, {
          stroke: "#888",
          points: { show: false },
          paths: () => null,
        }],
        hooks: {
          setCursor: [(u) => this.#follow(u)],
          drawAxes: [() => clipped(this.#u, () => this.#paint())],
        },
      },
      [[0, 1], [null, null]],
      parent,
    );
  }

  /** Returns whether this changes anything. @param {number} width @param {number} height */
  resize(width, height) {
    if (this.#u.width === width && this.#u.height === height) return false;
    this.#u.setSize({ width, height });
    return true;
  }

  /**
   * Shows panels, the first at the top.
   * @param {readonly Panel[]} panels
   * @param {Frequencies} frequencies
   */
  show(panels, frequencies) {
    this.#panels = panels;
    this.#frequencies = frequencies;
    this.#u.redraw(false, true);
  }

  /** For a picture of it. @returns {import("./pictures.js").Picture} */
  picture() {
    return { canvas: this.#u.ctx.canvas, bbox: this.#u.bbox };
  }

  close() {
    this.#u.destroy();
  }

  /** Keeps the frequency under the mouse. @param {uPlot} u */
  #follow(u) {
    const { left = -1 } = u.cursor;
    this.cursorHz = left < 0
      ? null
      : hertzAt(u.posToVal(left, "x"), this.#frequencies);
  }

  /** @param {uPlot} u */
  #hertzTicks(u) {
    const { lowHz, highHz, isLinear } = this.#frequencies;
    const room = Math.max(u.bbox.width / devicePixelRatio / HERTZ_PX, 2);
    if (!isLinear) return decadeTicks(lowHz, highHz, { room, text: hertzText });
    const raw = (highHz - lowHz) / room;
    const decade = 10 ** Math.floor(Math.log10(raw));
    const step = decade * ([1, 2, 5].find((m) => m * decade >= raw) ?? 10);
    const ticks = [];
    for (let k = Math.ceil(lowHz / step); k * step <= highHz; k++) {
      const at = shareOfHertz(k * step, this.#frequencies);
      ticks.push({ at, text: hertzText(k * step) });
    }
    return ticks;
  }

  /** Where panel i is, as shares of the height. @param {number} i */
  #placeOf(i) {
    const count = Math.max(this.#panels.length, 1);
    const size = (1 - BETWEEN * (count - 1)) / count;
    return { from: 1 - (i + 1) * size - i * BETWEEN, size };
  }

  /** @param {uPlot} u */
  #valueTicks(u) {
    const high = u.bbox.height / devicePixelRatio;
    return this.#panels.flatMap(({ scale }, i) => {
      const { from, size } = this.#placeOf(i);
      const room = Math.max(Math.floor(high * size / VALUE_PX), 2);
      return scale.ticks(room).map(({ at, text }) => ({
        at: from + at * size,
        text,
      }));
    });
  }

  #paint() {
    const { ctx, bbox } = this.#u;
    const ratio = devicePixelRatio;
    this.#panels.forEach((panel, i) => {
      const { from, size } = this.#placeOf(i);
      const top = bbox.top + bbox.height * (1 - from - size);
      const area = { ...bbox, top, height: bbox.height * size };
      ctx.save();
      ctx.beginPath();
      ctx.rect(area.left, area.top, area.width, area.height);
      ctx.clip();
      for (const trace of panel.traces) {
        ctx.strokeStyle = trace.colour;
        ctx.lineWidth = (trace.isThin ? 0.75 : 1.25) * ratio;
        ctx.lineJoin = "round";
        ctx.beginPath();
        this.#trace(trace, panel.scale, area);
        ctx.stroke();
      }
      ctx.restore();
      [panel.title, ...panel.notes ?? []].forEach((text, line) =>
        this.#write(text, area.left, area.top + (8 + 15 * line) * ratio)
      );
    });
  }

  /**
   * @param {Trace} trace
   * @param {import("./spectral_scales.js").Scale} scale
   * @param {{ left: number, top: number, width: number, height: number }} area pixels of the display
   */
  #trace({ values, hertzPerBin }, scale, area) {
    const { ctx } = this.#u;
    let column = NaN;
    let low = 0;
    let high = 0;
    let last = 0;
    let isOn = false;
    const flush = () => {
      if (Number.isNaN(column)) return;
      // To the nearer end first, so that lines do not cross the column twice.
      const isUp = Math.abs(low - last) < Math.abs(high - last);
      const [one, other] = isUp ? [low, high] : [high, low];
      if (isOn) ctx.lineTo(column, one);
      else ctx.moveTo(column, one);
      if (one !== other) ctx.lineTo(column, other);
      last = other;
      isOn = true;
      column = NaN;
    };
    // Without the mean of the samples, 0 Hz has no power.
    for (let k = 1; k < values.length; k++) {
      const y = area.top + area.height * (1 - scale.share(values[k]));
      if (!isFinite(values[k])) {
        flush();
        isOn = false;
        continue;
      }
      const share = shareOfHertz(k * hertzPerBin, this.#frequencies);
      const x = area.left + area.width * share;
      if (Math.floor(x) === Math.floor(column)) {
        if (y < low) low = y;
        if (y > high) high = y;
        continue;
      }
      flush();
      column = x;
      low = high = y;
    }
    flush();
  }

  /**
   * @param {string} text
   * @param {number} left pixels of the display
   * @param {number} y
   */
  #write(text, left, y) {
    const { ctx } = this.#u;
    const ratio = devicePixelRatio;
    const { colours } = this.#look();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    ctx.globalAlpha = 0.8;
    ctx.fillStyle = colours.back;
    const wide = ctx.measureText(text).width + 4 * ratio;
    ctx.fillRect(left + 2 * ratio, y - 7 * ratio, wide, 14 * ratio);
    ctx.globalAlpha = 1;
    ctx.fillStyle = colours.muted;
    ctx.fillText(text, left + 4 * ratio, y);
  }
}

/** @param {number} hertz */
function hertzText(hertz) {
  return Number(hertz.toPrecision(4)).toLocaleString("en", {
    maximumSignificantDigits: 4,
  });
}

// What the plots over time have in common: a uPlot whose x is GPS seconds, its grid and its axis.
import uPlot from "uplot";
import { dateText, leapSeconds, timeText } from "./clock.js";

export const AXIS_LEFT_PX = 64;
/** Half of a time's text. */
const EDGE_PX = 30;
const FONT = "11px system-ui, sans-serif";
const STEPS = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600],
  ...[900, 1800, 3600, 7200, 14_400],
];

/**
 * Times of ticks and their step, so that UTC and GPS have round seconds.
 * @param {number} fromS
 * @param {number} toS
 * @param {{ count: number, time: "utc" | "gps" }} options count: at most about so many
 */
export function ticksOf(fromS, toS, { count, time }) {
  const raw = (toS - fromS) / Math.max(count, 1);
  const decade = 10 ** Math.floor(Math.log10(raw));
  const step = raw >= 1
    ? STEPS.find((s) => s >= raw) ?? 21_600
    : decade * ([1, 2, 5, 10].find((m) => m * decade >= raw) ?? 10);
  const ticks = [];
  const offset = time === "utc" ? leapSeconds() : 0;
  for (
    let k = Math.ceil((fromS - offset) / step);
    k * step + offset <= toS;
    k++
  ) {
    ticks.push(k * step + offset);
  }
  return { ticks, step };
}

/**
 * Axes of a plot.
 * @param {() => { time: "utc" | "gps", colours: import("./dom.js").Colours }} look
 * @param {{ showTime: boolean, y: (u: uPlot, splits: number[]) => string[], log?: boolean }} options
 * @returns {uPlot.Axis[]}
 */
export function axesOf(look, { showTime, y }) {
  const stroke = () => look().colours.muted;
  const grid = { stroke: () => look().colours.grid, width: 1 };
  return [
    {
      stroke,
      grid,
      font: FONT,
      ticks: { show: showTime, stroke: () => look().colours.grid, size: 4 },
      size: showTime ? 26 : 0,
      splits: (u, _axis, min, max) =>
        ticksOf(min, max, { count: u.width / 110, time: look().time }).ticks,
      values: (u, splits) => {
        if (!showTime) return splits.map(() => "");
        const { min = 0, max = 1 } = u.scales.x;
        const { step } = ticksOf(min, max, {
          count: u.width / 110,
          time: look().time,
        });
        const digits = step >= 1 ? 0 : Math.ceil(-Math.log10(step) - 1e-9);
        // A time that would run over the edge is left to its neighbours.
        const perS = (u.bbox.width / devicePixelRatio) / (max - min);
        return splits.map((s) =>
          (s - min) * perS < EDGE_PX || (max - s) * perS < EDGE_PX
            ? ""
            : timeText(s, look().time, digits)
        );
      },
    },
    {
      stroke,
      grid,
      font: FONT,
      size: AXIS_LEFT_PX,
      gap: 4,
      ticks: { show: false },
      space: 22,
      values: y,
    },
  ];
}

/** A strip with nothing but the times, for below all plots. */
export class TimeAxis {
  #u;
  #note;

  /**
   * @param {HTMLElement} parent
   * @param {() => { time: "utc" | "gps", colours: import("./dom.js").Colours }} look
   */
  constructor(parent, look) {
    this.look = look;
    this.#note = document.createElement("span");
    this.#note.className = "axis-note";
    parent.append(this.#note);
    this.#u = new uPlot(
      {
        width: 300,
        height: 28,
        padding: [0, 14, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, auto: false },
          y: { auto: false, range: [0, 1] },
        },
        axes: axesOf(look, {
          showTime: true,
          y: (_u, splits) => splits.map(() => ""),
        }),
        series: [{}, { show: false }],
      },
      [[0, 1], [null, null]],
      parent,
    );
  }

  /** @param {number} width */
  resize(width) {
    this.#u.setSize({ width, height: 28 });
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   */
  draw(fromS, toS) {
    const text = this.look().time === "gps" ? "GPS s" : `${dateText(toS)} UTC`;
    if (this.#note.textContent !== text) this.#note.textContent = text;
    this.#u.setScale("x", { min: fromS, max: toS });
  }
}

/**
 * Numbers of an axis, as short as they can be told apart.
 * @param {number[]} splits
 */
export function numbersText(splits) {
  const largest = Math.max(...splits.map(Math.abs));
  const step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : largest;
  if (largest === 0 || step === 0) return splits.map(String);
  let digits = 0;
  while (digits < 6 && !isWhole(step * 10 ** digits)) digits++;
  const figures = Math.ceil(Math.log10(largest / step) + 1e-9) + 1;
  if (largest < 1e-3 || (largest >= 1e6 && figures <= 3)) {
    return splits.map((v) =>
      v === 0
        ? "0"
        : v.toExponential(Math.min(figures, 4) - 1).replace("e+", "e")
    );
  }
  // Far from zero: only the figures that differ.
  if (largest >= 1e6) {
    return splits.map((v) => {
      const text = Math.round(v).toLocaleString("en");
      return text.length > 9 ? `…${text.slice(-7)}` : text;
    });
  }
  return splits.map((v) => v.toFixed(digits));
}

/** @param {number} value */
function isWhole(value) {
  return Math.abs(value - Math.round(value)) < 1e-6 * Math.max(value, 1);
}

/** A value as a reader wants it: up to six digits. @param {number} value */
export function valueText(value) {
  if (Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (Number.isInteger(value) && size < 1e12) return value.toLocaleString("en");
  return size >= 1e6 || size < 1e-3
    ? value.toExponential(4)
    : String(Number(value.toPrecision(6)));
}

// One figure of the operator's view: its value, and a plot of the last ten minutes.
import uPlot from "uplot";
import { el } from "./dom.js";
import { withUnit } from "./operator_figures.js";

/** @typedef {import("./operator_figures.js").Figure} Figure */

const POINTS_MAX = 600;
const HEIGHT_PX = 84;
const FONT = "10px system-ui, sans-serif";
/** The vertical axis reaches at least so far. */
const TOP_MIN = { "%": 5, B: 4096, "": 1, "/s": 1, ms: 5 };

export class OperatorPlot {
  element;
  #u;
  #unit;
  #value = el("b", { textContent: "–" });
  /** @type {number[]} */
  #times = [];
  /** @type {(number | null)[]} */
  #values = [];

  /**
   * @param {Figure} figure
   * @param {() => import("./dom.js").Colours} colours
   */
  constructor({ title, unit }, colours) {
    this.#unit = unit;
    const box = el("div", { role: "img", "aria-label": title });
    this.element = el("div", {}, el("h3", {}, title, this.#value), box);
    this.#u = new uPlot(
      {
        width: 260,
        height: HEIGHT_PX,
        padding: [8, 16, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: {
          x: { time: false },
          y: {
            range: (_u, _min, max) => [
              0,
              Math.max((max ?? 0) * 1.15, TOP_MIN[unit]),
            ],
          },
        },
        axes: axesOf(unit, colours),
        series: [{}, {
          stroke: () => colours().series[0],
          width: 1.25,
          points: { show: false },
        }],
      },
      [[0], [null]],
      box,
    );
  }

  /** Fills the width of its element. */
  resize() {
    const width = this.#u.root.parentElement?.clientWidth ?? 260;
    this.#u.setSize({ width, height: HEIGHT_PX });
  }

  /**
   * @param {number} value NaN where it is not known
   * @param {number} nowS
   */
  add(value, nowS) {
    const times = this.#times;
    const values = this.#values;
    this.#value.textContent = withUnit(value, this.#unit);
    times.push(nowS);
    values.push(isFinite(value) ? value : null);
    if (times.length > POINTS_MAX) {
      times.shift();
      values.shift();
    }
    this.#u.setData([times.map((s) => s - nowS), values], false);
    this.#u.setScale("x", { min: Math.min(times[0] - nowS, -30), max: 0 });
  }

  close() {
    this.#u.destroy();
  }
}

/**
 * @param {Figure["unit"]} unit
 * @param {() => import("./dom.js").Colours} colours
 * @returns {uPlot.Axis[]}
 */
function axesOf(unit, colours) {
  const both = {
    stroke: () => colours().muted,
    font: FONT,
    ticks: { show: false },
  };
  return [
    {
      ...both,
      size: 20,
      gap: 4,
      grid: { show: false },
      values: (_u, splits) => splits.map((s) => s === 0 ? "now" : `${s} s`),
    },
    {
      ...both,
      size: 48,
      gap: 2,
      space: 24,
      grid: { stroke: () => colours().grid, width: 1 },
      values: (_u, splits) =>
        splits.map((v) => v === 0 ? "" : withUnit(v, unit)),
    },
  ];
}

// Axes of plots: times in UTC or GPS with round seconds, and labels at shares of a height.
import uPlot from "uplot";
import { dateText, leapSeconds, timeText } from "./clock.js";
import { el } from "./dom.js";

export const AXIS_LEFT_PX = 64;
/** Between the labels of a vertical axis. */
export const AXIS_SPACE_PX = 22;
/** Height of the strip of times. */
const STRIP_PX = 28;
/** Between the times of an axis. */
const TIMES_PX = { utc: 85, gps: 110 };
/** Next to the area of a plot: the vertical axis, and the padding. */
const BESIDE_PX = AXIS_LEFT_PX + 14;
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
  const offset = time === "utc" ? leapSeconds(toS) : 0;
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
 * @param {{ showTime: boolean, ticks: (room: number) => import("./value_scale.js").Tick[], spacePx?: number }} options
 *   ticks: of the vertical axis, whose scale is 0 to 1; room: how many labels have room, spacePx apart
 * @returns {uPlot.Axis[]}
 */
export function axesOf(look, { showTime, ticks, spacePx = AXIS_SPACE_PX }) {
  const stroke = () => look().colours.muted;
  const grid = { stroke: () => look().colours.grid, width: 1 };
  const countFor = (/** @type {uPlot} */ u) =>
    (u.width - BESIDE_PX) / TIMES_PX[look().time];
  return [
    {
      stroke,
      grid,
      font: FONT,
      ticks: { show: showTime, stroke: () => look().colours.grid, size: 4 },
      size: showTime ? 26 : 0,
      splits: (u, _axis, min, max) =>
        ticksOf(min, max, { count: countFor(u), time: look().time }).ticks,
      values: (u, splits) => {
        // uPlot would write empty texts, for each picture of each plot.
        if (!showTime) return splits.map(() => null);
        const { min = 0, max = 1 } = u.scales.x;
        const { step } = ticksOf(min, max, {
          count: countFor(u),
          time: look().time,
        });
        const digits = step >= 1 ? 0 : Math.ceil(-Math.log10(step) - 1e-9);
        // A time that would cross the edge has no label.
        const perS = (u.bbox.width / devicePixelRatio) / (max - min);
        return splits.map((s) =>
          (s - min) * perS < EDGE_PX || (max - s) * perS < EDGE_PX
            ? ""
            : timeText(s, look().time, digits)
        );
      },
    },
    labelled(look, (u) => ticks(roomOf(u, spacePx)), {
      size: AXIS_LEFT_PX,
      gap: 4,
      space: spacePx,
    }),
  ];
}

/**
 * An axis whose scale is 0 to 1, with its own labels.
 * @param {() => { colours: import("./dom.js").Colours }} look
 * @param {(u: uPlot) => import("./value_scale.js").Tick[]} ticks
 * @param {{ size: number, gap: number, space?: number }} sizes px
 * @returns {uPlot.Axis}
 */
export function labelled(look, ticks, sizes) {
  return {
    stroke: () => look().colours.muted,
    grid: { stroke: () => look().colours.grid, width: 1 },
    font: FONT,
    ...sizes,
    ticks: { show: false },
    splits: (u) => ticks(u).map(({ at }) => at),
    values: (u) => ticks(u).map(({ text }) => text),
  };
}

/**
 * How many labels have room on the vertical axis.
 * @param {uPlot} u
 * @param {number} spacePx
 */
export function roomOf(u, spacePx) {
  return Math.max(Math.floor(u.bbox.height / devicePixelRatio / spacePx), 2);
}

/** The times below all plots: a strip for each column. */
export class TimeAxis {
  #parent;
  #look;
  /** @type {{ element: HTMLElement, note: HTMLElement, u: uPlot, sizes: ResizeObserver }[]} */
  #strips = [];
  #drawn = "";

  /**
   * @param {HTMLElement} parent
   * @param {() => { time: "utc" | "gps", colours: import("./dom.js").Colours }} look
   */
  constructor(parent, look) {
    this.#parent = parent;
    this.#look = look;
  }

  /** @param {number} columns */
  show(columns) {
    this.#drawn = "";
    this.#parent.style.setProperty("--columns", String(columns));
    while (this.#strips.length < columns) this.#strips.push(this.#made());
    for (const { element, sizes, u } of this.#strips.splice(columns)) {
      sizes.disconnect();
      u.destroy();
      element.remove();
    }
  }

  #made() {
    const note = el("span", { class: "axis-note" });
    const element = el("div", { class: "axis-strip" }, note);
    this.#parent.append(element);
    const u = new uPlot(
      {
        width: 300,
        height: STRIP_PX,
        padding: [0, 14, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, auto: false },
          y: { auto: false, range: [0, 1] },
        },
        axes: axesOf(this.#look, {
          showTime: true,
          ticks: () => [],
        }),
        series: [{}, { show: false }],
      },
      [[0, 1], [null, null]],
      element,
    );
    const sizes = new ResizeObserver(([{ contentRect: { width } }]) => {
      if (width >= 1) u.setSize({ width: Math.floor(width), height: STRIP_PX });
    });
    sizes.observe(element);
    return { element, note, u, sizes };
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} look nothing is drawn while it, the times and the strips are the same
   */
  draw(fromS, toS, look) {
    const key = `${fromS} ${toS} ${look}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    const text = this.#look().time === "gps" ? "GPS s" : `${dateText(toS)} UTC`;
    for (const { note, u } of this.#strips) {
      if (note.textContent !== text) note.textContent = text;
      u.setScale("x", { min: fromS, max: toS });
    }
  }
}

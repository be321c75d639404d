// What all plots over time share: axes, cursor, zoom by dragging, and the clipped area that a plot paints into.
import uPlot from "uplot";
import { dragCursors, paintCursors } from "./cursor_lines.js";
import { paintEvent } from "./limit_lines.js";
import { axisTitle } from "./channel_note.js";
import { listenToGestures } from "./plot_gestures.js";
import { axesOf, AXIS_SPACE_PX, roomOf } from "./time_axis.js";

/** @typedef {import("./value_axis.js").ValueAxis["scale"]} ValueScale */
/** @typedef {{ time: "utc" | "gps", colours: import("./dom.js").Colours, colour: (name: string) => string, cursors: import("./cursors.js").Times, trigger: import("./limit_lines.js").Mark }} Look */
/** onHover: the place of the mouse as a share of the width; slide: null where fingers and the wheel do not move the time. @typedef {{ onZoom: (fromS: number, toS: number) => void, onReset: () => void, onHover: (share: number | null) => void, slide: import("./slide.js").Slide | null, onCursor: (which: import("./cursors.js").Which, gpsS: number) => void }} PlotEvents */

/**
 * A uPlot that draws nothing but axes and cursor; `paint` draws the rest.
 * @param {HTMLElement} parent
 * @param {() => Look} look
 * @param {{ events: PlotEvents, ticks: (room: number) => import("./value_scale.js").Tick[], spacePx?: number, topPx?: number, hasGrid?: boolean, paint: () => void }} options
 *   ticks: labels of the vertical axis for a number of places; spacePx: between labels; topPx: above the plot
 */
export function timePlot(
  parent,
  look,
  { events, ticks, spacePx, topPx = 6, hasGrid = true, paint },
) {
  const axes = axesOf(look, { showTime: false, ticks, spacePx });
  return new uPlot(
    {
      ...frameOf(events, topPx),
      axes: hasGrid
        ? axes
        : axes.map((axis) => ({ ...axis, grid: { show: false } })),
      series: [{}, {
        stroke: "#888",
        points: { show: false },
        paths: () => null,
      }],
      hooks: {
        ...hooksOf(events),
        ready: [(u) => listen(u, () => look().cursors, events)],
        drawAxes: [paint, (u) => {
          const { colours, cursors, trigger } = look();
          paintEvent(u, trigger.eventS, colours);
          paintCursors(u, cursors, colours);
        }],
      },
    },
    [[0, 1], [null, null]],
    parent,
  );
}

/**
 * @param {uPlot} u
 * @param {() => import("./cursors.js").Times} cursors
 * @param {PlotEvents} events
 */
function listen(u, cursors, { onCursor, onReset, slide }) {
  dragCursors(u, { cursors, onCursor });
  if (slide) listenToGestures(u, { slide, cursors, onCursor, onReset });
}

/** @param {PlotEvents} events @param {number} topPx */
function frameOf(events, topPx) {
  return {
    width: 300,
    height: 120,
    padding:
      /** @type {[number, number, number, number]} */ ([topPx, 14, 4, 0]),
    legend: { show: false },
    cursor: {
      sync: {
        key: "time",
        setSeries: false,
        scales: /** @type {[string, null]} */ (["x", null]),
      },
      drag: { x: true, y: false, setScale: false },
      points: { show: false },
      y: false,
      bind: {
        dblclick: () => () => {
          events.onReset();
          return null;
        },
      },
    },
    scales: {
      x: { time: false, auto: false },
      // Shares of the height; each plot has its own scale of values.
      y: { auto: false, range: /** @type {[number, number]} */ ([0, 1]) },
    },
  };
}

/** @param {PlotEvents} events */
function hooksOf(events) {
  return {
    setCursor: [
      (/** @type {uPlot} */ u) => {
        const { left = -1 } = u.cursor;
        events.onHover(left < 0 ? null : left / u.over.clientWidth);
      },
    ],
    setSelect: [
      (/** @type {uPlot} */ u) => {
        const { left, width } = u.select;
        if (width < 4) return;
        const fromS = u.posToVal(left, "x");
        const toS = u.posToVal(left + width, "x");
        u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        events.onZoom(fromS, toS);
      },
    ],
  };
}

/**
 * Calls `paint` with the area of the plot as the clip.
 * @param {uPlot} u
 * @param {() => void} paint
 */
export function clipped(u, paint) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  paint();
  ctx.restore();
}

/**
 * Writes the title of the vertical axis: the channel's unit, and the value that the labels are added to, where there are such.
 * @param {uPlot} u
 * @param {ValueScale} scale
 * @param {{ colours: import("./dom.js").Colours, channel: import("./channel_note.js").Noted }} options
 */
export function paintTitle(u, scale, { colours, channel }) {
  const base = scale.baseText(roomOf(u, AXIS_SPACE_PX));
  const words = axisTitle(channel, base);
  if (words === "") return;
  const ratio = devicePixelRatio;
  const { ctx } = u;
  const x = u.bbox.left + 4 * ratio;
  const y = u.bbox.top + 8 * ratio;
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = colours.back;
  ctx.fillRect(
    x - 2 * ratio,
    y - 8 * ratio,
    ctx.measureText(words).width + 4 * ratio,
    16 * ratio,
  );
  ctx.fillStyle = colours.muted;
  ctx.fillText(words, x, y);
}

// The view, and its text after the '#' of the address: a user who sends the address sends the view.
// Invariant: viewOf(hashOf(view)) is the view.

import { coloursOf, coloursText } from "./channel_colours.js";
import { COLUMNS_MAX } from "./plot_grid.js";
import {
  channelsOf,
  escaped,
  KINDS,
  plotsOf,
  plotText,
  unescaped,
} from "./plot_spec.js";
import { triggerOf, triggerText } from "./trigger_spec.js";

/** @typedef {import("./plot_spec.js").PlotKind} PlotKind */
/** @typedef {import("./plot_spec.js").PlotSpec} PlotSpec */
/** @typedef {{ name: string, names: string[], everyS: number, atS: number, widthS: number }} CloseUp */
/**
 * @typedef {object} View
 * @property {PlotSpec[]} plots
 * @property {number} spanS seconds that are shown
 * @property {number | null} endS GPS time at the right edge while paused; null: live
 * @property {number | null} speed history is played from endS at so many times its speed; null: it is not
 * @property {"utc" | "gps"} time
 * @property {"auto" | "dark" | "light"} theme
 * @property {CloseUp | null} closeUp
 * @property {import("./channel_colours.js").ChannelColours} colours
 * @property {number} columns of plots, 1 to 4, where the window has room for them
 * @property {import("./cursors.js").Times} cursors
 * @property {import("./trigger_spec.js").TriggerSpec | null} trigger
 * @property {boolean} wall no controls, for a display on a wall
 * @property {boolean} operator
 * @property {boolean | null} saves bins replace samples, so that less is sent; null: if the browser reports slow or expensive data
 */

export const SPAN_MIN_S = 0.02;
export const SPAN_MAX_S = 86_400;
const PERIOD_MAX_S = 600;
const GPS_MAX_S = 1e10;
/** More in an address are left out: it may be of another's making. */
export const PLOTS_MAX = 256;
const CLOSE_UP_NAMES_MAX = 4;
const CURSOR_FIELDS = ["a", "b"];
const TRIGGER = "trigger=";
const SPEED_MIN = 0.01;
const SPEED_MAX = 1000;

/** @returns {View} */
export function emptyView() {
  return {
    plots: [],
    spanS: 36,
    endS: null,
    speed: null,
    time: "utc",
    theme: "auto",
    closeUp: null,
    colours: new Map(),
    columns: 1,
    cursors: [null, null],
    trigger: null,
    wall: false,
    operator: false,
    saves: null,
  };
}

/** The view of a first visit: the chirp of GW150914, 16.42 s into the 32 s loop of the embedded source. */
export function firstView() {
  const h1 = "H1:GWOSC-4KHZ_R1_WHITENED";
  const l1 = "L1:GWOSC-4KHZ_R1_WHITENED";
  return {
    ...emptyView(),
    closeUp: { name: h1, names: [h1, l1], everyS: 32, atS: 16.42, widthS: 0.5 },
    plots: [
      { kind: /** @type {const} */ ("series"), name: h1 },
      { kind: /** @type {const} */ ("spectrogram"), name: h1 },
      { kind: /** @type {const} */ ("series"), name: l1 },
      { kind: /** @type {const} */ ("spectrum"), name: h1 },
    ],
  };
}

/** Channels that a view needs, each once. @param {View} view */
export function namesOf({ plots, closeUp, trigger }) {
  return [
    ...new Set([
      ...(closeUp?.names ?? []),
      ...plots.flatMap(channelsOf),
      ...(trigger ? [trigger.name] : []),
    ]),
  ];
}

/**
 * @param {View} view
 * @returns {string} without the '#'
 */
export function hashOf(view) {
  const parts = view.plots.map(plotText);
  parts.push(`span=${view.spanS}`);
  if (view.endS !== null) parts.push(`end=${view.endS}`);
  if (view.speed !== null) parts.push(`play=${view.speed}`);
  if (view.time !== "utc") parts.push(`time=${view.time}`);
  if (view.theme !== "auto") parts.push(`theme=${view.theme}`);
  if (view.closeUp) {
    const { names, everyS, atS, widthS } = view.closeUp;
    parts.push(`closeup=${names.map(escaped).join(",")}`);
    parts.push(`every=${everyS}&at=${atS}&width=${widthS}`);
  }
  const colours = coloursText(namesOf(view), view.colours);
  if (colours !== "") parts.push(`colours=${colours}`);
  if (view.columns !== 1) parts.push(`columns=${view.columns}`);
  CURSOR_FIELDS.forEach((field, i) => {
    if (view.cursors[i] !== null) parts.push(`${field}=${view.cursors[i]}`);
  });
  if (view.trigger) parts.push(`${TRIGGER}${triggerText(view.trigger)}`);
  if (view.wall) parts.push("wall=1");
  if (view.operator) parts.push("operator=1");
  if (view.saves !== null) parts.push(`save=${view.saves ? 1 : 0}`);
  return parts.join("&");
}

/**
 * @param {string} hash
 * @returns {View | null} null when the address holds none
 */
export function viewOf(hash) {
  const text = hash.replace(/^#/, "");
  if (text === "") return null;
  const view = emptyView();
  const fields = new URLSearchParams(text);
  let closeUp = "";
  for (const field of text.split("&")) {
    const at = field.indexOf("=");
    const [key, value] = [field.slice(0, at), field.slice(at + 1)];
    const kind = KINDS.find((k) => k === key);
    if (kind && view.plots.length < PLOTS_MAX) {
      view.plots.push(...plotsOf(kind, value));
    } else if (key === "closeup") closeUp = value;
  }
  view.plots.length = Math.min(view.plots.length, PLOTS_MAX);
  /**
   * @param {string} key
   * @param {number} min
   * @param {number} max
   */
  const number = (key, min, max) => {
    const value = Number(fields.get(key) || NaN);
    return value >= min && value <= max ? value : undefined;
  };
  view.spanS = number("span", SPAN_MIN_S, SPAN_MAX_S) ?? view.spanS;
  view.endS = number("end", 0, GPS_MAX_S) ?? null;
  if (view.endS !== null) {
    view.speed = number("play", SPEED_MIN, SPEED_MAX) ?? null;
  }
  if (fields.get("time") === "gps") view.time = "gps";
  const theme = fields.get("theme");
  if (theme === "dark" || theme === "light") view.theme = theme;
  view.columns = Math.floor(number("columns", 1, COLUMNS_MAX) ?? 1);
  const save = fields.get("save");
  if (save === "1" || save === "0") view.saves = save === "1";
  view.cursors = [
    number("a", 0, GPS_MAX_S) ?? null,
    number("b", 0, GPS_MAX_S) ?? null,
  ];
  const trigger = text.split("&").findLast((f) => f.startsWith(TRIGGER));
  if (trigger) view.trigger = triggerOf(trigger.slice(TRIGGER.length));
  view.wall = fields.get("wall") === "1";
  view.operator = fields.get("operator") === "1";
  const names = closeUp.split(",").filter((n) => n !== "").map(unescaped);
  if (names.length > 0) {
    view.closeUp = {
      name: names[0],
      names: names.slice(0, CLOSE_UP_NAMES_MAX),
      everyS: number("every", 0.1, PERIOD_MAX_S) ?? 1,
      atS: number("at", 0, PERIOD_MAX_S) ?? 0,
      widthS: number("width", 0.001, 60) ?? 0.5,
    };
  }
  const colours = fields.get("colours");
  if (colours) view.colours = coloursOf(namesOf(view), colours);
  return view;
}

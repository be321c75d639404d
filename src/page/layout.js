// A layout: a view under a name, without what belongs to its user (theme, UTC or GPS) or, unless it is kept, to one time.
// Invariant: its view is text as in the address, which viewOf() reads: whatever it says, it can only choose what is shown.
import { fullTimeText } from "./clock.js";
import { KINDS } from "./plot_spec.js";
import { spanText } from "./trend_choice.js";
import { emptyView, hashOf, viewOf } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {{ name: string, view: string }} Layout view: without the '#' */

export const NAME_MAX = 80;
/** Characters of a view: some hundred plots. */
export const VIEW_MAX = 32_768;

/**
 * The text of a view for a layout.
 * @param {View} view
 * @param {number | null} endS the time that it keeps at the right edge, GPS s; null: it is live
 */
export function layoutText(view, endS) {
  const { time, theme, wall, saves, cursors } = emptyView();
  return hashOf({
    ...view,
    ...{ time, theme, wall, saves, endS, speed: null },
    ...(endS === null ? { cursors } : {}),
  });
}

/**
 * The view that a layout shows to the user of another one.
 * @param {View} current
 * @param {string} text
 * @returns {View}
 */
export function viewOfLayout({ time, theme, wall, saves }, text) {
  const view = viewOf(text) ?? emptyView();
  return { ...view, time, theme, wall, saves };
}

/** What a layout has, in a few words. @param {string} text */
export function aboutLayout(text) {
  const { columns, endS, plots, spanS } = viewOf(text) ?? emptyView();
  const count = plots.length === 1 ? "1 plot" : `${plots.length} plots`;
  return [
    count,
    ...(columns > 1 ? [`${columns} columns`] : []),
    spanText(spanS),
    ...(endS === null ? [] : [`paused at ${fullTimeText(endS, "utc")} UTC`]),
  ].join(" · ");
}

/**
 * A name without spaces around it, and what is wrong with it.
 * @param {unknown} text
 */
export function checkedName(text) {
  const name = typeof text === "string" ? text.normalize("NFC").trim() : "";
  const { length } = name;
  const wrong = typeof text !== "string"
    ? `A name is text, not ${JSON.stringify(text) ?? "missing"}`.slice(0, 200)
    : length === 0
    ? "A layout needs a name"
    : length > NAME_MAX
    ? `A name has ${NAME_MAX} characters at most; this one has ${length}`
    : /\p{Cc}/u.test(name)
    ? "A name has no line breaks or other control characters"
    : "";
  return { name, wrong };
}

const IS_VIEW = new RegExp(`(^|&)(span|closeup|${KINDS.join("|")})=`);

/** What is wrong with the text of a view; empty: nothing. @param {unknown} text */
export function wrongOfView(text) {
  if (typeof text !== "string" || !IS_VIEW.test(text)) {
    return "it is an address without the '#', such as series=H1:A&span=36";
  }
  if (text.length <= VIEW_MAX) return "";
  const most = VIEW_MAX.toLocaleString("en");
  return `it has ${most} characters at most; this one has ${
    text.length.toLocaleString("en")
  }`;
}

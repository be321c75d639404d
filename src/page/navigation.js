// Pausing, zooming and panning: each returns the changes of a view.
// Invariant: times are rounded to microseconds, which keeps the address short.
import { SPAN_MAX_S, SPAN_MIN_S } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** isHere: the whole span is on the screen already; isSameStep: Back does not stop before it. @typedef {{ changes: Partial<View>, isHere: boolean, isSameStep?: boolean }} Move */

/** Spans of a live view. */
export const SPANS_S = [
  ...[0.5, 1, 2, 5, 10, 20, 36, 60, 120],
  ...[300, 900, 3600, 21_600, 86_400],
];
/** A shorter span would move too fast to see. */
const LIVE_SPAN_MIN_S = 0.5;

/** @param {number} seconds */
function round(seconds) {
  return Number(seconds.toFixed(6));
}

/**
 * Live again.
 * @param {View} view
 * @returns {Move}
 */
export function live({ spanS }) {
  return {
    changes: {
      endS: null,
      speed: null,
      spanS: spanS < LIVE_SPAN_MIN_S ? 2 : spanS,
    },
    isHere: false,
  };
}

/**
 * Pauses with a time in the middle, or with the newest time at the right edge where that would show the future.
 * @param {View} view
 * @param {{ gpsS: number, newestS: number }} to
 * @returns {Move}
 */
export function goTo({ spanS }, { gpsS, newestS }) {
  const endS = round(Math.min(gpsS + spanS / 2, newestS));
  return { changes: { endS, speed: null }, isHere: false };
}

/** A paused view with this time at its right edge. @param {number} edgeS @returns {Partial<View>} */
export function pausedAt(edgeS) {
  return { endS: round(edgeS), speed: null };
}

/**
 * Plays history from the right edge on.
 * @param {number} edgeS
 * @param {number} speed
 * @returns {Move}
 */
export function play(edgeS, speed) {
  return { changes: { endS: round(edgeS), speed }, isHere: false };
}

/**
 * Pauses at the right edge, or goes live again.
 * @param {View} view
 * @param {number} edgeS newest time that is shown
 * @returns {Move}
 */
export function pause(view, edgeS) {
  if (view.endS !== null && view.speed === null) return live(view);
  return { changes: pausedAt(edgeS), isHere: true };
}

/**
 * What follows playing that ends by itself: live at the newest time, or paused where the server sends no more. Back then
 * goes to before the playing: otherwise it would begin again, and end there again.
 * @param {View} view
 * @param {number | null} edgeS newest time that is shown; null: that is the newest time of all
 * @returns {Move}
 */
export function endPlaying(view, edgeS) {
  const move = edgeS === null ? live(view) : pause(view, edgeS);
  return { ...move, isSameStep: true };
}

/**
 * Pauses on a span.
 * @param {View} view
 * @param {number} edgeS
 * @param {{ fromS: number, toS: number }} span
 * @returns {Move}
 */
export function zoomTo(view, edgeS, { fromS, toS }) {
  const middle = (fromS + toS) / 2;
  const spanS = round(Math.min(Math.max(toS - fromS, SPAN_MIN_S), SPAN_MAX_S));
  const endS = round(middle + spanS / 2);
  return {
    changes: { spanS, endS, speed: null },
    isHere: endS <= edgeS + 1e-6 && endS - spanS >= edgeS - view.spanS - 1e-6,
  };
}

/**
 * A shorter (-1) or longer (1) span: a round one of a live view; around the middle of a paused one.
 * @param {View} view
 * @param {number} edgeS
 * @param {-1 | 1} direction
 * @returns {Move}
 */
export function zoom(view, edgeS, direction) {
  if (view.endS === null) {
    const next = direction > 0
      ? SPANS_S.find((s) => s > view.spanS)
      : SPANS_S.findLast((s) => s < view.spanS);
    return { changes: next ? { spanS: next } : {}, isHere: false };
  }
  const middle = edgeS - view.spanS / 2;
  const half = view.spanS * (direction > 0 ? 1 : 0.25);
  const span = { fromS: middle - half, toS: middle + half };
  return playingOn(view, zoomTo(view, edgeS, span));
}

/**
 * Another span: up to now in a live view; around the middle in a paused one.
 * @param {View} view
 * @param {number} edgeS
 * @param {number} spanS
 * @returns {Move}
 */
export function spanOf(view, edgeS, spanS) {
  if (view.endS === null) return { changes: { spanS }, isHere: false };
  const middleS = edgeS - view.spanS / 2;
  const fromS = middleS - spanS / 2;
  return playingOn(view, zoomTo(view, edgeS, { fromS, toS: fromS + spanS }));
}

/**
 * A move that does not end playing.
 * @param {View} view
 * @param {Move} move
 * @returns {Move}
 */
function playingOn({ speed }, { changes, isHere }) {
  return { changes: { ...changes, speed }, isHere: isHere && speed === null };
}

/**
 * A quarter of the span earlier (-1) or later (1); after the newest time, live again.
 * @param {View} view
 * @param {number} edgeS
 * @param {{ direction: -1 | 1, newestS: number }} to
 * @returns {Move}
 */
export function pan(view, edgeS, { direction, newestS }) {
  const endS = edgeS + direction * view.spanS / 4;
  if (direction > 0 && endS >= newestS) return live(view);
  return { changes: { endS: round(endS), speed: null }, isHere: false };
}

/**
 * A span as a drag leaves it: not after the newest time, and neither too short nor too long.
 * @param {{ fromS: number, toS: number }} span
 * @param {number} newestS
 * @returns {Partial<View>}
 */
export function slideTo({ fromS, toS }, newestS) {
  const spanS = Math.min(Math.max(toS - fromS, SPAN_MIN_S), SPAN_MAX_S);
  const endS = Math.min((fromS + toS + spanS) / 2, newestS);
  return { spanS: round(spanS), endS: round(endS), speed: null };
}

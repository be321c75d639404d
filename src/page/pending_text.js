// Why a live plot has no data at its right edge, in words.
import { endWords } from "./gap_words.js";

/** A stream may need so long for its first row without a word about it. */
const NEW_MS = 700;

/**
 * @param {import("./series.js").Series} series
 * @param {number} edgeS the newest time that is shown, GPS s
 * @returns {string} empty when nothing is missing
 */
export function pendingText(series, edgeS) {
  const { dataMs, firstLiveS, ring, state, strideS, trend } = series;
  if (state.state === "waiting") {
    return `connection lost (${endWords(state.reason)})`;
  }
  const isNew = performance.now() - dataMs < NEW_MS;
  if (state.state === "connecting") return isNew ? "" : "connecting";
  if (state.state === "refused") return "refused";
  if (state.state === "ended") return `ended (${endWords(state.reason)})`;
  if (ring.end === 0) return isNew ? "" : "waiting for the first row";
  // It has what the series before it had, and its first live row is on its way.
  if (isNew && firstLiveS === undefined) return "";
  const lateS = edgeS - ring.endS;
  // A bin comes when it is complete, which may take its whole length.
  return lateS > Math.max(2.5 * strideS, trend ? 10 : 1)
    ? "no data received"
    : "";
}

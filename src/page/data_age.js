// How many channels are silent, and for how long: text for the status line and the title of the tab.
// Invariant: a channel is silent after three of its strides, or three seconds, whichever is longer.

const STRIDES = 3;
const SILENT_MIN_S = 3;

/** After so many seconds without data a channel is silent. @param {number} strideS */
export function silentAfterS(strideS) {
  return Math.max(STRIDES * strideS, SILENT_MIN_S);
}

/**
 * @param {Iterable<{ dataMs: number, strideS: number }>} all for each channel, when data last came
 * @param {number} nowMs by the same clock
 * @returns {{ silent: number, of: number, seconds: number }} seconds: of the channel that is silent the longest
 */
export function silenceOf(all, nowMs) {
  let silent = 0;
  let of = 0;
  let seconds = 0;
  for (const { dataMs, strideS } of all) {
    of++;
    const ageS = (nowMs - dataMs) / 1000;
    if (ageS <= silentAfterS(strideS)) continue;
    silent++;
    seconds = Math.max(seconds, ageS);
  }
  return { silent, of, seconds };
}

/**
 * The silence as text; empty when no channel is silent.
 * @param {{ silent: number, of: number, seconds: number }} silence
 */
export function silenceText({ silent, of, seconds }) {
  if (silent === 0) return "";
  return `no data for ${Math.floor(seconds)} s (${silent} of ${of} channel${
    of === 1 ? "" : "s"
  })`;
}

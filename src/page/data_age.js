// For how long nothing has come, and from how many channels: in words for the status line and the tab's title.
// Invariant: pure; a channel is silent after three of its strides, or three seconds, whichever is longer.

const STRIDES = 3;
const SILENT_MIN_S = 3;

/**
 * @param {Iterable<{ dataMs: number, strideS: number }>} all when data last came, of each channel
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
    if (ageS <= Math.max(STRIDES * strideS, SILENT_MIN_S)) continue;
    silent++;
    seconds = Math.max(seconds, ageS);
  }
  return { silent, of, seconds };
}

/**
 * What the page says of it; empty when all is well.
 * @param {{ silent: number, of: number, seconds: number }} silence
 */
export function silenceText({ silent, of, seconds }) {
  if (silent === 0) return "";
  return `no data for ${Math.floor(seconds)} s (${silent} of ${of} channel${
    of === 1 ? "" : "s"
  })`;
}

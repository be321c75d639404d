// How many channels are silent, and for how long: text for the status line and the title of the tab.
// Invariant: a channel is silent after three of its strides, or three seconds, whichever is longer.
import { printable } from "./quoting.js";

const STRIDES = 3;
const SILENT_MIN_S = 3;

/** After so many seconds without data a channel is silent. @param {number} strideS */
export function silentAfterS(strideS) {
  return Math.max(STRIDES * strideS, SILENT_MIN_S);
}

/**
 * @param {Iterable<{ dataMs: number, strideS: number, channel: { name: string } }>} all for each channel, when data last came
 * @param {number} nowMs by the same clock
 * @returns {{ silent: number, of: number, seconds: number, name: string }} seconds, name: of the channel that is silent
 *   the longest
 */
export function silenceOf(all, nowMs) {
  let silent = 0;
  let of = 0;
  let seconds = 0;
  let longest = "";
  for (const { channel, dataMs, strideS } of all) {
    of++;
    const ageS = (nowMs - dataMs) / 1000;
    if (ageS <= silentAfterS(strideS)) continue;
    silent++;
    if (ageS <= seconds) continue;
    seconds = ageS;
    longest = channel.name;
  }
  return { silent, of, seconds, name: longest };
}

/**
 * The silence as text, with the name of a channel that is the only silent one; empty when none is.
 * @param {{ silent: number, of: number, seconds: number, name: string }} silence
 */
export function silenceText({ silent, of, seconds, name }) {
  if (silent === 0) return "";
  const which = silent === 1 && of > 1 ? `: ${printable(name)}` : "";
  return `no data for ${Math.floor(seconds)} s (${silent} of ${of} channel${
    of === 1 ? "" : "s"
  }${which})`;
}

// One vertical axis for all channels of a plot: the range of their values, and the unit that they have in common.
import { originFor } from "./int64_samples.js";

/**
 * What the axis needs of a channel.
 * @typedef {object} Trace
 * @property {import("./series.js").Series} series
 * @property {boolean} is64Bit
 * @property {(fromS: number, toS: number) => { low: number, high: number }} extremes less the origin
 * @property {(origin: number) => void} setOrigin
 */

/**
 * Fits the axis to the values of all traces; without values it stays. Returns what is subtracted from all values from now
 * on, so that large integers stay exact.
 * @param {import("./value_axis.js").ValueAxis} axis
 * @param {readonly Trace[]} traces
 * @param {{ fromS: number, toS: number, origin: number }} span origin: what was subtracted until now
 */
export function fitTogether(axis, traces, { fromS, toS, origin: before }) {
  let { low, high } = extremesOf(traces, fromS, toS);
  if (low > high) return before;
  const origin = traces.some((t) => t.is64Bit)
    ? originFor(low, high, before)
    : 0;
  if (origin !== before) {
    for (const trace of traces) trace.setOrigin(origin);
    ({ low, high } = extremesOf(traces, fromS, toS));
  }
  axis.fit(low, high, origin);
  return origin;
}

/** The unit of all; null where they differ, or have none. @param {readonly Trace[]} traces */
export function unitOf(traces) {
  const unit = traces[0]?.series.channel.unit ?? null;
  for (const { series } of traces) {
    if ((series.channel.unit ?? null) !== unit) return null;
  }
  return unit;
}

/**
 * @param {readonly Trace[]} traces
 * @param {number} fromS
 * @param {number} toS
 */
function extremesOf(traces, fromS, toS) {
  let [low, high] = [Infinity, -Infinity];
  for (const trace of traces) {
    const found = trace.extremes(fromS, toS);
    low = Math.min(low, found.low);
    high = Math.max(high, found.high);
  }
  return { low, high };
}

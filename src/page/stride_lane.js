// What the page knows about one live stream (one stride, or the bins of one trend): its state and its latency.

/** @typedef {import("./qanat.d.ts").StreamState} StreamState */

const LATENCIES_MAX = 64;
/** Time for a row to be drawn, s. */
const MARGIN_S = 0.03;
const DELAY_MAX_S = 5;

export class StrideLane {
  /** Of the newest rows, s. @type {number[]} */
  latencies = [];

  /**
   * @param {number} strideS
   * @param {StreamState} state
   * @param {number} nowMs by a monotonic clock
   */
  constructor(strideS, state, nowMs) {
    this.strideS = strideS;
    this.state = state;
    /** When the last row came, by the same clock; before the first, when the stream began. */
    this.rowMs = nowMs;
  }

  /**
   * @param {number} latencyMs
   * @param {number} nowMs
   */
  addRow(latencyMs, nowMs) {
    this.rowMs = nowMs;
    this.latencies.push(latencyMs / 1000);
    if (this.latencies.length > LATENCIES_MAX) this.latencies.shift();
  }
}

/**
 * How far behind now the page can show the quickest live stream without a pause between rows, s; undefined without one.
 * @param {Iterable<StrideLane>} lanes
 */
export function delayOf(lanes) {
  let least = Infinity;
  for (const { strideS, latencies, state } of lanes) {
    if (latencies.length === 0 || state.state !== "live") continue;
    least = Math.min(least, Math.max(...latencies) + strideS + MARGIN_S);
  }
  return least === Infinity
    ? undefined
    : Math.min(Math.max(least, 0), DELAY_MAX_S);
}

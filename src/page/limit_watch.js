// Checks the samples of all plots that have limits, as rows arrive.
// Invariant: a sample is checked once for each channel and limits, however many plots show them; a paused view changes nothing.
import { LimitState } from "./limit_state.js";
import { levelText } from "./levels.js";
import { channelsOf } from "./plot_spec.js";

/** @typedef {import("./crossings.js").Limits} Limits */
/** @typedef {import("./view.js").PlotSpec} PlotSpec */
/** @typedef {{ name: string, limits: Limits, state: LimitState }} Watched */

export class LimitWatch {
  /** By channel and limits. @type {Map<string, Watched>} */
  #all = new Map();
  #now;

  /** @param {{ now?: () => number }} [options] now: a monotonic clock, ms */
  constructor({ now = () => performance.now() } = {}) {
    this.#now = now;
  }

  /** Watches these plots; what was found for the same channel and limits stays. @param {PlotSpec[]} plots */
  show(plots) {
    /** @type {Map<string, Watched>} */
    const all = new Map();
    for (const plot of plots) {
      const limits = limitsOf(plot);
      if (!limits) continue;
      for (const name of channelsOf(plot)) {
        const key = keyOf(name, limits);
        const state = this.#all.get(key)?.state ?? new LimitState(limits);
        all.set(key, { name, limits, state });
      }
    }
    this.#all = all;
  }

  /** @param {import("./qanat.d.ts").Row | import("./qanat.d.ts").TrendRow} row */
  takeRow(row) {
    for (const { name, state } of this.#all.values()) {
      const data = row.channels[name];
      if (data) state.take(row, data, this.#now());
    }
  }

  /** What is known of a plot's channels; empty without limits. @param {PlotSpec} plot */
  of(plot) {
    const limits = limitsOf(plot);
    if (!limits) return [];
    const nowMs = this.#now();
    return channelsOf(plot).flatMap((name) => {
      const found = this.#all.get(keyOf(name, limits));
      return found ? [{ name, judged: found.state.at(nowMs) }] : [];
    });
  }

  /** Forgets what was beyond; of one plot, or of all. @param {PlotSpec} [plot] */
  acknowledge(plot) {
    const limits = plot && limitsOf(plot);
    const some = plot && limits
      ? channelsOf(plot).map((name) => this.#all.get(keyOf(name, limits)))
      : plot
      ? []
      : [...this.#all.values()];
    for (const one of some) one?.state.acknowledge();
  }
}

/** Null without any. @param {PlotSpec} plot @returns {Limits | null} */
export function limitsOf({ kind, y }) {
  if (kind !== "series" || !y) return null;
  const { above, below } = y;
  return above === undefined && below === undefined ? null : { above, below };
}

/** @param {string} name @param {Limits} limits */
function keyOf(name, { above, below }) {
  const text = (/** @type {import("./levels.js").Level | undefined} */ level) =>
    level === undefined ? null : levelText(level);
  return JSON.stringify([name, text(above), text(below)]);
}

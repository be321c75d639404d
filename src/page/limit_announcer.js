// Says once to screen readers that a plot went beyond its limits, or came back, or has no data.
// Invariant: at most one sentence in ANNOUNCE_MS, with all changes since the last one; never one for each row.

/** @typedef {import("./limit_state.js").LimitKind} LimitKind */

const ANNOUNCE_MS = 5000;
const NAMED_MAX = 3;

export class LimitAnnouncer {
  /** What was said of each plot. @type {Map<string, LimitKind>} */
  #said = new Map();
  #saidMs = -Infinity;

  /**
   * The next sentence; empty while there is nothing new.
   * @param {{ key: string, name: string, kind: LimitKind, text: string }[]} plots
   * @param {number} nowMs
   */
  next(plots, nowMs) {
    if (nowMs - this.#saidMs < ANNOUNCE_MS) return "";
    const parts = [];
    /** @type {Map<string, LimitKind>} */
    const said = new Map();
    for (const { key, kind, name, text } of plots) {
      // A new plot has no data yet, and what is acknowledged needs no word.
      const before = this.#said.get(key) ?? "within";
      const is = kind === "none" ? before : kind;
      said.set(key, is);
      const isBack = is === "within" && before === "was";
      if (is !== before && !isBack) parts.push(`${name}: ${text}`);
    }
    this.#said = said;
    if (parts.length === 0) return "";
    this.#saidMs = nowMs;
    const more = parts.length - NAMED_MAX;
    return parts.slice(0, NAMED_MAX).join(". ") +
      (more > 0 ? `. And ${more} more` : "");
  }
}

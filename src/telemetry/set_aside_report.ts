// Writes at most one log line a minute that sums what was refused, set aside or missing, by cause.
// Invariant: a line has at most one field for each counter, however many messages there were.
import type { Logger } from "./log.ts";

const EVERY_MS = 60_000;

export interface SetAsideReportOptions {
  readonly log: Logger;
  /** Monotonic. */
  readonly clockMs: () => number;
  /** Counters that only grow; the same names each time. */
  readonly read: () => Readonly<Record<string, number>>;
}

/** Reports by how much each counter has grown. */
export class SetAsideReport {
  readonly #options: SetAsideReportOptions;
  #last: Readonly<Record<string, number>>;
  #lastMs: number;

  constructor(options: SetAsideReportOptions) {
    this.#options = options;
    this.#last = options.read();
    this.#lastMs = options.clockMs();
  }

  /** Call it about once a second. */
  tick(): void {
    const nowMs = this.#options.clockMs();
    if (nowMs - this.#lastMs >= EVERY_MS) this.#report(nowMs);
  }

  /** Reports what was counted since the last line. */
  close(): void {
    this.#report(this.#options.clockMs());
  }

  #report(nowMs: number): void {
    const { log, read } = this.#options;
    const counts = read();
    const grown: Record<string, number> = {};
    for (const [name, count] of Object.entries(counts)) {
      const by = count - (this.#last[name] ?? 0);
      if (by > 0) grown[name] = by;
    }
    const seconds = Math.round((nowMs - this.#lastMs) / 1000);
    this.#last = counts;
    this.#lastMs = nowMs;
    if (Object.keys(grown).length > 0) {
      log.warn("refused-and-missed", { seconds, ...grown });
    }
  }
}

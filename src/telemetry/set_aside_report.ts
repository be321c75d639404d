// One line of the log a minute that sums what was refused, set aside or never came; none where there was nothing.
// Invariant: a line has at most one field a counter, however many messages there were.
import type { Qanat } from "../app.ts";
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

  /** What a stop would leave unsaid. */
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

/** What an instance has refused, set aside or never got, by the names of /metrics without `qanat_` and `_total`. */
export function refusedAndMissed(
  { store, catalog, hub, requests, source }: Pick<
    Qanat,
    "store" | "catalog" | "hub" | "requests" | "source"
  >,
): Record<string, number> {
  return {
    messages_bad: store.total("bad"),
    blocks_future: store.total("future"),
    blocks_late: store.total("late"),
    blocks_duplicate: store.total("duplicate"),
    blocks_too_large: store.total("tooLarge"),
    blocks_missed: store.total("missed"),
    offset_holes: store.counters.holes,
    past_set_aside: store.pastCounters.bad + store.pastCounters.future,
    channels_refused: sum(catalog.refused.counts),
    records_refused: source.status().counters["refused_records"] ?? 0,
    gaps_missing: hub.gapsReported.missing,
    clients_refused: sum(hub.admission.refusals),
    requests_refused: sum(requests.refusals),
  };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

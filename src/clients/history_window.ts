// The rows of one history for several clients, each at its own position: the newest row that was read, and those before it
// that the history's memory still has.
// Invariant: rows are read once, in order. What comes at a row is the same for each client that asks, or `gone`.
import type { HistoryRows, HistoryStep } from "../blocks/history_rows.ts";

/**
 * What comes at a row. `more`: rows before it come first, and one was read. `gone`: it is not in memory any more. `need`
 * and `end`: as in {@linkcode HistoryStep}.
 */
export type WindowStep =
  | HistoryStep
  | { readonly kind: "more" }
  | { readonly kind: "gone" };

interface WindowGap {
  readonly kind: "gap";
  readonly from: number;
  readonly to: number;
  readonly reason: Extract<HistoryStep, { kind: "gap" }>["reason"];
}

/** The most gaps that are remembered for clients behind the newest row. */
const GAPS_MAX = 64;
const ROW = { kind: "row" } as const;
const MORE = { kind: "more" } as const;
const GONE = { kind: "gone" } as const;

export class HistoryWindow {
  readonly #history: HistoryRows;
  /** Of the rows below `next`, the newest ones. */
  readonly #gaps: WindowGap[] = [];
  #next: number;

  /** `first`: the row at which the history begins. */
  constructor(history: HistoryRows, first: number) {
    this.#history = history;
    this.#next = first;
  }

  /** The next row that will be read. */
  get next(): number {
    return this.#next;
  }

  /** Whether a client whose next row is `row` can still have it. */
  reaches(row: number): boolean {
    return row >= this.#next || this.#known(row) !== GONE;
  }

  /** What comes at a row. It reads at most one row or gap further. A gap ends at `limit` at the latest. */
  at(row: number, limit: number): WindowStep {
    if (row >= this.#next) {
      const from = this.#next;
      const step = this.#history.next(from, limit);
      if (step.kind === "need" || step.kind === "end") return step;
      this.#next = step.kind === "gap" ? step.to : from + 1;
      if (step.kind === "gap") this.#note({ ...step, from });
      if (row >= this.#next) return MORE;
    }
    return this.#known(row);
  }

  /** Whether a block of a row is missing; call it after at(). */
  isShort(row: number): boolean {
    return this.#history.timeline.isShort(row);
  }

  #note(gap: WindowGap): void {
    this.#gaps.push(gap);
    if (this.#gaps.length > GAPS_MAX) this.#gaps.shift();
  }

  /** What came at a row below `next`. */
  #known(row: number): typeof ROW | WindowGap | typeof GONE {
    const gap = this.#gaps.findLast(({ from, to }) => row >= from && row < to);
    if (gap !== undefined) return gap;
    return this.#history.timeline.stateOf(row) === "held" ? ROW : GONE;
  }
}

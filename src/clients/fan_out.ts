// Which groups have rows to hand out. Each gets one row at a time, so that no selection waits for another's backlog.
// Invariant: a group stands in the queue once while anything of it is pending; who is served first rotates.
import type { SelectionGroup } from "./selection_group.ts";
import type { Work } from "./turns.ts";

/** Steps round a circle so that every place comes first equally often. */
const GOLDEN_PART = 0.6180339887;

/** The `turn`-th place to begin at, of `count`. */
export function rotation(turn: number, count: number): number {
  return Math.floor((turn * GOLDEN_PART % 1) * count);
}

/** Groups that are through make room in the queue once there are so many. */
const DONE_KEPT = 1024;

/** The queue of groups with released rows. */
export class FanOut implements Work {
  readonly #clockMs: () => number;
  #queue: SelectionGroup[] = [];
  #next = 0;
  #round = 0;
  #isRotated = false;

  /** `clockMs`: that of the turns. */
  constructor(clockMs: () => number = () => performance.now()) {
    this.#clockMs = clockMs;
  }

  add(group: SelectionGroup): void {
    this.#queue.push(group);
  }

  get waiting(): number {
    return this.#queue.length - this.#next;
  }

  work(endMs: number): boolean {
    if (!this.#isRotated) this.#rotate();
    // A group may have one client only: the clock is looked at behind each, but never before the first.
    for (let served = 0; this.#next < this.#queue.length; served++) {
      if (served > 0 && this.#clockMs() >= endMs) return true;
      const group = this.#queue[this.#next]!;
      const outcome = group.deliver(endMs);
      if (outcome === "time-up") return true;
      this.#next++;
      // Under load the queue may never be empty.
      if (this.#next === DONE_KEPT) {
        this.#queue.splice(0, this.#next);
        this.#next = 0;
      }
      if (outcome === "more") this.#queue.push(group);
    }
    this.#queue = [];
    this.#next = 0;
    this.#isRotated = false;
    return false;
  }

  #rotate(): void {
    this.#isRotated = true;
    const first = rotation(this.#round++, this.#queue.length);
    if (first === 0) return;
    this.#queue = this.#queue.slice(first).concat(this.#queue.slice(0, first));
  }
}

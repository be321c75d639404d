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

/** The queue of groups with released rows. */
export class FanOut implements Work {
  #queue: SelectionGroup[] = [];
  #next = 0;
  #round = 0;
  #isRotated = false;

  add(group: SelectionGroup): void {
    this.#queue.push(group);
  }

  get waiting(): number {
    return this.#queue.length - this.#next;
  }

  work(endMs: number): boolean {
    if (!this.#isRotated) this.#rotate();
    while (this.#next < this.#queue.length) {
      const group = this.#queue[this.#next]!;
      const outcome = group.deliver(endMs);
      if (outcome === "time-up") return true;
      this.#next++;
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

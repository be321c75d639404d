// The live queue in two lanes: groups whose writes take several times as long as those of others (Flight) come last, so
// that the others' rows do not wait for them. Invariant: one run in LAST_FIRST_EVERY begins with those that come last, so
// that they get their rows when there is too much to do for all.
import { LiveQueue, type QueuedGroup } from "./live_queue.ts";
import type { Task } from "./scheduler.ts";

/** A group with its lane. */
export interface LaneGroup extends QueuedGroup {
  /** Whether it comes after the others. */
  readonly isLast: boolean;
}

const LAST_FIRST_EVERY = 4;
/** After the others, they get this part of a slice at a time, since most of the work of their writes is done after it. */
const LAST_SLICE_PART = 4;

/** Both lanes as one queue. */
export class LiveLanes implements Task {
  readonly #first: LiveQueue;
  readonly #last: LiveQueue;
  readonly #clockMs: () => number;
  #runs = 0;

  /** `clockMs`: that of the scheduler. */
  constructor(clockMs: () => number = () => performance.now()) {
    this.#clockMs = clockMs;
    this.#first = new LiveQueue(clockMs);
    this.#last = new LiveQueue(clockMs);
  }

  /** Queues a group that has something to hand out, and had nothing before. */
  add(group: LaneGroup): void {
    (group.isLast ? this.#last : this.#first).add(group);
  }

  /** Groups in the queue. */
  get size(): number {
    return this.#first.size + this.#last.size;
  }

  /** For how long there have been rows to hand out without a pause, ms. Well above a stride: the CPU is overloaded. */
  get busyMs(): number {
    return Math.max(this.#first.busyMs, this.#last.busyMs);
  }

  run(endMs: number): boolean {
    const isTurned = this.#last.size > 0 &&
      ++this.#runs % LAST_FIRST_EVERY === 0;
    if (isTurned && this.#first.size > 0) {
      return this.#last.run(endMs) || this.#first.run(endMs);
    }
    if (this.#first.run(endMs)) return true;
    const nowMs = this.#clockMs();
    return this.#last.run(nowMs + (endMs - nowMs) / LAST_SLICE_PART);
  }
}

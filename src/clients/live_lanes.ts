// The live queue in two lanes: groups whose writes take several times as long as those of others (Flight) come last, so
// that the others' rows do not wait for them. Invariant: while others have rows left in turn after turn, those that come
// last get a short slice in one of LAST_EVERY turns, so that they get their rows when there is too much to do for all.
import { LiveQueue, type QueuedGroup } from "./live_queue.ts";
import type { Task } from "./scheduler.ts";

/** A group with its lane. */
export interface LaneGroup extends QueuedGroup {
  /** Whether it comes after the others. */
  readonly isLast: boolean;
}

const LAST_EVERY = 3;
/** They get this part of a slice at a time: about three times as much work of their writes is done after it. */
const LAST_SLICE_PART = 4;

/** Both lanes. In each turn, `first` runs before `last`. */
export class LiveLanes {
  readonly first: Task;
  readonly last: Task;
  readonly #first: LiveQueue;
  readonly #last: LiveQueue;
  readonly #clockMs: () => number;
  /** Turns without a pause that the others ended with rows left. */
  #turns = 0;

  /** `clockMs`: that of the scheduler. */
  constructor(clockMs: () => number = () => performance.now()) {
    this.#clockMs = clockMs;
    this.first = this.#first = new LiveQueue(clockMs);
    this.#last = new LiveQueue(clockMs);
    this.last = { run: (endMs) => this.#runLast(endMs) };
  }

  /** Queues a group that has something to hand out, and had nothing before. */
  add(group: LaneGroup): void {
    (group.isLast ? this.#last : this.#first).add(group);
  }

  /** Whether groups of the first lane, and of the last one, have rows. */
  get hasFirst(): boolean {
    return this.#first.size > 0;
  }

  get hasLast(): boolean {
    return this.#last.size > 0;
  }

  /** Groups in both. */
  get size(): number {
    return this.#first.size + this.#last.size;
  }

  /** For how long there have been rows to hand out without a pause, ms. Well above a stride: the CPU is overloaded. */
  get busyMs(): number {
    return Math.max(this.#first.busyMs, this.#last.busyMs);
  }

  #runLast(endMs: number): boolean {
    if (!this.hasFirst) this.#turns = 0;
    else if (++this.#turns % LAST_EVERY !== 0) return this.hasLast;
    const nowMs = this.#clockMs();
    return this.#last.run(nowMs + (endMs - nowMs) / LAST_SLICE_PART);
  }
}

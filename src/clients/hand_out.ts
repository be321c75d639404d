// Runs the live queue as soon as rows have been released, and counts its time.
// Invariant: `encodeSeconds` and `writeSeconds` together are the time of the live queue.
import type { RowListener } from "../blocks/row_listener.ts";
import type { Trends } from "../trends/recorded_trend.ts";
import type { ClientLifecycle } from "./lifecycle.ts";
import type { LiveLanes } from "./live_lanes.ts";
import type { CooperativeScheduler, Task } from "./scheduler.ts";

export interface HandOutParts {
  readonly scheduler: CooperativeScheduler;
  readonly liveQueue: LiveLanes;
  readonly lifecycle: ClientLifecycle;
  readonly trends: Trends;
}

/** Runs the live queue after rows were released, and the trends after blocks have come. */
export class HandOut implements RowListener {
  /** The first lane of the live queue, and the last one. */
  readonly first: Task;
  readonly last: Task;
  readonly #parts: HandOutParts;

  constructor(parts: HandOutParts) {
    this.#parts = parts;
    const { first, last } = parts.liveQueue;
    this.first = { run: (endMs) => this.#run(first, endMs) };
    this.last = { run: (endMs) => this.#run(last, endMs) };
  }

  /**
   * The groups have noted their rows in the live queue: hands them out at once, for as long as the slice lasts. Those of
   * the last lane wait for the next turn: others of the same time may come in the same round of the loop.
   */
  rowsReleased(): void {
    const { scheduler, liveQueue, trends } = this.#parts;
    if (liveQueue.hasFirst) scheduler.runNow(this.first);
    if (liveQueue.hasLast) scheduler.schedule(this.last);
    if (trends.isDue) scheduler.runNow(trends);
  }

  #run(lane: Task, endMs: number): boolean {
    const { scheduler, lifecycle } = this.#parts;
    const { counters } = lifecycle.books;
    const beganMs = scheduler.clockMs();
    const encodedBefore = counters.encodeSeconds;
    const isLeft = lane.run(endMs);
    counters.writeSeconds += (scheduler.clockMs() - beganMs) / 1000 -
      (counters.encodeSeconds - encodedBefore);
    return isLeft;
  }
}

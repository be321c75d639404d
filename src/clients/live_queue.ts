// Serves groups in passes. In a pass each group hands out one row; a group that lags, two. So no selection waits for
// another one's backlog. Invariant: in a pass older rows come first, and groups whose next row has the same time are
// served one after the other, so that its text is made once; which of them comes first rotates.
import { rotation } from "./rotation.ts";
import type { Task } from "./scheduler.ts";

/** A group with released rows, as the queue sees it. */
export interface QueuedGroup {
  /** When its next row begins, GPS ms; only the order matters. */
  readonly pendingMs: number;
  /** Hands out one row, or what fits of it until `endMs`; it is `nowMs`. `done`: nothing is pending any more. */
  deliver(endMs: number, nowMs: number): "done" | "more" | "time-up";
}

/** Groups whose next row has the same time. */
interface TimeGroup {
  readonly timeMs: number;
  readonly groups: QueuedGroup[];
  /** Groups from this index on have had a row in this pass before. */
  readonly firstAgain: number;
}

/** The queue of groups with released rows. */
export class LiveQueue implements Task {
  readonly #clockMs: () => number;
  /** The groups of the current pass by time, and the next one to serve. */
  #pass: TimeGroup[] = [];
  #timeIndex = 0;
  #groupIndex = 0;
  /** The next pass, by time. */
  #next = new Map<number, QueuedGroup[]>();
  #passCount = 0;
  #size = 0;
  #busySinceMs = 0;

  /** `clockMs`: that of the scheduler. */
  constructor(clockMs: () => number = () => performance.now()) {
    this.#clockMs = clockMs;
  }

  /** Queues a group that has something to hand out, and had nothing before. */
  add(group: QueuedGroup): void {
    if (this.#size++ === 0) this.#busySinceMs = this.#clockMs();
    const { pendingMs } = group;
    const same = this.#next.get(pendingMs);
    if (same) same.push(group);
    else this.#next.set(pendingMs, [group]);
  }

  /** Groups in the queue. */
  get size(): number {
    return this.#size;
  }

  /** For how long there have been rows to hand out without a pause, ms. Well above a stride: the CPU is overloaded. */
  get busyMs(): number {
    return this.#size === 0 ? 0 : this.#clockMs() - this.#busySinceMs;
  }

  run(endMs: number): boolean {
    // A group may have one client only, so the time may be up after each group, but never before the first.
    for (let served = 0; this.#size > 0; served++) {
      const nowMs = this.#clockMs();
      if (served > 0 && nowMs >= endMs) return true;
      const { groups, firstAgain } = this.#current();
      const group = groups[this.#groupIndex]!;
      const outcome = group.deliver(endMs, nowMs);
      if (outcome === "time-up") return true;
      const isFirst = this.#groupIndex++ < firstAgain;
      if (outcome === "more") this.#addAgain(group, isFirst);
      this.#size--;
    }
    this.#pass = [];
    this.#timeIndex = this.#groupIndex = 0;
    return false;
  }

  /** The groups of the time that is served now; begins the next pass when this one is over. */
  #current(): TimeGroup {
    let current = this.#pass[this.#timeIndex];
    while (current === undefined || this.#groupIndex >= current.groups.length) {
      this.#groupIndex = 0;
      if (current === undefined) this.#beginPass();
      else this.#timeIndex++;
      current = this.#pass[this.#timeIndex];
    }
    return current;
  }

  #beginPass(): void {
    this.#timeIndex = 0;
    const turn = this.#passCount++;
    this.#pass = [...this.#next].sort(([a], [b]) => a - b).map(
      ([timeMs, queued]) => {
        const { length } = queued;
        const first = rotation(turn, length);
        const groups = queued.map((_, i) => queued[(i + first) % length]!);
        return { timeMs, groups, firstAgain: length };
      },
    );
    this.#next.clear();
  }

  /**
   * Queues a group that has another row. If others have newer rows in this pass, it hands out that row before them, once
   * per pass. So groups whose rows differ after an overload come to the same row again.
   */
  #addAgain(group: QueuedGroup, isFirst: boolean): void {
    const { pendingMs } = group;
    const pass = this.#pass;
    let at = this.#timeIndex + 1;
    while (at < pass.length && pass[at]!.timeMs < pendingMs) at++;
    if (!isFirst || at >= pass.length) return this.add(group);
    if (pass[at]!.timeMs > pendingMs) {
      pass.splice(at, 0, { timeMs: pendingMs, groups: [], firstAgain: 0 });
    }
    pass[at]!.groups.push(group);
    this.#size++;
  }
}

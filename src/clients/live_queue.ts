// Which groups have rows to hand out, in passes: a row of each, two of those that are behind, so that no selection
// waits for another's backlog. Invariant: in a pass older rows come first, and those who want the same one stand
// together, so that their text is made once; who of them is served first rotates.
import type { SelectionGroup } from "./selection_group.ts";
import type { Task } from "./scheduler.ts";

/** Steps round a circle so that every place comes first equally often. */
const GOLDEN_PART = 0.6180339887;

/** The `turn`-th place to begin at, of `count`. */
export function rotation(turn: number, count: number): number {
  return Math.floor((turn * GOLDEN_PART % 1) * count);
}

/** Groups whose next row is of one time. */
interface TimeGroup {
  readonly timeMs: number;
  readonly groups: SelectionGroup[];
  /** Groups that had a row in this pass before stand from here on. */
  readonly again: number;
}

/** The queue of groups with released rows. */
export class LiveQueue implements Task {
  readonly #clockMs: () => number;
  /** The pass that is under way, and where it stands. */
  #pass: TimeGroup[] = [];
  #rank = 0;
  #place = 0;
  /** The pass behind it, by time. */
  #next = new Map<number, SelectionGroup[]>();
  #round = 0;
  #waiting = 0;
  /** Since when somebody has been waiting. */
  #busySinceMs = 0;

  /** `clockMs`: that of the turns. */
  constructor(clockMs: () => number = () => performance.now()) {
    this.#clockMs = clockMs;
  }

  add(group: SelectionGroup): void {
    if (this.#waiting++ === 0) this.#busySinceMs = this.#clockMs();
    const { pendingMs } = group.delivery;
    const same = this.#next.get(pendingMs);
    if (same) same.push(group);
    else this.#next.set(pendingMs, [group]);
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** How long there has been something to hand out, without a pause. Well above a stride: more than can be served. */
  get busyMs(): number {
    return this.#waiting === 0 ? 0 : this.#clockMs() - this.#busySinceMs;
  }

  work(endMs: number): boolean {
    // A group may have one client only: the clock is looked at behind each, but never before the first.
    for (let served = 0; this.#waiting > 0; served++) {
      if (served > 0 && this.#clockMs() >= endMs) return true;
      const { groups, again } = this.#current();
      const group = groups[this.#place]!;
      const outcome = group.deliver(endMs);
      if (outcome === "time-up") return true;
      const isFirst = this.#place++ < again;
      if (outcome === "more") this.#again(group, isFirst);
      this.#waiting--;
    }
    this.#pass = [];
    this.#rank = this.#place = 0;
    return false;
  }

  /** Where the pass stands; the next one begins where it has ended. */
  #current(): TimeGroup {
    let rank = this.#pass[this.#rank];
    while (rank === undefined || this.#place >= rank.groups.length) {
      this.#place = 0;
      if (rank === undefined) this.#begin();
      else this.#rank++;
      rank = this.#pass[this.#rank];
    }
    return rank;
  }

  #begin(): void {
    this.#rank = 0;
    const round = this.#round++;
    this.#pass = [...this.#next].sort(([a], [b]) => a - b).map(
      ([timeMs, waiting]) => {
        const first = rotation(round, waiting.length);
        const groups = first === 0
          ? waiting
          : waiting.slice(first).concat(waiting.slice(0, first));
        return { timeMs, groups, again: groups.length };
      },
    );
    this.#next.clear();
  }

  /**
   * A group has another row. Where others want newer ones in this pass, too, it gets that one before them, once: so
   * those whose rows lie apart, as they came while not all could be served, come together again.
   */
  #again(group: SelectionGroup, isFirst: boolean): void {
    const { pendingMs } = group.delivery;
    const ranks = this.#pass;
    let at = this.#rank + 1;
    while (at < ranks.length && ranks[at]!.timeMs < pendingMs) at++;
    if (!isFirst || at >= ranks.length) return this.add(group);
    if (ranks[at]!.timeMs > pendingMs) {
      ranks.splice(at, 0, { timeMs: pendingMs, groups: [], again: 0 });
    }
    ranks[at]!.groups.push(group);
    this.#waiting++;
  }
}

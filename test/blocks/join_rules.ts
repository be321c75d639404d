// What the join may say of a world, derived from the logs and the reader alone: short, and right by looking.
// Times are GPS ms. It knows nothing of watermarks, indexes or rings.
import assert from "node:assert/strict";
import {
  type Message,
  OUTAGE_GRACE_MS,
  OUTAGE_WAIT_MS,
  type Partition,
  type Told,
  type World,
} from "./join_world.ts";

/** A reader that has not reached the log's end for longer was away. */
const AWAY_MS = 1000;

/** A block with which a partition returned, and the end of its newest block before. */
interface Return {
  readonly index: number;
  readonly message: Message;
  readonly silentMs: number;
}

/** What counts of a partition's log: the first block of each index that was not set aside as of the future. */
class Log {
  readonly partition: Partition;
  readonly first = new Map<number, Message>();
  /** When two blocks in a row first lay more than max_latency behind the newest: time jumped back. */
  resetMs = Infinity;
  /** Fetches that had reached the log's end, but those in the grace after an outage: by them blocks are late. */
  readonly #judged: { atMs: number; toldMs: number }[] = [];
  readonly #limits = new Map<number, number>();
  readonly #earliest = new Map<number, number>();
  #returns: Return[] | null = null;
  #possibleReturns: { index: number; readMs: number }[] | null = null;
  /** Spans without a fetch that reached the log's end, longer than rows wait. */
  readonly #away: { fromMs: number; toMs: number }[] = [];

  constructor(partition: Partition) {
    this.partition = partition;
    const { strideMs, maxLatencyMs, caughtUp } = partition;
    let graceEndMs = -Infinity;
    caughtUp.forEach(({ atMs, toldMs }, i) => {
      const fromMs = caughtUp[i - 1]?.atMs ?? atMs;
      if (toldMs - fromMs > OUTAGE_WAIT_MS) {
        this.#away.push({ fromMs, toMs: toldMs });
      }
      if (atMs - fromMs > AWAY_MS) graceEndMs = atMs + OUTAGE_GRACE_MS;
      if (atMs >= graceEndMs) this.#judged.push({ atMs, toldMs });
    });
    let newest = -1;
    let suspect = -1;
    for (const message of partition.log) {
      const { index, readMs } = message;
      if (readMs === Infinity) break;
      if (index * strideMs > readMs + 2 * strideMs) continue;
      if (this.first.has(index)) continue;
      if (newest >= 0 && (newest - index) * strideMs > maxLatencyMs) {
        if (suspect >= 0 && index > suspect) {
          this.resetMs = readMs;
          return;
        }
        suspect = index;
        continue;
      }
      suspect = -1;
      this.first.set(index, message);
      newest = Math.max(newest, index);
    }
  }

  deadlineMs(index: number): number {
    const { strideMs, maxLatencyMs } = this.partition;
    return (index + 1) * strideMs + maxLatencyMs;
  }

  /** When a block counts as late: after the first valid fetch after its deadline. */
  limitMs(index: number): number {
    let limitMs = this.#limits.get(index);
    if (limitMs === undefined) {
      const deadlineMs = this.deadlineMs(index);
      limitMs = this.#judged.find((j) => j.atMs >= deadlineMs)?.atMs ??
        Infinity;
      this.#limits.set(index, limitMs);
    }
    return limitMs;
  }

  isInTime(index: number): boolean {
    const message = this.first.get(index);
    return message !== undefined && message.arriveMs <= this.limitMs(index);
  }

  /** Nothing came for `index` in its time, nor anything newer: the publisher fell silent. */
  isSilentAt(index: number): boolean {
    if (this.#earliest.size === 0) this.#lookBack();
    return (this.#earliest.get(index) ?? Infinity) > this.limitMs(index);
  }

  /** When the log first had the block of an index or a newer one. */
  #lookBack(): void {
    const indexes = [...this.first.keys()];
    let earliestMs = Infinity;
    for (
      let index = Math.max(...indexes);
      index >= Math.min(...indexes);
      index--
    ) {
      const arriveMs = this.first.get(index)?.arriveMs ?? Infinity;
      earliestMs = Math.min(earliestMs, arriveMs);
      this.#earliest.set(index, earliestMs);
    }
  }

  /** Read no later than max_latency after its end. */
  isFresh(index: number): boolean {
    const message = this.first.get(index);
    return message !== undefined &&
      message.readMs <= this.deadlineMs(index);
  }

  /**
   * Whether rows had to wait for a block when so much was read: its partition was present, and not given up since a
   * block of it was fresh.
   */
  isAwaited(index: number, order: number): boolean {
    const lowest = Math.min(...this.first.keys());
    for (let i = index - 1; i >= lowest; i--) {
      if (this.isSilentAt(i) || this.isGivenUp(i)) return false;
      if (this.isFresh(i) && this.first.get(i)!.order <= order) return true;
    }
    return false;
  }

  /** Whether a block was due before, and read after, its reader had been away for longer than rows wait. */
  isGivenUp(index: number): boolean {
    const endMs = (index + 1) * this.partition.strideMs;
    const readMs = this.first.get(index)?.readMs ?? Infinity;
    return this.#away.some((a) =>
      a.fromMs < readMs && (endMs <= a.toMs || readMs <= a.toMs)
    );
  }

  /** Whether a block must be in its row. */
  isOwed(index: number, order: number, world: JudgedWorld): boolean {
    return this.isInTime(index) && !this.isGivenUp(index) &&
      (this.isAwaited(index, order) || this.#isExpected(index, order, world));
  }

  /** Surely known by a time: nothing came for an index in its time, nor anything newer. */
  #wasSilent(index: number, beforeMs: number): boolean {
    const deadlineMs = this.deadlineMs(index);
    return this.#judged.some((j) =>
      j.atMs >= deadlineMs && j.toldMs < beforeMs
    );
  }

  /** Returns after a silence that was surely known. */
  get returns(): readonly Return[] {
    if (this.#returns !== null) return this.#returns;
    this.#returns = [];
    let newest = -1;
    for (const [index, message] of this.#inOrder()) {
      if (index <= newest) continue;
      const isReturn = newest >= 0 && this.isFresh(index) &&
        this.#wasSilent(newest + 1, message.readMs);
      const silentMs = (newest + 1) * this.partition.strideMs;
      if (isReturn) this.#returns.push({ index, message, silentMs });
      newest = index;
    }
    return this.#returns;
  }

  /** Blocks that were read when the partition may have been absent. */
  get possibleReturns(): readonly { index: number; readMs: number }[] {
    this.#possibleReturns ??= [...this.first]
      .filter(([i, { order }]) => !this.isAwaited(i, order - 1))
      .map(([index, { readMs }]) => ({ index, readMs }));
    return this.#possibleReturns;
  }

  #inOrder(): [number, Message][] {
    return [...this.first].sort(([, a], [, b]) => a.order - b.order);
  }

  /** Whether a block was waited for because a partition returned that had fallen silent together with this one. */
  #isExpected(
    index: number,
    order: number,
    { logs, rowStrideMs }: JudgedWorld,
  ): boolean {
    const { strideMs, maxLatencyMs } = this.partition;
    const read = this.#inOrder();
    const readOrder = this.first.get(index)!.order;
    if (read.some(([i, m]) => i > index && m.order < readOrder)) return false;
    return logs.some(({ partition: other, returns }) =>
      returns.some((r) => {
        if (r.message.order > order || other === this.partition) return false;
        const rowMs = r.index * other.strideMs -
          r.index * other.strideMs % rowStrideMs;
        const endMs = (r.index + 1) * other.strideMs;
        if (index * strideMs < rowMs || index * strideMs >= endMs) return false;
        const before = read.filter(([, m]) => m.order < r.message.order);
        const newest = Math.max(-1, ...before.map(([i]) => i));
        if (newest < 0 || newest >= index) return false;
        const apartMs = Math.abs((newest + 1) * strideMs - r.silentMs);
        return this.#wasSilent(newest + 1, r.message.readMs) &&
          apartMs <= rowStrideMs + Math.max(maxLatencyMs, other.maxLatencyMs);
      })
    );
  }

  /** Until when a row may wait for this partition because another one returned before `atMs`; −Infinity: not at all. */
  awaitedUntilMs(row: number, atMs: number, world: JudgedWorld): number {
    const { strideMs } = this.partition;
    const last = (row + 1) * world.rowStrideMs / strideMs - 1;
    let untilMs = -Infinity;
    for (const { partition: other, possibleReturns } of world.logs) {
      if (other === this.partition) continue;
      for (const { index, readMs } of possibleReturns) {
        if (readMs > atMs) continue;
        const to = Math.ceil((index + 1) * other.strideMs / strideMs) - 1;
        const deadlineMs = this.deadlineMs(Math.min(to, last));
        const judged = this.#judged.find((j) => j.atMs >= deadlineMs);
        untilMs = Math.max(untilMs, judged?.toldMs ?? Infinity);
      }
    }
    return untilMs;
  }

  /** Whether it was known at a time that a publisher had fallen silent before a block. */
  isKnownSilent(index: number, atMs: number): boolean {
    for (let i = index - 1; i > index - 4; i--) {
      if (!this.isSilentAt(i)) continue;
      const deadlineMs = this.deadlineMs(i);
      const seen = this.#judged.some((j) =>
        j.atMs >= deadlineMs && j.toldMs < atMs
      );
      const isBack = [...this.first].some(([j, m]) =>
        j > i && m.readMs <= atMs
      );
      if (seen && !isBack) return true;
    }
    return false;
  }
}

/** A world, and what is known of its logs. */
interface JudgedWorld {
  readonly logs: readonly Log[];
  readonly rowStrideMs: number;
}

/** Throws where the join broke a rule. How many rows were owed whole, and how many lacked something. */
export function checkWorld(
  world: World,
): {
  rows: number;
  short: number;
  gaps: number;
  resets: number;
  returns: number;
} {
  const logs = world.partitions.map((p) => new Log(p));
  const judged = { logs, rowStrideMs: world.rowStrideMs };
  const resetMs = Math.min(...logs.map((log) => log.resetMs));
  const before = world.told.filter((t) => t.atMs < resetMs);
  const resets = world.told.filter((t) => t.kind === "reset");
  const isReset = resetMs < Infinity;
  assert.equal(resets.length > 0, isReset, "time-reset reported, or not");
  if (isReset) assert.equal(resets[0]!.atMs, resetMs, "reported immediately");
  let next = -1;
  let lastMs = -Infinity;
  let rows = 0;
  let short = 0;
  let gaps = 0;
  let returns = 0;
  for (const log of logs) returns += log.returns.length;
  for (const told of before) {
    if (told.kind === "reset") break;
    const from = told.kind === "row" ? told.row : told.gap.from;
    if (next >= 0) assert.equal(from, next, "rows and gaps follow each other");
    next = told.kind === "row" ? told.row + 1 : told.gap.to;
    assert.ok(next > from, "an empty gap");
    if (told.kind === "row") {
      checkRow(judged, told, lastMs);
      rows++;
      if (told.held.flat().includes(false)) short++;
    } else {
      gaps++;
      for (let row = from; row < next; row++) {
        checkGap(judged, row, told.order);
      }
    }
    lastMs = told.atMs;
  }
  if (!isReset) checkEnd(judged, next);
  return { rows, short, gaps, resets: resets.length, returns };
}

function checkRow(
  world: JudgedWorld,
  told: Extract<Told, { kind: "row" }>,
  lastMs: number,
): void {
  assert.ok(told.held.flat().includes(true), "a row of nothing");
  let readyMs = lastMs;
  let isWaiting = false;
  const { logs } = world;
  logs.forEach((log, p) => {
    const ratio = world.rowStrideMs / log.partition.strideMs;
    for (let k = 0; k < ratio; k++) {
      const index = told.row * ratio + k;
      if (told.held[p]![k]) {
        const message = log.first.get(index);
        assert.ok(message, `row ${told.row} has a block that was set aside`);
        readyMs = Math.max(readyMs, message.readMs);
      } else {
        assert.ok(
          !log.isOwed(index, told.order, world),
          `row ${told.row}: ${log.partition.topic} block ${index} came in time and is null`,
        );
      }
    }
  });
  // The moment its last partition arrives: later only while one that may still come is awaited, or one that fell silent
  // together with another that has returned, and of these none beyond its latency.
  let untilMs = readyMs;
  logs.forEach((log, p) => {
    const ratio = world.rowStrideMs / log.partition.strideMs;
    for (let k = 0; k < ratio; k++) {
      if (told.held[p]![k]) continue;
      if (!log.isKnownSilent(told.row * ratio + k, readyMs)) isWaiting = true;
    }
    if (!told.held[p]!.includes(false)) return;
    const awaitedMs = log.awaitedUntilMs(told.row, told.atMs, world);
    untilMs = Math.max(untilMs, awaitedMs);
  });
  if (!isWaiting && lastMs > -Infinity) {
    const isInTime = told.atMs === readyMs ||
      untilMs > readyMs && told.atMs <= untilMs;
    assert.ok(isInTime, `row ${told.row} was held back`);
  }
}

function checkGap(world: JudgedWorld, row: number, order: number): void {
  for (const log of world.logs) {
    const ratio = world.rowStrideMs / log.partition.strideMs;
    for (let k = 0; k < ratio; k++) {
      const index = row * ratio + k;
      assert.ok(
        !log.isOwed(index, order, world),
        `gap over row ${row}: ${log.partition.topic} block ${index} came in time`,
      );
    }
  }
}

/** After a pause, everything that was due has been reported. */
function checkEnd(world: JudgedWorld, next: number): void {
  for (const log of world.logs) {
    const ratio = world.rowStrideMs / log.partition.strideMs;
    for (const [index, { order }] of log.first) {
      if (Math.floor(index / ratio) < next) continue;
      assert.ok(
        !log.isOwed(index, order - 1, world),
        `${log.partition.topic} block ${index} was never reported: rows end at ${next}`,
      );
    }
  }
}

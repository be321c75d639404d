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
    for (let i = index - 1;; i--) {
      if (this.isSilentAt(i) || this.isGivenUp(i)) return false;
      if (this.isFresh(i) && this.first.get(i)!.order <= order) return true;
    }
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
  isOwed(index: number, order: number): boolean {
    return this.isInTime(index) && !this.isGivenUp(index) &&
      this.isAwaited(index, order);
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

/** Throws where the join broke a rule. How many rows were owed whole, and how many lacked something. */
export function checkWorld(
  world: World,
): { rows: number; short: number; gaps: number; resets: number } {
  const logs = world.partitions.map((p) => new Log(p));
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
  for (const told of before) {
    if (told.kind === "reset") break;
    const from = told.kind === "row" ? told.row : told.gap.from;
    if (next >= 0) assert.equal(from, next, "rows and gaps follow each other");
    next = told.kind === "row" ? told.row + 1 : told.gap.to;
    assert.ok(next > from, "an empty gap");
    if (told.kind === "row") {
      checkRow(world, logs, told, lastMs);
      rows++;
      if (told.held.flat().includes(false)) short++;
    } else {
      gaps++;
      for (let row = from; row < next; row++) {
        checkGap(world, logs, row, told.order);
      }
    }
    lastMs = told.atMs;
  }
  if (!isReset) checkEnd(world, logs, next);
  return { rows, short, gaps, resets: resets.length };
}

function checkRow(
  world: World,
  logs: readonly Log[],
  told: Extract<Told, { kind: "row" }>,
  lastMs: number,
): void {
  assert.ok(told.held.flat().includes(true), "a row of nothing");
  let readyMs = lastMs;
  let isWaiting = false;
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
          !log.isOwed(index, told.order),
          `row ${told.row}: ${log.partition.topic} block ${index} came in time and is null`,
        );
      }
    }
  });
  // The moment its last partition arrives: later only while one that may still come is awaited.
  logs.forEach((log, p) => {
    const ratio = world.rowStrideMs / log.partition.strideMs;
    for (let k = 0; k < ratio; k++) {
      if (told.held[p]![k]) continue;
      if (!log.isKnownSilent(told.row * ratio + k, readyMs)) isWaiting = true;
    }
  });
  if (!isWaiting && lastMs > -Infinity) {
    assert.equal(told.atMs, readyMs, `row ${told.row} was held back`);
  }
}

function checkGap(
  world: World,
  logs: readonly Log[],
  row: number,
  order: number,
): void {
  for (const log of logs) {
    const ratio = world.rowStrideMs / log.partition.strideMs;
    for (let k = 0; k < ratio; k++) {
      const index = row * ratio + k;
      assert.ok(
        !log.isOwed(index, order),
        `gap over row ${row}: ${log.partition.topic} block ${index} came in time`,
      );
    }
  }
}

/** After a pause, everything that was due has been reported. */
function checkEnd(world: World, logs: readonly Log[], next: number): void {
  for (const log of logs) {
    const ratio = world.rowStrideMs / log.partition.strideMs;
    for (const [index, { order }] of log.first) {
      if (Math.floor(index / ratio) < next) continue;
      assert.ok(
        !log.isOwed(index, order - 1),
        `${log.partition.topic} block ${index} was never reported: rows end at ${next}`,
      );
    }
  }
}

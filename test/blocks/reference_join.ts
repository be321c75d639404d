// The join by its written rules, with sets and plain loops: what a timeline must report after each event. Invariant: slow and obvious; it shares no code with src/blocks. Times are ms on one clock, GPS or not;
// a block k covers [k, k + 1) × stride, a row r covers [r, r + 1) × row stride, and both may be negative.

/** So long a new timeline waits for partitions that were not read to their end once, ms. */
const PATIENCE_MS = 2000;

/** A reader that has not reached the log's end for longer was away, ms. */
const AWAY_MS = 1000;

export interface PartitionRules {
  readonly strideMs: number;
  readonly maxLatencyMs: number;
  readonly futureToleranceMs: number;
  readonly outageWaitMs: number;
  readonly outageGraceMs: number;
}

export type Miss = "late" | "unreachable";
export type Taken = "accepted" | "future" | "duplicate" | "suspect" | "reset";

/** One partition: which blocks were handed out, up to when its log was read, and whether rows wait for it. */
export class RefPartition {
  readonly rules: PartitionRules;
  /** Message of each accepted block, by block. */
  readonly accepted = new Map<number, number>();
  /** Why rows do not wait for blocks any more. */
  readonly missed = new Map<number, Miss>();
  /** Those of them that were waited for in vain, up to a fetch after their deadline. */
  readonly late = new Set<number>();
  newest = -Infinity;
  /** The lowest block when rows began to wait; nothing before it was ever expected. */
  first = Infinity;
  /** Rows wait for no block below this one. */
  waitFrom = -Infinity;
  /** The log was surely read to its end as of then. */
  readToMs = -Infinity;
  /** The same, without fetches in the grace period after an outage: it decides which blocks are late. */
  judgedToMs = -Infinity;
  #graceEndMs = -Infinity;
  /** An outage is counted from then. */
  heardMs: number;
  /** What `heardMs` was when blocks were given up as unreachable. */
  readonly outages = new Set<number>();
  hasCaughtUpOnce = false;
  absent: Miss | null = null;
  /** End of the newest block before the message that was just taken, if rows wait again because of it. */
  silentMs: number | null = null;
  #suspect: number | null = null;

  constructor(rules: PartitionRules, wantedMs: number) {
    this.rules = rules;
    this.heardMs = wantedMs;
  }

  endMs(block: number): number {
    return (block + 1) * this.rules.strideMs;
  }

  deadlineMs(block: number): number {
    return this.endMs(block) + this.rules.maxLatencyMs;
  }

  /** Since when nothing has come. */
  get silentSinceMs(): number {
    return this.newest === -Infinity
      ? -Number.MAX_VALUE
      : this.endMs(this.newest);
  }

  take(block: number, message: number, nowMs: number): Taken {
    this.silentMs = null;
    const { strideMs, maxLatencyMs, futureToleranceMs } = this.rules;
    if (block * strideMs > nowMs + futureToleranceMs) return "future";
    if (this.accepted.has(block)) return "duplicate";
    if ((this.newest - block) * strideMs > maxLatencyMs) {
      if (this.#suspect === null || block <= this.#suspect) {
        this.#suspect = block;
        return "suspect";
      }
      this.#clear();
      this.accepted.set(block, message);
      this.newest = block;
      this.waitFrom = block;
      return "reset";
    }
    this.#suspect = null;
    // Blocks of before the first one are not there: all that never came ended at the same time.
    const silentMs = this.silentSinceMs;
    this.accepted.set(block, message);
    this.newest = Math.max(this.newest, block);
    // Nothing was ever waited for before the first block of all.
    if (this.hasCaughtUpOnce && this.waitFrom === -Infinity) {
      this.waitFrom = block;
    }
    const isFresh = nowMs - this.endMs(block) <= maxLatencyMs;
    if (this.absent !== null && isFresh) {
      for (let k = this.waitFrom; k < block; k++) {
        if (!this.accepted.has(k)) this.missed.set(k, this.absent);
      }
      if (this.absent === "unreachable") this.outages.add(this.heardMs);
      this.absent = null;
      this.waitFrom = Math.max(this.waitFrom, block);
      if (this.waitFrom === block) this.silentMs = silentMs;
    }
    return "accepted";
  }

  /** The log was deleted and made again: nothing that was read of it holds. */
  restart(): void {
    this.#clear();
    this.hasCaughtUpOnce = false;
  }

  #clear(): void {
    this.accepted.clear();
    this.missed.clear();
    this.late.clear();
    this.newest = -Infinity;
    this.waitFrom = -Infinity;
    this.absent = null;
    this.#suspect = null;
  }

  caughtUp(atMs: number): void {
    const { outageGraceMs } = this.rules;
    const wasAway = this.hasCaughtUpOnce && atMs - this.readToMs > AWAY_MS;
    if (wasAway) this.#graceEndMs = atMs + outageGraceMs;
    this.readToMs = Math.max(this.readToMs, atMs);
    if (this.readToMs >= this.#graceEndMs) this.judgedToMs = this.readToMs;
    this.heardMs = this.readToMs;
    if (!this.hasCaughtUpOnce) this.#begin();
  }

  #begin(): void {
    this.hasCaughtUpOnce = true;
    this.waitFrom = this.newest + 1;
    this.absent = this.newest === -Infinity
      ? "late"
      : this.missOf(this.newest + 1, -Infinity);
    // Between blocks, what is missing and not late yet may still come.
    this.first = Math.min(...this.accepted.keys());
    for (let block = this.newest; block > this.first; block--) {
      if (this.readToMs >= this.deadlineMs(block)) break;
      if (!this.accepted.has(block)) this.waitFrom = block;
    }
  }

  /** Why rows need not wait for a block, or null. */
  missOf(block: number, nowMs: number): Miss | null {
    if (this.judgedToMs >= this.deadlineMs(block)) return "late";
    const isOut = nowMs - this.heardMs > this.rules.outageWaitMs;
    return isOut && nowMs >= this.deadlineMs(block) ? "unreachable" : null;
  }

  /** Why a row went out without a block. */
  reasonOf(block: number): Miss {
    const isAwaited = block >= this.waitFrom;
    return this.missed.get(block) ?? (isAwaited ? this.absent : null) ?? "late";
  }

  settle(nowMs: number): void {
    if (!this.hasCaughtUpOnce) {
      if (nowMs - this.heardMs <= this.rules.outageWaitMs) return;
      this.hasCaughtUpOnce = true;
      this.waitFrom = this.newest + 1;
      this.absent = "unreachable";
    }
    if (this.newest === -Infinity) return;
    while (this.waitFrom <= this.newest) {
      if (!this.accepted.has(this.waitFrom)) {
        const miss = this.missOf(this.waitFrom, nowMs);
        if (miss === null) return;
        this.missed.set(this.waitFrom, miss);
        if (miss === "late") this.late.add(this.waitFrom);
        else this.outages.add(this.heardMs);
      }
      this.waitFrom++;
    }
    if (this.absent !== null) return;
    this.absent = this.missOf(this.newest + 1, nowMs);
    if (this.absent === "late") this.late.add(this.newest + 1);
    if (this.absent === "unreachable") this.outages.add(this.heardMs);
  }

  /** Whether rows need not wait for a block. */
  isDone(block: number): boolean {
    if (!this.hasCaughtUpOnce) return false;
    return this.absent !== null || block < this.waitFrom ||
      this.accepted.has(block);
  }
}

/** One report: a row with the messages in it (−1: none), partition by partition, or a span of nothing. */
export type Told =
  | { readonly row: number; readonly messages: readonly number[] }
  | { readonly from: number; readonly to: number };

/** The rows over some partitions. */
export class RefTimeline {
  readonly partitions: readonly RefPartition[];
  /** The reports since the last check, and how often the stream was ended. */
  told: Told[] = [];
  resets = 0;
  readonly ratios: readonly number[];
  /** The next row; null before there is a place to begin. */
  next: number | null = null;
  /** Of absent partitions, times of which blocks may come, as those of others of their publisher have. */
  readonly #hoped = new Map<RefPartition, { fromMs: number; toMs: number }>();
  #sinceMs: number;

  constructor(
    partitions: readonly RefPartition[],
    strideMs: number,
    nowMs: number,
  ) {
    this.partitions = partitions;
    this.ratios = partitions.map((p) => strideMs / p.rules.strideMs);
    this.#sinceMs = nowMs;
  }

  reset(nowMs: number): void {
    this.resets++;
    this.next = null;
    this.#hoped.clear();
    this.#sinceMs = nowMs;
  }

  /** One is back: so may be the others that fell silent when it did. */
  isBack(back: RefPartition, nowMs: number): void {
    for (const other of this.partitions) {
      if (other.absent === null) continue;
      const apartMs = Math.abs(other.silentSinceMs - back.silentMs!);
      const { maxLatencyMs } = other.rules;
      const latencyMs = Math.max(maxLatencyMs, back.rules.maxLatencyMs);
      if (apartMs > latencyMs + this.#strideMs) continue;
      const toMs = back.endMs(back.newest);
      const fromMs = toMs - back.rules.strideMs;
      const before = this.#hoped.get(other);
      const isOpen = before !== undefined &&
        other.missOf(blockBefore(other, before.toMs), nowMs) === null;
      this.#hoped.set(other, {
        fromMs: isOpen ? Math.min(before.fromMs, fromMs) : fromMs,
        toMs: Math.max(before?.toMs ?? -Infinity, toMs),
      });
    }
  }

  get #strideMs(): number {
    return this.partitions[0]!.rules.strideMs * this.ratios[0]!;
  }

  /** Whether a row waits for an absent partition. */
  #isHopedFor(partition: RefPartition, row: number, nowMs: number): boolean {
    const hoped = this.#hoped.get(partition);
    if (hoped === undefined || partition.absent === null) return false;
    if ((row + 1) * this.#strideMs <= hoped.fromMs) return false;
    const ratio = this.ratios[this.partitions.indexOf(partition)]!;
    const to = blockBefore(partition, hoped.toMs);
    for (let block = row * ratio; block < (row + 1) * ratio; block++) {
      if (partition.accepted.has(block)) continue;
      if (partition.missOf(Math.min(block, to), nowMs) === null) return true;
    }
    return false;
  }

  /** Begins where the slowest of the present partitions stands, or with the newest that there is. */
  findStart(nowMs: number): void {
    if (this.next !== null) return;
    const hasCaughtUpOnce = this.partitions.filter((p) => p.hasCaughtUpOnce);
    const isPatient = nowMs - this.#sinceMs < PATIENCE_MS;
    if (isPatient && hasCaughtUpOnce.length < this.partitions.length) return;
    const ratioOf = (p: RefPartition) =>
      this.ratios[this.partitions.indexOf(p)]!;
    const present = hasCaughtUpOnce.filter((p) => p.absent === null).map((p) =>
      Math.ceil(p.waitFrom / ratioOf(p))
    );
    const past = hasCaughtUpOnce.map((p) => Math.floor(p.newest / ratioOf(p)));
    const place = present.length > 0 ? Math.min(...present) : Math.max(...past);
    if (Number.isFinite(place)) this.next = place;
  }

  /** Makes the reports that are possible now. */
  advance(nowMs: number): void {
    // A partition that can never be read is given up before there is a place.
    for (const partition of this.partitions) {
      if (!partition.hasCaughtUpOnce) partition.settle(nowMs);
    }
    this.findStart(nowMs);
    if (this.next === null) return;
    for (const partition of this.partitions) partition.settle(nowMs);
    while (this.next <= this.#newestRow() && this.#isReady(this.next, nowMs)) {
      const row = this.next++;
      const messages = this.#messagesOf(row);
      if (messages.some((m) => m >= 0)) this.told.push({ row, messages });
      else this.told.push({ from: row, to: row + 1 });
    }
  }

  #newestRow(): number {
    return Math.max(
      ...this.partitions.map((p, i) => Math.floor(p.newest / this.ratios[i]!)),
    );
  }

  #isReady(row: number, nowMs: number): boolean {
    return this.partitions.every((p, i) => {
      const ratio = this.ratios[i]!;
      if (this.#isHopedFor(p, row, nowMs)) return false;
      for (let k = 0; k < ratio; k++) {
        if (!p.isDone(row * ratio + k)) return false;
      }
      return true;
    });
  }

  #messagesOf(row: number): number[] {
    return this.partitions.flatMap((p, i) => {
      const ratio = this.ratios[i]!;
      return Array.from(
        { length: ratio },
        (_, k) => p.accepted.get(row * ratio + k) ?? -1,
      );
    });
  }
}

/** The last block that begins before a time. */
function blockBefore({ rules }: RefPartition, ms: number): number {
  return Math.ceil(ms / rules.strideMs) - 1;
}

/** All partitions that are read, by number, and all timelines. */
export class RefStore {
  readonly partitions = new Map<number, RefPartition>();
  readonly timelines = new Set<RefTimeline>();

  subscribe(p: number, rules: PartitionRules, nowMs: number): void {
    this.partitions.set(p, new RefPartition(rules, nowMs));
  }

  unsubscribe(p: number): void {
    this.partitions.delete(p);
  }

  lease(ps: readonly number[], strideMs: number, nowMs: number): RefTimeline {
    const partitions = ps.map((p) => this.partitions.get(p)!);
    for (const partition of partitions) {
      if (this.#timelinesOf(partition).length === 0) partition.settle(nowMs);
    }
    const timeline = new RefTimeline(partitions, strideMs, nowMs);
    this.timelines.add(timeline);
    timeline.advance(nowMs);
    return timeline;
  }

  message(p: number, block: number, message: number, nowMs: number): Taken {
    const partition = this.partitions.get(p)!;
    const taken = partition.take(block, message, nowMs);
    if (taken === "future") return taken;
    const timelines = this.#timelinesOf(partition);
    if (taken === "reset") { for (const t of timelines) t.reset(nowMs); }
    if (partition.silentMs !== null) {
      for (const t of timelines) t.isBack(partition, nowMs);
    }
    this.#advance(timelines, nowMs);
    return taken;
  }

  caughtUp(p: number, atMs: number, nowMs: number): void {
    const partition = this.partitions.get(p)!;
    partition.caughtUp(atMs);
    this.#advance(this.#timelinesOf(partition), nowMs);
  }

  restart(p: number, nowMs: number): void {
    const partition = this.partitions.get(p)!;
    partition.restart();
    for (const t of this.#timelinesOf(partition)) t.reset(nowMs);
  }

  tick(nowMs: number): void {
    for (const timeline of this.timelines) timeline.advance(nowMs);
  }

  #advance(timelines: readonly RefTimeline[], nowMs: number): void {
    for (const timeline of timelines) timeline.findStart(nowMs);
    for (const timeline of timelines) timeline.advance(nowMs);
  }

  #timelinesOf(partition: RefPartition): RefTimeline[] {
    return [...this.timelines].filter((t) => t.partitions.includes(partition));
  }
}

// The bins of one selection at one length, as rows that streams can follow.
// Invariant: a bin is released when its last block is settled, whether or not the page ring still has its first one.
import type { PartitionBlocks } from "../blocks/partition_blocks.ts";
import type { GapReason } from "../blocks/row_gap.ts";
import { type RowState, Timeline } from "../blocks/timeline.ts";
import { TREND_BINS, type TrendBin } from "./trend_bins.ts";
import type { TrendRecord } from "./trend_record.ts";
import type { TrendRing } from "./trend_ring.ts";

/** Bins in the place of rows. */
export class TrendTimeline extends Timeline {
  override readonly kind: string;
  readonly #records: readonly TrendRecord[];
  readonly #rings: readonly TrendRing[];

  constructor(
    partitions: readonly PartitionBlocks[],
    gpsMs: number,
    { bin, records }: { bin: TrendBin; records: readonly TrendRecord[] },
  ) {
    super(partitions, bin.binNs, gpsMs);
    this.kind = trendKind(records);
    this.#records = records;
    this.#rings = trendRings(records, bin);
  }

  override advance(gpsMs: number): void {
    // Most blocks complete no bin.
    if (this.frontier >= 0 && !this.isSettled(this.frontier, gpsMs)) return;
    super.advance(gpsMs);
    // A bin that lacks a channel is no late row.
    this.lateRows = 0;
  }

  /** First bin that any of the channels still has. */
  override get coveredRow(): number {
    let row = Infinity;
    for (const ring of this.#rings) row = Math.min(row, ring.oldest);
    return row;
  }

  override isWhole(row: number): boolean {
    this.#takeBlocks();
    return row >= this.coveredRow;
  }

  override stateOf(row: number): RowState {
    this.#takeBlocks();
    for (const ring of this.#rings) if (ring.has(row)) return "held";
    return "empty";
  }

  override nextRow(row: number): number {
    let next = super.nextRow(row);
    for (const ring of this.#rings) next = Math.min(next, ring.nextBin(row));
    return next;
  }

  /** Whether a channel has nothing in a bin. */
  override isShort(row: number): boolean {
    for (const ring of this.#rings) if (!ring.has(row)) return true;
    return false;
  }

  /** Why a bin that is not whole is not, and where that ends. */
  lostFrom(row: number): { to: number; reason: GapReason } {
    let first = Infinity;
    for (const ring of this.#rings) {
      if (ring.first >= 0) first = Math.min(first, ring.first);
    }
    return row < first
      ? { to: first, reason: "not-recorded" }
      : { to: this.coveredRow, reason: "retention" };
  }

  /** The bin that is going on is the first to come: it tells by its counts how much of it there was. */
  protected override firstRow(rows: number): number {
    return Math.floor(rows);
  }

  /** One that fell silent within a bin is waited for until its latency is over: it may be back before the end. */
  protected override isSettled(row: number, gpsMs: number): boolean {
    for (let i = 0; i < this.partitions.length; i++) {
      const {
        hasCaughtUpOnce,
        settled,
        absent,
        newest,
        strideMs,
        maxLatencyMs,
        lateness,
      } = this.partitions[i]!;
      if (!hasCaughtUpOnce) return false;
      const end = (row + 1) * this.ratios[i]!;
      if (settled >= end) continue;
      if (absent === null) return false;
      if (newest < row * this.ratios[i]!) continue;
      const deadlineMs = end * strideMs + maxLatencyMs;
      if (lateness.isLate(deadlineMs)) continue;
      if (absent !== "unreachable" || gpsMs < deadlineMs) return false;
    }
    return true;
  }

  #takeBlocks(): void {
    for (const record of this.#records) record.catchUp();
  }
}

/** Tells the timelines of different selections apart. */
export function trendKind(records: readonly TrendRecord[]): string {
  const names = records.map(({ channel }) => channel.name);
  return JSON.stringify(["trend", ...names]);
}

/** The rings of one length. */
export function trendRings(
  records: readonly TrendRecord[],
  bin: TrendBin,
): TrendRing[] {
  const place = TREND_BINS.indexOf(bin);
  return records.map(({ channel, rings }) => {
    const ring = rings[place];
    if (ring) return ring;
    throw new Error(`${channel.name} has no bins of ${bin.name}`);
  });
}

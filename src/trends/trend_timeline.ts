// The bins of one selection at one length, as a timeline whose rows are bins.
// Invariant: a bin is released when its last block is settled and recorded, whether or not the page ring still has its
// first one.
import type { PartitionBlocks } from "../blocks/partition_blocks.ts";
import type { GapReason } from "../blocks/row_gap.ts";
import { type RowState, Timeline } from "../blocks/timeline.ts";
import { samplesIn, topicOf } from "../channels/channel.ts";
import type { RecordedBins, RecordedTrend } from "./recorded_trend.ts";
import { newSampleStats } from "./sample_stats.ts";
import { TREND_BINS, type TrendBin } from "./trend_bins.ts";

/** A timeline whose rows are bins. */
export class TrendTimeline extends Timeline {
  override readonly kind: string;
  readonly #records: readonly RecordedTrend[];
  readonly #rings: readonly RecordedBins[];
  /** Of each record: the index of its partition. */
  readonly #partitionOf: readonly number[];

  constructor(
    partitions: readonly PartitionBlocks[],
    gpsMs: number,
    { bin, records }: { bin: TrendBin; records: readonly RecordedTrend[] },
  ) {
    super(partitions, bin.binNs, gpsMs);
    this.kind = trendKind(records);
    this.#records = records;
    this.#rings = trendRings(records, bin);
    this.#partitionOf = partitionsOf(records, partitions);
  }

  override advance(gpsMs: number): void {
    // Most blocks complete no bin.
    if (this.frontier >= 0 && !this.isSettled(this.frontier, gpsMs)) return;
    super.advance(gpsMs);
    // A bin without one of its channels does not count as a short row.
    this.shortRows = 0;
  }

  /** The first row is found after the blocks that are here have been recorded: a stream may begin with them. */
  override findStart(gpsMs: number): boolean {
    if (this.frontier >= 0) return true;
    return this.#isRecordedTo(Infinity) && super.findStart(gpsMs);
  }

  override isIdle(gpsMs: number): boolean {
    return super.isIdle(gpsMs) && this.#isRecordedTo(Infinity);
  }

  /** First bin that at least one of the channels still has. */
  override get coveredRow(): number {
    let row = Infinity;
    for (const ring of this.#rings) row = Math.min(row, ring.oldest);
    return row;
  }

  override isWhole(row: number): boolean {
    this.#readBlocks();
    return row >= this.coveredRow;
  }

  override stateOf(row: number): RowState {
    this.#readBlocks();
    for (const ring of this.#rings) if (ring.has(row)) return "held";
    return "empty";
  }

  override nextRow(row: number): number {
    let next = super.nextRow(row);
    for (const ring of this.#rings) next = Math.min(next, ring.nextBin(row));
    return next;
  }

  /** Whether a channel has no block in a bin. */
  override isShort(row: number): boolean {
    for (const ring of this.#rings) if (!ring.has(row)) return true;
    return false;
  }

  /** Whether every channel has all samples of a bin, none of them NaN: then nothing can be added to the bin. */
  override isFull(row: number): boolean {
    const stats = newSampleStats();
    for (let i = 0; i < this.#rings.length; i++) {
      const { channel } = this.#records[i]!;
      if (!this.#rings[i]!.read(row, stats)) return false;
      if (stats.count !== samplesIn(channel, this.strideNs)) return false;
    }
    return true;
  }

  /** Why a bin is incomplete, and the first bin after that span. */
  lostFrom(row: number): { to: number; reason: GapReason } {
    let first = Infinity;
    for (const ring of this.#rings) {
      if (ring.first >= 0) first = Math.min(first, ring.first);
    }
    return row < first
      ? { to: first, reason: "not-recorded" }
      : { to: this.coveredRow, reason: "retention" };
  }

  /** The first bin is the current one, which may have begun before the recording: its counts show how much it has. */
  protected override firstRow(rows: number): number {
    return Math.floor(rows);
  }

  /** A partition that fell silent within a bin is waited for until its latency is over: it may return before the end. */
  protected override isSettled(row: number, gpsMs: number): boolean {
    for (let i = 0; i < this.partitions.length; i++) {
      const partition = this.partitions[i]!;
      partition.settle(gpsMs);
      const {
        hasCaughtUpOnce,
        settled,
        absent,
        newest,
        strideMs,
        maxLatencyMs,
        lateness,
      } = partition;
      if (!hasCaughtUpOnce) return false;
      const end = (row + 1) * this.ratios[i]!;
      if (settled >= end) continue;
      if (absent === null || this.isAwaited(i, row, gpsMs)) return false;
      if (newest < row * this.ratios[i]!) continue;
      const deadlineMs = end * strideMs + maxLatencyMs;
      if (lateness.isLate(deadlineMs)) continue;
      if (absent !== "unreachable" || gpsMs < deadlineMs) return false;
    }
    return this.#isRecordedTo(row);
  }

  /** Whether the settled blocks up to a bin's end are recorded. A partition without a block in it is not waited for. */
  #isRecordedTo(row: number): boolean {
    for (let i = 0; i < this.#records.length; i++) {
      const at = this.#partitionOf[i]!;
      const { newest, settled } = this.partitions[at]!;
      const ratio = this.ratios[at]!;
      if (newest < 0 || row < Infinity && newest < row * ratio) continue;
      const to = Math.min(settled, (row + 1) * ratio);
      if (!this.#records[i]!.isRecordedTo(to)) return false;
    }
    return true;
  }

  #readBlocks(): void {
    for (const record of this.#records) record.catchUp();
  }
}

function partitionsOf(
  records: readonly RecordedTrend[],
  partitions: readonly PartitionBlocks[],
): number[] {
  const indexes = new Map(partitions.map(({ topic }, i) => [topic, i]));
  return records.map(({ channel }) => indexes.get(topicOf(channel))!);
}

/** What distinguishes the timelines of different selections. */
export function trendKind(records: readonly RecordedTrend[]): string {
  const names = records.map(({ channel }) => channel.name);
  return JSON.stringify(["trend", ...names]);
}

/** The rings of one length, one per record. Throws when a channel has no bins of that length. */
export function trendRings(
  records: readonly RecordedTrend[],
  bin: TrendBin,
): RecordedBins[] {
  const index = TREND_BINS.indexOf(bin);
  return records.map(({ channel, rings }) => {
    const ring = rings[index];
    if (ring) return ring;
    throw new Error(`${channel.name} has no bins of ${bin.name}`);
  });
}

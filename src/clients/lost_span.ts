// The trend of a span of rows that a slow client lost (`slow=trend`), bin by bin. Each bin is a frame in the slab, sent
// when the client can take one, as rows are. Invariant: a step does a bounded amount of work.
import type { GapReason } from "../blocks/row_gap.ts";
import type { Timeline } from "../blocks/timeline.ts";
import { topicOf } from "../channels/channel.ts";
import type { Frame } from "../frames/frame.ts";
import type { RowEncoder } from "../frames/row_encoder.ts";
import type { RowEncoders } from "../frames/row_encoders.ts";
import type { Coding } from "../frames/stream_format.ts";
import type { RecordedBins, RecordedTrend } from "../trends/recorded_trend.ts";
import { TREND_BINS, type TrendBin } from "../trends/trend_bins.ts";
import { trendRings } from "../trends/trend_timeline.ts";

export interface LostSpanOptions {
  readonly encoders: RowEncoders;
  readonly coding: Coding;
  /** Of the client's rows. */
  readonly timeline: Timeline;
  /** The span, GPS ns. */
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** The row that the client continues with. */
  readonly toRow: number;
  /** Of the gap that is reported after the last bin. */
  readonly reason: GapReason;
}

/** Most trend events for one lost span: a longer span gets longer bins. */
const LOST_BINS_MAX = 600;
/** Records brought up to date in one step; each reads at most 64 blocks. */
const RECORDS_PER_STEP = 16;

/**
 * A frame to send, or why there is none. `more`: call again. `wait`: call again when more has been recorded. `short`: the
 * slab has no room. `done`: all were sent.
 */
export type LostStep = Frame | "more" | "wait" | "short" | "done";

/** The part of a span that one client has not been sent yet. */
export class LostSpan {
  readonly toRow: number;
  readonly reason: GapReason;
  readonly #records: readonly RecordedTrend[];
  readonly #rings: readonly RecordedBins[];
  readonly #rows: RowEncoder;
  readonly #end: number;
  /** Of each record: the blocks of the span end here. */
  readonly #blocks: readonly number[];
  #next: number;
  /** Records below this index are up to date. */
  #updated = 0;

  /** `records`: of all channels of the client, sorted by name. */
  constructor(records: readonly RecordedTrend[], options: LostSpanOptions) {
    const { fromNs, toNs, encoders, coding, timeline } = options;
    const bin = binFor(toNs - fromNs);
    this.toRow = options.toRow;
    this.reason = options.reason;
    this.#records = records;
    this.#rings = trendRings(records, bin);
    this.#rows = encoders.trendEvents({ bin, records }, coding);
    this.#next = Number(fromNs / bin.binNs);
    this.#end = Number((toNs + bin.binNs - 1n) / bin.binNs);
    this.#blocks = blocksOf(records, timeline, toNs);
  }

  /** The next bin that has data. */
  step(): LostStep {
    if (this.#updated < this.#records.length) return this.#update();
    if (this.#next >= this.#end) return "done";
    const bin = this.#next;
    if (this.#rings.some((ring) => ring.has(bin))) {
      const frame = this.#rows.encode(bin);
      if (frame === null) return "short";
      this.#next++;
      return frame;
    }
    this.#next++;
    return "more";
  }

  #update(): "more" | "wait" {
    for (let left = RECORDS_PER_STEP; left > 0; left--) {
      const record = this.#records[this.#updated];
      if (record === undefined) break;
      if (record.step()) continue;
      if (!record.isRecordedTo(this.#blocks[this.#updated]!)) return "wait";
      this.#updated++;
    }
    return "more";
  }
}

/** The settled blocks of each record up to a time end here. */
function blocksOf(
  records: readonly RecordedTrend[],
  { partitions }: Timeline,
  toNs: bigint,
): number[] {
  const settled = new Map(partitions.map((p) => [p.topic, p.settled]));
  return records.map(({ channel }) =>
    Math.min(
      settled.get(topicOf(channel)) ?? 0,
      Number((toNs + channel.strideNs - 1n) / channel.strideNs),
    )
  );
}

function binFor(spanNs: bigint): TrendBin {
  return TREND_BINS.find(({ binNs }) => spanNs / binNs < LOST_BINS_MAX) ??
    TREND_BINS.at(-1)!;
}

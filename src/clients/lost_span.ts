// The trend of a span of rows that a slow client lost (`slow=trend`), bin by bin: each is a frame of the slab and is
// sent when the client can take one, as rows are. Invariant: a step does a bounded amount of work.
import type { GapReason } from "../blocks/row_gap.ts";
import type { Frame } from "../frames/frame.ts";
import type { RowEncoder } from "../frames/row_encoder.ts";
import type { RowEncoders } from "../frames/row_encoders.ts";
import type { Coding } from "../frames/stream_format.ts";
import { TREND_BINS, type TrendBin } from "../trends/trend_bins.ts";
import type { TrendRecord } from "../trends/trend_record.ts";
import type { TrendRing } from "../trends/trend_ring.ts";
import { trendRings } from "../trends/trend_timeline.ts";

export interface LostSpanOptions {
  readonly encoders: RowEncoders;
  readonly coding: Coding;
  /** The span, GPS ns. */
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** The row that the client goes on with. */
  readonly toRow: number;
  /** Of the gap that follows. */
  readonly reason: GapReason;
}

/** Most trend events in the place of a lost span: longer bins tell a longer one. */
const LOST_BINS_MAX = 600;
/** Records looked at in one step; each takes at most 64 blocks. */
const RECORDS_A_STEP = 16;

/** A frame to send, or why there is none. `more`: not yet. `short`: the slab has no room. */
export type LostStep = Frame | "more" | "short" | "done";

/** What one client is still to be told of a span. */
export class LostSpan {
  readonly toRow: number;
  readonly reason: GapReason;
  readonly #records: readonly TrendRecord[];
  readonly #rings: readonly TrendRing[];
  readonly #rows: RowEncoder;
  readonly #end: number;
  #next: number;
  /** Records below this have taken what is settled. */
  #caughtUp = 0;

  /** `records`: of all channels of the client, sorted by name. */
  constructor(records: readonly TrendRecord[], options: LostSpanOptions) {
    const { fromNs, toNs, encoders, coding } = options;
    const bin = binFor(toNs - fromNs);
    this.toRow = options.toRow;
    this.reason = options.reason;
    this.#records = records;
    this.#rings = trendRings(records, bin);
    this.#rows = encoders.trendEvents({ bin, records }, coding);
    this.#next = Number(fromNs / bin.binNs);
    this.#end = Number((toNs + bin.binNs - 1n) / bin.binNs);
  }

  step(): LostStep {
    if (this.#caughtUp < this.#records.length) {
      this.#catchUp();
      return "more";
    }
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

  #catchUp(): void {
    for (let left = RECORDS_A_STEP; left > 0; left--) {
      const record = this.#records[this.#caughtUp];
      if (record === undefined) return;
      if (!record.step()) this.#caughtUp++;
    }
  }
}

function binFor(spanNs: bigint): TrendBin {
  return TREND_BINS.find(({ binNs }) => spanNs / binNs < LOST_BINS_MAX) ??
    TREND_BINS.at(-1)!;
}

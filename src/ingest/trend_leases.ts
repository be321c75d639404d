// The trends that one serving thread leases, in the thread that records them.
// Invariant: what is leased here is released when that thread says so, or when it has ended.
import type { OldestBins } from "../trends/oldest_bins.ts";
import type { TrendMemory } from "../trends/trend_memory.ts";
import type { TrendRecord } from "../trends/trend_record.ts";
import type {
  ChannelName,
  Port,
  ReadingMessage,
  ServingMessage,
} from "./messages.ts";
import type { TurnSlices } from "./turn_slices.ts";

/** What is leased from. */
export interface TrendLender {
  /** See `LeasedTrends`. */
  readonly recorded: SharedArrayBuffer;
  /** The record of a channel; null when there is no memory for it, or no such channel. */
  lease(channel: ChannelName): TrendRecord | null;
  /** As Trends.oldestBins(). */
  oldestBins(channel: ChannelName): OldestBins;
  /** Ends leases. The records are kept for a while, so that clients who come back find them. */
  release(records: readonly TrendRecord[]): void;
  /** Ends leases for which the records need not be kept. */
  cancel(records: readonly TrendRecord[]): void;
  /** Each lease takes memory: those of all threads share slices. */
  readonly leaseSlices: Pick<TurnSlices, "isOver" | "next">;
}

type Ended = Pick<
  Extract<ServingMessage, { kind: "end-trend-lease" }>,
  "id" | "count" | "isUsed"
>;

/** The leases of one thread. */
export class TrendLeases {
  readonly #port: Pick<Port<ReadingMessage, ServingMessage>, "send">;
  readonly #lender: TrendLender;
  /** By number of the record. */
  readonly #held = new Map<number, { record: TrendRecord; count: number }>();
  #isClosed = false;

  constructor(
    port: Pick<Port<ReadingMessage, ServingMessage>, "send">,
    lender: TrendLender,
  ) {
    this.#port = port;
    this.#lender = lender;
  }

  /** Leases what a thread asks for, and answers. */
  async answer(
    { request, channels }: Extract<ServingMessage, { kind: "lease-trends" }>,
  ): Promise<void> {
    const { recorded } = this.#lender;
    const memories = await this.#lease(channels).catch(whenFull);
    const leased = memories && { memories, recorded };
    this.#port.send({ kind: "trends", request, leased });
  }

  /** All of the channels, or null; in slices, since each takes memory. */
  async #lease(
    channels: readonly ChannelName[],
  ): Promise<readonly TrendMemory[] | null> {
    const lender = this.#lender;
    const slices = lender.leaseSlices;
    const records: TrendRecord[] = [];
    let isWhole = false;
    try {
      for (const channel of channels) {
        while (slices.isOver) await slices.next();
        const record = this.#isClosed ? null : lender.lease(channel);
        if (record === null) return null;
        records.push(record);
      }
      isWhole = true;
    } finally {
      if (!isWhole) lender.cancel(records);
    }
    return records.map((record) => {
      const memory = record.memory!;
      const held = this.#held.get(memory.id);
      if (held) held.count++;
      else this.#held.set(memory.id, { record, count: 1 });
      return memory;
    });
  }

  /** Ends so many leases of a record. */
  end({ id, count, isUsed }: Ended): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    const ended = Math.min(count, held.count);
    held.count -= ended;
    if (held.count === 0) this.#held.delete(id);
    for (let i = 0; i < ended; i++) {
      if (isUsed) this.#lender.release([held.record]);
      else this.#lender.cancel([held.record]);
    }
  }

  /** Ends all. The thread has ended some time ago: what its clients did not lease again is not kept any longer. */
  close(): void {
    this.#isClosed = true;
    for (const [id, { count }] of [...this.#held]) {
      this.end({ id, count, isUsed: false });
    }
  }
}

/** The system has no memory for the arrays: as where the limit is reached. Throws what is another error. */
function whenFull(error: unknown): null {
  if (error instanceof RangeError) return null;
  throw error;
}

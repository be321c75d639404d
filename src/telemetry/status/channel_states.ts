// What is known of a channel now: whether it is live, and since when a range can have its rows and trends.
import type { BlockStore } from "../../blocks/block_store.ts";
import { isLive } from "../../blocks/channel_state.ts";
import { OldestBlocks } from "../../blocks/oldest_blocks.ts";
import { type Channel, topicOf } from "../../channels/channel.ts";
import type { Source } from "../../source/source.ts";
import type { Trends } from "../../trends/recorded_trend.ts";

export interface ChannelStatesOptions {
  readonly source: Pick<Source, "oldestMs" | "shared">;
  readonly store: Pick<BlockStore, "partition">;
  readonly trends: Pick<Trends, "oldestBins">;
  /** 0: ranges have what the page ring has, and no history. */
  readonly historyReadersMax: number;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
}

/** The ring is searched for a topic's oldest block at most once in so many ms: that is linear in its blocks. */
const RING_KEPT_MS = 1000;
const RING_TOPICS_MAX = 4096;

/** The channels of one instance. */
export class ChannelStates {
  readonly oldest: OldestBlocks;
  readonly #options: ChannelStatesOptions;
  readonly #ring = new Map<
    string,
    { readonly oldestMs: number; readonly untilClockMs: number }
  >();

  constructor(options: ChannelStatesOptions) {
    this.#options = options;
    this.oldest = new OldestBlocks(options);
  }

  /** Whether a channel's blocks come in time. */
  isLive(channel: Channel): boolean {
    return isLive(channel, this.#options);
  }

  /**
   * GPS ns of the oldest block that a range of a channel can have now; null where that is not known. It may be that of
   * some seconds ago, while the log has lost blocks since.
   */
  async availableFromNs(channel: Channel): Promise<bigint | null> {
    const ringMs = this.#ringMs(topicOf(channel));
    if (this.#options.historyReadersMax === 0) return nsOf(ringMs, channel);
    const oldestMs = await this.oldest.of(topicOf(channel));
    if (oldestMs === null) return null;
    return nsOf(Math.min(oldestMs, ringMs), channel);
  }

  /** GPS ns of the oldest bin of each length of trends, shortest first; null where none is recorded. */
  async trendsFromNs(channel: Channel): Promise<readonly (bigint | null)[]> {
    return await this.#options.trends.oldestBins(channel);
  }

  /** GPS ms of the oldest block of the page ring; Infinity where it has none. */
  #ringMs(topic: string): number {
    const nowMs = this.#options.clockMs();
    const known = this.#ring.get(topic);
    if (known !== undefined && nowMs < known.untilClockMs) {
      return known.oldestMs;
    }
    const blocks = this.#options.store.partition(topic);
    if (blocks === undefined) return Infinity;
    const oldestMs = blocks.nextHeld(0) * blocks.strideMs;
    if (this.#ring.size >= RING_TOPICS_MAX) this.#ring.clear();
    this.#ring.set(topic, { oldestMs, untilClockMs: nowMs + RING_KEPT_MS });
    return oldestMs;
  }
}

/** A double holds no GPS ns exactly; blocks begin at multiples of their stride. */
function nsOf(gpsMs: number, { strideNs }: Channel): bigint | null {
  if (gpsMs === Infinity) return null;
  return BigInt(Math.round(gpsMs / (Number(strideNs) / 1e6))) * strideNs;
}

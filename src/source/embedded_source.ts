// The source that needs no broker: strain around GW150914 and synthetic channels, stamped with the current GPS time.
// Invariant: a subscribed topic gets every block once, in order, just after the block's end.
import { unixMsOfGpsMs } from "../blocks/gps_time.ts";
import type { Catalog } from "../channels/catalog.ts";
import { ChannelAdmission } from "../channels/channel_admission.ts";
import { dueFrom, indexAt } from "./due_blocks.ts";
import { EmbeddedBlocks } from "./embedded_blocks.ts";
import { EmbeddedHistory, oldestIndex } from "./embedded_history.ts";
import type {
  BlockSink,
  HistoryReader,
  HistoryTopic,
  ReadFrom,
  Source,
  SourceStatus,
} from "./source.ts";
import { embeddedChannels } from "./synthetic.ts";

export interface EmbeddedSourceOptions {
  readonly catalog: Catalog;
  /** GPS time now, by the wall clock. */
  readonly nowGpsNs: () => bigint;
  /** Milliseconds, monotonic. @default performance.now */
  readonly clockMs?: () => number;
  /** Calls back in a later turn of the event loop, after this many ms; returns a cancel function. @default setTimeout */
  readonly later?: (call: () => void, ms: number) => () => void;
  /** More channels, for load tests. @default 0 */
  readonly extraChannels?: number;
  /** Their rate, Hz. @default 2048 */
  readonly extraRate?: number;
}

/** How far back a subscription may begin, ms, and how far back blocks are made after a jump of the clock ahead. */
export const EMBEDDED_BACKLOG_MAX_MS = 10_000;
/** The most blocks, of all topics, that are made in one turn of the event loop. */
const TURN_BLOCKS_MAX = 64;
/** Timers fire at multiples of this, the shortest stride. */
const GRID_NS = 62_500_000n;

/** The embedded source. */
export class EmbeddedSource implements Source {
  readonly catalog: Catalog;
  readonly #options: EmbeddedSourceOptions;
  readonly #clockMs: () => number;
  readonly #later: (call: () => void, ms: number) => () => void;
  /** Index of the next block of each subscribed topic. */
  readonly #next = new Map<string, number>();
  /** Topics of which a block was sent since they were subscribed. */
  readonly #begun = new Set<string>();
  #blocks: EmbeddedBlocks | null = null;
  #sink: BlockSink | null = null;
  #stopTimer: (() => void) | null = null;
  #lastContactClockMs = -Infinity;
  #sent = 0;
  #skipped = 0;

  constructor(options: EmbeddedSourceOptions) {
    this.#options = options;
    this.catalog = options.catalog;
    this.#clockMs = options.clockMs ?? (() => performance.now());
    this.#later = options.later ?? laterByTimer;
  }

  async start(sink: BlockSink): Promise<void> {
    const channels = await embeddedChannels(
      this.#options.extraChannels ?? 0,
      this.#options.extraRate,
    );
    this.#blocks = new EmbeddedBlocks(channels);
    const admission = new ChannelAdmission({ catalog: this.catalog });
    for (const { channel } of channels) {
      const fault = admission.put(channel.publisher, channel);
      if (fault) throw new RangeError(`${channel.name}: ${fault.detail}`);
    }
    this.#sink = sink;
    this.#lastContactClockMs = this.#clockMs();
    this.#wait(this.#untilNextMs());
  }

  subscribe(topic: string, { ms }: ReadFrom): number {
    const strideNs = this.#blocks?.strideNs(topic);
    const nowMs = Number(this.#options.nowGpsNs()) / 1e6;
    const fromMs = Math.max(ms, nowMs - EMBEDDED_BACKLOG_MAX_MS);
    if (strideNs === undefined || this.#next.has(topic)) return fromMs;
    this.#next.set(topic, indexAt(strideNs, fromMs));
    // Not in this turn: the caller is not ready for the blocks yet.
    this.#wait(0);
    return fromMs;
  }

  openHistory(topics: readonly HistoryTopic[]): HistoryReader {
    const blocks = this.#blocks ?? new EmbeddedBlocks([]);
    return new EmbeddedHistory(blocks, this.#options.nowGpsNs, topics);
  }

  oldestMs(topic: string): Promise<number | null> {
    const strideNs = this.#blocks?.strideNs(topic);
    if (strideNs === undefined) return Promise.resolve(null);
    const index = oldestIndex(strideNs, this.#options.nowGpsNs());
    return Promise.resolve(index * Number(strideNs) / 1e6);
  }

  unsubscribe(topic: string): void {
    this.#next.delete(topic);
    this.#begun.delete(topic);
  }

  status(): SourceStatus {
    return {
      kind: "embedded",
      ready: this.#blocks !== null,
      reachable: true,
      lastContactClockMs: this.#lastContactClockMs,
      topics: [...this.#next].map(([topic, next]) => ({
        topic,
        state: "reading",
        position: next,
        highWatermark: next,
        lastStableOffset: next,
        partitions: 1,
      })),
      unreachable: [],
      wideTopics: 0,
      counters: { blocks: this.#sent, skipped: this.#skipped },
    };
  }

  close(): Promise<void> {
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#sink = null;
    this.#next.clear();
    this.#begun.clear();
    return Promise.resolve();
  }

  #untilNextMs(): number {
    const waitNs = GRID_NS - this.#options.nowGpsNs() % GRID_NS;
    return Math.ceil(Number(waitNs) / 1e6);
  }

  #wait(ms: number): void {
    if (this.#sink === null) return;
    this.#stopTimer?.();
    this.#stopTimer = this.#later(() => this.#turn(), ms);
  }

  /** Sends the blocks that are due, up to the limit of one turn: a topic's blocks in order, topics in rotation. */
  #turn(): void {
    this.#stopTimer = null;
    this.#lastContactClockMs = this.#clockMs();
    const nowNs = this.#options.nowGpsNs();
    let left = TURN_BLOCKS_MAX;
    for (const topic of [...this.#next.keys()]) {
      if (left === 0) break;
      left -= this.#emit(topic, nowNs, left);
    }
    // The topics that were not served come first in the next turn.
    this.#wait(left === 0 ? 0 : this.#untilNextMs());
  }

  /** Sends the due blocks of a topic, at most `most`; returns how many. Then: BlockStore.onMessage(). */
  #emit(topic: string, nowNs: bigint, most: number): number {
    const next = this.#next.get(topic);
    // Each call of the sink may end the subscription, or the source.
    if (next === undefined || this.#sink === null) return 0;
    const strideNs = this.#blocks!.strideNs(topic)!;
    const end = Number(nowNs / strideNs);
    const { from, skipped } = dueFrom(next, end, {
      backlog: Math.ceil(EMBEDDED_BACKLOG_MAX_MS * 1e6 / Number(strideNs)),
    });
    this.#skipped += skipped;
    // They never come: without this, rows would wait for them until the grace period of an outage ends.
    if (skipped > 0 && this.#begun.has(topic)) this.#sink.onLost(topic, true);
    const to = Math.min(end, from + most);
    // A topic that was served goes to the end of the rotation.
    this.#next.delete(topic);
    this.#next.set(topic, Math.max(from, to));
    const producedMs = unixMsOfGpsMs(Number(nowNs / 1_000_000n));
    for (let index = from; index < to; index++) {
      const value = this.#blocks!.blockOf(topic, index);
      this.#begun.add(topic);
      this.#sink.onMessage(topic, value, index, producedMs);
      this.#sent++;
      if (this.#sink === null || !this.#next.has(topic)) break;
    }
    // As of the beginning of the turn, which may be long ago: what has become due since then is still to come.
    if (to >= end) this.#sink?.onCaughtUp(topic, this.#lastContactClockMs);
    return Math.max(0, to - from);
  }
}

function laterByTimer(call: () => void, ms: number): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}

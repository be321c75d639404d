// The source that needs nothing: strain around GW150914 and synthetic channels, stamped with current GPS time.
// Invariant: a wanted topic gets every block once, in order, just after the block's end.
import { encodeBlock } from "../arrow/block_encoder.ts";
import type { Catalog } from "../channels/catalog.ts";
import { samplesIn } from "../channels/channel.ts";
import { ChannelAdmission } from "../channels/channel_admission.ts";
import type {
  BlockSink,
  HistoryMessages,
  HistoryReader,
  HistoryTopic,
  ReadFrom,
  Source,
  SourceStatus,
} from "./source.ts";
import {
  byTopic,
  type EmbeddedChannel,
  embeddedChannels,
} from "./synthetic.ts";

export interface EmbeddedSourceOptions {
  readonly catalog: Catalog;
  /** GPS time now, by the wall clock. */
  readonly nowGpsNs: () => bigint;
  /** Milliseconds, monotonic. @default performance.now */
  readonly clockMs?: () => number;
  /** Calls back in a later turn of the event loop, after so many ms; returns what stops it. @default setTimeout */
  readonly later?: (call: () => void, ms: number) => () => void;
  /** More channels, for load tests. @default 0 */
  readonly extraChannels?: number;
  /** Their rate, Hz. @default 2048 */
  readonly extraRate?: number;
}

interface Topic {
  readonly members: readonly EmbeddedChannel[];
  readonly ids: readonly number[];
  readonly strideNs: bigint;
}

/** How far back a first lease is served, ms, and a clock that jumped ahead. */
const BACKLOG_MAX_MS = 10_000;
/** How far back the past goes, ms: any block can be made again, but a user must see what retention does. */
const HISTORY_MAX_MS = 3_600_000;
/** Blocks made in one read of the past. */
const HISTORY_BLOCKS_MAX = 16;
/** Blocks of all topics made in one turn of the event loop. */
const TURN_BLOCKS_MAX = 64;
/** Timers fire at the ends of this grid, the shortest stride. */
const GRID_NS = 62_500_000n;

/** Blocks of the embedded channels by topic and index. Shared by the source and `deno task publish`. */
export class EmbeddedBlocks {
  readonly channels: readonly EmbeddedChannel[];
  readonly #topics = new Map<string, Topic>();

  constructor(channels: readonly EmbeddedChannel[]) {
    this.channels = channels;
    for (const [topic, members] of byTopic(channels)) {
      this.#topics.set(topic, {
        members,
        ids: members.map((m) => m.channel.partitionIndex),
        strideNs: members[0]!.channel.strideNs,
      });
    }
  }

  get topics(): string[] {
    return [...this.#topics.keys()];
  }

  /** Stride of a topic, ns; undefined when there is no such topic. */
  strideNs(topic: string): bigint | undefined {
    return this.#topics.get(topic)?.strideNs;
  }

  /** The message of a block; it begins at index × stride. */
  blockOf(topic: string, index: number): Uint8Array {
    const found = this.#topics.get(topic);
    if (!found) throw new RangeError(`There is no embedded topic '${topic}'`);
    const { members, ids, strideNs } = found;
    return encodeBlock(
      BigInt(index) * strideNs,
      members[0]!.channel.dataType,
      ids,
      members.map(({ channel, samples }) => {
        const count = samplesIn(channel, strideNs);
        return samples(index * count, count);
      }),
    );
  }
}

/** The embedded source. */
export class EmbeddedSource implements Source {
  readonly catalog: Catalog;
  readonly #options: EmbeddedSourceOptions;
  readonly #clockMs: () => number;
  readonly #later: (call: () => void, ms: number) => () => void;
  /** Next block index of each wanted topic. */
  readonly #next = new Map<string, number>();
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
    const fromMs = Math.max(ms, nowMs - BACKLOG_MAX_MS);
    if (strideNs === undefined || this.#next.has(topic)) return fromMs;
    this.#next.set(topic, indexAt(strideNs, fromMs));
    // Not in this turn: whoever wants the topic is not ready for its blocks yet.
    this.#wait(0);
    return fromMs;
  }

  openHistory(topics: readonly HistoryTopic[]): HistoryReader {
    const next = new Map<string, number>();
    const isCut = new Map<string, boolean>();
    for (const { topic, fromMs } of topics) {
      const strideNs = this.#blocks?.strideNs(topic);
      if (strideNs === undefined) continue;
      const nowMs = Number(this.#options.nowGpsNs()) / 1e6;
      const oldestMs = nowMs - HISTORY_MAX_MS;
      isCut.set(topic, fromMs < oldestMs);
      next.set(topic, indexAt(strideNs, Math.max(fromMs, oldestMs)));
    }
    const read = (topic: string): HistoryMessages => {
      const messages = [];
      const strideNs = this.#blocks?.strideNs(topic) ?? 1n;
      const end = Number(this.#options.nowGpsNs() / strideNs);
      let index = next.get(topic) ?? end;
      const to = Math.min(end, index + HISTORY_BLOCKS_MAX);
      for (; index < to; index++) {
        messages.push({
          value: this.#blocks!.blockOf(topic, index),
          timestampMs: Number(BigInt(index + 1) * strideNs) / 1e6,
        });
      }
      next.set(topic, index);
      const isAtEnd = index >= end;
      return { topic, messages, isAtEnd, isCut: isCut.get(topic) ?? false };
    };
    return {
      read: (asked) => Promise.resolve(asked.map(read)),
      close: () => {},
    };
  }

  unsubscribe(topic: string): void {
    this.#next.delete(topic);
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

  /** What is due, as much of it as one turn takes: a topic's blocks in order, and topics in turns. */
  #turn(): void {
    this.#stopTimer = null;
    this.#lastContactClockMs = this.#clockMs();
    const nowNs = this.#options.nowGpsNs();
    let left = TURN_BLOCKS_MAX;
    for (const topic of [...this.#next.keys()]) {
      if (left === 0) break;
      left -= this.#emit(topic, nowNs, left);
    }
    // What was not served stands first in the next turn.
    this.#wait(left === 0 ? 0 : this.#untilNextMs());
  }

  /** Sends the blocks that are due, at most `most`; how many there were. */
  #emit(topic: string, nowNs: bigint, most: number): number {
    const next = this.#next.get(topic);
    // Every call of the sink may end what is wanted, or the source.
    if (next === undefined || this.#sink === null) return 0;
    const strideNs = this.#blocks!.strideNs(topic)!;
    const end = Number(nowNs / strideNs);
    const { from, skipped } = dueFrom(next, end, {
      backlog: Math.ceil(BACKLOG_MAX_MS * 1e6 / Number(strideNs)),
    });
    this.#skipped += skipped;
    const to = Math.min(end, from + most);
    // Topics that have had their blocks go behind those that have not.
    this.#next.delete(topic);
    this.#next.set(topic, Math.max(from, to));
    for (let index = from; index < to; index++) {
      const value = this.#blocks!.blockOf(topic, index);
      this.#sink.onMessage(topic, value, index, Number(nowNs / 1_000_000n));
      this.#sent++;
      if (this.#sink === null || !this.#next.has(topic)) break;
    }
    if (to >= end) this.#sink?.onCaughtUp(topic, this.#clockMs());
    return Math.max(0, to - from);
  }
}

/** Index of the block that was being taken at a GPS ms. */
function indexAt(strideNs: bigint, gpsMs: number): number {
  return Math.max(0, Math.floor(gpsMs / (Number(strideNs) / 1e6)));
}

/**
 * Where a publisher goes on whose clock says that blocks before `end` are due. After a jump ahead it leaves out what
 * is further back than the backlog; after a jump back by more it begins anew there, and after a smaller one it waits.
 */
export function dueFrom(
  next: number,
  end: number,
  { backlog }: { readonly backlog: number },
): { from: number; skipped: number } {
  if (next - end > backlog) return { from: end, skipped: 0 };
  const from = Math.max(next, end - backlog);
  return { from, skipped: from - next };
}

function laterByTimer(call: () => void, ms: number): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}

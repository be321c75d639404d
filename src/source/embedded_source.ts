// The source that needs nothing: strain around GW150914 and synthetic channels, stamped with current GPS time.
// Invariant: a wanted topic gets every block once, in order, just after the block's end.
import { encodeBlock } from "../arrow/block_encoder.ts";
import type { Catalog } from "../channels/catalog.ts";
import { samplesIn } from "../channels/channel.ts";
import { ChannelAdmission } from "../channels/channel_admission.ts";
import type {
  BlockSink,
  PastMessages,
  PastReader,
  PastTopic,
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
  readonly nowGpsNs: () => bigint;
  readonly nowUnixMs?: () => number;
  /** Milliseconds, monotonic. @default performance.now */
  readonly clockMs?: () => number;
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

/** How far back a first lease is served, ms. */
const BACKLOG_MAX_MS = 10_000;
/** How far back the past goes, ms: any block can be made again, but a user must see what retention does. */
const PAST_MAX_MS = 3_600_000;
/** Blocks made in one read of the past. */
const PAST_BLOCKS_MAX = 16;
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
  readonly #nowUnixMs: () => number;
  readonly #clockMs: () => number;
  /** Next block index of each wanted topic. */
  readonly #next = new Map<string, number>();
  #blocks: EmbeddedBlocks | null = null;
  #sink: BlockSink | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #lastContactClockMs = -Infinity;
  #sent = 0;

  constructor(options: EmbeddedSourceOptions) {
    this.#options = options;
    this.catalog = options.catalog;
    this.#nowUnixMs = options.nowUnixMs ?? Date.now;
    this.#clockMs = options.clockMs ?? (() => performance.now());
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
    this.#schedule();
  }

  want(topic: string, fromMs: number): number {
    const strideNs = this.#blocks?.strideNs(topic);
    const reachedMs = Math.max(fromMs, this.#nowUnixMs() - BACKLOG_MAX_MS);
    if (strideNs === undefined || this.#next.has(topic)) return reachedMs;
    this.#next.set(topic, this.#indexAt(strideNs, reachedMs));
    // Not in this turn: whoever wants the topic is not ready for its blocks yet.
    setTimeout(() => this.#emit(topic), 0);
    return reachedMs;
  }

  openPast(topics: readonly PastTopic[]): PastReader {
    const next = new Map<string, number>();
    const isCut = new Map<string, boolean>();
    for (const { topic, fromMs } of topics) {
      const strideNs = this.#blocks?.strideNs(topic);
      if (strideNs === undefined) continue;
      const oldestMs = this.#nowUnixMs() - PAST_MAX_MS;
      isCut.set(topic, fromMs < oldestMs);
      const index = this.#indexAt(strideNs, Math.max(fromMs, oldestMs));
      next.set(topic, index);
    }
    const read = (topic: string): PastMessages => {
      const messages = [];
      const strideNs = this.#blocks?.strideNs(topic) ?? 1n;
      const nowNs = this.#options.nowGpsNs();
      const nowMs = this.#nowUnixMs();
      const end = Number(nowNs / strideNs);
      let index = next.get(topic) ?? end;
      const to = Math.min(end, index + PAST_BLOCKS_MAX);
      for (; index < to; index++) {
        const ageNs = nowNs - BigInt(index + 1) * strideNs;
        messages.push({
          value: this.#blocks!.blockOf(topic, index),
          timestampMs: nowMs - Number(ageNs) / 1e6,
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

  /** The block that was being taken at a Unix ms. */
  #indexAt(strideNs: bigint, unixMs: number): number {
    const backNs = BigInt(
      Math.max(0, Math.round((this.#nowUnixMs() - unixMs) * 1e6)),
    );
    return Math.max(
      0,
      Number((this.#options.nowGpsNs() - backNs) / strideNs),
    );
  }

  unwant(topic: string): void {
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
      counters: { blocks: this.#sent },
    };
  }

  close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sink = null;
    this.#next.clear();
    return Promise.resolve();
  }

  #schedule(): void {
    const nowNs = this.#options.nowGpsNs();
    const waitNs = GRID_NS - nowNs % GRID_NS;
    this.#timer = setTimeout(() => {
      this.#lastContactClockMs = this.#clockMs();
      for (const topic of [...this.#next.keys()]) this.#emit(topic);
      if (this.#sink) this.#schedule();
    }, Math.ceil(Number(waitNs) / 1e6));
  }

  #emit(topic: string): void {
    const sink = this.#sink;
    let index = this.#next.get(topic);
    if (!sink || index === undefined) return;
    const strideNs = this.#blocks!.strideNs(topic)!;
    const end = Number(this.#options.nowGpsNs() / strideNs);
    for (; index < end; index++) {
      this.#next.set(topic, index + 1);
      const value = this.#blocks!.blockOf(topic, index);
      sink.onMessage(topic, value, index, this.#nowUnixMs());
      this.#sent++;
      if (!this.#next.has(topic)) return;
    }
    sink.onCaughtUp(topic, this.#clockMs());
  }
}

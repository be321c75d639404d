// All streams of an instance to its relays. The source calls this sink, which calls that of the block store; then it
// passes the same on to the relays that read the topic.
// Invariant: each open stream holds one unit of the pool, until it ends.
import { BlockRecords } from "../blocks/block_records.ts";
import type { Catalog } from "../channels/catalog.ts";
import type { PoolRefusal, SharePool } from "../shares/share_pool.ts";
import type { BlockSink, HistoryTopic } from "../source/source.ts";
import { BlockFeed, type FeedTopic } from "./block_feed.ts";
import { ChannelFeed } from "./channel_feed.ts";
import { HistoryFeed } from "./history_feed.ts";
import {
  type FrameMaker,
  RelayStream,
  STREAM_ENDS,
  type StreamEnd,
} from "./relay_stream.ts";
import { TopicIndex, TopicView } from "./topic_index.ts";
import type { Origin, Reader } from "./origin.ts";
import { FRAME, frameBytes, type OriginState, textPayload } from "./wire.ts";

interface Open {
  readonly stream: RelayStream;
  readonly reader: Reader;
  readonly blocks: BlockFeed | null;
  readonly channels: ChannelFeed | null;
}

/** The streams of one instance. */
export class BlockFeeds implements BlockSink {
  readonly pool: SharePool;
  readonly counters = { bytes: 0 };
  readonly refused = { full: 0, share: 0, address: 0, owner: 0 };
  readonly ended = Object.fromEntries(
    STREAM_ENDS.map((end) => [end, 0]),
  ) as Record<StreamEnd, number>;
  readonly #origin: Origin;
  readonly #clockMs: () => number;
  readonly #records: BlockRecords;
  readonly #index: TopicIndex | null;
  readonly #indexes = new WeakMap<Catalog, TopicIndex>();
  readonly #open = new Set<Open>();
  /** Those of them that have blocks. */
  readonly #feeds = new Set<BlockFeed>();
  readonly #stopNotes: () => void;
  #isDraining = false;

  /** `clockMs`: monotonic, ms. */
  constructor(origin: Origin, clockMs: () => number) {
    this.#origin = origin;
    this.#clockMs = clockMs;
    const { config, ring, sharePools, source } = origin;
    const { relayStreamsMax, addressSharePercent } = config;
    this.pool = sharePools.pool("relays", {
      capacity: relayStreamsMax,
      sharePercent: addressSharePercent,
    });
    this.#records = new BlockRecords(ring);
    this.#index = relayStreamsMax > 0 ? new TopicIndex(source.catalog) : null;
    this.#index?.onChange((topic) =>
      queueMicrotask(() => this.#changed(topic))
    );
    this.#stopNotes = source.catalog.notes.onChange(() => {
      for (const { channels } of this.#open) channels?.notesChanged();
    });
  }

  get isServing(): boolean {
    return this.#index !== null;
  }

  /** Open streams. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Open streams by what they have. */
  openCounts(): { blocks: number; channels: number; histories: number } {
    let channels = 0;
    for (const open of this.#open) if (open.channels !== null) channels++;
    const blocks = this.#feeds.size;
    return { blocks, channels, histories: this.openCount - blocks - channels };
  }

  /** Counts a refusal where no stream can open for anyone; else null. */
  refusalNow(): PoolRefusal | null {
    const { capacity, used } = this.pool;
    if (!this.#isDraining && used < capacity) return null;
    this.refused.full++;
    return "full";
  }

  /** What a principal may have whose catalog this is. */
  viewOf(allowed: Catalog): TopicView {
    const all = this.#index!;
    if (allowed === this.#origin.source.catalog) {
      return new TopicView(all, all);
    }
    let index = this.#indexes.get(allowed);
    if (index === undefined) {
      this.#indexes.set(allowed, index = new TopicIndex(allowed));
    }
    return new TopicView(all, index);
  }

  /** A stream of blocks. Throws what the block store throws. */
  openBlocks(
    reader: Reader,
    topics: readonly FeedTopic[],
  ): RelayStream | PoolRefusal {
    const { store } = this.#origin;
    return this.#admit(reader, (stream) => {
      const blocks: BlockFeed = new BlockFeed({
        topics,
        store,
        records: this.#records,
        hello: () => this.#stateFrame(FRAME.hello, blocks),
        onQueued: () => stream().wake(),
        onSlow: () => stream().end("slow"),
      });
      return { maker: blocks, blocks, channels: null };
    });
  }

  /** A stream of the channels. */
  openChannels(reader: Reader): RelayStream | PoolRefusal {
    return this.#admit(reader, (stream) => {
      const channels = new ChannelFeed({
        view: reader.view,
        notes: this.#origin.source.catalog.notes,
        hello: () => this.#stateFrame(FRAME.hello, null),
        onQueued: () => stream().wake(),
      });
      return { maker: channels, blocks: null, channels };
    });
  }

  /** A stream of older messages. */
  openHistory(
    reader: Reader,
    topics: readonly HistoryTopic[],
  ): RelayStream | PoolRefusal {
    return this.#admit(reader, (stream) => {
      const maker = new HistoryFeed({
        topics,
        reader: this.#origin.source.openHistory(topics),
        hello: () => this.#stateFrame(FRAME.hello, null),
        onComplete: () => stream().end("complete"),
      });
      return { maker, blocks: null, channels: null };
    });
  }

  onMessage(
    topic: string,
    value: Uint8Array,
    offset: number,
    timestampMs: number,
  ): void {
    const { store } = this.#origin;
    if (this.#feeds.size === 0) {
      return store.onMessage(topic, value, offset, timestampMs);
    }
    const counters = store.partition(topic)?.counters;
    const before = counters?.blocks;
    store.onMessage(topic, value, offset, timestampMs);
    const isStored = counters?.blocks !== before;
    for (const feed of this.#feeds) {
      feed.onMessage(topic, value, timestampMs, isStored);
    }
  }

  onCaughtUp(topic: string, atClockMs: number): void {
    this.#origin.store.onCaughtUp(topic, atClockMs);
    for (const feed of this.#feeds) feed.onCaughtUp(topic, atClockMs);
  }

  onDisturbed(topic: string): void {
    this.#origin.store.onDisturbed(topic);
    for (const feed of this.#feeds) feed.report(FRAME.disturbed, topic);
  }

  onHole(topic: string, from: number, to: number): void {
    this.#origin.store.onHole(topic, from, to);
    for (const feed of this.#feeds) feed.report(FRAME.hole, topic, to - from);
  }

  onRestart(topic: string, offset: number): void {
    this.#origin.store.onRestart(topic, offset);
    for (const feed of this.#feeds) feed.report(FRAME.restart, topic);
  }

  onLost(topic: string, isGone = false): void {
    this.#origin.store.onLost(topic, isGone);
    const first = isGone ? 1 : 0;
    for (const feed of this.#feeds) feed.report(FRAME.lost, topic, first);
  }

  onCounting(topic: string, isFromStart: boolean): void {
    this.#origin.store.onCounting(topic, isFromStart);
  }

  /** Sends each stream the state of this instance; call it about once a second. */
  tick(): void {
    for (const open of [...this.#open]) {
      const { blocks, channels, reader, stream } = open;
      if (reader.isOver()) stream.end("rights");
      else if (blocks !== null || channels !== null) {
        const frame = this.#stateFrame(FRAME.status, blocks);
        (blocks ?? channels)!.setStatus(frame);
      }
    }
  }

  /** The rights of anyone may have changed: relays whose rights are limited by them ask again. */
  rightsChanged(): void {
    for (const { reader, stream } of [...this.#open]) {
      if (!reader.view.isWhole || reader.isOver()) stream.end("rights");
    }
  }

  /** Ends all streams; relays go to another origin. Nothing opens any more. */
  drain(): void {
    this.#isDraining = true;
    for (const { stream } of [...this.#open]) stream.end("drain");
  }

  close(): void {
    this.drain();
    this.#stopNotes();
    this.#index?.close();
  }

  #admit(
    reader: Reader,
    make: (stream: () => RelayStream) => Pick<Open, "blocks" | "channels"> & {
      readonly maker: FrameMaker;
    },
  ): RelayStream | PoolRefusal {
    const refusal = this.#isDraining ? "full" : this.pool.take(reader.holder);
    if (refusal !== null) {
      this.refused[refusal]++;
      return refusal;
    }
    try {
      const made = make(() => stream);
      const { maker, blocks, channels } = made;
      const stream: RelayStream = new RelayStream({
        maker,
        onClosed: (end) => this.#closed(open, end),
        onBytes: (bytes) => this.counters.bytes += bytes,
      });
      const open: Open = { stream, reader, blocks, channels };
      this.#open.add(open);
      if (blocks !== null) this.#feeds.add(blocks);
      return stream;
    } catch (error) {
      this.pool.release(reader.holder);
      throw error;
    }
  }

  #closed(open: Open, end: StreamEnd): void {
    this.#open.delete(open);
    if (open.blocks !== null) this.#feeds.delete(open.blocks);
    this.pool.release(open.reader.holder);
    this.ended[end]++;
  }

  /** The channels of a topic have changed, perhaps so that a relay may not have it any more. */
  #changed(topic: string): void {
    for (const { blocks, channels, reader, stream } of [...this.#open]) {
      channels?.changed(topic);
      const isSent = blocks?.numberOf(topic) !== undefined;
      const isOver = isSent && !reader.view.isWhole &&
        reader.view.channelsOf(topic).size === 0;
      if (isOver) stream.end("rights");
    }
  }

  #stateFrame(
    kind: typeof FRAME.hello | typeof FRAME.status,
    blocks: BlockFeed | null,
  ): Uint8Array {
    const { source } = this.#origin;
    const { path = [], ready, reachable, topics } = source.status();
    const states: Record<string, string> = {};
    for (const { topic, state } of blocks === null ? [] : topics) {
      const number = blocks?.numberOf(topic);
      if (number !== undefined && state !== "reading") states[number] = state;
    }
    const state: OriginState = { path, ready, reachable, states };
    const first = this.#clockMs();
    return frameBytes(kind, { first, payload: textPayload(state) });
  }
}

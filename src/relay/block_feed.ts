// The blocks of some topics for one relay: first those that the page ring has, then each as it comes.
// Invariant: the messages of a topic leave in the order in which the source delivered them, and none is left out without
// a frame `lost` or the stream's end. What waits is not copied: it is read from the page ring when the relay takes it.
import type { BlockRecords } from "../blocks/block_records.ts";
import type { BlockStore } from "../blocks/block_store.ts";
import type { PartitionBlocks } from "../blocks/partition_blocks.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { TopicShape } from "../blocks/topic_shape.ts";
import { Backlog } from "./backlog.ts";
import { type FrameMaker, PIECE_BYTES } from "./relay_stream.ts";
import { FRAME, frameBytes, type FrameKind, textPayload } from "./wire.ts";

/** A topic that a relay asks for. */
export interface FeedTopic {
  /** Null where there is no such topic, or the relay may not have it. */
  readonly shape: TopicShape | null;
  readonly topic: string;
  /** No block that begins at this GPS ms or later is left out, as far as the ring has it. */
  readonly sinceMs: number;
  /** Instead: blocks up to this much older than the newest one, ms. */
  readonly lastMs: number | null;
}

export interface BlockFeedOptions {
  readonly topics: readonly FeedTopic[];
  readonly store: BlockStore;
  readonly records: BlockRecords;
  /** The frame `hello`, made when it is sent. */
  readonly hello: () => Uint8Array;
  /** Something waits. */
  readonly onQueued: () => void;
  /** Too much waits, or the ring has lost what waits. */
  readonly onSlow: () => void;
}

/** One topic of the feed. */
interface Lane {
  readonly number: number;
  readonly blocks: PartitionBlocks;
  readonly timeline: Timeline;
  /** Its newest entry in the queue, while that reports how far the log was read. */
  caughtUp: Entry | null;
}

/** What waits: a frame of some kind; of a message its bytes, or the position of its block in the ring. */
interface Entry {
  readonly kind: FrameKind;
  readonly lane: Lane;
  first: number;
  readonly position: number;
  readonly value: Uint8Array | null;
}

/** Most entries that wait, and most bytes of messages that the ring does not have. */
export const QUEUE_MAX = 200_000;
export const QUEUE_BYTES_MAX: number = 16 * 1024 * 1024;
/** The feed of one stream. */
export class BlockFeed implements FrameMaker {
  readonly #options: BlockFeedOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #backlog: Backlog;
  #queue: Entry[] = [];
  #next = 0;
  #queuedBytes = 0;
  #status: Uint8Array | null = null;
  /** Frames of the beginning; null once they have been sent. */
  #opening: Uint8Array[] | null = [];

  constructor(options: BlockFeedOptions) {
    this.#options = options;
    this.#backlog = new Backlog(options.records);
    options.topics.forEach((topic, number) => this.#open(topic, number));
  }

  /** Topics that it sends. */
  topics(): Iterable<string> {
    return this.#lanes.keys();
  }

  /** The number of a topic in its frames; undefined where it does not send it. */
  numberOf(topic: string): number | undefined {
    return this.#lanes.get(topic)?.number;
  }

  /** The source delivered a message, and the store has taken it. `isStored`: its block is in the ring now. */
  onMessage(
    topic: string,
    value: Uint8Array,
    timestampMs: number,
    isStored: boolean,
  ): void {
    const lane = this.#lanes.get(topic);
    if (lane === undefined) return;
    const { blocks } = lane;
    const index = Number(blocks.reader.layout.timeNs / blocks.strideNs);
    const position = isStored ? blocks.locate(index) : -1;
    const copy = position < 0 ? value.slice() : null;
    this.#queuedBytes += copy?.byteLength ?? 0;
    const first = timestampMs;
    this.#add(FRAME.message, lane, { first, position, value: copy });
  }

  onCaughtUp(topic: string, atClockMs: number): void {
    const lane = this.#lanes.get(topic);
    if (lane === undefined) return;
    // Nothing came in between: the one that waits reports the newer time.
    if (lane.caughtUp !== null) lane.caughtUp.first = atClockMs;
    else lane.caughtUp = this.#add(FRAME.caughtUp, lane, { first: atClockMs });
  }

  /** Any other report. `first`: the number of its frame. */
  report(kind: FrameKind, topic: string, first = 0): void {
    const lane = this.#lanes.get(topic);
    if (lane !== undefined) this.#add(kind, lane, { first });
  }

  /** Sends this frame next, instead of one that still waits. */
  setStatus(frame: Uint8Array): void {
    this.#status = frame;
    this.#options.onQueued();
  }

  make(out: Uint8Array[]): void {
    let bytes = 0;
    const send = (frame: Uint8Array) => {
      out.push(frame);
      bytes += frame.byteLength;
    };
    if (this.#opening !== null) {
      send(this.#options.hello());
      for (const frame of this.#opening) send(frame);
      this.#opening = null;
    }
    if (this.#status !== null) send(this.#status);
    this.#status = null;
    this.#backlog.send(send, () => bytes >= PIECE_BYTES);
    while (bytes < PIECE_BYTES && this.#next < this.#queue.length) {
      const frame = this.#take(this.#queue[this.#next++]!);
      if (frame === null) return this.#options.onSlow();
      send(frame);
    }
    this.#forgetSent();
  }

  close(): void {
    for (const { timeline } of this.#lanes.values()) {
      this.#options.store.release(timeline);
    }
    this.#lanes.clear();
    this.#backlog.clear();
    this.#queue = [];
    this.#next = this.#queuedBytes = 0;
  }

  #open({ shape, topic, sinceMs, lastMs }: FeedTopic, number: number): void {
    const payload = textPayload(topic);
    const timeline = shape === null ? null : this.#lease(shape);
    if (timeline === null) {
      const frame = { topic: number, first: NaN, payload };
      this.#opening!.push(frameBytes(FRAME.topic, frame));
      return;
    }
    const blocks = timeline.partitions[0]!;
    const { newest, strideMs, coveredFrom } = blocks;
    const fromMs = lastMs === null ? sinceMs : newest * strideMs - lastMs;
    const from = Math.max(0, Math.floor(fromMs / strideMs));
    this.#lanes.set(topic, { number, blocks, timeline, caughtUp: null });
    const heldFrom = this.#backlog.add(number, blocks, from);
    const first = Math.max(heldFrom, coveredFrom) * strideMs;
    const second = newest < 0 ? -1 : newest * strideMs;
    const frame = { topic: number, first, second, payload };
    this.#opening!.push(frameBytes(FRAME.topic, frame));
  }

  /** The topic as the store reads it; null where its channels have just got another stride, and it is still leased. */
  #lease(shape: TopicShape): Timeline | null {
    try {
      return this.#options.store.lease([shape], shape.strideNs);
    } catch {
      return null;
    }
  }

  #add(
    kind: FrameKind,
    lane: Lane,
    { first = 0, position = -1, value = null }: Partial<Entry>,
  ): Entry {
    lane.caughtUp = null;
    const entry = { kind, lane, first, position, value };
    this.#queue.push(entry);
    this.#options.onQueued();
    const isFull = this.#queue.length - this.#next > QUEUE_MAX ||
      this.#queuedBytes > QUEUE_BYTES_MAX;
    if (isFull) this.#options.onSlow();
    return entry;
  }

  /** The frame of an entry; null when the ring has lost its block. */
  #take(entry: Entry): Uint8Array | null {
    const { kind, lane, first, position } = entry;
    if (lane.caughtUp === entry) lane.caughtUp = null;
    if (kind !== FRAME.message) return frameOf(kind, lane, first);
    this.#queuedBytes -= entry.value?.byteLength ?? 0;
    const value = entry.value ?? this.#options.records.message(position);
    return value === null ? null : frameOf(kind, lane, first, value);
  }

  #forgetSent(): void {
    if (this.#next < this.#queue.length) {
      if (this.#next < 1024) return;
      this.#queue = this.#queue.slice(this.#next);
    } else this.#queue.length = 0;
    this.#next = 0;
  }
}

function frameOf(
  kind: FrameKind,
  { number }: Lane,
  first = 0,
  payload?: Uint8Array,
): Uint8Array {
  return payload === undefined
    ? frameBytes(kind, { topic: number, first })
    : frameBytes(kind, { topic: number, first, payload });
}

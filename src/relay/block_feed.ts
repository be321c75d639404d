// The blocks of some topics for one relay: first those that the page ring has, then each as it comes.
// Invariant: the messages of a topic leave in the order in which the source delivered them, and none is left out without
// a frame `lost` or the stream's end. What waits is not copied: it is read from the page ring when the relay takes it.
import { NOT_HELD } from "../blocks/block_index.ts";
import type { BlockRecords } from "../blocks/block_records.ts";
import type { BlockStore } from "../blocks/block_store.ts";
import type { PartitionBlocks } from "../blocks/partition_blocks.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { TopicShape } from "../blocks/topic_shape.ts";
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
/** So many blocks that never came are looked up one by one before the next one that came is searched. */
const LOOK_MAX = 1000;

/** The feed of one stream. */
export class BlockFeed implements FrameMaker {
  readonly #options: BlockFeedOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Blocks that the ring had at the start: [time in ms, lane, position], the oldest last. */
  readonly #backlog: [number, Lane, number][] = [];
  #queue: Entry[] = [];
  #next = 0;
  #queuedBytes = 0;
  #status: Uint8Array | null = null;
  /** Frames of the beginning; null once they have been sent. */
  #opening: Uint8Array[] | null = [];

  constructor(options: BlockFeedOptions) {
    this.#options = options;
    options.topics.forEach((topic, number) => this.#open(topic, number));
    this.#backlog.sort(([a], [b]) => b - a);
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
    while (bytes < PIECE_BYTES && this.#backlog.length > 0) {
      const [, lane, position] = this.#backlog.pop()!;
      const value = this.#options.records.message(position);
      send(
        value === null
          ? frameOf(FRAME.lost, lane)
          : frameOf(FRAME.message, lane, -1, value),
      );
    }
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
    this.#backlog.length = 0;
    this.#queue = [];
    this.#next = this.#queuedBytes = 0;
  }

  #open({ shape, topic, sinceMs, lastMs }: FeedTopic, number: number): void {
    const payload = textPayload(topic);
    if (shape === null) {
      const frame = { topic: number, first: NaN, payload };
      this.#opening!.push(frameBytes(FRAME.topic, frame));
      return;
    }
    const { store } = this.#options;
    const timeline = store.lease([shape], shape.strideNs);
    const [blocks] = timeline.partitions;
    const lane: Lane = { number, blocks: blocks!, timeline, caughtUp: null };
    this.#lanes.set(topic, lane);
    const { newest, strideMs, coveredFrom } = blocks!;
    const fromMs = lastMs === null ? sinceMs : newest * strideMs - lastMs;
    const heldFrom = this.#gather(
      lane,
      Math.max(0, Math.floor(fromMs / strideMs)),
    );
    const first = Math.max(heldFrom, coveredFrom) * strideMs;
    const second = newest < 0 ? -1 : newest * strideMs;
    const frame = { topic: number, first, second, payload };
    this.#opening!.push(frameBytes(FRAME.topic, frame));
  }

  /** Notes the blocks from an index on that the ring has. Returns the index from which on it has lost none. */
  #gather(lane: Lane, from: number): number {
    const { blocks } = lane;
    const held = Math.min(blocks.nextHeld(from), blocks.newest + 1);
    let complete = from;
    let missing = 0;
    for (
      let index = Math.max(from, held - LOOK_MAX);
      index <= blocks.newest;
      index++
    ) {
      const position = blocks.locate(index);
      if (position === NOT_HELD) complete = index + 1;
      if (position >= 0) {
        this.#backlog.push([index * blocks.strideMs, lane, position]);
        missing = 0;
      } else if (index > held && ++missing === LOOK_MAX) {
        index = Math.min(blocks.nextHeld(index), blocks.newest + 1) - 1;
        missing = 0;
      }
    }
    return complete;
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

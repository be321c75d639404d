// Follows the log in a shared ring, in a thread that serves clients: passes on the records of the topics that it leases.
// Invariant: a record is passed on only if it was still whole after it had been copied; those of a topic in their order.
import type { SharedRingReader } from "../memory/shared_ring.ts";
import type { BlockSink, ReadFrom } from "../source/source.ts";
import { LogReader } from "./log_reader.ts";
import {
  LOG_HEAD_BYTES,
  LOG_KIND,
  type LogHead,
  newLogHead,
} from "./log_record.ts";
import type { LogTopic } from "./record_log.ts";

/** Where the log stands. */
export interface LogPlace {
  /** Position of the next record. */
  readonly position: number;
  /** All topics that have a number, as of this position. */
  readonly topics: readonly LogTopic[];
}

export interface LogFollowerOptions {
  readonly ring: SharedRingReader;
  readonly place: LogPlace;
  readonly sink: BlockSink;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  /** A time of the writing thread's clock by this one's; rather too early than too late. */
  readonly ownMs: (theirMs: number) => number;
}

interface Topic {
  readonly name: string;
  /** Position of its newest record that was seen; −1: none. */
  last: number;
  isRead: boolean;
  isLeased: boolean;
  /** Records before this position are passed on from `backlog`. */
  backlog: readonly number[];
  /** Offset of the next message; −1 before the first one. */
  nextOffset: number;
  /** Messages before this offset have been passed on, and are read again; −1: none. */
  readAgainTo: number;
}

/** `done`: at the head. `more`: the time is up. `lost`: the ring has overwritten the next record. */
export type Followed = "done" | "more" | "lost";

const decoder = new TextDecoder();

/** One thread's reading of the log. */
export class LogFollower {
  readonly #ring: SharedRingReader;
  readonly #sink: BlockSink;
  readonly #clockMs: () => number;
  readonly #ownMs: (theirMs: number) => number;
  readonly #reader: LogReader;
  readonly #head = newLogHead();
  readonly #numbers: (Topic | undefined)[] = [];
  readonly #topics = new Map<string, Topic>();
  /** Topics with records to be passed on that were written before they were leased. */
  readonly #late = new Set<Topic>();
  #position = 0;

  constructor({ ring, place, sink, clockMs, ownMs }: LogFollowerOptions) {
    this.#ring = ring;
    this.#ownMs = ownMs;
    this.#sink = sink;
    this.#clockMs = clockMs;
    this.#reader = new LogReader(ring);
    this.moveTo(place);
  }

  /** Position of the next record. */
  get position(): number {
    return this.#position;
  }

  /** Continues at another place, after `lost`. */
  moveTo({ position, topics }: LogPlace): void {
    this.#position = position;
    for (const { topic, number, last, isRead } of topics) {
      const known = this.#topicOf(topic, number);
      known.last = last;
      known.isRead = isRead;
    }
    this.#late.clear();
    for (const topic of this.#topics.values()) {
      topic.backlog = [];
      if (topic.isLeased) this.#sink.onLost(topic.name);
    }
  }

  /**
   * Passes on a topic's records from now on, and those in the ring from `from` on. Returns the ms at which they begin:
   * later than `from`, and at most `nowMs`, where the ring has lost the ones before. Null: the topic is not read yet.
   */
  lease(name: string, from: ReadFrom, nowMs: number): number | null {
    const topic = this.#topics.get(name) ?? newTopic(name);
    this.#topics.set(name, topic);
    topic.isLeased = true;
    topic.nextOffset = topic.readAgainTo = -1;
    if (!topic.isRead) return null;
    const { positions, fromMs } = this.#reader.backlog(
      topic.last,
      from,
    );
    topic.backlog = positions;
    if (positions.length > 0) this.#late.add(topic);
    return Math.min(fromMs, nowMs);
  }

  endLease(name: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    topic.isLeased = false;
    topic.backlog = [];
    this.#late.delete(topic);
  }

  /** Passes on records until the head is reached, or the clock passes `endMs`; at least one. */
  run(endMs: number): Followed {
    const ring = this.#ring;
    while (this.#late.size > 0 || this.#position < ring.headPosition) {
      // Also in between: what is passed on may be the reason why a topic is leased.
      for (const topic of this.#late) {
        if (!this.#passBacklog(topic, endMs)) return "more";
        this.#late.delete(topic);
      }
      if (this.#position >= ring.headPosition) break;
      if (!this.#follow()) return "lost";
      if (this.#clockMs() >= endMs) return "more";
    }
    return "done";
  }

  /** False when the ring has overwritten the record. */
  #follow(): boolean {
    const position = this.#position;
    const head = this.#head;
    if (!this.#reader.readHead(position, head)) return false;
    const { kind } = head;
    if (kind === LOG_KIND.skip) {
      this.#position += head.bytes;
      return true;
    }
    if (kind === LOG_KIND.topic) {
      const payload = this.#reader.payload(position, head);
      if (payload === null) return false;
      this.#topicOf(decoder.decode(payload), head.topic);
    }
    const topic = this.#numbers[head.topic]!;
    topic.last = position;
    if (kind === LOG_KIND.start) {
      topic.isRead = true;
      // It was leased when another lease had just ended, before this thread read of that end.
      topic.readAgainTo = topic.nextOffset;
    }
    if (kind === LOG_KIND.stop) topic.isRead = false;
    this.#position += head.bytes;
    // Its backlog is complete: run() passes it on first.
    if (topic.isLeased) return this.#pass(topic, position, head);
    return true;
  }

  #passBacklog(topic: Topic, endMs: number): boolean {
    const { backlog } = topic;
    let next = 0;
    let isInTime = true;
    // A call of the sink may end the lease, and begin another one.
    while (
      isInTime && next < backlog.length && topic.backlog === backlog
    ) {
      const position = backlog[next++]!;
      const isWhole = this.#reader.readHead(position, this.#head) &&
        this.#pass(topic, position, this.#head);
      if (!isWhole) this.#sink.onLost(topic.name);
      isInTime = this.#clockMs() < endMs;
    }
    if (topic.backlog === backlog) topic.backlog = backlog.slice(next);
    return topic.backlog.length === 0;
  }

  /** Passes a record on; false when it was overwritten meanwhile. */
  #pass(topic: Topic, position: number, head: LogHead): boolean {
    const sink = this.#sink;
    const { name } = topic;
    const { first, second } = head;
    switch (head.kind) {
      case LOG_KIND.block:
      case LOG_KIND.other: {
        if (first < topic.readAgainTo) return true;
        const payload = this.#reader.payload(position, head);
        if (payload === null) return false;
        const isLost = topic.nextOffset >= 0 && first > topic.nextOffset;
        topic.nextOffset = first + 1;
        if (isLost) sink.onLost(name);
        this.#ring.delivered = position + LOG_HEAD_BYTES;
        sink.onMessage(name, payload, first, second);
        return true;
      }
      case LOG_KIND.caughtUp:
        topic.readAgainTo = -1;
        sink.onCaughtUp(name, this.#ownMs(first));
        return true;
      case LOG_KIND.disturbed:
        sink.onDisturbed(name);
        return true;
      case LOG_KIND.hole:
        topic.nextOffset = Math.max(topic.nextOffset, second);
        sink.onHole(name, first, second);
        return true;
      case LOG_KIND.restart:
        topic.nextOffset = first;
        topic.readAgainTo = -1;
        sink.onRestart(name, first);
        return true;
      case LOG_KIND.lost:
        sink.onLost(name, first === 1);
        return true;
      default:
        return true;
    }
  }

  #topicOf(name: string, number: number): Topic {
    const topic = this.#topics.get(name) ?? newTopic(name);
    this.#topics.set(name, topic);
    this.#numbers[number] = topic;
    return topic;
  }
}

function newTopic(name: string): Topic {
  return {
    name,
    last: -1,
    isRead: false,
    isLeased: false,
    backlog: [],
    nextOffset: -1,
    readAgainTo: -1,
  };
}

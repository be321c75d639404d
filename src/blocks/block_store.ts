// All partitions that somebody wants, and the timelines over them: the sink of the source.
// Invariant: a topic is fetched while it has leases or lingers; one PartitionBlocks and one reader a topic.
import type { Logger } from "../telemetry/log.ts";
import { Histogram } from "../telemetry/histogram.ts";
import type { PageRing } from "../memory/page_ring.ts";
import { taking } from "../memory/taken.ts";
import {
  HistoryRows,
  newHistoryCounters,
  type SetAside,
} from "./history_rows.ts";
import type { BlockSink, ReadFrom, Source } from "../source/source.ts";
import type { GpsClock } from "./gps_clock.ts";
import { gpsMsOfUnixMs, unixMsOfGpsMs } from "./gps_time.ts";
import { newBlockCounters } from "./block_counters.ts";
import { PartitionBlocks } from "./partition_blocks.ts";
import { RingAge } from "./ring_age.ts";
import { Timeline } from "./timeline.ts";
import type { TopicShape } from "./topic_shape.ts";

export interface BlockStoreOptions {
  readonly ring: PageRing;
  readonly source: Source;
  readonly log: Logger;
  readonly clock: GpsClock;
  readonly lingerMs: number;
  readonly resumeWindowMs: number;
  readonly futureToleranceMs: number;
  readonly outageWaitMs: number;
  readonly outageGraceMs: number;
  /** Ring of one reader of the past; as much again may be read ahead. */
  readonly historyBytes: number;
}

/** Beyond its stride and latency, a partition without blocks for so long is silent. */
const SILENT_MS = 10_000;

/** Holes of one topic that the log names: a batch can have one behind each record. */
const HOLES_LOGGED_MAX = 20;

interface Entry {
  readonly blocks: PartitionBlocks;
  readonly timelines: Set<Timeline>;
  readonly replayId: string | null;
  leases: number;
  /** By the monotonic clock. */
  readonly wantedSinceMs: number;
  holesLogged: number;
  /** When the last lease was dropped, by the monotonic clock. */
  idleSinceMs: number;
  /** Newest block when its log had last been read to the end. */
  newestSeen: number;
}

/** A timeline whose rows are something else than blocks joined. */
export interface SpecialTimeline {
  /** The {@linkcode Timeline.kind} of what is made. */
  readonly kind: string;
  make(partitions: readonly PartitionBlocks[], gpsMs: number): Timeline;
}

/** The retained blocks of all wanted partitions. Times are GPS ms by the instance's clock. */
export class BlockStore implements BlockSink {
  readonly counters = { holes: 0, restarts: 0 };
  /** From a message's production, by its publisher's clock, to its receipt, seconds; of topics that are read live. */
  readonly lag = new Histogram();
  /** Sums of the partitions that have been dropped, so that no counter goes back. */
  readonly closedCounters = { ...newBlockCounters(), lateRows: 0 };
  /** Blocks that were read from the past, and what was set aside of it. */
  readonly historyCounters = newHistoryCounters();
  /** Called when timelines may have released something, all of it at once. */
  onAdvanced: () => void = () => {};
  /** While all blocks that come are of the future: how far the nearest one is. Else 0. */
  behindMs = 0;
  /** Time in that call while messages are being taken. */
  handedOutSeconds = 0;
  readonly #options: BlockStoreOptions;
  readonly #clock: GpsClock;
  readonly #entries = new Map<string, Entry>();
  readonly #timelines = new Map<
    string,
    { timeline: Timeline; users: number }
  >();
  /** Newest block end of each replay context, GPS ms. */
  readonly #replayMs = new Map<string, number>();
  readonly #badLogged = new Set<string>();
  readonly #ringAge: RingAge;

  constructor(options: BlockStoreOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#clock.onAhead = () => {
      for (const { blocks, replayId } of this.#entries.values()) {
        if (replayId === null) blocks.lateness.noteAway();
      }
    };
    this.#clock.onSet = (byMs) => this.#shift(byMs);
    this.#ringAge = new RingAge(options.ring);
  }

  /** The timeline of a set of topics, which are fetched until `release`. */
  lease(
    shapes: readonly TopicShape[],
    strideNs: bigint,
    special?: SpecialTimeline,
  ): Timeline {
    const sorted = [...shapes].sort((a, b) => a.topic < b.topic ? -1 : 1);
    const topics = sorted.map((s) => s.topic);
    const key = timelineKey(topics, strideNs, special?.kind ?? "");
    const known = this.#timelines.get(key);
    if (known) {
      known.users++;
      return known.timeline;
    }
    const entries = sorted.map((shape) => this.#want(shape));
    const partitions = entries.map((e) => e.blocks);
    const timeline = special
      ? special.make(partitions, this.gpsMs())
      : new Timeline(partitions, strideNs, this.gpsMs());
    for (const entry of entries) {
      // What came while nobody joined it is settled now, or the stream would begin where the last one ended.
      if (entry.timelines.size === 0) entry.blocks.settle(this.gpsMs());
    }
    for (const entry of entries) {
      entry.leases++;
      entry.timelines.add(timeline);
    }
    this.#timelines.set(key, { timeline, users: 1 });
    return taking((taken) => {
      taken.add(() => this.release(timeline));
      timeline.advance(this.gpsMs());
      return timeline;
    });
  }

  release(timeline: Timeline): void {
    const key = timelineKey(
      timeline.partitions.map((p) => p.topic),
      timeline.strideNs,
      timeline.kind,
    );
    const known = this.#timelines.get(key);
    if (!known || known.timeline !== timeline) {
      throw new Error(`Cannot release a timeline that is not leased: ${key}`);
    }
    if (--known.users > 0) return;
    this.#timelines.delete(key);
    this.closedCounters.lateRows += timeline.lateRows;
    for (const partition of timeline.partitions) {
      const entry = this.#entries.get(partition.topic)!;
      entry.timelines.delete(timeline);
      entry.leases--;
      entry.idleSinceMs = this.#clock.clockMs();
    }
  }

  /** Rows from a time on, read from the source again. The caller closes them. */
  openHistory(
    shapes: readonly TopicShape[],
    strideNs: bigint,
    fromNs: bigint,
  ): HistoryRows {
    const { source, historyBytes } = this.#options;
    const fromMs = Number(fromNs) / 1e6;
    return taking((taken) => {
      // Blocks before those of the time, that came late, may stand behind blocks that are asked for.
      const reader = source.openHistory(shapes.map((shape) => ({
        topic: shape.topic,
        fromMs: fromMs - Number(shape.maxLatencyNs) / 1e6 -
          this.toleranceMs(shape),
      })));
      taken.add(() => reader.close());
      return new HistoryRows({
        shapes,
        strideNs,
        memoryBytes: historyBytes,
        toleranceMs: (shape) => this.toleranceMs(shape),
        gpsMs: () => this.gpsMs(),
        counters: this.historyCounters,
        onSetAside: (topic, reason) => this.#logSetAside(topic, reason),
        reader,
      });
    });
  }

  onMessage(
    topic: string,
    value: Uint8Array,
    offset: number,
    timestampMs: number = -1,
  ): void {
    const entry = this.#entries.get(topic);
    if (!entry) return;
    const gpsMs = this.gpsMs();
    // What a topic held before it was wanted says nothing of the way here.
    if (entry.blocks.hasCaughtUpOnce && timestampMs >= 0) {
      const lagMs = this.#clock.unixMs() - timestampMs;
      this.lag.observe(Math.max(0, lagMs) / 1000);
    }
    const isLive = entry.replayId === null;
    const arrival = isLive
      ? entry.blocks.append(value, gpsMs, this.#clock.latestMs(gpsMs))
      : entry.blocks.append(value, NaN);
    this.#ringAge.note(this.#clock.readMs);
    if (arrival === "bad" || arrival === "future" || arrival === "too-large") {
      this.#logOnce(topic, arrival, offset, entry.blocks.lastBadReason);
      return;
    }
    if (!isLive) this.#moveReplay(entry, arrival === "reset");
    if (arrival === "reset") {
      for (const timeline of entry.timelines) timeline.reset(gpsMs);
    }
    this.#advance(entry, gpsMs);
  }

  onCaughtUp(topic: string, atClockMs: number): void {
    const entry = this.#entries.get(topic);
    if (!entry) return;
    const { blocks } = entry;
    blocks.caughtUp(this.#contextMs(entry, this.#clock.gpsMsAt(atClockMs)));
    if (blocks.newest > entry.newestSeen && entry.replayId === null) {
      this.#clock.witness(topic, blocks.witness());
    }
    entry.newestSeen = blocks.newest;
    this.#advance(entry, this.gpsMs());
  }

  onDisturbed(topic: string): void {
    this.#entries.get(topic)?.blocks.lateness.noteDisturbance(this.gpsMs());
  }

  onHole(topic: string, from: number, to: number): void {
    this.counters.holes += to - from;
    const entry = this.#entries.get(topic);
    if (!entry || entry.holesLogged === HOLES_LOGGED_MAX) return;
    const isLast = ++entry.holesLogged === HOLES_LOGGED_MAX;
    const more = isLast ? { next: "further ones are only counted" } : {};
    this.#options.log.warn("offset-hole", { topic, from, to, ...more });
  }

  onRestart(topic: string, offset: number): void {
    this.counters.restarts++;
    this.#options.log.warn("topic-restarted", { topic, offset });
    const entry = this.#entries.get(topic);
    if (!entry) return;
    entry.blocks.restart();
    for (const timeline of entry.timelines) timeline.reset(this.gpsMs());
  }

  /** Late rows and lingering topics; call a few times a second. */
  tick(): void {
    this.#clock.tick(this.#readsLive());
    this.#lookAhead();
    const gpsMs = this.gpsMs();
    for (const { timeline } of this.#timelines.values()) {
      timeline.advance(gpsMs);
    }
    this.onAdvanced();
    const idleBefore = this.#clock.readMs - this.#options.lingerMs;
    for (const [topic, entry] of this.#entries) {
      if (entry.leases === 0 && entry.idleSinceMs <= idleBefore) {
        this.#drop(topic, entry);
      }
    }
  }

  /** GPS ms now, by which blocks are late or of the future. */
  gpsMs(): number {
    return this.#clock.gpsMs();
  }

  /** How far ahead of its production a block may lie, ms. */
  toleranceMs(shape: TopicShape): number {
    return this.#options.futureToleranceMs || 2 * Number(shape.strideNs) / 1e6;
  }

  /** Every wanted partition with its leases, for status and metrics. */
  *partitions(): Iterable<{ blocks: PartitionBlocks; leases: number }> {
    yield* this.#entries.values();
  }

  /** The blocks of a topic, while it is wanted. */
  partition(topic: string): PartitionBlocks | undefined {
    return this.#entries.get(topic)?.blocks;
  }

  /** How far back the ring reaches, ms. */
  get ringHeldMs(): number {
    return this.#ringAge.heldMs(this.#clock.clockMs());
  }

  /** Partitions whose last message was set aside as of the future. */
  get partitionsAhead(): number {
    let count = 0;
    for (const { blocks } of this.#entries.values()) {
      if (blocks.aheadMs > 0) count++;
    }
    return count;
  }

  /** Partitions that clients or trends read now, live, and of which no block has come for longer than it should. */
  get partitionsSilent(): number {
    let count = 0;
    for (const entry of this.#entries.values()) {
      if (
        entry.leases > 0 && entry.replayId === null && this.#isSilent(entry)
      ) {
        count++;
      }
    }
    return count;
  }

  #isSilent({ blocks, wantedSinceMs }: Entry): boolean {
    const forMs = blocks.newest < 0
      ? this.#clock.clockMs() - wantedSinceMs
      : this.gpsMs() - (blocks.newest + 1) * blocks.strideMs;
    return forMs > SILENT_MS + blocks.maxLatencyMs + blocks.strideMs;
  }

  /** A count of all partitions, also of those that are no longer read. */
  total(counter: keyof ReturnType<typeof newBlockCounters>): number {
    let sum = this.closedCounters[counter];
    for (const { blocks } of this.#entries.values()) {
      sum += blocks.counters[counter];
    }
    return sum;
  }

  /** Replays whose time is known. */
  get replayCount(): number {
    return this.#replayMs.size;
  }

  get lateRows(): number {
    let rows = this.closedCounters.lateRows;
    for (const { timeline } of this.#timelines.values()) {
      rows += timeline.lateRows;
    }
    return rows;
  }

  /** Throws when a lease is still out. */
  close(): void {
    if (this.#timelines.size > 0) {
      throw new Error(
        `Cannot close the block store as ${this.#timelines.size} timelines are still leased`,
      );
    }
    for (const [topic, entry] of this.#entries) this.#drop(topic, entry);
  }

  #want(shape: TopicShape): Entry {
    const { topic } = shape;
    const known = this.#entries.get(topic);
    if (known && isShaped(known.blocks, shape)) return known;
    if (known && known.leases > 0) {
      throw new Error(
        `Cannot lease ${topic} with a stride of ${shape.strideNs} ns as it is leased with ${known.blocks.strideNs} ns`,
      );
    }
    if (known) this.#drop(topic, known);
    const { source, resumeWindowMs } = this.#options;
    const isLive = shape.replayId === null;
    const sinceMs = this.gpsMs() - resumeWindowMs;
    const latencyMs = Number(shape.maxLatencyNs) / 1e6;
    // The blocks of a replay bear other times than that of their production.
    const from: ReadFrom = isLive
      ? { kind: "block-time", ms: sinceMs - latencyMs }
      : { kind: "produced", ms: unixMsOfGpsMs(sinceMs) };
    const entry = taking((taken) => {
      taken.add(() => source.unsubscribe(topic));
      const reachedMs = source.subscribe(topic, from);
      return this.#entryOf(
        shape,
        isLive ? reachedMs + latencyMs : gpsMsOfUnixMs(reachedMs),
      );
    });
    this.#entries.set(topic, entry);
    return entry;
  }

  /** `fromMs`: GPS ms from which on its log is read. */
  #entryOf(shape: TopicShape, fromMs: number): Entry {
    return {
      blocks: new PartitionBlocks({
        topic: shape.topic,
        strideNs: shape.strideNs,
        maxLatencyNs: shape.maxLatencyNs,
        ring: this.#options.ring,
        futureToleranceMs: this.#options.futureToleranceMs,
        outageWaitMs: this.#options.outageWaitMs,
        outageGraceMs: this.#options.outageGraceMs,
        subscribedMs: this.gpsMs(),
        hasClock: shape.replayId === null,
        coveredFromMs: fromMs + this.toleranceMs(shape),
      }),
      timelines: new Set(),
      replayId: shape.replayId,
      leases: 0,
      wantedSinceMs: this.#clock.clockMs(),
      holesLogged: 0,
      idleSinceMs: this.#clock.clockMs(),
      newestSeen: -1,
    };
  }

  #drop(topic: string, entry: Entry): void {
    this.#options.source.unsubscribe(topic);
    this.#entries.delete(topic);
    if (entry.replayId !== null) this.#forgetReplay(entry.replayId);
    const sums: Record<string, number> = this.closedCounters;
    for (const [name, count] of Object.entries(entry.blocks.counters)) {
      sums[name] = (sums[name] ?? 0) + count;
    }
  }

  /** Says once when all that comes lies in the future: rather than each publisher's, this machine's clock is wrong. */
  #lookAhead(): void {
    let partitions = 0;
    let aheadMs = Infinity;
    for (const { blocks, replayId } of this.#entries.values()) {
      if (replayId !== null || blocks.counters.blocks + blocks.aheadMs === 0) {
        continue;
      }
      partitions++;
      aheadMs = Math.min(aheadMs, blocks.aheadMs);
    }
    const behindMs = partitions > 0 ? aheadMs : 0;
    if (behindMs > 0 && this.behindMs === 0) {
      this.#options.log.error("clock-behind-all-blocks", {
        byMs: Math.round(behindMs),
        partitions,
      });
    }
    this.behindMs = behindMs;
  }

  #readsLive(): boolean {
    for (const { replayId } of this.#entries.values()) {
      if (replayId === null) return true;
    }
    return false;
  }

  /** The clock was set: what is noted by it moves along. */
  #shift(byMs: number): void {
    for (const { blocks, replayId } of this.#entries.values()) {
      if (replayId === null) blocks.shiftClock(byMs);
    }
    for (const { timeline } of this.#timelines.values()) {
      timeline.shiftClock(byMs);
    }
  }

  #advance(entry: Entry, gpsMs: number): void {
    // All find their place before any of them settles the block that has just come.
    for (const timeline of entry.timelines) timeline.findStart(gpsMs);
    for (const timeline of entry.timelines) timeline.advance(gpsMs);
    const beganMs = performance.now();
    this.onAdvanced();
    this.handedOutSeconds += (performance.now() - beganMs) / 1000;
  }

  /** GPS ms now, as the context of a partition counts it. A replay's clock is its newest block's end. */
  #contextMs(entry: Entry, gpsMs: number): number {
    return entry.replayId === null
      ? gpsMs
      : this.#replayMs.get(entry.replayId) ?? -Infinity;
  }

  #moveReplay(entry: Entry, isReset: boolean): void {
    const { newest, strideMs } = entry.blocks;
    const endMs = (newest + 1) * strideMs;
    const before = this.#replayMs.get(entry.replayId!) ?? -Infinity;
    this.#replayMs.set(
      entry.replayId!,
      isReset ? endMs : Math.max(before, endMs),
    );
  }

  /** A replay that nobody reads has no time: the next one begins with its first block. */
  #forgetReplay(replayId: string): void {
    for (const entry of this.#entries.values()) {
      if (entry.replayId === replayId) return;
    }
    this.#replayMs.delete(replayId);
  }

  #logSetAside(topic: string, { kind, aheadMs, reason }: SetAside): void {
    const key = `${topic} past ${kind}`;
    if (this.#badLogged.has(key) || this.#badLogged.size > 10_000) return;
    this.#badLogged.add(key);
    this.#options.log.warn("past-set-aside", {
      topic,
      outcome: kind,
      ...(kind === "future" ? { aheadMs: Math.round(aheadMs) } : { reason }),
    });
  }

  #logOnce(
    topic: string,
    arrival: string,
    offset: number,
    reason: string,
  ): void {
    const key = JSON.stringify([topic, arrival]);
    if (this.#badLogged.has(key) || this.#badLogged.size > 10_000) return;
    this.#badLogged.add(key);
    const { aheadMs = 0 } = this.partition(topic) ?? {};
    this.#options.log.warn("message-set-aside", {
      topic,
      offset,
      outcome: arrival,
      ...(arrival === "future" ? { aheadMs: Math.round(aheadMs) } : {}),
      ...(arrival === "bad" ? { reason } : {}),
    });
  }
}

/** Stride and latency do not change while a partition's blocks are kept. */
function isShaped(blocks: PartitionBlocks, shape: TopicShape): boolean {
  return blocks.strideNs === shape.strideNs &&
    blocks.maxLatencyMs === Number(shape.maxLatencyNs) / 1e6;
}

function timelineKey(
  topics: readonly string[],
  strideNs: bigint,
  kind: string,
): string {
  return JSON.stringify([String(strideNs), kind, ...topics]);
}

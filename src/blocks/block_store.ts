// The sink of the source: stores each message's block in the page ring and advances the timelines over its partition.
// Times are GPS ms by the instance's clock.
import type { Ring } from "../memory/ring.ts";
import { withRollback } from "../memory/rollback.ts";
import type { BlockSink, Source } from "../source/source.ts";
import { Histogram } from "../telemetry/histogram.ts";
import type { Logger } from "../telemetry/log.ts";
import type { BlockCounters } from "./block_counters.ts";
import { ClockBehindCheck } from "./clock_behind_check.ts";
import type { GpsClock } from "./gps_clock.ts";
import { HistoryRows, newHistoryCounters } from "./history_rows.ts";
import type { PartitionBlocks } from "./partition_blocks.ts";
import { ReplayTimes } from "./replay_times.ts";
import { RingAge } from "./ring_age.ts";
import { SetAsideLog } from "./set_aside_log.ts";
import { type Subscription, Subscriptions } from "./subscriptions.ts";
import type { RowListener } from "./row_listener.ts";
import type { Timeline } from "./timeline.ts";
import { type SpecialTimeline, TimelineLeases } from "./timeline_leases.ts";
import type { TopicShape } from "./topic_shape.ts";
import { witnessOf } from "./witness_of.ts";

export interface BlockStoreOptions {
  readonly ring: Ring;
  readonly source: Source;
  readonly log: Logger;
  readonly clock: GpsClock;
  readonly lingerMs: number;
  readonly resumeWindowMs: number;
  readonly futureToleranceMs: number;
  readonly outageWaitMs: number;
  readonly outageGraceMs: number;
  /** Bytes of the ring of one history reader; about as many may be read ahead. */
  readonly historyBytes: number;
  /** Is called after rows have been released. @default none */
  readonly rowListener?: RowListener;
}

/** The retained blocks of all subscribed partitions, and the timelines over them. */
export class BlockStore implements BlockSink {
  readonly counters = { holes: 0, restarts: 0 };
  /** From a message's production, by its publisher's clock, to its receipt, seconds; of topics that are read live. */
  readonly lag = new Histogram();
  /** Blocks that were read as history, and those of them that were set aside. */
  readonly historyCounters = newHistoryCounters();
  /** Time in the row listener while messages are being taken. */
  handedOutSeconds = 0;
  readonly #options: BlockStoreOptions;
  readonly #clock: GpsClock;
  readonly #replays = new ReplayTimes();
  readonly #subscriptions: Subscriptions;
  readonly #timelines: TimelineLeases;
  readonly #clockBehind: ClockBehindCheck;
  readonly #setAsideLog: SetAsideLog;
  readonly #ringAge: RingAge;

  constructor(options: BlockStoreOptions) {
    const { clock, log } = options;
    this.#options = options;
    this.#clock = clock;
    const replays = this.#replays;
    this.#subscriptions = new Subscriptions({ ...options, replays });
    this.#timelines = new TimelineLeases(this.#subscriptions, clock);
    this.#clockBehind = new ClockBehindCheck(log);
    this.#setAsideLog = new SetAsideLog(log);
    this.#ringAge = new RingAge(options.ring);
    clock.listen({
      onWallAhead: () => this.#noteAway(),
      onSet: (byMs) => this.#shiftClock(byMs),
    });
  }

  /** The timeline of a set of topics, which are read until `release`. */
  lease(
    shapes: readonly TopicShape[],
    strideNs: bigint,
    special?: SpecialTimeline,
  ): Timeline {
    return this.#timelines.lease(shapes, strideNs, special);
  }

  /** Gives a lease back. Throws when the timeline is not leased. */
  release(timeline: Timeline): void {
    this.#timelines.release(timeline);
  }

  /** Rows from a time on, read from the source again; `isNew`: from its log as it is now. The caller closes them. */
  openHistory(
    shapes: readonly TopicShape[],
    strideNs: bigint,
    fromNs: bigint,
    { isNew = false } = {},
  ): HistoryRows {
    const toleranceMs = (shape: TopicShape) => this.toleranceMs(shape);
    return withRollback((rollback) => {
      // A late block of an earlier time may be in the log after the first requested block.
      const reader = this.#options.source.openHistory(shapes.map((shape) => ({
        topic: shape.topic,
        fromMs: Number(fromNs - shape.maxLatencyNs) / 1e6 - toleranceMs(shape),
        isNew,
      })));
      rollback.add(() => reader.close());
      return new HistoryRows({
        shapes,
        strideNs,
        memoryBytes: this.#options.historyBytes,
        toleranceMs,
        gpsMs: () => this.gpsMs(),
        counters: this.historyCounters,
        onSetAside: (topic, what) => this.#setAsideLog.history(topic, what),
        reader,
      });
    });
  }

  /** Stores a message's block. Then: PartitionBlocks.append(), and #advance() for the timelines over it. */
  onMessage(
    topic: string,
    value: Uint8Array,
    offset: number,
    timestampMs: number = -1,
  ): void {
    const subscription = this.#subscriptions.get(topic);
    if (!subscription) return;
    const { blocks, replayId } = subscription;
    const gpsMs = this.gpsMs();
    // Messages from before the subscription have waited in the log: their age does not show how long their way took.
    const isNew = blocks.hasCaughtUpOnce && timestampMs >= 0;
    if (isNew && subscription.uncounted !== null) {
      const lagMs = this.#clock.unixMs() - timestampMs;
      this.lag.observe(Math.max(0, lagMs) / 1000);
    }
    const arrival = replayId === null
      ? blocks.append(value, gpsMs, this.#clock.latestMs(gpsMs))
      : blocks.append(value, NaN);
    this.#ringAge.note(this.#clock.readMs);
    if (arrival === "bad" || arrival === "future" || arrival === "too-large") {
      this.#setAsideLog.message(blocks, arrival, offset);
      return;
    }
    const isReset = arrival === "reset";
    if (replayId !== null) this.#replays.advance(replayId, blocks, isReset);
    if (isReset) {
      for (const timeline of subscription.timelines) timeline.reset(gpsMs);
    } else if (arrival === "returned") {
      for (const timeline of subscription.timelines) {
        timeline.awaitSilentWith(blocks, gpsMs);
      }
    }
    this.#advance(subscription, gpsMs);
  }

  onCaughtUp(topic: string, atClockMs: number): void {
    const subscription = this.#subscriptions.get(topic);
    if (!subscription) return;
    const { blocks, replayId } = subscription;
    // The time of a replay is that of its blocks.
    blocks.caughtUp(
      replayId === null
        ? this.#clock.gpsMsAt(atClockMs)
        : this.#replays.of(replayId),
    );
    if (blocks.newest > subscription.newestSeen && replayId === null) {
      this.#clock.witness(topic, witnessOf(blocks));
    }
    this.#subscriptions.noteCaughtUp(subscription);
    this.#advance(subscription, this.gpsMs());
  }

  onCounting(topic: string, isFromStart: boolean): void {
    this.#subscriptions.count(topic, isFromStart);
  }

  onDisturbed(topic: string): void {
    this.partition(topic)?.lateness.noteDisturbance(this.gpsMs());
  }

  onHole(topic: string, from: number, to: number): void {
    if (this.#subscriptions.counts(topic)) this.counters.holes += to - from;
    const blocks = this.partition(topic);
    if (blocks) this.#setAsideLog.hole(blocks, from, to);
  }

  onRestart(topic: string, offset: number): void {
    if (this.#subscriptions.counts(topic)) this.counters.restarts++;
    this.#options.log.warn("topic-restarted", { topic, offset });
    const { blocks, timelines = [] } = this.#subscriptions.get(topic) ?? {};
    blocks?.restart();
    for (const timeline of timelines) timeline.reset(this.gpsMs());
  }

  onLost(topic: string, isGone = false): void {
    this.partition(topic)?.noteLost(isGone);
  }

  /** Releases a partition's rows that are ready. Then: Timeline.advance(), and ClientHub.rowsReleased(). */
  #advance({ timelines }: Subscription, gpsMs: number): void {
    // All find their first row before any of them settles the block that has just come.
    for (const timeline of timelines) timeline.findStart(gpsMs);
    for (const timeline of timelines) timeline.advance(gpsMs);
    const beganMs = performance.now();
    this.#options.rowListener?.rowsReleased();
    this.handedOutSeconds += (performance.now() - beganMs) / 1000;
  }

  /** Releases rows whose partitions are late, and ends idle subscriptions; call a few times a second. */
  tick(): void {
    this.#clock.tick(this.#subscriptions.hasLive);
    this.#clockBehind.check(this.#subscriptions.live());
    this.advance();
    this.#subscriptions.tick();
  }

  /** Releases all rows that are ready; `binsOnly`: bins that another thread has recorded. */
  advance(options?: { readonly binsOnly: boolean }): void {
    this.#timelines.advance(options);
    this.#options.rowListener?.rowsReleased();
  }

  /** GPS ms now; blocks are late or of the future by this time. */
  gpsMs(): number {
    return this.#clock.gpsMs();
  }

  /** How far ahead of its production a block may lie, ms. */
  toleranceMs(shape: TopicShape): number {
    return this.#subscriptions.toleranceMs(shape);
  }

  /** Every subscribed partition with the number of its leases, for status and metrics. */
  *partitions(): Iterable<{ blocks: PartitionBlocks; leases: number }> {
    for (const { blocks, timelines } of this.#subscriptions.all()) {
      yield { blocks, leases: timelines.size };
    }
  }

  /** The blocks of a topic, while it is subscribed. */
  partition(topic: string): PartitionBlocks | undefined {
    return this.#subscriptions.get(topic)?.blocks;
  }

  /** How far back the ring reaches, ms. */
  get ringHeldMs(): number {
    return this.#ringAge.heldMs(this.#clock.clockMs());
  }

  /** If all incoming blocks are in the future: how far the nearest one is, ms. Otherwise 0. */
  get behindMs(): number {
    return this.#clockBehind.behindMs;
  }

  /** Partitions whose last message was set aside as of the future. */
  get partitionsAhead(): number {
    return this.#subscriptions.aheadCount;
  }

  /** How old the newest data is, of each live topic that clients or trends read. */
  topicAges(): ReturnType<Subscriptions["ages"]> {
    return this.#subscriptions.ages();
  }

  /** A count over all partitions, also those that are no longer read. */
  total(counter: keyof BlockCounters): number {
    return this.#subscriptions.total(counter);
  }

  /** Replays whose time is known. */
  get replayCount(): number {
    return this.#replays.count;
  }

  get shortRows(): number {
    return this.#timelines.shortRows;
  }

  /** Throws when a timeline is still leased. */
  close(): void {
    if (this.#timelines.size > 0) {
      throw new Error(
        `Cannot close the block store as ${this.#timelines.size} timelines are still leased`,
      );
    }
    this.#subscriptions.close();
  }

  /** The wall clock is ahead: the machine may have slept, and publishers need time to come back. */
  #noteAway(): void {
    for (const { blocks } of this.#subscriptions.live()) {
      blocks.lateness.noteAway();
    }
  }

  /** The clock was set by some ms: times that were noted by it are moved as far. */
  #shiftClock(byMs: number): void {
    for (const { blocks } of this.#subscriptions.live()) {
      blocks.shiftClock(byMs);
    }
    for (const timeline of this.#timelines.all()) timeline.shiftClock(byMs);
  }
}

// The topics that the source reads now, each with its retained blocks and the timelines over them.
// Invariant: a topic is subscribed while a timeline leases it and for the linger time after that; it has one
// PartitionBlocks and one reader.
import type { Ring } from "../memory/ring.ts";
import { withRollback } from "../memory/rollback.ts";
import type { ReadFrom, Source } from "../source/source.ts";
import { type BlockCounters, newBlockCounters } from "./block_counters.ts";
import { isDelivering } from "./channel_state.ts";
import type { GpsClock } from "./gps_clock.ts";
import { gpsMsOfUnixMs, unixMsOfGpsMs } from "./gps_time.ts";
import { PartitionBlocks } from "./partition_blocks.ts";
import type { ReplayTimes } from "./replay_times.ts";
import type { Timeline } from "./timeline.ts";
import { silentAfterMs, type TopicAge } from "./topic_age.ts";
import type { TopicShape } from "./topic_shape.ts";

export interface SubscriptionsOptions {
  readonly ring: Ring;
  readonly source: Source;
  readonly clock: GpsClock;
  readonly replays: ReplayTimes;
  /** How long a topic without leases is still read, ms. */
  readonly lingerMs: number;
  /** How far back the reading of a topic begins, ms. */
  readonly resumeWindowMs: number;
  /** How far ahead of its production a block may lie, ms; 0: two strides. */
  readonly futureToleranceMs: number;
  /** See {@linkcode PartitionOptions}. */
  readonly outageWaitMs: number;
  readonly outageGraceMs: number;
}

/** A topic that is read. Times are ms of the monotonic clock. */
export interface Subscription {
  readonly blocks: PartitionBlocks;
  /** Each of them leases the topic. */
  readonly timelines: Set<Timeline>;
  readonly replayId: string | null;
  /** As the last lease named it. */
  publisher: string;
  readonly beganMs: number;
  /** When the last lease was released. */
  idleSinceMs: number;
  /** The newest block when the log had last been read to its end. */
  newestSeen: number;
  /** What is not counted here: counts from before; null: another sink of the source counts the topic. */
  uncounted: Readonly<BlockCounters> | null;
  /** Whether it is counted here once the log was first read to its end. */
  willCount: boolean;
  /** What was last reported to the other sinks, of a topic that is counted here for all. */
  reportedLive: boolean | null;
}

/** All subscribed topics of one instance. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #byTopic = new Map<string, Subscription>();
  /** Sums over the topics that are no longer read, so that no counter goes back. */
  readonly #closedCounters = newBlockCounters();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  get(topic: string): Subscription | undefined {
    return this.#byTopic.get(topic);
  }

  all(): Iterable<Subscription> {
    return this.#byTopic.values();
  }

  /** The live ones: their time is that of the instance's clock. A replay has its own. */
  *live(): Iterable<Subscription> {
    for (const subscription of this.#byTopic.values()) {
      if (subscription.replayId === null) yield subscription;
    }
  }

  get hasLive(): boolean {
    for (const _ of this.live()) return true;
    return false;
  }

  /** Starts to read a topic, unless it is read already. Throws when it is leased with another stride or latency. */
  subscribe(shape: TopicShape): Subscription {
    const { topic } = shape;
    const known = this.#byTopic.get(topic);
    if (known && hasShape(known.blocks, shape)) {
      known.publisher = shape.publisher ?? known.publisher;
      return known;
    }
    if (known && known.timelines.size > 0) {
      throw new Error(
        `Cannot lease ${topic} with a stride of ${shape.strideNs} ns as it is leased with ${known.blocks.strideNs} ns`,
      );
    }
    if (known) this.#drop(topic, known);
    const { source, clock, resumeWindowMs } = this.#options;
    const isLive = shape.replayId === null;
    const sinceMs = clock.gpsMs() - resumeWindowMs;
    const latencyMs = Number(shape.maxLatencyNs) / 1e6;
    // The blocks of a replay have other times than that of their production.
    const from: ReadFrom = isLive
      ? { kind: "block-time", ms: sinceMs - latencyMs }
      : { kind: "produced", ms: unixMsOfGpsMs(sinceMs) };
    const subscription = withRollback((rollback) => {
      rollback.add(() => source.unsubscribe(topic));
      const reachedMs = source.subscribe(topic, from);
      return this.#subscriptionOf(
        shape,
        isLive ? reachedMs + latencyMs : gpsMsOfUnixMs(reachedMs),
      );
    });
    this.#byTopic.set(topic, subscription);
    return subscription;
  }

  /** `fromMs`: GPS ms from which on the log is read. */
  #subscriptionOf(shape: TopicShape, fromMs: number): Subscription {
    const { clock, ring, futureToleranceMs, outageWaitMs, outageGraceMs } =
      this.#options;
    return {
      blocks: new PartitionBlocks({
        topic: shape.topic,
        strideNs: shape.strideNs,
        maxLatencyNs: shape.maxLatencyNs,
        ring,
        futureToleranceMs,
        outageWaitMs,
        outageGraceMs,
        subscribedMs: clock.gpsMs(),
        hasClock: shape.replayId === null,
        coveredFromMs: fromMs + this.toleranceMs(shape),
      }),
      timelines: new Set(),
      replayId: shape.replayId,
      publisher: shape.publisher ?? "unknown",
      beganMs: clock.clockMs(),
      idleSinceMs: clock.clockMs(),
      newestSeen: -1,
      uncounted: this.#options.source.shared ? null : newBlockCounters(),
      willCount: false,
      reportedLive: null,
    };
  }

  /** How far ahead of its production a block may lie, ms. */
  toleranceMs(shape: TopicShape): number {
    return this.#options.futureToleranceMs || 2 * Number(shape.strideNs) / 1e6;
  }

  /** Call it a few times a second. */
  tick(): void {
    this.#reportLive();
    this.#dropIdle();
  }

  /** Reports to the other sinks which of the topics that are counted here are delivering. */
  #reportLive(): void {
    const { shared } = this.#options.source;
    if (shared === undefined) return;
    for (const [topic, subscription] of this.#byTopic) {
      const { blocks, uncounted, willCount, reportedLive } = subscription;
      if (uncounted === null && !willCount) continue;
      const isLive = isDelivering(blocks);
      if (isLive === reportedLive) continue;
      subscription.reportedLive = isLive;
      shared.setLive(topic, isLive);
    }
  }

  /** Ends the reading of topics that nothing has leased for the linger time. */
  #dropIdle(): void {
    const { clock, lingerMs } = this.#options;
    const idleBeforeMs = clock.readMs - lingerMs;
    for (const [topic, subscription] of this.#byTopic) {
      if (subscription.timelines.size > 0) continue;
      if (subscription.idleSinceMs > idleBeforeMs) continue;
      this.#drop(topic, subscription);
    }
  }

  /** Ends the reading of all topics. */
  close(): void {
    for (const [topic, subscription] of this.#byTopic) {
      this.#drop(topic, subscription);
    }
  }

  #drop(
    topic: string,
    { blocks, replayId, uncounted }: Subscription,
  ): void {
    this.#options.source.unsubscribe(topic);
    this.#byTopic.delete(topic);
    if (replayId !== null && !this.#readsReplay(replayId)) {
      this.#options.replays.forget(replayId);
    }
    if (uncounted === null) return;
    const sums = this.#closedCounters;
    for (const name of Object.keys(sums) as (keyof BlockCounters)[]) {
      sums[name] += blocks.counters[name] - uncounted[name];
    }
  }

  /** Whether a topic is counted here, and not by another thread for all. */
  counts(topic: string): boolean {
    return this.#byTopic.get(topic)?.uncounted !== null;
  }

  /** The log of a topic was read to its end. */
  noteCaughtUp(subscription: Subscription): void {
    const { blocks, willCount } = subscription;
    subscription.newestSeen = blocks.newest;
    if (!willCount) return;
    subscription.willCount = false;
    subscription.uncounted = { ...blocks.counters };
  }

  /** See {@linkcode BlockSink.onCounting}. */
  count(topic: string, isFromStart: boolean): void {
    const subscription = this.#byTopic.get(topic);
    if (!subscription) return;
    const { blocks } = subscription;
    subscription.reportedLive = null;
    if (isFromStart) subscription.uncounted = newBlockCounters();
    else if (blocks.hasCaughtUpOnce) {
      subscription.uncounted = { ...blocks.counters };
    } else subscription.willCount = true;
  }

  #readsReplay(replayId: string): boolean {
    for (const subscription of this.#byTopic.values()) {
      if (subscription.replayId === replayId) return true;
    }
    return false;
  }

  /** A count over all topics, also those that are no longer read. */
  total(counter: keyof BlockCounters): number {
    let sum = this.#closedCounters[counter];
    for (const { blocks, uncounted } of this.#byTopic.values()) {
      if (uncounted === null) continue;
      sum += blocks.counters[counter] - uncounted[counter];
    }
    return sum;
  }

  /** Partitions whose last message was set aside as of the future. */
  get aheadCount(): number {
    let count = 0;
    for (const { blocks } of this.#byTopic.values()) {
      if (blocks.reader.aheadMs > 0) count++;
    }
    return count;
  }

  /** Of leased live partitions. */
  ages(): readonly TopicAge[] {
    const { clock } = this.#options;
    const ages: TopicAge[] = [];
    for (const { blocks, beganMs, publisher, timelines } of this.live()) {
      if (timelines.size === 0) continue;
      ages.push({
        topic: blocks.topic,
        publisher,
        ageMs: blocks.newest < 0
          ? clock.clockMs() - beganMs
          : clock.gpsMs() - (blocks.newest + 1) * blocks.strideMs,
        silentAfterMs: silentAfterMs(blocks),
      });
    }
    return ages;
  }
}

/** Stride and latency do not change while a partition's blocks are kept. */
function hasShape(blocks: PartitionBlocks, shape: TopicShape): boolean {
  return blocks.strideNs === shape.strideNs &&
    blocks.maxLatencyMs === Number(shape.maxLatencyNs) / 1e6;
}

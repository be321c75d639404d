// The timelines of one instance: one for each set of topics, row stride and kind, shared by all its leases.
// Invariant: the topics of a leased timeline are subscribed.
import { withRollback } from "../memory/rollback.ts";
import type { GpsClock } from "./gps_clock.ts";
import type { PartitionBlocks } from "./partition_blocks.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { Timeline } from "./timeline.ts";
import type { TopicShape } from "./topic_shape.ts";

/** A timeline whose rows are not blocks of its partitions, but bins made from them. */
export interface SpecialTimeline {
  /** The {@linkcode Timeline.kind} of what is made. */
  readonly kind: string;
  make(partitions: readonly PartitionBlocks[], gpsMs: number): Timeline;
}

interface Leased {
  readonly timeline: Timeline;
  leases: number;
}

export class TimelineLeases {
  readonly #subscriptions: Subscriptions;
  readonly #clock: GpsClock;
  readonly #byKey = new Map<string, Leased>();
  #closedShortRows = 0;

  constructor(subscriptions: Subscriptions, clock: GpsClock) {
    this.#subscriptions = subscriptions;
    this.#clock = clock;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** All leased timelines. */
  *all(): Iterable<Timeline> {
    for (const { timeline } of this.#byKey.values()) yield timeline;
  }

  /** Releases the rows that are ready. `binsOnly`: those of timelines whose rows are bins. */
  advance({ binsOnly = false } = {}): void {
    const gpsMs = this.#clock.gpsMs();
    for (const { timeline } of this.#byKey.values()) {
      if (!binsOnly || timeline.kind !== "") timeline.advance(gpsMs);
    }
  }

  /** Short rows, over all timelines that there have been. */
  get shortRows(): number {
    let rows = this.#closedShortRows;
    for (const { timeline } of this.#byKey.values()) rows += timeline.shortRows;
    return rows;
  }

  /** The timeline of a set of topics, which are read until `release`. */
  lease(
    shapes: readonly TopicShape[],
    strideNs: bigint,
    special?: SpecialTimeline,
  ): Timeline {
    const sorted = [...shapes].sort((a, b) => a.topic < b.topic ? -1 : 1);
    const topics = sorted.map((s) => s.topic);
    const key = keyOf(topics, strideNs, special?.kind ?? "");
    const known = this.#byKey.get(key);
    if (known) {
      known.leases++;
      return known.timeline;
    }
    const subscribed = sorted.map((s) => this.#subscriptions.subscribe(s));
    const partitions = subscribed.map((s) => s.blocks);
    const gpsMs = this.#clock.gpsMs();
    const timeline = special
      ? special.make(partitions, gpsMs)
      : new Timeline(partitions, strideNs, gpsMs);
    for (const { timelines, blocks } of subscribed) {
      // Blocks that came while the topic had no timeline are settled now; else the stream would begin with old rows.
      if (timelines.size === 0) blocks.settle(this.#clock.gpsMs());
    }
    for (const { timelines } of subscribed) timelines.add(timeline);
    this.#byKey.set(key, { timeline, leases: 1 });
    return withRollback((rollback) => {
      rollback.add(() => this.release(timeline));
      timeline.advance(this.#clock.gpsMs());
      return timeline;
    });
  }

  /** Gives a lease back. Throws when the timeline is not leased. */
  release(timeline: Timeline): void {
    const topics = timeline.partitions.map((p) => p.topic);
    const key = keyOf(topics, timeline.strideNs, timeline.kind);
    const known = this.#byKey.get(key);
    if (!known || known.timeline !== timeline) {
      throw new Error(`Cannot release a timeline that is not leased: ${key}`);
    }
    if (--known.leases > 0) return;
    this.#byKey.delete(key);
    this.#closedShortRows += timeline.shortRows;
    for (const topic of topics) {
      const subscription = this.#subscriptions.get(topic)!;
      subscription.timelines.delete(timeline);
      subscription.idleSinceMs = this.#clock.clockMs();
    }
  }
}

function keyOf(
  topics: readonly string[],
  strideNs: bigint,
  kind: string,
): string {
  return JSON.stringify([String(strideNs), kind, ...topics]);
}

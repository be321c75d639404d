// The groups in use, by what their clients have in common.
// Invariant: a group is here while it has clients or lets some in; with it go its timeline's lease and its records'.
import type { BlockStore } from "../blocks/block_store.ts";
import { shapesOf } from "../blocks/topic_shape.ts";
import { rowStrideOf } from "../blocks/row_stride.ts";
import type { Catalog } from "../channels/catalog.ts";
import { type Channel, topicOf } from "../channels/channel.ts";
import type { TrendBin } from "../trends/trend_bins.ts";
import type { TrendRecorder } from "../trends/trend_recorder.ts";
import { trendKind, TrendTimeline } from "../trends/trend_timeline.ts";
import { taking } from "../memory/taken.ts";
import type { ClientHub } from "./client_hub.ts";
import type { StreamShape } from "../frames/stream_format.ts";
import { SelectionGroup } from "./selection_group.ts";

export interface SelectionGroupsOptions {
  readonly store: BlockStore;
  readonly catalog: Catalog;
  readonly trends: TrendRecorder;
}

/** One group a selection and shape. */
export class SelectionGroups {
  readonly #hub: ClientHub;
  readonly #store: BlockStore;
  readonly #trends: TrendRecorder;
  readonly #groups = new Map<string, SelectionGroup>();
  readonly #unwatch: () => void;

  constructor(hub: ClientHub, options: SelectionGroupsOptions) {
    this.#hub = hub;
    this.#store = options.store;
    this.#trends = options.trends;
    this.#unwatch = options.catalog.onChange(
      (_name, _replayId, before, after) => {
        if (before) this.#channelChanged(before, after);
      },
    );
  }

  get size(): number {
    return this.#groups.size;
  }

  has(channels: readonly Channel[], shape: StreamShape): boolean {
    return this.#groups.has(keyOf(channels, shape));
  }

  /** The group of these channels; null when there is no memory to record the trends that it shows. */
  of(
    channels: readonly Channel[],
    shape: StreamShape,
  ): SelectionGroup | null {
    const key = keyOf(channels, shape);
    const known = this.#groups.get(key);
    if (known) return known;
    const { trend } = shape;
    const made = trend
      ? this.#ofBins(key, channels, { ...shape, trend })
      : this.#ofRows(key, channels, shape);
    if (made !== null) this.#groups.set(key, made);
    return made;
  }

  closeIfIdle(group: SelectionGroup): void {
    if (group.delivery.clients.length > 0 || group.opening > 0) return;
    if (this.#groups.get(group.key) !== group) return;
    this.#groups.delete(group.key);
    group.close();
    this.#store.release(group.timeline);
    if (group.trend) this.#trends.release(group.trend.records);
  }

  close(): void {
    this.#unwatch();
    if (this.#groups.size > 0) {
      throw new Error(
        `Cannot close the hub as ${this.#groups.size} groups are left`,
      );
    }
  }

  #ofRows(
    key: string,
    channels: readonly Channel[],
    shape: StreamShape,
  ): SelectionGroup {
    const strideNs = rowStrideOf(channels.map((c) => c.strideNs));
    return taking((taken) => {
      const timeline = this.#store.lease(shapesOf(channels), strideNs);
      taken.add(() => this.#store.release(timeline));
      return new SelectionGroup(
        this.#hub,
        key,
        channels,
        shape,
        timeline,
      );
    });
  }

  #ofBins(
    key: string,
    channels: readonly Channel[],
    shape: StreamShape & { readonly trend: TrendBin },
  ): SelectionGroup | null {
    const bin = shape.trend;
    return taking((taken) => {
      const records = this.#trends.lease(channels);
      if (records === null) return null;
      taken.add(() => this.#trends.release(records));
      // Behind the recorder's own lease, so that blocks are taken before bins are looked at.
      const timeline = this.#store.lease(shapesOf(channels), bin.binNs, {
        kind: trendKind(records),
        make: (partitions, gpsMs) =>
          new TrendTimeline(partitions, gpsMs, { bin, records }),
      }) as TrendTimeline;
      taken.add(() => this.#store.release(timeline));
      const trend = { bin, records, timeline };
      return new SelectionGroup(
        this.#hub,
        key,
        channels,
        shape,
        timeline,
        trend,
      );
    });
  }

  #channelChanged(before: Channel, after: Channel | undefined): void {
    const topic = topicOf(before);
    // Stride and latency are the partition's: every stream of the topic must be joined anew.
    const isPartitionNew = after !== undefined &&
      (after.strideNs !== before.strideNs ||
        after.maxLatencyNs !== before.maxLatencyNs);
    for (const group of [...this.#groups.values()]) {
      const isHeld = group.channels.some((c) =>
        c.replayId === before.replayId &&
        (c.name === before.name || isPartitionNew && topicOf(c) === topic)
      );
      if (!isHeld) continue;
      group.endAll(after ? "changed" : "removed");
      // Those who left before may not have been closed behind yet, and their lease is of what was.
      this.closeIfIdle(group);
    }
  }
}

/** Not joined: a name may have in it whatever stands between names. */
function keyOf(
  channels: readonly Channel[],
  { format, coding, codec, trend }: StreamShape,
): string {
  return JSON.stringify([
    format,
    coding ?? "identity",
    codec ?? null,
    trend?.name ?? null,
    channels[0]!.replayId,
    ...channels.map((c) => c.name),
  ]);
}

// The groups in use, by what their clients have in common.
// Invariant: a group is here while it has clients or admitted ones; when it closes, the leases of its timeline and
// records end.
import type { BlockStore } from "../blocks/block_store.ts";
import { shapesOf } from "../blocks/topic_shape.ts";
import { rowStrideOf } from "../blocks/row_stride.ts";
import type { Catalog } from "../channels/catalog.ts";
import { type Channel, topicOf } from "../channels/channel.ts";
import type { StreamShape } from "../frames/stream_format.ts";
import { withRollback } from "../memory/rollback.ts";
import type { TrendBin } from "../trends/trend_bins.ts";
import type { Trends } from "../trends/recorded_trend.ts";
import { trendKind, TrendTimeline } from "../trends/trend_timeline.ts";
import type { EndReason } from "./end_reason.ts";
import { LiveDelivery, type LiveDeliveryParts } from "./live_delivery.ts";
import {
  SelectionGroup,
  type SelectionGroupOptions,
} from "./selection_group.ts";

export interface SelectionGroupsParts extends LiveDeliveryParts {
  readonly store: BlockStore;
  readonly catalog: Catalog;
  readonly trends: Trends;
  readonly retryMs: number;
}

/** One group for each selection and shape. */
export class SelectionGroups {
  readonly #parts: SelectionGroupsParts;
  readonly #deliveries = new Map<string, LiveDelivery>();
  readonly #unwatch: () => void;

  constructor(parts: SelectionGroupsParts) {
    this.#parts = parts;
    this.#unwatch = parts.catalog.onChange(
      (_name, _replayId, before, after) => {
        // A note that changes is for new streams.
        if (before && before !== after) this.#channelChanged(before, after);
      },
    );
  }

  get size(): number {
    return this.#deliveries.size;
  }

  has(channels: readonly Channel[], shape: StreamShape): boolean {
    return this.#deliveries.has(keyOf(channels, shape));
  }

  /** The group of these channels; null when there is no memory to record the trends that it shows. */
  of(channels: readonly Channel[], shape: StreamShape): SelectionGroup | null {
    const key = keyOf(channels, shape);
    const known = this.#deliveries.get(key);
    if (known) return known.group;
    const { trend } = shape;
    return trend
      ? this.#ofBins(key, channels, { ...shape, trend })
      : this.#ofRows(key, channels, shape);
  }

  /** Closes a group that has no clients. */
  closeIfIdle(group: SelectionGroup): void {
    if (!group.isIdle) return;
    const delivery = this.#deliveries.get(group.key);
    if (delivery?.group !== group) return;
    this.#deliveries.delete(group.key);
    delivery.close();
    this.#parts.store.release(group.timeline);
    if (group.trend) this.#parts.trends.release(group.trend.records);
  }

  /** Throws when a group is left. */
  close(): void {
    this.#unwatch();
    if (this.size > 0) {
      throw new Error(
        `Cannot close the selection groups as ${this.size} of them have clients`,
      );
    }
  }

  #ofRows(
    key: string,
    channels: readonly Channel[],
    shape: StreamShape,
  ): SelectionGroup {
    const { store } = this.#parts;
    const strideNs = rowStrideOf(channels.map((c) => c.strideNs));
    return withRollback((rollback) => {
      const timeline = store.lease(shapesOf(channels), strideNs);
      rollback.add(() => store.release(timeline));
      return this.#begin({ key, channels, shape, timeline, trend: null });
    });
  }

  #ofBins(
    key: string,
    channels: readonly Channel[],
    shape: StreamShape & { readonly trend: TrendBin },
  ): SelectionGroup | null {
    const { store, trends } = this.#parts;
    const bin = shape.trend;
    return withRollback((rollback) => {
      const records = trends.lease(channels);
      if (records === null) return null;
      rollback.add(() => trends.release(records));
      // After the recorder's own lease, so that it has taken the blocks before bins are read.
      const timeline = store.lease(shapesOf(channels), bin.binNs, {
        kind: trendKind(records),
        make: (partitions, gpsMs) =>
          new TrendTimeline(partitions, gpsMs, { bin, records }),
      }) as TrendTimeline;
      rollback.add(() => store.release(timeline));
      const trend = { bin, records, timeline };
      return this.#begin({ key, channels, shape, timeline, trend });
    });
  }

  #begin(
    options: Omit<SelectionGroupOptions, "encoders" | "retryMs">,
  ): SelectionGroup {
    const { encoders, retryMs } = this.#parts;
    const group = new SelectionGroup({ ...options, encoders, retryMs });
    this.#deliveries.set(group.key, new LiveDelivery(group, this.#parts));
    return group;
  }

  #channelChanged(before: Channel, after: Channel | undefined): void {
    const topic = topicOf(before);
    // Stride and latency are the partition's: every stream of the topic must be joined again.
    const isPartitionNew = after !== undefined &&
      (after.strideNs !== before.strideNs ||
        after.maxLatencyNs !== before.maxLatencyNs);
    for (const { group } of [...this.#deliveries.values()]) {
      const isConcerned = group.channels.some((c) =>
        c.replayId === before.replayId &&
        (c.name === before.name || isPartitionNew && topicOf(c) === topic)
      );
      if (!isConcerned) continue;
      this.#endAll(group, after ? "changed" : "removed");
      // Clients that left before may not have been closed yet, and the group's lease is of the old channel.
      this.closeIfIdle(group);
    }
  }

  #endAll(group: SelectionGroup, reason: EndReason): void {
    for (const client of [...group.clients]) {
      this.#parts.lifecycle.end(client, reason);
    }
  }
}

/** As JSON, since a name may contain any separator. */
function keyOf(
  channels: readonly Channel[],
  { format, coding, codec, trend, hasUnits }: StreamShape,
): string {
  return JSON.stringify([
    format,
    coding ?? "identity",
    codec ?? null,
    trend?.name ?? null,
    hasUnits ?? false,
    channels[0]!.replayId,
    ...channels.map((c) => c.name),
  ]);
}

// All clients of one selection in one format: they share every frame.
// Invariant: a live row is encoded at most once here, and only when some client takes it.
import type { Channel } from "../channels/channel.ts";
import { shapesOf, type TopicShape } from "../blocks/topic_shape.ts";
import type { RowGap } from "../blocks/row_gap.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { TimelineListener } from "../blocks/timeline.ts";
import type { Codec } from "../arrow/compressed_batch.ts";
import { ENVELOPE_BYTES } from "../frames/frame.ts";
import type { RowEncoder } from "../frames/row_encoder.ts";
import type {
  Coding,
  StreamFormat,
  StreamShape,
} from "../frames/stream_format.ts";
import { StreamText } from "../frames/stream_text.ts";
import type { TrendBin } from "../trends/trend_bins.ts";
import type { TrendRecord } from "../trends/trend_record.ts";
import type { TrendTimeline } from "../trends/trend_timeline.ts";
import { slotBytesFor } from "../memory/slab.ts";
import type { ClientHub } from "./client_hub.ts";
import type { EndReason } from "./client.ts";
import { LiveDelivery } from "./live_delivery.ts";

/** What a group of bins holds on to. */
export interface GroupTrend {
  readonly bin: TrendBin;
  readonly records: readonly TrendRecord[];
  /** The group's own timeline. */
  readonly timeline: TrendTimeline;
}

/** One selection in one format. */
export class SelectionGroup implements TimelineListener {
  readonly key: string;
  readonly channels: readonly Channel[];
  readonly format: StreamFormat;
  readonly coding: Coding;
  readonly codec: Codec | null;
  readonly timeline: Timeline;
  /** Null where the group's clients get rows. */
  readonly trend: GroupTrend | null;
  readonly rows: RowEncoder;
  /** Part of the slab that is kept for each client. */
  readonly reservedBytes: number;
  readonly hub: ClientHub;
  readonly delivery: LiveDelivery;
  /** Admitted clients whose response has not begun. */
  opening = 0;
  /** What is sent beside the rows. */
  readonly text: StreamText;

  constructor(
    hub: ClientHub,
    key: string,
    channels: readonly Channel[],
    { format, coding = "identity", codec = null }: StreamShape,
    timeline: Timeline,
    trend: GroupTrend | null = null,
  ) {
    this.hub = hub;
    this.delivery = new LiveDelivery(hub, this);
    this.key = key;
    this.channels = channels;
    this.format = format;
    this.coding = coding;
    this.codec = codec;
    this.timeline = timeline;
    this.trend = trend;
    const rows = this.encoderOf(timeline);
    this.rows = rows;
    this.reservedBytes = slotBytesFor(rows.frameBytes + ENVELOPE_BYTES);
    this.text = new StreamText({
      format,
      coding,
      strideNs: timeline.strideNs,
      channels,
      binName: trend === null ? null : trend.bin.name,
      template: rows.template,
      retryMs: hub.retryMs,
    });
    timeline.listeners.add(this);
  }

  /** Makes this selection's rows from the blocks of a timeline: its own, or one of the past. */
  encoderOf(timeline: Timeline): RowEncoder {
    const { channels, format, coding, codec, trend } = this;
    return this.hub.encoders.of({
      timeline,
      channels,
      format,
      coding,
      codec,
      trend,
    });
  }

  /** The topics that carry its channels. */
  get shapes(): TopicShape[] {
    return shapesOf(this.channels);
  }

  /** Rows below this have been handed out or told as a gap. */
  get served(): number {
    return this.delivery.served;
  }

  onRow(row: number): void {
    if (this.delivery.release(row, row + 1)) this.hub.liveQueue.add(this);
  }

  onGap(gap: RowGap): void {
    if (this.delivery.release(gap.from, gap.to, gap)) {
      this.hub.liveQueue.add(this);
    }
  }

  /** One row for all clients, or what of it fits until `endMs`. */
  deliver(endMs: number): "done" | "more" | "time-up" {
    return this.delivery.deliver(endMs);
  }

  onReset(): void {
    // Rows of the same time come again, with other samples.
    this.hub.encoders.dropTexts();
    this.delivery.clear();
    for (const client of [...this.delivery.clients]) {
      // What it reads is in the log as it was.
      if (client.historyState === "none") {
        this.hub.end(client, "time-reset");
      }
    }
  }

  onReady(): void {
    for (const client of [...this.delivery.clients]) {
      this.hub.startPosition.place(client);
    }
  }

  endAll(reason: EndReason): void {
    for (const client of [...this.delivery.clients]) {
      this.hub.end(client, reason);
    }
  }

  close(): void {
    this.delivery.clear();
    this.timeline.listeners.delete(this);
  }
}

// All clients of one selection in one format: they share every frame. Data only: LiveDelivery feeds the clients.
// Invariant: rows below `served` have been handed out or reported as a gap.
import type { Codec } from "../arrow/compressed_batch.ts";
import { shapesOf, type TopicShape } from "../blocks/topic_shape.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Channel } from "../channels/channel.ts";
import type { RowEncoder } from "../frames/row_encoder.ts";
import { ENVELOPE_BYTES } from "../frames/frame.ts";
import { type RowEncoders } from "../frames/row_encoders.ts";
import type {
  Coding,
  StreamFormat,
  StreamShape,
} from "../frames/stream_format.ts";
import { streamTextOf } from "../frames/stream_texts.ts";
import type { StreamText } from "../frames/stream_text.ts";
import { slotBytesFor } from "../memory/slab.ts";
import type { TrendBin } from "../trends/trend_bins.ts";
import type { RecordedTrend } from "../trends/recorded_trend.ts";
import type { TrendTimeline } from "../trends/trend_timeline.ts";
import { ClientList } from "./client_list.ts";
import type { Client, ClientGroup } from "./client.ts";

/** The bins that a group of trends shows, and the records that it leases. */
export interface GroupTrend {
  readonly bin: TrendBin;
  readonly records: readonly RecordedTrend[];
  /** The group's own timeline. */
  readonly timeline: TrendTimeline;
}

export interface SelectionGroupOptions {
  /** What its clients have in common, as text. */
  readonly key: string;
  /** Sorted by name, all of one context. */
  readonly channels: readonly Channel[];
  readonly shape: StreamShape;
  readonly timeline: Timeline;
  /** Null where clients get rows. */
  readonly trend: GroupTrend | null;
  readonly encoders: RowEncoders;
  readonly retryMs: number;
}

/** A client as the parts above see it. */
export type GroupClient = Client<SelectionGroup>;

/** One selection in one format. */
export class SelectionGroup implements ClientGroup {
  readonly key: string;
  readonly channels: readonly Channel[];
  readonly format: StreamFormat;
  readonly coding: Coding;
  readonly codec: Codec | null;
  readonly timeline: Timeline;
  readonly trend: GroupTrend | null;
  /** Makes the frames of the group's rows. */
  readonly rows: RowEncoder;
  /** The text around the rows: hello, gaps, heartbeats, end. */
  readonly text: StreamText;
  readonly slotBytes: number;
  readonly clients = new ClientList<GroupClient>();
  /** Clients that have been admitted and not opened yet. */
  admitted = 0;
  /** First row that was released and not handed out; −1: none. Written by LiveDelivery. */
  pendingRow = -1;
  readonly #encoders: RowEncoders;

  constructor(options: SelectionGroupOptions) {
    const { channels, shape, timeline, trend } = options;
    this.key = options.key;
    this.channels = channels;
    this.format = shape.format;
    this.coding = shape.coding ?? "identity";
    this.codec = shape.codec ?? null;
    this.timeline = timeline;
    this.trend = trend;
    this.#encoders = options.encoders;
    const rows = this.#encoders.of(this);
    this.rows = rows;
    this.slotBytes = slotBytesFor(rows.frameBytes + ENVELOPE_BYTES);
    this.text = streamTextOf({
      format: this.format,
      coding: this.coding,
      strideNs: timeline.strideNs,
      channels,
      notes: this.#encoders.context.notes.forChannels(channels),
      hasUnits: shape.hasUnits ?? false,
      binName: trend === null ? null : trend.bin.name,
      template: rows.template,
      retryMs: options.retryMs,
    });
  }

  /** An encoder of this selection's rows for the blocks of another timeline, as of history. */
  encoderFor(timeline: Timeline): RowEncoder {
    const { channels, format, coding, codec, trend } = this;
    return this.#encoders.of({
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

  /** Rows below this have been handed out or reported as a gap. */
  get served(): number {
    return this.pendingRow >= 0 ? this.pendingRow : this.timeline.released;
  }

  get isIdle(): boolean {
    return this.clients.size === 0 && this.admitted === 0;
  }
}

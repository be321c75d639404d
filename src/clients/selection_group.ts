// All clients of one selection in one format: they share every frame.
// Invariant: a live row is encoded at most once here, and only when some client takes it.
import type { Channel } from "../channels/channel.ts";
import { shapesOf, type TopicShape } from "../blocks/block_store.ts";
import type { RowGap, Timeline } from "../blocks/timeline.ts";
import type { TimelineListener } from "../blocks/timeline.ts";
import type { Codec } from "../arrow/compressed_batch.ts";
import { withMetadata } from "../arrow/message_metadata.ts";
import { END_OF_STREAM, type RowTemplate } from "../arrow/row_template.ts";
import type { TrendTemplate } from "../arrow/trend_template.ts";
import { ArrowRows, type RowEncoder } from "../frames/arrow_rows.ts";
import { CompressedArrowRows } from "../frames/compressed_arrow_rows.ts";
import { ArrowEventRows, JsonEventRows } from "../frames/event_rows.ts";
import { ENVELOPE_BYTES } from "../frames/frame.ts";
import { unpackedPiece } from "../frames/gzip.ts";
import { GzipArrowRows } from "../frames/gzip_arrow_rows.ts";
import { GzipBins } from "../frames/gzip_bins.ts";
import { GzipEventRows } from "../frames/gzip_rows.ts";
import { type Column, planColumns } from "../frames/row_plan.ts";
import {
  TrendArrowEventRows,
  TrendArrowRows,
  TrendJsonRows,
} from "../frames/trend_rows.ts";
import type { TrendBin } from "../trends/trend_bins.ts";
import type { TrendRecord } from "../trends/trend_record.ts";
import type { TrendTimeline } from "../trends/trend_timeline.ts";
import { slotBytesFor } from "../memory/slab.ts";
import type { ClientHub } from "./client_hub.ts";
import type { EndReason, ReportedGap } from "./client.ts";
import { LiveDelivery } from "./live_delivery.ts";

/** What a client is sent: JSON events, events with Arrow in base64, or an Arrow stream. */
export type StreamFormat = "events" | "events-arrow" | "arrow";

/** How a body is packed. */
export type Coding = "identity" | "gzip";

/** What clients must have in common to share frames, beside their channels. */
export interface StreamShape {
  readonly format: StreamFormat;
  /** gzip: events in JSON, and Arrow. @default "identity" */
  readonly coding?: Coding;
  /** Of Arrow's buffers, of an Arrow stream without a coding. @default null */
  readonly codec?: Codec | null;
  /** Bins in the place of rows. @default none */
  readonly trend?: TrendBin | undefined;
}

/** What a group of bins holds on to. */
export interface GroupTrend {
  readonly bin: TrendBin;
  readonly records: readonly TrendRecord[];
  /** The group's own timeline. */
  readonly timeline: TrendTimeline;
}

type GroupRows =
  | JsonEventRows
  | GzipEventRows
  | ArrowRows
  | ArrowEventRows
  | TrendJsonRows
  | TrendArrowRows
  | CompressedArrowRows
  | GzipArrowRows
  | GzipBins
  | TrendArrowEventRows;

const encoder = new TextEncoder();
/** Ends after which an Arrow stream must not look whole: it has no end-of-stream marker, and its body breaks off. */
export const CUT_SHORT: ReadonlySet<EndReason> = new Set<EndReason>([
  "gap",
  "error",
  "slow",
  "stalled",
]);
/** Keys of metadata on record batch messages. */
const GAP_KEY = "qanat.gap";
const END_KEY = "qanat.end";

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
  /** Null where clients get no Arrow. */
  readonly #template: RowTemplate | TrendTemplate | null;

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
    this.#template = "template" in rows
      ? rows.template
      : "arrow" in rows
      ? rows.arrow.template
      : null;
    timeline.listeners.add(this);
  }

  /** Makes this selection's rows from the blocks of a timeline: its own, or one of the past. */
  encoderOf(timeline: Timeline): GroupRows {
    if (this.trend !== null) return this.#binEncoder(timeline, this.trend);
    const columns = planColumns(timeline, this.channels);
    const { slab, scratch, batches } = this.hub;
    switch (this.format) {
      case "events":
        return this.coding === "gzip"
          ? new GzipEventRows(timeline, columns, slab, scratch)
          : new JsonEventRows(timeline, columns, slab, scratch);
      case "events-arrow":
        return new ArrowEventRows(timeline, columns, slab, scratch, batches);
      case "arrow":
        return this.#arrowEncoderOf(timeline, columns);
    }
  }

  #binEncoder(timeline: Timeline, trend: GroupTrend): GroupRows {
    const { slab, scratch } = this.hub;
    switch (this.format) {
      case "events": {
        const isGzip = this.coding === "gzip";
        const headOf = (row: number) => `id: ${timeline.endNsText(row)}\n`;
        return new TrendJsonRows(headOf, trend, { slab, scratch, isGzip });
      }
      case "events-arrow":
        return new TrendArrowEventRows(timeline, trend, slab);
      case "arrow":
        return this.#arrowBins(new TrendArrowRows(timeline, trend, slab));
    }
  }

  #arrowBins(bins: TrendArrowRows): TrendArrowRows | GzipBins {
    return this.coding === "gzip" ? new GzipBins(bins, this.hub.slab) : bins;
  }

  #arrowEncoderOf(timeline: Timeline, columns: readonly Column[]) {
    const { codec } = this;
    const { slab, scratch, batches } = this.hub;
    if (this.coding === "gzip") {
      return new GzipArrowRows(timeline, columns, { slab, scratch, batches });
    }
    if (codec === null) return new ArrowRows(timeline, columns, slab, batches);
    const options = { codec, slab, scratch, batches };
    return new CompressedArrowRows(timeline, columns, options);
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
    this.hub.scratch.forget();
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

  /** What a client gets before the first row. */
  openingBytes(): Uint8Array {
    if (this.format === "arrow") return this.#template!.schemaMessage;
    const hello = {
      version: 1,
      encoding: this.format === "events" ? "json" : "arrow",
      stride_ns: Number(this.timeline.strideNs),
      ...(this.trend ? { trend: this.trend.bin.name } : {}),
      selection: "fixed",
      channels: this.channels.map((channel) => ({
        name: channel.name,
        data_type: channel.dataType,
        sample_rate: channel.sampleRate,
      })),
      ...(this.#template
        ? { schema: this.#template.schemaMessage.toBase64() }
        : {}),
    };
    return encoder.encode(
      `retry: ${this.hub.retryMs}\nevent: hello\ndata: ${
        JSON.stringify(hello)
      }\n\n`,
    );
  }

  /** What a quiet stream sends. A bare id moves `lastEventId` and dispatches nothing. */
  heartbeatBytes(id: string | null): Uint8Array {
    if (this.format === "arrow") return this.#template!.emptyBatch;
    return encoder.encode(id === null ? ":\n\n" : `id: ${id}\n\n`);
  }

  /** Written before a row's event, gives it another id: what follows makes a comment of the id that the row has. */
  idBytes(id: string): Uint8Array {
    return encoder.encode(`id: ${id}\n:`);
  }

  /** The event that tells a gap; null in Arrow. `id`: null where rows fill the gap, as it is theirs to move then. */
  gapBytes(
    gap: { from: string | null; to: string; reason: string },
    id: string | null,
  ): Uint8Array | null {
    if (this.format === "arrow") return null;
    const filled = id === null;
    const data = JSON.stringify({ ...gap, filled });
    return encoder.encode(
      `${filled ? "" : `id: ${id}\n`}event: gap\ndata: ${data}\n\n`,
    );
  }

  /** A row of an Arrow stream that tells the gap before it, without the body's coding. */
  rowWithGap(body: Uint8Array, gap: ReportedGap): Uint8Array {
    const isPacked = this.coding === "gzip";
    return withGap(isPacked ? unpackedPiece(body) : body, gap);
  }

  /** What is written before the response ends. `gap`: not told yet. `id`: of events, where the end moves it. */
  closingBytes(
    reason: EndReason,
    { gap, id }: { gap: ReportedGap | null; id: string | null },
  ): Uint8Array {
    if (this.format === "arrow") {
      const { emptyBatch } = this.#template!;
      const parts: Uint8Array[] = [];
      if (gap !== null) parts.push(withGap(emptyBatch, gap));
      if (reason !== "complete") {
        const text = JSON.stringify({ reason });
        parts.push(withMetadata(emptyBatch, END_KEY, text));
      }
      if (!CUT_SHORT.has(reason)) parts.push(END_OF_STREAM);
      return concat(parts);
    }
    const retry = reason === "drain" ? `retry: ${this.hub.comeBackMs()}\n` : "";
    const idLine = id === null ? "" : `id: ${id}\n`;
    return encoder.encode(
      `${retry}${idLine}event: end\ndata: ${JSON.stringify({ reason })}\n\n`,
    );
  }

  close(): void {
    this.delivery.clear();
    this.timeline.listeners.delete(this);
  }
}

function withGap(message: Uint8Array, gap: ReportedGap): Uint8Array {
  return withMetadata(message, GAP_KEY, JSON.stringify(gap));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((n, p) => n + p.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

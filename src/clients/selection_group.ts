// All clients of one selection in one format: they share every frame.
// Invariant: a live row is encoded at most once here, and only when some client takes it.
import type { Channel } from "../channels/channel.ts";
import type { GapReason, RowGap, Timeline } from "../blocks/timeline.ts";
import type { TimelineListener } from "../blocks/timeline.ts";
import { END_OF_STREAM } from "../arrow/row_template.ts";
import { ArrowRows, type RowEncoder } from "../frames/arrow_rows.ts";
import { ArrowEventRows, JsonEventRows } from "../frames/event_rows.ts";
import { planColumns } from "../frames/row_plan.ts";
import type { Broadcast } from "./broadcast.ts";
import type { Client, EndReason } from "./client.ts";

/** What a client is sent: JSON events, events with Arrow in base64, or an Arrow stream. */
export type StreamFormat = "events" | "events-arrow" | "arrow";

const encoder = new TextEncoder();
const NO_BYTES = new Uint8Array(0);

/** One selection in one format. */
export class SelectionGroup implements TimelineListener {
  readonly key: string;
  readonly channels: readonly Channel[];
  readonly format: StreamFormat;
  readonly timeline: Timeline;
  readonly rows: RowEncoder;
  readonly clients = new Set<Client>();
  /** Admitted clients whose response has not begun. */
  opening = 0;
  readonly #broadcast: Broadcast;
  readonly #schemaMessage: Uint8Array | null;
  readonly #emptyBatch: Uint8Array | null;

  constructor(
    broadcast: Broadcast,
    key: string,
    channels: readonly Channel[],
    format: StreamFormat,
    timeline: Timeline,
  ) {
    this.#broadcast = broadcast;
    this.key = key;
    this.channels = channels;
    this.format = format;
    this.timeline = timeline;
    const columns = planColumns(timeline, channels);
    const { slab, scratch } = broadcast;
    if (format === "events") {
      this.rows = new JsonEventRows(timeline, columns, slab, scratch);
      this.#schemaMessage = this.#emptyBatch = null;
    } else {
      const arrow = format === "arrow"
        ? new ArrowRows(timeline, columns, slab)
        : null;
      const events = arrow
        ? null
        : new ArrowEventRows(timeline, columns, slab, scratch);
      this.rows = (arrow ?? events)!;
      const { template } = arrow ?? events!.arrow;
      this.#schemaMessage = template.schemaMessage;
      this.#emptyBatch = template.emptyBatch;
    }
    timeline.listeners.add(this);
  }

  onRow(row: number): void {
    const nowMs = this.#broadcast.nowMs();
    const inFlightMax = this.#broadcast.inFlightFramesMax;
    let frame = null;
    let finished: Client[] | null = null;
    for (const client of this.clients) {
      if (client.cursor !== row || client.ended !== null) continue;
      if (client.outlet.inFlight >= inFlightMax) continue;
      if (frame === null) {
        frame = this.rows.encode(row);
        if (frame === null) {
          this.#broadcast.slabIsShort();
          break;
        }
        this.#broadcast.counters.framesEncoded++;
      }
      client.sendRow(frame, row, nowMs);
      this.#broadcast.counters.framesSent++;
      if (row + 1 >= client.endRow) (finished ??= []).push(client);
    }
    frame?.release();
    if (finished) {
      for (const client of finished) this.#broadcast.end(client, "complete");
    }
  }

  onGap(gap: RowGap): void {
    const nowMs = this.#broadcast.nowMs();
    for (const client of this.clients) {
      if (client.cursor === gap.from && client.ended === null) {
        client.skip(gap.to, gap.reason, nowMs);
        if (gap.to >= client.endRow) this.#broadcast.end(client, "complete");
      }
    }
  }

  onReset(): void {
    this.endAll("time-reset");
  }

  onReady(): void {
    for (const client of this.clients) this.#broadcast.place(client);
  }

  endAll(reason: EndReason): void {
    for (const client of [...this.clients]) this.#broadcast.end(client, reason);
  }

  /** What a client gets before the first row. */
  openingBytes(): Uint8Array {
    if (this.format === "arrow") return this.#schemaMessage!;
    const hello = {
      version: 1,
      encoding: this.format === "events" ? "json" : "arrow",
      stride_ns: Number(this.timeline.strideNs),
      selection: "fixed",
      channels: this.channels.map((channel) => ({
        name: channel.name,
        data_type: channel.dataType,
        sample_rate: channel.sampleRate,
      })),
      ...(this.#schemaMessage
        ? { schema: this.#schemaMessage.toBase64() }
        : {}),
    };
    return encoder.encode(
      `retry: ${this.#broadcast.retryMs}\nevent: hello\ndata: ${
        JSON.stringify(hello)
      }\n\n`,
    );
  }

  /** What a quiet stream sends. A bare id moves `lastEventId` and dispatches nothing. */
  heartbeatBytes(cursor: number): Uint8Array {
    if (this.format === "arrow") return this.#emptyBatch!;
    return encoder.encode(
      cursor < 0 ? ":\n\n" : `id: ${this.timeline.endNsText(cursor - 1)}\n\n`,
    );
  }

  /** The event that tells a gap, GPS ns as text; null in Arrow, where `time` jumps. */
  gapBytes(
    from: string | null,
    to: string,
    reason: GapReason,
  ): Uint8Array | null {
    if (this.format === "arrow") return null;
    return encoder.encode(
      `id: ${to}\nevent: gap\ndata: ${
        JSON.stringify({ from, to, reason })
      }\n\n`,
    );
  }

  /** What is written before the response ends. */
  closingBytes(reason: EndReason): Uint8Array {
    if (this.format === "arrow") {
      return reason === "slow" || reason === "stalled"
        ? NO_BYTES
        : END_OF_STREAM;
    }
    return encoder.encode(
      `event: end\ndata: ${JSON.stringify({ reason })}\n\n`,
    );
  }

  close(): void {
    this.timeline.listeners.delete(this);
  }
}

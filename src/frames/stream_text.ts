// Makes what a stream sends besides its rows: the opening, heartbeats, gap reports and the end, as events or as Arrow
// messages. Invariant: pure; the bytes depend only on the arguments and on the selection.
import {
  type FieldNote,
  NO_NOTES,
  type SelectionNotes,
} from "../arrow/field_metadata.ts";
import { withMetadata } from "../arrow/message_metadata.ts";
import { END_OF_STREAM } from "../arrow/row_template.ts";
import type { StreamTemplate } from "../arrow/stream_template.ts";
import type { Channel } from "../channels/channel.ts";
import { concat } from "./concat.ts";
import { flightData, withAppMetadata } from "./flight_data.ts";
import { unpackedPiece } from "./gzip.ts";
import {
  type Coding,
  STREAM_FORMATS,
  type StreamFormat,
} from "./stream_format.ts";

export interface StreamTextOptions {
  readonly format: StreamFormat;
  readonly coding: Coding;
  /** Length of a row, ns. */
  readonly strideNs: bigint;
  readonly channels: readonly Channel[];
  /** Of these channels. @default none */
  readonly notes?: SelectionNotes;
  /** Of lines: whether they begin with units. @default false */
  readonly hasUnits?: boolean;
  /** Name of the bin, for a stream of bins. */
  readonly binName: string | null;
  /** Arrow messages of the selection; null for JSON events. */
  readonly template: StreamTemplate | null;
  /** How long an `EventSource` waits before it connects again, ms. */
  readonly retryMs: number;
}

/** A span without rows, as clients are sent it: times in GPS ns, `to` exclusive. */
export interface ReportedGap {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** Two gaps with nothing sent between them. */
export function joinedGap(
  first: ReportedGap | null,
  second: ReportedGap,
): ReportedGap {
  if (first === null) return second;
  const reasons = first.reason.split(",");
  if (!reasons.includes(second.reason)) reasons.push(second.reason);
  return { from: first.from, to: second.to, reason: reasons.join(",") };
}

/** How a stream ends. */
export interface StreamEnd {
  readonly reason: string;
  /** Whether the body must look incomplete: an Arrow stream then has no end-of-stream marker. */
  readonly isCut: boolean;
  /** Arrow: a gap that has not been reported yet. */
  readonly gap: ReportedGap | null;
  /** Events: the id that the end carries, or null. */
  readonly id: string | null;
  /** Events: how long the client waits before it connects again, ms; null for the usual time. */
  readonly retryMs: number | null;
}

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);
/** Keys of metadata on record batch messages. */
const GAP_KEY = "qanat.gap";
const END_KEY = "qanat.end";

/** The texts of one selection in one format. */
export class StreamText {
  readonly #options: StreamTextOptions;

  constructor(options: StreamTextOptions) {
    this.#options = options;
  }

  /** Whether the first null row that fills a gap reports the gap; else `gap` does, or the first row behind the gap. */
  get reportsGapInFill(): boolean {
    return false;
  }

  /** What a client gets before its first row: the hello event, or the Arrow schema. */
  opening(): Uint8Array {
    const { format, template, binName, channels, strideNs, retryMs } =
      this.#options;
    if (format === "arrow") return template!.schemaMessage;
    if (format === "flight") return flightData(template!.schemaMessage);
    const { notes } = (this.#options.notes ?? NO_NOTES).now();
    const hello = {
      version: 1,
      encoding: STREAM_FORMATS[format].encoding,
      stride_ns: Number(strideNs),
      ...(binName === null ? {} : { trend: binName }),
      selection: "fixed",
      channels: channels.map((channel, i) => ({
        name: channel.name,
        data_type: channel.dataType,
        sample_rate: channel.sampleRate,
        ...unitOf(notes[i]),
      })),
      ...(template ? { schema: template.schemaMessage.toBase64() } : {}),
    };
    return encoder.encode(
      `retry: ${retryMs}\nevent: hello\ndata: ${JSON.stringify(hello)}\n\n`,
    );
  }

  /** What a quiet stream sends. An id without data moves `lastEventId` and dispatches no event. */
  heartbeat(id: string | null): Uint8Array {
    const { format, template } = this.#options;
    if (format === "arrow") return template!.emptyBatch;
    return encoder.encode(id === null ? ":\n\n" : `id: ${id}\n\n`);
  }

  /** The heartbeat of a format whose heartbeats are rows: a row of nulls, marked as what it is. */
  heartbeatRow(body: Uint8Array): Uint8Array {
    return withAppMetadata(body, { heartbeat: true });
  }

  /** Events: written before a row's event, replaces its id, as the row's own id line becomes a comment. */
  rowId(id: string): Uint8Array {
    return encoder.encode(`id: ${id}\n:`);
  }

  /**
   * The event that reports a gap; null in Arrow and Flight, where the next row reports it. `id`: null where null rows fill the
   * gap, since each of them has an id of its own.
   */
  gap(
    gap: { from: string | null; to: string; reason: string },
    id: string | null,
  ): Uint8Array | null {
    if (!STREAM_FORMATS[this.#options.format].isEvents) return null;
    const filled = id === null;
    const data = JSON.stringify({ ...gap, filled });
    return encoder.encode(
      `${filled ? "" : `id: ${id}\n`}event: gap\ndata: ${data}\n\n`,
    );
  }

  /** Arrow: a row's message that also reports the gap before it, without the body's coding. */
  rowWithGap(body: Uint8Array, gap: ReportedGap): Uint8Array {
    const { format, coding } = this.#options;
    if (format === "flight") return withAppMetadata(body, { gap });
    const isPacked = coding === "gzip";
    return withGap(isPacked ? unpackedPiece(body) : body, gap);
  }

  /** What is written before the response ends. */
  closing({ reason, isCut, gap, id, retryMs }: StreamEnd): Uint8Array {
    const { format, template } = this.#options;
    // The trailers of the answer say how a stream of Flight ends.
    if (format === "flight") return NOTHING;
    if (format === "arrow") {
      const { emptyBatch } = template!;
      const parts: Uint8Array[] = [];
      if (gap !== null) parts.push(withGap(emptyBatch, gap));
      if (reason !== "complete") {
        const text = JSON.stringify({ reason });
        parts.push(withMetadata(emptyBatch, END_KEY, text));
      }
      if (!isCut) parts.push(END_OF_STREAM);
      return concat(parts);
    }
    const retryLine = retryMs === null ? "" : `retry: ${retryMs}\n`;
    const idLine = id === null ? "" : `id: ${id}\n`;
    const data = JSON.stringify({ reason });
    return encoder.encode(
      `${retryLine}${idLine}event: end\ndata: ${data}\n\n`,
    );
  }
}

function unitOf(note: FieldNote | null | undefined) {
  return note?.unit ? { unit: note.unit } : {};
}

function withGap(message: Uint8Array, gap: ReportedGap): Uint8Array {
  return withMetadata(message, GAP_KEY, JSON.stringify(gap));
}

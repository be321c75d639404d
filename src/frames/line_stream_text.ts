// What a stream of lines has besides its rows: the heading, reports of gaps, and the end.
// Invariant: a body that ends properly is the whole range; any other end has its reason in the last line, and breaks off.
import { NO_NOTES } from "../arrow/field_metadata.ts";
import { utcTextOf } from "../blocks/utc_text.ts";
import { unpackedPiece } from "./gzip.ts";
import { lineHeading } from "./line_parts.ts";
import type { LineFormat } from "./stream_format.ts";
import {
  type ReportedGap,
  type StreamEnd,
  StreamText,
  type StreamTextOptions,
} from "./stream_text.ts";

const SECOND_NS = 1_000_000_000n;
const LINE_FEED = 10;
const COMMA = 44;
const encoder = new TextEncoder();

/** A gap from a client's point of view: `from` is null where its beginning is not known. */
interface LineGap {
  readonly from: string | null;
  readonly to: string;
  readonly reason: string;
}

/** The texts of one selection in one format of lines. */
export class LineStreamText extends StreamText {
  readonly #format: LineFormat;
  readonly #options: StreamTextOptions;
  /** Empty cells, of one line. */
  readonly #emptyCells: string;

  constructor(options: StreamTextOptions & { readonly format: LineFormat }) {
    super(options);
    this.#options = options;
    this.#format = options.format;
    const { channels, binName } = options;
    const cells = channels.length * (binName === null ? 1 : 4);
    this.#emptyCells = ",".repeat(cells);
  }

  /** In CSV the first line that fills a gap reports it: a line of its own would have the same time. */
  override get reportsGapInFill(): boolean {
    return this.#format === "csv";
  }

  override opening(): Uint8Array {
    const { channels, binName, notes = NO_NOTES, hasUnits } = this.#options;
    const known = hasUnits ? notes.now().notes : [];
    return encoder.encode(
      lineHeading(this.#format, channels, {
        isTrend: binName !== null,
        units: hasUnits ? channels.map((_, i) => known[i]?.unit ?? null) : null,
      }),
    );
  }

  /** An empty line, which readers skip. */
  override heartbeat(): Uint8Array {
    return Uint8Array.of(LINE_FEED);
  }

  /** A line that stands for the span; null where the first line that fills it reports it. */
  override gap(gap: LineGap, id: string | null): Uint8Array | null {
    const filled = id === null;
    if (filled && this.reportsGapInFill) return null;
    return encoder.encode(this.#gapLine(gap, filled));
  }

  #gapLine({ from, to, reason }: LineGap, filled: boolean): string {
    switch (this.#format) {
      case "csv": {
        const ns = from ?? to;
        const time = `${timeText(BigInt(ns))},${ns}`;
        return `${time}${this.#emptyCells},${gapState(from, to, reason)}\n`;
      }
      case "gwpy":
        return `# gap: ${gapState(from, to, reason)}\n`;
      case "ndjson":
        return `${JSON.stringify({ gap: { from, to, reason, filled } })}\n`;
    }
  }

  /** CSV: the lines of a row that fills a gap; the state of the first one becomes the report. */
  override rowWithGap(
    body: Uint8Array,
    { from, to, reason }: ReportedGap,
  ): Uint8Array {
    const isPacked = this.#options.coding === "gzip";
    const lines = isPacked ? unpackedPiece(body) : body;
    const end = lines.indexOf(LINE_FEED);
    const comma = lines.lastIndexOf(COMMA, end);
    const state = encoder.encode(gapState(from, to, reason));
    const result = new Uint8Array(
      comma + 1 + state.byteLength + lines.byteLength - end,
    );
    result.set(lines.subarray(0, comma + 1));
    result.set(state, comma + 1);
    result.set(lines.subarray(end), comma + 1 + state.byteLength);
    return result;
  }

  override closing({ reason, gap }: StreamEnd): Uint8Array {
    const report = gap === null ? "" : this.#gapLine(gap, false);
    return encoder.encode(report + this.#endLine(reason));
  }

  #endLine(reason: string): string {
    switch (this.#format) {
      case "csv":
        return reason === "complete"
          ? ""
          : `,${this.#emptyCells},end: ${reason}\n`;
      case "gwpy":
        return `# end: ${reason}\n`;
      case "ndjson":
        return `${JSON.stringify({ end: { reason } })}\n`;
    }
  }
}

/** A gap as the state of a line: `missing 1479469445000000000/1479469446000000000`. */
function gapState(from: string | null, to: string, reason: string): string {
  return `${reason.replaceAll(",", "+")} ${from ?? ""}/${to}`;
}

/** ISO 8601 UTC of GPS ns. */
function timeText(ns: bigint): string {
  const decimals = String(ns % SECOND_NS).padStart(9, "0");
  return `${utcTextOf(Number(ns / SECOND_NS))}.${decimals}Z`;
}

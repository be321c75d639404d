// Server-Sent Events whose data is the base64 of a message: makes a source of text out of a source of bytes.
// Invariant: an event's id is the end of its row, GPS ns.
import type { StreamTemplate } from "../arrow/stream_template.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { MessageSource } from "./message_source.ts";
import { writeAscii } from "./number_text.ts";
import type { Scratch } from "./scratch.ts";

/** Most bytes of an event around its data: id, field names, line ends. */
const AROUND_BYTES_MAX = 64;

/** The messages of a source as events. */
export class Base64Events implements MessageSource {
  readonly template: StreamTemplate | null;
  readonly isFixedLength = false;
  readonly messageBytes: number;
  readonly messageBytesMax: number;
  readonly #source: MessageSource;
  readonly #timeline: Timeline;
  readonly #scratch: Scratch;

  constructor(source: MessageSource, timeline: Timeline, scratch: Scratch) {
    this.template = source.template;
    this.messageBytes = eventBytes(source.messageBytes);
    this.messageBytesMax = eventBytes(source.messageBytesMax);
    this.#source = source;
    this.#timeline = timeline;
    this.#scratch = scratch;
  }

  fill(row: number, target: Uint8Array, at: number, isFill: boolean): number {
    const message = this.#scratch.message(this.#source.messageBytesMax);
    const bytes = this.#source.fill(row, message, 0, isFill);
    at = writeAscii(
      target,
      at,
      `id: ${this.#timeline.endNsText(row)}\ndata: `,
    );
    at = writeAscii(target, at, message.subarray(0, bytes).toBase64());
    return writeAscii(target, at, "\n\n");
  }
}

function eventBytes(messageBytes: number): number {
  return 4 * Math.ceil(messageBytes / 3) + AROUND_BYTES_MAX;
}

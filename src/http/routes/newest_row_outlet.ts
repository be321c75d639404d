// Takes the first row that a client is sent, and nothing else, for an answer that is one row. A write may have several.
// Invariant: it keeps no frame; it holds the bytes of at most one row, and of what opens the stream.
import {
  HEADER_RECORD_BATCH,
  MessageHeader,
  prefixedBytes,
} from "../../arrow/message_header.ts";
import { NOBODY, type Outlet, type OutletOwner } from "../../clients/outlet.ts";
import type { Frame } from "../../frames/frame.ts";

/** `id: 1479469445500000000` and `data: ` with the text of the row. */
const EVENT_HEAD = /^id: \d+\ndata: /;
/** More bytes than such a head has. */
const HEAD_BYTES_MAX = 64;
const LINE_FEED = 10;
const decoder = new TextDecoder();

/** An outlet of one row. */
export class NewestRowOutlet implements Outlet {
  owner: OutletOwner = NOBODY;
  readonly inFlight = 0;
  /** What opens the stream: in Arrow, the schema message. */
  opening: Uint8Array<ArrayBuffer> | null = null;
  /** The row: the text of its JSON, or its record batch. Null when the client has ended before one came. */
  readonly row: Promise<Uint8Array<ArrayBuffer> | null>;
  readonly #rowOf: (bytes: Uint8Array) => Uint8Array | null;
  #resolve!: (row: Uint8Array<ArrayBuffer> | null) => void;
  #isResolved = false;

  constructor(format: "events" | "arrow") {
    this.#rowOf = format === "arrow" ? batchOf : textOf;
    this.row = new Promise((resolve) => this.#resolve = resolve);
  }

  write(frame: Frame): void {
    this.writeBytes(frame.body);
  }

  writeBytes(bytes: Uint8Array): void {
    if (this.#isResolved) return;
    if (this.opening === null) {
      this.opening = Uint8Array.from(bytes);
      return;
    }
    const row = this.#rowOf(bytes);
    // Copied: the slot of a frame is used again.
    if (row !== null) this.#end(Uint8Array.from(row));
  }

  end(): void {
    this.#end(null);
  }

  cutShort(): void {
    this.#end(null);
  }

  destroy(): void {
    this.#end(null);
  }

  #end(row: Uint8Array<ArrayBuffer> | null): void {
    this.#isResolved = true;
    this.#resolve(row);
  }
}

/** The JSON of the first row, which is one line; null where the first event is no row. */
function textOf(bytes: Uint8Array): Uint8Array | null {
  const head = EVENT_HEAD.exec(
    decoder.decode(bytes.subarray(0, HEAD_BYTES_MAX)),
  );
  if (head === null) return null;
  const from = head[0].length;
  return bytes.subarray(from, bytes.indexOf(LINE_FEED, from));
}

/** The first record batch that has a row; null where the first message is another one. */
function batchOf(bytes: Uint8Array): Uint8Array | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = new MessageHeader(view, 0);
  const isRow = header.headerType === HEADER_RECORD_BATCH &&
    header.rowCount > 0;
  return isRow
    ? bytes.subarray(0, prefixedBytes(view, 0) + header.bodyBytes)
    : null;
}

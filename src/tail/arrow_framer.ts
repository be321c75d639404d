// Splits the bytes of /v1/arrow into messages, wherever the network split them.
// Invariant: only whole messages are returned; the beginning of one waits for its rest, and is lost with the connection.
import {
  HEADER_RECORD_BATCH,
  HEADER_SCHEMA,
  MessageHeader,
  PREFIX_BYTES,
} from "../arrow/message_header.ts";

/** One message of an Arrow stream. */
export type ArrowMessage =
  | { readonly kind: "schema"; readonly bytes: Uint8Array }
  | {
    readonly kind: "batch";
    readonly bytes: Uint8Array;
    readonly rowCount: number;
    /** Start of the last row, GPS ns; null when there is no row. */
    readonly timeNs: bigint | null;
    /** Values of `qanat.gap` and `qanat.end` in the batch's metadata, JSON text; null where it has none. */
    readonly gap: string | null;
    readonly end: string | null;
  }
  | { readonly kind: "end" };

const CONTINUATION = 0xffffffff;
/** The first buffers of a batch: validity of `time`, values of `time`. */
const TIME_BUFFER = 1;

/** Reads the chunks of one connection. */
export class ArrowFramer {
  #buffer = new Uint8Array(64 * 1024);
  #heldBytes = 0;

  /** Bytes of the message that is not complete yet. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The messages that a chunk completes; their bytes are valid until the next chunk. Throws when it is no Arrow. */
  *push(chunk: Uint8Array): Iterable<ArrowMessage> {
    const bytes = this.#append(chunk);
    const view = new DataView(bytes.buffer, 0, bytes.byteLength);
    let at = 0;
    while (bytes.byteLength - at >= PREFIX_BYTES) {
      if (view.getUint32(at, true) !== CONTINUATION) {
        throw new Error("The response is not an Arrow stream");
      }
      const metadataBytes = view.getInt32(at + 4, true);
      if (metadataBytes === 0) {
        at += PREFIX_BYTES;
        yield { kind: "end" };
        continue;
      }
      const bodyAt = at + PREFIX_BYTES + metadataBytes;
      if (bodyAt > bytes.byteLength) break;
      const header = new MessageHeader(view, at);
      const end = bodyAt + header.bodyBytes;
      if (end > bytes.byteLength) break;
      yield messageOf(header, bytes.subarray(at, end), bodyAt - at);
      at = end;
    }
    this.#buffer.copyWithin(0, at, bytes.byteLength);
    this.#heldBytes = bytes.byteLength - at;
  }

  /** The bytes that waited and the chunk, in one piece. */
  #append(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
    const length = this.#heldBytes + chunk.byteLength;
    if (length > this.#buffer.byteLength) {
      const grown = new Uint8Array(2 * length);
      grown.set(this.#buffer.subarray(0, this.#heldBytes));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#heldBytes);
    return this.#buffer.subarray(0, length);
  }
}

function messageOf(
  header: MessageHeader,
  bytes: Uint8Array,
  bodyAt: number,
): ArrowMessage {
  if (header.headerType === HEADER_SCHEMA) return { kind: "schema", bytes };
  if (header.headerType !== HEADER_RECORD_BATCH) {
    throw new Error(
      `The Arrow stream has a message of type ${header.headerType}, which is neither schema nor record batch`,
    );
  }
  const { rowCount } = header;
  let timeNs: bigint | null = null;
  if (rowCount > 0) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const valuesAt = bodyAt + header.buffer(TIME_BUFFER).at;
    timeNs = view.getBigInt64(valuesAt + 8 * (rowCount - 1), true);
  }
  const metadata = header.customMetadata();
  return {
    kind: "batch",
    bytes,
    rowCount,
    timeNs,
    gap: metadata.get("qanat.gap") ?? null,
    end: metadata.get("qanat.end") ?? null,
  };
}

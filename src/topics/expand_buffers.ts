// Decompresses the buffers of a record batch that a mapped topic needs, into memory of their own.
// Invariant: the size that a buffer claims is checked, against the limit for the whole message, before memory is taken.
import { Buffer } from "node:buffer";
import { constants, zstdDecompressSync } from "node:zlib";
import type { MessageHeader } from "../arrow/message_header.ts";
import { unlz4Into } from "../kafka/lz4_frame.ts";
import { MessageFault } from "./message_fault.ts";

const CODEC_LZ4 = 0;
const CODEC_ZSTD = 1;
/** A frame states the size of its window, which the decoder allocates at once. */
const ZSTD_WINDOW_LOG_MAX = 24;
/** Each compressed buffer begins with the length of its content; −1: it is not compressed. */
const LENGTH_BYTES = 8;
const NOT_COMPRESSED = -1;
const NOTHING = new Uint8Array(0);

/** The content of the buffers of one message, batch by batch. */
export class ExpandedBuffers {
  readonly #limitBytes: number;
  #bytes = NOTHING;
  #end = 0;
  /** Bytes of the message's earlier batches. */
  #before = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  beginMessage(): void {
    this.#before = 0;
    this.#end = 0;
    // It is not kept: after one large message the memory would never be released.
    this.#bytes = NOTHING;
  }

  /** The bytes of the batches before stay valid. */
  beginBatch(): void {
    this.#before += this.#end;
    this.#end = 0;
    this.#bytes = NOTHING;
  }

  /** Content of the current batch; another array after each expand(). */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Expands a buffer, which must have so many bytes: where it is in {@linkcode bytes}. */
  expand(
    body: Uint8Array,
    batch: MessageHeader,
    buffer: number,
    neededBytes: number,
  ): number {
    const { at, bytes: length } = batch.buffer(buffer);
    if (neededBytes === 0) return 0;
    const isInside = at >= 0 && length >= LENGTH_BYTES &&
      at + length <= body.byteLength;
    if (!isInside) {
      throw new MessageFault(`buffer ${buffer} lies outside the body`);
    }
    const packed = body.subarray(at + LENGTH_BYTES, at + length);
    const view = new DataView(body.buffer, body.byteOffset + at, LENGTH_BYTES);
    const stated = Number(view.getBigInt64(0, true));
    const size = stated === NOT_COMPRESSED ? packed.byteLength : stated;
    if (!(size >= neededBytes)) {
      throw new MessageFault(
        `buffer ${buffer} has ${size} bytes, needs ${neededBytes}`,
      );
    }
    const from = this.#take(size);
    const out = this.#bytes.subarray(from, from + size);
    if (stated === NOT_COMPRESSED) out.set(packed);
    else expandInto(batch.codec, packed, out);
    return from;
  }

  #take(size: number): number {
    const from = this.#end;
    const end = from + size;
    if (!(this.#before + end <= this.#limitBytes)) {
      throw new MessageFault(
        `its buffers expand to more than ${this.#limitBytes} bytes`,
      );
    }
    if (end > this.#bytes.byteLength) {
      const larger = new Uint8Array(
        Math.min(this.#limitBytes, Math.max(end, 2 * this.#bytes.byteLength)),
      );
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#end = end;
    return from;
  }
}

function expandInto(codec: number, packed: Uint8Array, out: Uint8Array): void {
  switch (codec) {
    case CODEC_LZ4:
      return unlz4Into(packed, out);
    case CODEC_ZSTD: {
      const content = unzstd(packed, out.byteLength);
      if (content.byteLength === out.byteLength) return out.set(content);
      throw new MessageFault(`zstd content is not of ${out.byteLength} bytes`);
    }
    default:
      throw new MessageFault(
        `compression ${codec} is unknown; LZ4 frames and zstd are read`,
      );
  }
}

function unzstd(packed: Uint8Array, size: number): Buffer {
  try {
    return zstdDecompressSync(packed, {
      maxOutputLength: size,
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
    });
  } catch (error) {
    throw new MessageFault(`zstd: ${(error as Error).message}`);
  }
}

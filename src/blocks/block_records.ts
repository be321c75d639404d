// Writes blocks into the page ring and finds a channel's samples in them; block_record.ts has the layout.
import type { BlockLayout } from "../arrow/block_decoder.ts";
import type { Ring } from "../memory/ring.ts";
import {
  type ChannelEntry,
  planRecord,
  recordSamplesAt,
  recordValue,
  writeRecord,
} from "./block_record.ts";

/** The records in one ring. */
export class BlockRecords {
  readonly #ring: Ring;
  /** The ring's bytes as 32-bit words. */
  readonly #words: Int32Array;

  constructor(ring: Ring) {
    this.#ring = ring;
    const { buffer, byteOffset, byteLength } = ring.bytes;
    const wordCount = Math.floor(byteLength / 4);
    this.#words = new Int32Array(buffer, byteOffset, wordCount);
  }

  /**
   * Copies a message with its decoded layout into the ring. Returns its position; −1 where it does not fit. Where another
   * thread writes the ring, it has done this already.
   */
  write(layout: BlockLayout, value: Uint8Array): number {
    const ring = this.#ring;
    if (ring.isWrittenElsewhere) return ring.reserve(0);
    const plan = planRecord(layout, value.byteLength);
    const { valueAt } = plan;
    const position = ring.reserve(valueAt + value.byteLength);
    if (position < 0) return -1;
    const base = ring.byteOffset(position);
    writeRecord(this.#words, base / 4, plan, layout);
    ring.bytes.set(value, base + valueAt);
    return position;
  }

  /** A copy of a record's message value; null when the ring has reused its page meanwhile. */
  message(position: number): Uint8Array<ArrayBuffer> | null {
    const ring = this.#ring;
    if (!ring.holds(position)) return null;
    const { from, to } = recordValue(this.#words, ring.byteOffset(position));
    ring.copied();
    // Another thread may have overwritten the two numbers meanwhile.
    if (!ring.holds(position)) return null;
    const copy = ring.bytes.slice(from, to);
    ring.copied();
    return ring.holds(position) ? copy : null;
  }

  /** Byte offset in the ring of a channel's samples; −1 as {@linkcode recordSamplesAt}. */
  samplesAt(position: number, channel: ChannelEntry): number {
    const base = this.#ring.byteOffset(position);
    return recordSamplesAt(this.#words, base, channel);
  }
}

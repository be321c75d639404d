// Decompresses snappy in slices, with or without Java's framing (xerial).
// Invariant: every claimed length is possible for its bytes, and the sum within the limit, before memory is taken.
import type { KafkaTask } from "./kafka_work.ts";
import { copyMatch } from "./lz4_frame.ts";

// Java's framing: 8 bytes magic, int32 version, int32 compatible version,
// then blocks of int32 length (big-endian) and raw snappy.
const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0];
const XERIAL_HEAD_BYTES = 16;

// Raw snappy: varint length, then elements. The low two bits of an element's first byte, its tag, are its kind:
//   0  literal; tag >> 2 is its length − 1; from 60 on that is in the 1 to 4 bytes that follow
//   1  copy of 4 to 11 bytes; distance: 3 bits of the tag and 1 byte
//   2  copy of 1 to 64 bytes; distance: uint16
//   3  copy of 1 to 64 bytes; distance: uint32
const LONG_LITERAL = 60;
/** The most content for each byte of snappy: 3 bytes copy at most 64. */
const RATIO_MAX = 64 / 3;
const LENGTH_BYTES_MAX = 5;

/** Bytes between two looks at the slice. */
const STEP_BYTES = 64 * 1024;
/** ns for each byte that is read, and for each byte that is written. */
const COST_READ = 4;
const COST_WRITTEN = 1;

/** ns for each block of Java's framing. */
const COST_BLOCK = 50;

interface Block {
  readonly from: number;
  readonly end: number;
  readonly contentBytes: number;
}

interface Cursor {
  from: number;
  to: number;
  /** Bytes of a long literal that are still to be copied. */
  literalBytes: number;
}

/** Decompresses snappy of at most `limitBytes` of content. */
export async function unsnappy(
  bytes: Uint8Array,
  limitBytes: number,
  task: KafkaTask,
): Promise<Uint8Array> {
  const isFramed = XERIAL_MAGIC.every((byte, i) => bytes[i] === byte);
  const blockFrom = isFramed ? xerialBlock : rawBlock;
  const first = isFramed ? XERIAL_HEAD_BYTES : 0;
  let contentBytes = 0;
  for (let at = first; at < bytes.byteLength;) {
    const block = blockFrom(bytes, at, limitBytes - contentBytes);
    contentBytes += block.contentBytes;
    at = block.end;
    task.spend(COST_BLOCK);
    if (task.isSpent) await task.turn();
  }
  const content = new Uint8Array(contentBytes);
  const cursor: Cursor = { from: first, to: 0, literalBytes: 0 };
  while (cursor.from < bytes.byteLength) {
    const block = blockFrom(bytes, cursor.from, limitBytes);
    const start = cursor.to;
    const toEnd = start + block.contentBytes;
    cursor.from = block.from;
    while (cursor.from < block.end) {
      const { from, to } = cursor;
      elements(bytes, content, cursor, block.end, start, toEnd);
      task.spend(COST_READ * (cursor.from - from));
      task.spend(COST_WRITTEN * (cursor.to - to));
      if (task.isSpent) await task.turn();
    }
    if (cursor.to !== toEnd) {
      throw new RangeError("snappy block is shorter than it claims");
    }
    task.spend(COST_BLOCK);
  }
  return content;
}

function rawBlock(bytes: Uint8Array, at: number, limitBytes: number): Block {
  return blockAt(bytes, at, bytes.byteLength, limitBytes);
}

function xerialBlock(bytes: Uint8Array, at: number, limitBytes: number): Block {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const from = at + 4;
  const length = from > bytes.byteLength ? -1 : view.getInt32(at);
  if (length <= 0 || from + length > bytes.byteLength) {
    throw new RangeError(`snappy block of ${length} bytes is cut short`);
  }
  return blockAt(bytes, from, from + length, limitBytes);
}

/** A raw block whose claimed length is possible. */
function blockAt(
  bytes: Uint8Array,
  at: number,
  end: number,
  limitBytes: number,
): Block {
  let contentBytes = 0;
  let from = at;
  for (let byte = 0x80; byte >= 0x80;) {
    if (from === end || from === at + LENGTH_BYTES_MAX) {
      throw new RangeError("snappy block has no length");
    }
    byte = bytes[from]!;
    contentBytes += (byte & 0x7f) * 2 ** (7 * (from - at));
    from++;
  }
  if (contentBytes > limitBytes) {
    throw new RangeError(
      `snappy block claims ${contentBytes} bytes, at most ${limitBytes} are taken`,
    );
  }
  if (contentBytes > Math.ceil((end - from) * RATIO_MAX)) {
    throw new RangeError(
      `snappy block of ${end - from} bytes cannot hold ${contentBytes}`,
    );
  }
  return { from, end, contentBytes };
}

/** Decodes elements up to the block's `end`, or for a step. */
function elements(
  bytes: Uint8Array,
  out: Uint8Array,
  cursor: Cursor,
  end: number,
  start: number,
  toEnd: number,
): void {
  let { from, to, literalBytes } = cursor;
  const stepEnd = to + STEP_BYTES;
  const stepFrom = from + STEP_BYTES;
  while (from < end && to < stepEnd && from < stepFrom) {
    if (literalBytes === 0) {
      const tag = bytes[from++]!;
      if ((tag & 3) !== 0) {
        let length = (tag >> 2) + 1;
        let distance = 0;
        const distanceBytes = (tag & 3) === 3 ? 4 : tag & 3;
        if (from + distanceBytes > end) cutShort();
        if ((tag & 3) === 1) {
          length = (tag >> 2 & 7) + 4;
          distance = (tag >> 5) << 8 | bytes[from]!;
        } else {
          for (let i = distanceBytes - 1; i >= 0; i--) {
            distance = distance * 256 + bytes[from + i]!;
          }
        }
        from += distanceBytes;
        if (distance === 0 || distance > to - start || to + length > toEnd) {
          throw new RangeError("snappy copy lies outside its block");
        }
        copyMatch(out, to, distance, length);
        to += length;
        continue;
      }
      literalBytes = (tag >> 2) + 1;
      const lengthBytes = literalBytes - LONG_LITERAL;
      if (lengthBytes > 0) {
        if (from + lengthBytes > end) cutShort();
        literalBytes = 1;
        for (let i = 0; i < lengthBytes; i++) {
          literalBytes += bytes[from + i]! * 2 ** (8 * i);
        }
        from += lengthBytes;
      }
      if (from + literalBytes > end || to + literalBytes > toEnd) cutShort();
    }
    const part = Math.min(literalBytes, STEP_BYTES);
    if (part > 32) out.set(bytes.subarray(from, from + part), to);
    else for (let i = 0; i < part; i++) out[to + i] = bytes[from + i]!;
    from += part;
    to += part;
    literalBytes -= part;
  }
  cursor.from = from;
  cursor.to = to;
  cursor.literalBytes = literalBytes;
}

function cutShort(): never {
  throw new RangeError("snappy block is cut short");
}

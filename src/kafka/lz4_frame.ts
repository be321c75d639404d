// Decompresses lz4 frames in slices. lz4js has no limits: it follows any size that a frame claims (2.5 MB became 629 MB).
// Invariant: the whole size is known, and within the limit, before memory is taken; no byte outside is read or written.
import type { KafkaTask } from "./kafka_work.ts";

// A frame (lz4 frame format 1.6):
//   byte offset 0  uint32 magic 0x184D2204
//               4  uint8  flags: bits 6–7 version 1, 4 block checksums, 3 content size, 2 content checksum, 0 dictionary
//               5  uint8  bits 4–6: largest block
//               6  uint64 size of the content, where its flag is set; uint32 dictionary id, likewise
//                  uint8  checksum of the header
//   blocks: uint32 bytes, highest bit: not compressed; the bytes; uint32 checksum where its flag is set
//   uint32 0 ends them. Checksums are not checked: docs/decisions/0022.
const MAGIC = 0x184d2204;
const FLAG_BLOCK_CHECKSUM = 0x10;
const FLAG_CONTENT_SIZE = 0x08;
const FLAG_DICTIONARY = 0x01;
const HEAD_BYTES_MIN = 7;
const NOT_COMPRESSED = 0x80000000;
const BLOCK_BYTES: Readonly<Record<number, number>> = {
  4: 64 * 1024,
  5: 256 * 1024,
  6: 1024 * 1024,
  7: 4 * 1024 * 1024,
};

// A block is a row of sequences: uint8 token (high half: literals, low half: match − 4; 15: bytes follow that add to
// it, up to the first below 255), the literals, uint16 distance back, and the match. The last one ends with literals.
const MATCH_MIN = 4;
const NIBBLE_MAX = 15;

/** Input bytes between two looks at the slice. */
const STEP_BYTES = 32 * 1024;
/** ns for each byte that is read, and for each byte that is written. */
const COST_READ = 4;
const COST_WRITTEN = 1;
/** ns for each block. */
const COST_BLOCK = 50;

interface Cursor {
  from: number;
  to: number;
}

/** Decompresses one lz4 frame of at most `limitBytes` of content. */
export async function unlz4(
  bytes: Uint8Array,
  limitBytes: number,
  task: KafkaTask,
): Promise<Uint8Array> {
  const contentBytes = await inTurns(
    walkFrame(bytes, null, limitBytes, task),
    task,
  );
  const content = new Uint8Array(contentBytes);
  await inTurns(walkFrame(bytes, content, contentBytes, task), task);
  return content;
}

/** Decompresses one lz4 frame into `out` at once; its content must have exactly that many bytes. */
export function unlz4Into(bytes: Uint8Array, out: Uint8Array): void {
  const limitBytes = out.byteLength;
  // One step: nothing is spent, so the walk never waits.
  const walked = walkFrame(bytes, out, limitBytes, UNLIMITED).next();
  if (walked.value === limitBytes) return;
  throw new RangeError(`lz4 content is not of ${limitBytes} bytes`);
}

/** What a walk spends time of. */
interface Budget {
  spend(ns: number): void;
  readonly isSpent: boolean;
}

const UNLIMITED: Budget = { spend: () => {}, isSpent: false };

async function inTurns(
  walk: Generator<void, number>,
  task: KafkaTask,
): Promise<number> {
  for (;;) {
    const { done, value } = walk.next();
    if (done) return value;
    await task.turn();
  }
}

/** Decodes a frame's blocks; without `out` it only computes the size of the content. Yields when its time is spent. */
function* walkFrame(
  bytes: Uint8Array,
  out: Uint8Array | null,
  limitBytes: number,
  task: Budget,
): Generator<void, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { blocksAt, blockBytesMax, hasChecksums } = headOf(view, limitBytes);
  const cursor: Cursor = { from: blocksAt, to: 0 };
  for (;;) {
    const size = view.getUint32(cursor.from, true);
    cursor.from += 4;
    if (size === 0) return cursor.to;
    const isPlain = (size & NOT_COMPRESSED) !== 0;
    const length = size % NOT_COMPRESSED;
    const end = cursor.from + length;
    if (length > blockBytesMax || end > bytes.byteLength) {
      throw new RangeError(`lz4 block of ${length} bytes is cut short`);
    }
    const toEnd = Math.min(limitBytes, cursor.to + blockBytesMax);
    if (isPlain) {
      if (cursor.to + length > toEnd) tooLarge(toEnd);
      out?.set(bytes.subarray(cursor.from, end), cursor.to);
      cursor.to += length;
      cursor.from = end;
      task.spend(length);
      if (task.isSpent) yield;
    }
    while (cursor.from < end) {
      const { from, to } = cursor;
      sequences(bytes, out, cursor, end, toEnd);
      task.spend(COST_READ * (cursor.from - from));
      if (out) task.spend(COST_WRITTEN * (cursor.to - to));
      if (task.isSpent) yield;
    }
    if (hasChecksums) cursor.from += 4;
    task.spend(COST_BLOCK);
  }
}

function headOf(view: DataView, limitBytes: number) {
  if (
    view.byteLength < HEAD_BYTES_MIN || view.getUint32(0, true) !== MAGIC
  ) throw new RangeError("not an lz4 frame");
  const flags = view.getUint8(4);
  if (flags >> 6 !== 1) throw new RangeError("unknown version of lz4 frames");
  const blockBytesMax = BLOCK_BYTES[view.getUint8(5) >> 4 & 7];
  if (blockBytesMax === undefined) {
    throw new RangeError("unknown size of lz4 blocks");
  }
  let at = 6;
  if ((flags & FLAG_CONTENT_SIZE) !== 0) {
    const claimed = Number(view.getBigUint64(at, true));
    if (claimed > limitBytes) tooLarge(limitBytes);
    at += 8;
  }
  if ((flags & FLAG_DICTIONARY) !== 0) at += 4;
  return {
    blocksAt: at + 1,
    blockBytesMax,
    hasChecksums: (flags & FLAG_BLOCK_CHECKSUM) !== 0,
  };
}

/** Decodes sequences up to the block's `end`, or for a step. */
function sequences(
  bytes: Uint8Array,
  out: Uint8Array | null,
  cursor: Cursor,
  end: number,
  toEnd: number,
): void {
  let { from, to } = cursor;
  const stepEnd = Math.min(end, from + STEP_BYTES);
  while (from < stepEnd) {
    const token = bytes[from++]!;
    let literals = token >> 4;
    if (literals === NIBBLE_MAX) {
      let more = 255;
      while (more === 255 && from < end) literals += more = bytes[from++]!;
    }
    if (from + literals > end) throw new RangeError("lz4 block is cut short");
    if (to + literals > toEnd) tooLarge(toEnd);
    if (out !== null) {
      if (literals > 32) out.set(bytes.subarray(from, from + literals), to);
      else for (let i = 0; i < literals; i++) out[to + i] = bytes[from + i]!;
    }
    from += literals;
    to += literals;
    if (from === end) break;
    if (from + 2 > end) throw new RangeError("lz4 block is cut short");
    const distance = bytes[from]! | bytes[from + 1]! << 8;
    from += 2;
    let match = token & NIBBLE_MAX;
    if (match === NIBBLE_MAX) {
      let more = 255;
      while (more === 255 && from < end) match += more = bytes[from++]!;
    }
    match += MATCH_MIN;
    if (distance === 0 || distance > to) {
      throw new RangeError(`lz4 match ${distance} bytes back lies outside`);
    }
    if (to + match > toEnd) tooLarge(toEnd);
    if (out !== null) copyMatch(out, to, distance, match);
    to += match;
  }
  cursor.from = from;
  cursor.to = to;
}

/** Copies bytes from `distance` bytes back; source and target may overlap. */
export function copyMatch(
  out: Uint8Array,
  to: number,
  distance: number,
  length: number,
): void {
  const from = to - distance;
  if (length <= 32) {
    for (let i = 0; i < length; i++) out[to + i] = out[from + i]!;
    return;
  }
  // What is there doubles with each copy.
  for (let done = 0; done < length;) {
    const part = Math.min(distance + done, length - done);
    out.copyWithin(to + done, from, from + part);
    done += part;
  }
}

function tooLarge(limitBytes: number): never {
  throw new RangeError(`lz4 content exceeds ${limitBytes} bytes`);
}

// Copies a channel's samples out of the rows of a record batch.
// Invariant: nothing is read outside of the column's buffers; a null, or a list of another length, copies nothing.
import type { ColumnBuffers } from "./batch_plan.ts";
import type { PlannedColumn } from "./schema_plan.ts";

/** A batch of a message: where its body is. */
export interface BatchBody {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Byte offset of the body. */
  readonly at: number;
}

/** Where samples are copied to: two views of the same bytes. */
export interface SampleTarget {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Up to so many bytes a loop over words is faster than set(), which needs a view. */
const LOOP_BYTES_MAX = 64;
const WORD_BYTES = 4;

/** Copies rows `row` to `row + rows` to byte `to` of `out`; false where a sample is missing. */
export function copySamples(
  { bytes, view, at }: BatchBody,
  column: PlannedColumn,
  buffers: ColumnBuffers,
  row: number,
  rows: number,
  out: SampleTarget,
  to: number,
): boolean {
  const { kind, rowSamples, sampleBytes } = column;
  const { validityAt, itemValidityAt, offsetsAt } = buffers;
  if (validityAt >= 0 && !allSet(bytes, at + validityAt, row, rows)) {
    return false;
  }
  let first = row * rowSamples;
  if (kind === "list" || kind === "large-list") {
    const read = kind === "list" ? offset32 : offset64;
    first = read(view, at + offsetsAt, row);
    let end = first;
    for (let i = 1; i <= rows; i++) {
      const next = read(view, at + offsetsAt, row + i);
      if (next - end !== rowSamples) return false;
      end = next;
    }
    if (first < 0 || end > buffers.itemCount) return false;
  }
  const items = rows * rowSamples;
  if (
    itemValidityAt >= 0 && !allSet(bytes, at + itemValidityAt, first, items)
  ) return false;
  const from = at + buffers.dataAt + first * sampleBytes;
  const length = items * sampleBytes;
  if (length > LOOP_BYTES_MAX) {
    out.bytes.set(bytes.subarray(from, from + length), to);
    return true;
  }
  let i = 0;
  for (; i + WORD_BYTES <= length; i += WORD_BYTES) {
    out.view.setInt32(to + i, view.getInt32(from + i, true), true);
  }
  for (; i < length; i++) out.bytes[to + i] = bytes[from + i]!;
  return true;
}

function offset32(view: DataView, at: number, row: number): number {
  return view.getInt32(at + 4 * row, true);
}

/** −1 for one that is larger than any message. */
function offset64(view: DataView, at: number, row: number): number {
  const high = view.getInt32(at + 8 * row + 4, true);
  return high === 0 ? view.getUint32(at + 8 * row, true) : -1;
}

function allSet(
  bytes: Uint8Array,
  at: number,
  from: number,
  count: number,
): boolean {
  for (let i = from; i < from + count; i++) {
    if ((bytes[at + (i >> 3)]! >> (i & 7) & 1) === 0) return false;
  }
  return true;
}

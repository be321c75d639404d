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
const LOOP_BYTES_MAX = 128;
const WORD_BYTES = 4;
/** Bytes that are copied in one step: four words. */
const STEP_BYTES = 16;

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
    const isLarge = kind === "large-list";
    first = offsetAt(view, at + offsetsAt, row, isLarge);
    let end = first;
    for (let i = 1; i <= rows; i++) {
      const next = offsetAt(view, at + offsetsAt, row + i, isLarge);
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
  copyBytes(bytes, view, from, items * sampleBytes, out, to);
  return true;
}

/** Copies bytes to byte `to` of `out`. */
function copyBytes(
  bytes: Uint8Array,
  view: DataView,
  from: number,
  length: number,
  out: SampleTarget,
  to: number,
): void {
  if (length > LOOP_BYTES_MAX) {
    out.bytes.set(bytes.subarray(from, from + length), to);
    return;
  }
  const target = out.view;
  let i = 0;
  for (; i + STEP_BYTES <= length; i += STEP_BYTES) {
    target.setInt32(to + i, view.getInt32(from + i, true), true);
    target.setInt32(to + i + 4, view.getInt32(from + i + 4, true), true);
    target.setInt32(to + i + 8, view.getInt32(from + i + 8, true), true);
    target.setInt32(to + i + 12, view.getInt32(from + i + 12, true), true);
  }
  for (; i + WORD_BYTES <= length; i += WORD_BYTES) {
    target.setInt32(to + i, view.getInt32(from + i, true), true);
  }
  for (; i < length; i++) out.bytes[to + i] = bytes[from + i]!;
}

/** A list's offset; −1 for one that is larger than any message. */
function offsetAt(
  view: DataView,
  at: number,
  row: number,
  isLarge: boolean,
): number {
  if (!isLarge) return view.getInt32(at + 4 * row, true);
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

// Where the samples of a record batch are: byte offsets of the time and of each planned column.
// Invariant: every byte that a plan leads to lies within the body, whatever the header claims.
import type { MessageHeader } from "../arrow/message_header.ts";
import { MessageFault } from "./message_fault.ts";
import type { PlannedColumn, SchemaPlan } from "./schema_plan.ts";

/** Byte offsets from the start of the body; −1 for a validity bitmap that is not needed, as nothing is null. */
export interface ColumnBuffers {
  readonly validityAt: number;
  /** Of a list: rows + 1 offsets. */
  readonly offsetsAt: number;
  readonly itemValidityAt: number;
  readonly dataAt: number;
  /** Samples that the data has. */
  readonly itemCount: number;
}

export interface BatchPlan {
  readonly rowCount: number;
  readonly bodyBytes: number;
  readonly timeAt: number;
  /** One for each planned column. */
  readonly columns: readonly ColumnBuffers[];
}

/** Finds a buffer, which must have so many bytes: its byte offset. Throws {@linkcode MessageFault}. */
export type FindBuffer = (buffer: number, neededBytes: number) => number;

const NONE = -1;

/** Lays out a batch. Throws {@linkcode MessageFault}, or RangeError where the header is damaged. */
export function batchPlanOf(
  batch: MessageHeader,
  schema: SchemaPlan,
  rowsMax: number,
  find: FindBuffer,
): BatchPlan {
  const { rowCount, bodyBytes, nodeCount, bufferCount } = batch;
  if (nodeCount !== schema.nodeCount || bufferCount !== schema.bufferCount) {
    throw new MessageFault(
      `a batch has ${nodeCount} nodes and ${bufferCount} buffers, its schema ${schema.nodeCount} and ${schema.bufferCount}`,
    );
  }
  if (!(rowCount >= 0 && rowCount <= rowsMax)) {
    throw new MessageFault(`${rowCount} rows, at most ${rowsMax} are taken`);
  }
  if (!(bodyBytes >= 0)) throw new MessageFault("a body of negative length");
  const { time } = schema;
  const { length, nullCount } = batch.node(time.node);
  if (length !== rowCount) throw new MessageFault("columns differ in length");
  if (nullCount !== 0) throw new MessageFault("the time must not be null");
  const timeAt = find(time.buffer + 1, 8 * rowCount);
  const columns = schema.columns.map((column) =>
    buffersOf(batch, column, rowCount, find)
  );
  return { rowCount, bodyBytes, timeAt, columns };
}

function buffersOf(
  batch: MessageHeader,
  { kind, node, buffer, sampleBytes, rowSamples }: PlannedColumn,
  rowCount: number,
  find: FindBuffer,
): ColumnBuffers {
  const { length, nullCount } = batch.node(node);
  if (length !== rowCount) throw new MessageFault("columns differ in length");
  const bitmap = (at: number, bits: number, nulls: number) =>
    nulls === 0 ? NONE : find(at, Math.ceil(bits / 8));
  const validityAt = bitmap(buffer, rowCount, nullCount);
  if (kind === "scalar") {
    return {
      validityAt,
      offsetsAt: NONE,
      itemValidityAt: NONE,
      dataAt: find(buffer + 1, sampleBytes * rowCount),
      itemCount: rowCount,
    };
  }
  const items = batch.node(node + 1);
  const itemCount = items.length;
  if (!(itemCount >= 0 && itemCount <= Number.MAX_SAFE_INTEGER)) {
    throw new MessageFault("a list of negative length");
  }
  const isFixed = kind === "fixed-list";
  if (isFixed && itemCount < rowCount * rowSamples) {
    throw new MessageFault("columns differ in length");
  }
  const offsetBytes = kind === "large-list" ? 8 : 4;
  const itemBuffer = buffer + (isFixed ? 1 : 2);
  return {
    validityAt,
    offsetsAt: isFixed || rowCount === 0
      ? NONE
      : find(buffer + 1, offsetBytes * (rowCount + 1)),
    itemValidityAt: bitmap(itemBuffer, itemCount, items.nullCount),
    dataAt: find(itemBuffer + 1, sampleBytes * itemCount),
    itemCount,
  };
}

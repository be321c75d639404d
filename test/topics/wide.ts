// Messages of mapped topics, written with apache-arrow, and what their blocks hold.
import {
  type DataType as ArrowType,
  Field,
  FixedSizeList,
  Int64,
  LargeList,
  List,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Timestamp,
  TimeUnit as ArrowTimeUnit,
} from "apache-arrow";
import { arrowTypeOf } from "../../src/arrow/arrow_types.ts";
import { BlockDecoder, newBlockLayout } from "../../src/arrow/block_decoder.ts";
import type { DataType } from "../../src/channels/channel.ts";
import {
  SAMPLE_ARRAYS,
  type Samples,
} from "../../src/channels/sample_arrays.ts";
import type { TopicMapping } from "../../src/topics/topic_mapping.ts";
import type { WideBlocks } from "../../src/topics/wide_blocks.ts";

/** A column of a message. */
export interface WideColumn {
  readonly name: string;
  readonly dataType: DataType;
  readonly kind?: "scalar" | "list" | "large-list" | "fixed-list";
  /** All samples of all rows. */
  readonly samples: Samples;
  /** Samples of each row, for lists. */
  readonly rowSamples?: number;
  /** Rows that are null. */
  readonly nulls?: readonly number[];
}

export interface WideMessageOptions {
  readonly times: readonly bigint[];
  readonly columns: readonly WideColumn[];
  readonly timeName?: string;
  /** The time as a timestamp of this unit. */
  readonly timestamp?: ArrowTimeUnit;
  /** Rows of each batch. @default all in one */
  readonly batchRows?: number;
  /** Without the mark at the end. */
  readonly isOpen?: boolean;
}

/** One message: an IPC stream. */
export function wideMessage(options: WideMessageOptions): Uint8Array {
  const { times, columns, timeName = "time", timestamp } = options;
  const rows = times.length;
  const batchRows = options.batchRows ?? Math.max(1, rows);
  const timeType = timestamp === undefined
    ? new Int64()
    : new Timestamp(timestamp, null);
  const schema = new Schema([
    new Field(timeName, timeType, false),
    ...columns.map((column) => new Field(column.name, typeOf(column), true)),
  ]);
  const writer = new RecordBatchStreamWriter();
  for (let from = 0; from === 0 || from < rows; from += batchRows) {
    const count = Math.min(batchRows, rows - from);
    const children = [
      makeData({
        type: timeType,
        length: count,
        nullCount: 0,
        data: BigInt64Array.from(times.slice(from, from + count)),
        // deno-lint-ignore no-explicit-any -- one of two types of time
      } as any),
      ...columns.map((column) => dataOf(column, from, count)),
    ];
    writer.write(
      new RecordBatch(
        schema,
        makeData({
          type: new Struct(schema.fields),
          length: count,
          nullCount: 0,
          children,
        }),
      ),
    );
  }
  const bytes = writer.finish().toUint8Array(true);
  return options.isOpen ? bytes.subarray(0, bytes.length - 8) : bytes;
}

function typeOf({ dataType, kind, rowSamples = 1 }: WideColumn): ArrowType {
  const item = new Field("item", arrowTypeOf(dataType), true);
  switch (kind) {
    case "list":
      return new List(item);
    case "large-list":
      return new LargeList(item);
    case "fixed-list":
      return new FixedSizeList(rowSamples, item);
    default:
      return arrowTypeOf(dataType);
  }
}

function dataOf(column: WideColumn, from: number, count: number) {
  const { dataType, kind = "scalar", samples, rowSamples = 1, nulls = [] } =
    column;
  const part = samples.slice(from * rowSamples, (from + count) * rowSamples);
  const isNull = (row: number) => nulls.includes(from + row);
  const bitmap = new Uint8Array(Math.ceil(count / 8));
  let nullCount = 0;
  for (let row = 0; row < count; row++) {
    if (isNull(row)) nullCount++;
    else bitmap[row >> 3]! |= 1 << (row & 7);
  }
  const common = {
    type: typeOf(column),
    length: count,
    nullCount,
    nullBitmap: nullCount > 0 ? bitmap : undefined,
  };
  if (kind === "scalar") {
    // deno-lint-ignore no-explicit-any -- one of ten types with its own array
    return makeData({ ...common, data: part } as any);
  }
  const child = makeData({
    type: arrowTypeOf(dataType),
    length: part.length,
    nullCount: 0,
    data: part,
    // deno-lint-ignore no-explicit-any -- one of ten types with its own array
  } as any);
  const offsets = Array.from({ length: count + 1 }, (_, i) => i * rowSamples);
  const valueOffsets = kind === "large-list"
    ? BigInt64Array.from(offsets.map(BigInt))
    : Int32Array.from(offsets);
  // deno-lint-ignore no-explicit-any -- one of three types of lists
  return makeData({ ...common, valueOffsets, child } as any);
}

/** A mapping of one row for each block of 1 s, unless the changes say otherwise. */
export function mapping(changes: Partial<TopicMapping> = {}): TopicMapping {
  return {
    topic: "weather",
    publisher: "weather",
    timeColumn: "time",
    unit: "ns",
    epoch: "gps",
    toleranceNs: 0,
    rowRate: 1,
    blockRows: 1,
    strideNs: 1_000_000_000n,
    maxLatencyNs: 1_000_000_000n,
    channels: [
      { column: "a", name: "X:A", sampleRate: 1, rowSamples: 1 },
      { column: "b", name: "X:B", sampleRate: 4, rowSamples: 4 },
    ],
    ...changes,
  };
}

/** By block: its time in seconds, and the samples of its channels of one type by number; what is missing is absent. */
export function blocksOf(
  blocks: WideBlocks,
  dataType: DataType,
): [number, Record<number, (number | bigint)[]>][] {
  const decoder = new BlockDecoder();
  const layout = newBlockLayout();
  return Array.from({ length: blocks.blockCount }, (_, i) => {
    const bytes = blocks.block(i, dataType);
    const wrong = decoder.decode(bytes, layout);
    if (wrong !== null) throw new Error(wrong);
    if (layout.dataType !== dataType) throw new Error(layout.dataType);
    const found: Record<number, (number | bigint)[]> = {};
    for (let row = 0; row < layout.rowCount; row++) {
      const length = layout.lengths[row]!;
      if (length <= 0) continue;
      const copy = bytes.slice(layout.starts[row]!);
      const samples = new SAMPLE_ARRAYS[dataType](copy.buffer, 0, length);
      found[layout.ids[row]!] = Array.from(samples as Float64Array);
    }
    return [Number(layout.timeNs) / 1e9, found];
  });
}

// Writes a block as publishers of Arrakis do: an IPC stream of schema, one record batch, end of stream.
// Invariant: BlockDecoder and pyarrow read back exactly the samples that were written.
import { Field, Int64, List, makeData, Schema, Uint32 } from "apache-arrow";
import type { DataType } from "../channels/channel.ts";
import type { Samples } from "../channels/sample_arrays.ts";
import { arrowTypeOf, newSamples, streamOfBatch } from "./arrow_types.ts";

/**
 * The message of one block: row `i` has the samples `series[i]` of the channel with `partition_index` `ids[i]`.
 * `timeNs`: start of the block, GPS ns. Throws when ids and series differ in number, or series in type.
 */
export function encodeBlock(
  timeNs: bigint,
  dataType: DataType,
  ids: ArrayLike<number>,
  series: readonly Samples[],
): Uint8Array {
  const rows = series.length;
  if (ids.length !== rows) {
    throw new RangeError(
      `A block needs one id a series: ${ids.length} ids, ${rows} series`,
    );
  }
  const offsets = new Int32Array(rows + 1);
  for (let i = 0; i < rows; i++) {
    offsets[i + 1] = offsets[i]! + series[i]!.length;
  }
  const items = joined(dataType, series, offsets[rows]!);
  const itemType = arrowTypeOf(dataType);
  const listType = new List(new Field("item", itemType, true));
  const schema = new Schema([
    new Field("time", new Int64(), false),
    new Field("id", new Uint32(), false),
    new Field("data", listType, false),
  ]);
  const children = [
    makeData({
      type: new Int64(),
      length: rows,
      nullCount: 0,
      data: new BigInt64Array(rows).fill(timeNs),
    }),
    makeData({
      type: new Uint32(),
      length: rows,
      nullCount: 0,
      data: Uint32Array.from(ids),
    }),
    makeData<List>({
      type: listType,
      length: rows,
      nullCount: 0,
      valueOffsets: offsets,
      child: makeData({
        type: itemType,
        length: items.length,
        nullCount: 0,
        data: items,
        // deno-lint-ignore no-explicit-any -- one of ten types with its own array
      } as any),
      // deno-lint-ignore no-explicit-any -- List's props are lost in the union of item types
    } as any),
  ];
  return streamOfBatch(schema, rows, children);
}

function joined(
  dataType: DataType,
  series: readonly Samples[],
  count: number,
): Samples {
  const all = newSamples(dataType, count);
  let at = 0;
  for (const samples of series) {
    if (samples.constructor !== all.constructor) {
      throw new TypeError(
        `Samples of ${dataType} must be in ${all.constructor.name}, not ${samples.constructor.name}`,
      );
    }
    (all as Float64Array).set(samples as Float64Array, at);
    at += samples.length;
  }
  return all;
}

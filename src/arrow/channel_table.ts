// The channel list as an Arrow stream, with the columns of the JSON list.
// Invariant: all batches have one schema.
import {
  Bool,
  Field,
  Float64,
  Int64,
  type RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import type { Channel } from "../channels/channel.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import { recordBatchOf } from "./arrow_types.ts";

const SCHEMA = new Schema([
  new Field("name", new Utf8()),
  new Field("data_type", new Utf8()),
  new Field("sample_rate", new Float64()),
  new Field("publisher", new Utf8()),
  new Field("stride_ns", new Int64()),
  new Field("max_latency_ns", new Int64()),
  new Field("replay_id", new Utf8(), true),
  new Field("live", new Bool()),
]);
/** Rows per record batch. */
const BATCH_ROWS = 500;
/** Work to make one batch, in steps of the scheduler. */
const BATCH_STEPS = 3000;

/**
 * An IPC stream with one row per channel, made in slices. `sample_rate` is in Hz, `stride_ns` and `max_latency_ns`
 * in ns; `live` is what `isLive` returns.
 */
export function* encodeChannelTable(
  channels: readonly Channel[],
  isLive: (channel: Channel) => boolean,
): SlicedWork<Uint8Array> {
  if (channels.length === 0) return tableToIPC(new Table(SCHEMA), "stream");
  const writer = new RecordBatchStreamWriter();
  for (let from = 0; from < channels.length; from += BATCH_ROWS) {
    yield BATCH_STEPS;
    writer.write(batchOf(channels.slice(from, from + BATCH_ROWS), isLive));
  }
  writer.finish();
  return writer.toUint8Array(true);
}

function batchOf(
  channels: readonly Channel[],
  isLive: (channel: Channel) => boolean,
): RecordBatch {
  const text = (of: (channel: Channel) => string | null) =>
    vectorFromArray(channels.map(of), new Utf8());
  const int64 = (of: (channel: Channel) => bigint) =>
    vectorFromArray(channels.map(of), new Int64());
  // In the order of the schema.
  const columns = [
    text((c) => c.name),
    text((c) => c.dataType),
    vectorFromArray(channels.map((c) => c.sampleRate), new Float64()),
    text((c) => c.publisher),
    int64((c) => c.strideNs),
    int64((c) => c.maxLatencyNs),
    text((c) => c.replayId),
    vectorFromArray(channels.map(isLive), new Bool()),
  ];
  const children = columns.map((column) => column.data[0]!);
  return recordBatchOf(SCHEMA, channels.length, children);
}

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
import type { ChannelNote } from "../channels/channel_note.ts";
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
  new Field("unit", new Utf8(), true),
  new Field("description", new Utf8(), true),
  new Field("range_low", new Float64(), true),
  new Field("range_high", new Float64(), true),
]);
/** Rows per record batch. */
const BATCH_ROWS = 500;
/** Work to make one batch, in steps of the scheduler. */
const BATCH_STEPS = 4000;

/** What a row has besides the channel's own fields. */
export interface ChannelFacts {
  readonly isLive: (channel: Channel) => boolean;
  readonly noteOf: (channel: Channel) => ChannelNote | null;
}

/**
 * An IPC stream with one row per channel, made in slices. `sample_rate` is in Hz, `stride_ns` and `max_latency_ns`
 * in ns, `range_low` and `range_high` in the unit.
 */
export function* encodeChannelTable(
  channels: readonly Channel[],
  facts: ChannelFacts,
): SlicedWork<Uint8Array> {
  if (channels.length === 0) return tableToIPC(new Table(SCHEMA), "stream");
  const writer = new RecordBatchStreamWriter();
  for (let from = 0; from < channels.length; from += BATCH_ROWS) {
    yield BATCH_STEPS;
    writer.write(batchOf(channels.slice(from, from + BATCH_ROWS), facts));
  }
  writer.finish();
  return writer.toUint8Array(true);
}

function batchOf(
  channels: readonly Channel[],
  { isLive, noteOf }: ChannelFacts,
): RecordBatch {
  const notes = channels.map(noteOf);
  const text = (of: (channel: Channel) => string | null) =>
    vectorFromArray(channels.map(of), new Utf8());
  const int64 = (of: (channel: Channel) => bigint) =>
    vectorFromArray(channels.map(of), new Int64());
  const end = (i: 0 | 1) =>
    vectorFromArray(notes.map((n) => n?.range?.[i] ?? null), new Float64());
  const noted = (of: (note: ChannelNote) => string | null) =>
    vectorFromArray(notes.map((note) => note && of(note)), new Utf8());
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
    noted((note) => note.unit),
    noted((note) => note.description),
    end(0),
    end(1),
  ];
  const children = columns.map((column) => column.data[0]!);
  return recordBatchOf(SCHEMA, channels.length, children);
}

// The tables that Arrakis's server answers with: channels, a count, properties of Kafka; as Arrow messages.
// Invariant: names, types, order and nullability of the fields are those of arrakis.schemas.
import {
  Field,
  Int32,
  Int64,
  Map_,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Uint32,
  Uint64,
  Utf8,
  type Vector,
  vectorFromArray,
} from "apache-arrow";
import type { Channel } from "../channels/channel.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import { streamOfBatch } from "./arrow_types.ts";
import { prefixedBytes } from "./message_header.ts";
import { END_OF_STREAM } from "./row_template.ts";

/** Channels in a batch, as arrakis-server has them. */
export const CHANNELS_A_BATCH = 1000;
/** Work to make one batch, in steps of the scheduler. */
const BATCH_STEPS = 6000;

const PARTITION_FIELDS = [
  new Field("channel", new Utf8(), false),
  new Field("data_type", new Utf8(), false),
  new Field("sample_rate", new Int32(), false),
  new Field("partition_id", new Utf8(), true),
  new Field("partition_index", new Uint32(), true),
];
const CHANNELS = new Schema([
  ...PARTITION_FIELDS,
  new Field("publisher", new Utf8(), true),
  new Field("stride", new Uint64(), true),
  new Field("max_latency", new Uint64(), true),
  new Field("replay_id", new Utf8(), true),
]);
const COUNT = new Schema([new Field("count", new Int64(), true)]);
const PROPERTIES_TYPE = new Map_<Utf8, Utf8>(
  new Field(
    "entries",
    new Struct<{ key: Utf8; value: Utf8 }>([
      new Field("key", new Utf8(), false),
      new Field("value", new Utf8(), true),
    ]),
    false,
  ),
);
const PROPERTIES = new Schema([
  new Field("properties", PROPERTIES_TYPE, false),
]);

/** Encapsulated schema messages, by what the table holds. */
export const FLIGHT_SCHEMAS = {
  channels: schemaOf(CHANNELS),
  partition: schemaOf(new Schema(PARTITION_FIELDS)),
  count: schemaOf(COUNT),
  properties: schemaOf(PROPERTIES),
} as const;

/** A batch of at most CHANNELS_A_BATCH channels, made in a slice of its own. */
export function* channelBatch(
  channels: readonly Channel[],
): SlicedWork<Uint8Array> {
  yield BATCH_STEPS;
  return batchOf(CHANNELS, columnsOf(channels));
}

/** A batch of one row with a count. */
export function countBatch(count: number): Uint8Array {
  return batchOf(COUNT, [vectorFromArray([BigInt(count)], new Int64())]);
}

/** A batch of one row with a map of texts. */
export function propertiesBatch(
  properties: Readonly<Record<string, string>>,
): Uint8Array {
  const map = new Map(Object.entries(properties));
  return batchOf(PROPERTIES, [vectorFromArray([map], PROPERTIES_TYPE)]);
}

/** In the order of the schema. */
function columnsOf(channels: readonly Channel[]): Vector[] {
  const text = (of: (channel: Channel) => string | null) =>
    vectorFromArray(channels.map(of), new Utf8());
  const uint64 = (of: (channel: Channel) => bigint) =>
    vectorFromArray(channels.map(of), new Uint64());
  return [
    text((c) => c.name),
    text((c) => c.dataType),
    vectorFromArray(channels.map((c) => c.sampleRate), new Int32()),
    text((c) => c.partitionId),
    vectorFromArray(channels.map((c) => c.partitionIndex), new Uint32()),
    text((c) => c.publisher),
    uint64((c) => c.strideNs),
    uint64((c) => c.maxLatencyNs),
    text((c) => c.replayId),
  ];
}

/** The encapsulated message of one batch. */
function batchOf(schema: Schema, columns: readonly Vector[]): Uint8Array {
  const children = columns.map((column) => column.data[0]!);
  const stream = streamOfBatch(schema, columns[0]!.length, children);
  return stream.subarray(
    schemaBytes(stream),
    stream.byteLength - END_OF_STREAM.byteLength,
  );
}

function schemaOf(schema: Schema): Uint8Array {
  const stream = tableToIPC(new Table(schema), "stream");
  return stream.subarray(0, schemaBytes(stream));
}

/** Bytes of the schema message that a stream begins with. */
function schemaBytes(stream: Uint8Array): number {
  return prefixedBytes(
    new DataView(stream.buffer, stream.byteOffset, stream.byteLength),
    0,
  );
}

// The record of one channel in a publisher's metadata topic, as Arrakis writes it (see docs/protocol.md): decoded for
// the catalog, encoded for `deno task publish`.
import {
  type Channel,
  DATA_TYPES,
  type DataType,
} from "../channels/channel.ts";
import { type ChannelFault, channelFault } from "../channels/channel_fault.ts";

/** A publisher's metadata topic is this and the publisher's name. */
export const METADATA_PREFIX = "arrakis-metadata-";

/** The largest record that is decoded; an honest one has some 300 bytes. */
const RECORD_BYTES_MAX = 64 * 1024;

// The byte order mark is kept: a name that begins with it is another name.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes a record's value, or says what is wrong with it. `key`: of the record; the channel's name must equal it. */
export function parseChannel(
  key: string,
  value: Uint8Array,
): Channel | ChannelFault {
  if (value.byteLength > RECORD_BYTES_MAX) {
    return fault(`it has more than ${RECORD_BYTES_MAX} bytes`);
  }
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(decoder.decode(value));
  } catch {
    return fault("not JSON");
  }
  if (typeof record !== "object" || record === null) {
    return fault("not an object");
  }
  const { name, data_type, sample_rate, publisher, partition_id } = record;
  const { partition_index, stride, max_latency, replay_id = null } = record;
  if (name !== key || key === "") {
    return { reason: "name", detail: "name is not the record's key" };
  }
  if (typeof publisher !== "string" || typeof partition_id !== "string") {
    return fault("publisher and partition_id must be texts");
  }
  if (replay_id !== null && typeof replay_id !== "string") {
    return fault("replay_id must be a text or null");
  }
  if (typeof data_type !== "string") {
    return fault(`data_type must be one of ${DATA_TYPES.join(", ")}`);
  }
  if (typeof sample_rate !== "number" || typeof partition_index !== "number") {
    return fault("sample_rate and partition_index must be numbers");
  }
  if (!isWhole(stride) || !isWhole(max_latency)) {
    return fault("stride and max_latency must be whole numbers of ns");
  }
  const channel: Channel = {
    name: key,
    dataType: data_type as DataType,
    sampleRate: sample_rate,
    publisher,
    partitionId: partition_id,
    partitionIndex: partition_index,
    strideNs: BigInt(stride),
    maxLatencyNs: BigInt(max_latency),
    replayId: replay_id,
  };
  return channelFault(channel) ?? channel;
}

function fault(detail: string): ChannelFault {
  return { reason: "record", detail };
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** Encodes a record's value, byte for byte as Python's json.dumps does. */
export function encodeChannel(channel: Channel): string {
  const fields: [string, unknown][] = [
    ["name", channel.name],
    ["data_type", channel.dataType],
    ["sample_rate", channel.sampleRate],
    ["time", null],
    ["publisher", channel.publisher],
    ["partition_id", channel.partitionId],
    ["partition_index", channel.partitionIndex],
    ["stride", Number(channel.strideNs)],
    ["max_latency", Number(channel.maxLatencyNs)],
    ["replay_id", channel.replayId],
  ];
  return "{" +
    fields.map(([k, v]) => `"${k}": ${JSON.stringify(v)}`).join(", ") + "}";
}

// The channel list as an Arrow stream: the same columns as the JSON list.
import {
  Bool,
  Float64,
  Int64,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import type { Channel } from "../channels/channel.ts";

/** An IPC stream with a row a channel. `sample_rate` in Hz, `stride_ns` and `max_latency_ns` in ns. */
export function encodeChannelTable(
  channels: readonly Channel[],
  isLive: (channel: Channel) => boolean,
): Uint8Array {
  const text = (of: (channel: Channel) => string | null) =>
    vectorFromArray(channels.map(of), new Utf8());
  const int64 = (of: (channel: Channel) => bigint) =>
    vectorFromArray(channels.map(of), new Int64());
  const table = new Table({
    name: text((c) => c.name),
    data_type: text((c) => c.dataType),
    sample_rate: vectorFromArray(
      channels.map((c) => c.sampleRate),
      new Float64(),
    ),
    publisher: text((c) => c.publisher),
    stride_ns: int64((c) => c.strideNs),
    max_latency_ns: int64((c) => c.maxLatencyNs),
    replay_id: text((c) => c.replayId),
    live: vectorFromArray(channels.map(isLive), new Bool()),
  });
  return tableToIPC(table, "stream");
}

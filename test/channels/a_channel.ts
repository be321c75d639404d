// A valid channel, which tests change.
import type { Channel } from "../../src/channels/channel.ts";

export function aChannel(changes: Partial<Channel> = {}): Channel {
  return {
    name: "H1:A-B",
    dataType: "float32",
    sampleRate: 16,
    publisher: "H1",
    partitionId: "H1_A_1",
    partitionIndex: 0,
    strideNs: 62_500_000n,
    maxLatencyNs: 1_000_000_000n,
    replayId: null,
    ...changes,
  };
}

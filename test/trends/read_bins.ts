// Reads a bin again and again while another thread writes it, and checks that its numbers belong together.
import { newSampleStats } from "../../src/trends/sample_stats.ts";
import { SharedTrend } from "../../src/trends/shared_trend.ts";
import {
  type TrendMemory,
  TrendMemoryReader,
} from "../../src/trends/trend_memory.ts";
import type { Channel } from "../../src/channels/channel.ts";

export interface ReadBinsReport {
  readonly reads: number;
  /** How often the bin had another value than before. */
  readonly changed: number;
  /** Bins that were read, and whose numbers do not belong together. */
  readonly torn: number;
}

interface Task {
  readonly channel: Channel;
  readonly memory: TrendMemory;
  readonly order: "right" | "wrong";
  /** It reads until the bin has changed so often; in the wrong order until one is torn, and ten thousand times that at most. */
  readonly changes: number;
}

function run({ channel, memory, order, changes }: Task): ReadBinsReport {
  if (order === "wrong") TrendMemoryReader.prototype.isStill = () => true;
  const trend = new SharedTrend({
    channel,
    memory,
    clockMs: () => 0,
    onWait: () => {},
  });
  const [bins] = trend.rings;
  const out = newSampleStats();
  let changed = 0;
  let torn = 0;
  let last = -1;
  let reads = 0;
  const isDone = () =>
    order === "right"
      ? changed >= changes
      : torn > 0 || changed >= 10_000 * changes;
  for (; !isDone(); reads++) {
    // The writer may have had no core for long.
    if (!bins!.read(1, out)) continue;
    if (out.min !== out.max || out.sum !== out.min * out.count) torn++;
    if (out.min !== last) changed++;
    last = out.min;
  }
  return { reads, changed, torn };
}

const scope = self as unknown as {
  onmessage: (event: MessageEvent<Task>) => void;
  postMessage(report: ReadBinsReport): void;
};
scope.onmessage = ({ data }) => scope.postMessage(run(data));

// The latency before any server: one librdkafka consumer that only receives the blocks.
import { Process } from "../../test/integration/chain.ts";
import type { Receipt } from "./side.ts";
import type { World } from "./world.ts";

/** Of the real publisher's channels. */
const TOPIC_PREFIX = "arrakis-H1QNT";
const ATTACH_MAX_MS = 30_000;

/** Reads the world's broker for so long. */
export async function measureReceipt(
  { brokerAddress }: World,
  options: { python: string; seconds: number; strideNs: number },
): Promise<Receipt> {
  const consumer = new Process("bare_consumer.py", options.python, [
    "test/integration/python/bare_consumer.py",
    brokerAddress,
    TOPIC_PREFIX,
    String(options.seconds),
    String(options.strideNs),
  ]);
  try {
    const [line] = await consumer.says(
      /^\{"event": "done".*$/m,
      1000 * options.seconds + ATTACH_MAX_MS,
    );
    const [p50, p99, p999, max] = JSON.parse(line).latenciesMs as number[];
    return { p50: p50!, p99: p99!, p999: p999!, max: max! };
  } finally {
    await consumer.stop();
  }
}

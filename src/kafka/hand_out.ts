// Hands one topic of an answer to its reader, part by part, in slices of the event loop.
// Invariant: a part is handed out whole in one call or not at all, and none after the reading was cancelled.
import type { KafkaWork } from "./kafka_work.ts";
import type { FetchedTopic, TopicParts } from "./topic_parts.ts";
import type { TopicReading } from "./topic_reading.ts";

/** ns that a reader takes for a record, and for each byte of it. */
const COST_RECORD = 8000;
const COST_BYTE = 1;

export interface HandOutOptions {
  readonly parts: TopicParts;
  readonly reading: TopicReading;
  readonly work: KafkaWork;
  /** Takes one part; true when the position is out of range. */
  readonly deliver: (part: FetchedTopic) => boolean;
  /** True once nothing more may be handed out. */
  readonly isStopped: () => boolean;
}

/**
 * True when the position is out of range. Meanwhile the reading is busy, so it is not fetched. Then: `deliver`, which is
 * FetchPool.deliver(), for each part.
 */
export async function handOut(options: HandOutOptions): Promise<boolean> {
  const { parts, reading, work, deliver, isStopped } = options;
  const task = work.task("deliver");
  reading.isBusy = true;
  try {
    for (;;) {
      if (isStopped() || reading.isCancelled) return false;
      const part = await parts.next();
      if (part === null) return false;
      if (work.slices.isSpent) await work.slices.turn();
      if (isStopped() || reading.isCancelled) return false;
      task.start();
      const isOutOfRange = deliver(part);
      task.stop();
      task.spend(costOf(part));
      if (isOutOfRange || part.isLast) return isOutOfRange;
    }
  } finally {
    parts.close();
    reading.isBusy = false;
  }
}

function costOf({ records }: FetchedTopic): number {
  let bytes = 0;
  for (const { value } of records) bytes += value?.byteLength ?? 0;
  return COST_RECORD * records.length + COST_BYTE * bytes;
}

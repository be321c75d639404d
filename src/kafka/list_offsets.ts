// Decodes the answer to Kafka's ListOffsets request: the offset in partition 0 of a topic that was asked for.
import type { Buffer } from "node:buffer";
import { WireReader } from "./wire_reader.ts";

/** Kafka 2.0 and later understand it. */
export const LIST_OFFSETS_VERSION = 3;

/** Decodes an answer, by topic. Throws where it is cut short. */
export function decodeOffsets(
  bytes: Buffer,
): Map<string, { errorCode: number; offset: number }> {
  const from = new WireReader(bytes, "ListOffsets answer");
  from.skip(4); // throttle time
  const found = new Map<string, { errorCode: number; offset: number }>();
  for (let topicCount = from.int32(); topicCount > 0; topicCount--) {
    const topic = from.text();
    for (let count = from.int32(); count > 0; count--) {
      const partition = from.int32();
      const errorCode = from.int16();
      from.skip(8); // time of the record
      const offset = from.int64();
      if (partition === 0) found.set(topic, { errorCode, offset });
    }
  }
  return found;
}

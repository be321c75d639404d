// Kafka's errors by the names that Kafka's own documentation has for them.
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";

const UNKNOWN = "KAFKAJS_UNKNOWN_ERROR_CODE";

/** Such as `UNKNOWN_TOPIC_OR_PARTITION (3)`. */
export function errorName(code: number | undefined): string {
  if (code === undefined) return "no answer";
  const { type } = createErrorFromCode(code) as { type: string };
  return type === UNKNOWN ? `error ${code}` : `${type} (${code})`;
}

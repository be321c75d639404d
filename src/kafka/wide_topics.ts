// Finds topics of Arrakis with more than one Kafka partition. Only partition 0 is read, as Arrakis does.
// Invariant: each is logged once for as long as it has several partitions.
import type { Logger } from "../telemetry/log.ts";
import type { TopicLeader } from "./cluster_metadata.ts";

/** The names of all topics of Arrakis begin with this. */
const TOPIC_PREFIX = "arrakis-";
const LOGGED_MAX = 100;

export class WideTopics {
  readonly #log: Logger;
  readonly #found = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  get count(): number {
    return this.#found.size;
  }

  /** Takes all topics of the cluster. */
  look(topics: ReadonlyMap<string, TopicLeader>): void {
    for (const topic of this.#found) {
      if ((topics.get(topic)?.partitionCount ?? 0) <= 1) {
        this.#found.delete(topic);
      }
    }
    for (const { topic, partitionCount } of topics.values()) {
      if (partitionCount <= 1 || !topic.startsWith(TOPIC_PREFIX)) continue;
      if (this.#found.has(topic)) continue;
      this.#found.add(topic);
      if (this.#found.size > LOGGED_MAX) continue;
      this.#log.error("topic-has-more-partitions", {
        topic,
        partitions: partitionCount,
        consequence:
          "only partition 0 is read; what is in the others is missing",
      });
    }
  }
}

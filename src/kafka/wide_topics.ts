// Finds topics of Arrakis, and mapped ones, with more than one Kafka partition. Only partition 0 is read, as Arrakis does.
// Invariant: each is logged once for as long as it has several partitions.
import type { Logger } from "../telemetry/log.ts";
import type { TopicLeader } from "./cluster_metadata.ts";

/** The names of all topics of Arrakis begin with this. */
const TOPIC_PREFIX = "arrakis-";
const LOGGED_MAX = 100;

export class WideTopics {
  readonly #log: Logger;
  readonly #mapped: ReadonlySet<string>;
  readonly #found = new Set<string>();

  /** `mapped`: topics without Arrakis's prefix whose blocks are served, too. */
  constructor(log: Logger, mapped: ReadonlySet<string> = new Set()) {
    this.#log = log;
    this.#mapped = mapped;
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
      const isServed = topic.startsWith(TOPIC_PREFIX) ||
        this.#mapped.has(topic);
      if (partitionCount <= 1 || !isServed) continue;
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

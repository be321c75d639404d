// Metrics of topics that are read live: how old the newest data of each is, by topic and publisher.
// Invariant: at most TOPICS_MAX topics have values, those first that are overdue by most; how many have none is a metric.
import type { BlockStore } from "../../blocks/block_store.ts";
import type { TopicAge } from "../../blocks/topic_age.ts";
import type { FigureValue } from "./figures.ts";
import type { Prometheus } from "./prometheus.ts";

/** Each topic costs two lines of /metrics. */
export const TOPICS_MAX = 1000;

export interface TopicParts {
  readonly store: Pick<BlockStore, "topicAges">;
}

export function topicMetrics(metrics: Prometheus, { store }: TopicParts): void {
  const each = (read: (age: TopicAge) => number) => () =>
    shownOf(store.topicAges()).map((age) => valueOf(age, read(age)));
  metrics.labelled(
    {
      name: "topic_newest_age_seconds",
      help:
        "Age of the newest data of a topic that is read live, or how long it has been read without any",
      type: "gauge",
    },
    each(({ ageMs }) => ageMs / 1000),
  );
  metrics.labelled(
    {
      name: "topic_silent_after_seconds",
      help: "Age from which on the publisher of a topic counts as silent",
      type: "gauge",
    },
    each(({ silentAfterMs }) => silentAfterMs / 1000),
  );
  metrics.gauge(
    "partitions_silent",
    "Partitions that clients read, whose next block is more than 10 s overdue",
    () => store.topicAges().filter((age) => overdueMs(age) > 0).length,
  );
  metrics.gauge(
    "topic_ages_left_out",
    "Topics without an age on this page: only the most overdue are shown",
    () => Math.max(0, store.topicAges().length - TOPICS_MAX),
  );
}

function shownOf(ages: readonly TopicAge[]): readonly TopicAge[] {
  if (ages.length <= TOPICS_MAX) return ages;
  return ages.toSorted((a, b) => overdueMs(b) - overdueMs(a))
    .slice(0, TOPICS_MAX);
}

function overdueMs({ ageMs, silentAfterMs }: TopicAge): number {
  return ageMs - silentAfterMs;
}

function valueOf(
  { topic, publisher }: TopicAge,
  value: number,
): FigureValue {
  return { labels: { topic, publisher }, value };
}

// The ages of topics: the number of labels has a limit, and what is overdue is always shown.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Prometheus } from "../../../src/telemetry/metrics/prometheus.ts";
import {
  topicMetrics,
  TOPICS_MAX,
} from "../../../src/telemetry/metrics/topic_metrics.ts";

const OVERDUE = 17;

describe("ages of topics", () => {
  it("are of at most 1,000 topics, the most overdue first; the rest is counted", async () => {
    const metrics = new Prometheus();
    const ages = Array.from({ length: TOPICS_MAX + 5 }, (_, i) => ({
      topic: `t${i}`,
      publisher: "p",
      // A slow topic that is older, and not overdue.
      ageMs: i === OVERDUE ? 20_000 : i < 5 ? 50_000 : 100,
      silentAfterMs: i === OVERDUE ? 11_000 : i < 5 ? 60_000 : 11_000,
    }));
    topicMetrics(metrics, { store: { topicAges: () => ages } });
    const { text } = await metrics.render();
    const shown = [...text.matchAll(/_newest_age_seconds\{topic="(t\d+)"/g)]
      .map(([, topic]) => topic);
    assert.equal(shown.length, TOPICS_MAX);
    assert.equal(shown[0], `t${OVERDUE}`);
    assert.equal(
      [...text.matchAll(/^qanat_topic_silent_after_seconds\{/gm)].length,
      TOPICS_MAX,
    );
    assert.match(text, /^qanat_topic_ages_left_out 5$/m);
    assert.match(text, /^qanat_partitions_silent 1$/m);
  });
});

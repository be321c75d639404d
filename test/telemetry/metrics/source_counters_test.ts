// Each counter of each source has a metric of its own.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseConfig } from "../../../src/config.ts";
import { Prometheus } from "../../../src/telemetry/metrics/prometheus.ts";
import {
  COUNTED_ELSEWHERE,
  SLICE_PEAK,
  SOURCE_COUNTERS,
  sourceCounterMetrics,
} from "../../../src/telemetry/metrics/source_counters.ts";
import { sourceOf } from "../../../src/source/source_of.ts";
import { silent } from "../../driven_source.ts";

const SOURCES: Readonly<Record<string, readonly string[]>> = {
  embedded: [],
  Kafka: ["--kafka=127.0.0.1:1"],
  upstream: ["--upstream=http://127.0.0.1:1"],
};

describe("the counters of a source", () => {
  for (const [kind, args] of Object.entries(SOURCES)) {
    it(`${kind}: all are metrics, or counted by one`, async () => {
      const parsed = parseConfig(args, {});
      assert.ok(parsed.kind === "config");
      const source = await sourceOf(parsed.config, {
        log: silent,
        nowGpsNs: () => 0n,
      });
      const { counters } = source.status();
      assert.ok(Object.keys(counters).length > 1);
      for (const name of Object.keys(counters)) {
        assert.ok(
          name in SOURCE_COUNTERS || name in COUNTED_ELSEWHERE ||
            name === SLICE_PEAK,
          `${name} is not in source_counters.ts`,
        );
      }
      await source.close();
    });
  }

  it("have no value where another kind of source runs", async () => {
    const metrics = new Prometheus();
    sourceCounterMetrics(metrics, {
      status: () => ({
        kind: "kafka",
        ready: true,
        reachable: true,
        lastContactClockMs: 0,
        unreachable: [],
        topics: [],
        wideTopics: 0,
        counters: { fetches: 3, slice_peak_ns: 4_000_000 },
      }),
    });
    const { text } = await metrics.render();
    const values = text.split("\n").filter((line) => /^qanat/.test(line));
    assert.deepEqual(values, [
      "qanat_kafka_fetches_total 3",
      "qanat_kafka_slice_peak_seconds 0.004",
    ]);
    assert.match(text, /^# TYPE qanat_upstream_refills_total counter$/m);
  });
});

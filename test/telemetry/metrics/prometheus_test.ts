// The text of metrics: values of this moment, and nothing that was read before.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Histogram } from "../../../src/telemetry/histogram.ts";
import { Prometheus } from "../../../src/telemetry/metrics/prometheus.ts";

describe("Prometheus", () => {
  it("renders gauges, counters and labels with their values of now", async () => {
    const metrics = new Prometheus();
    let count = 3;
    metrics.gauge("age_seconds", "How old", () => NaN);
    metrics.counter("rows_total", "Rows", () => count);
    metrics.info("build_info", "What this is", {
      version: "1",
      revision: "a\\b",
    });
    await metrics.render();
    count = 5;
    const { text, contentType } = await metrics.render();
    assert.equal(
      text,
      `# HELP qanat_age_seconds How old
# TYPE qanat_age_seconds gauge
qanat_age_seconds Nan

# HELP qanat_rows_total Rows
# TYPE qanat_rows_total counter
qanat_rows_total 5

# HELP qanat_build_info What this is
# TYPE qanat_build_info gauge
qanat_build_info{version="1",revision="a\\\\b"} 1
`,
    );
    assert.equal(contentType, "text/plain; version=0.0.4; charset=utf-8");
  });

  it("shows no value of a label that was removed", async () => {
    const metrics = new Prometheus();
    let topics: Record<string, number> = { a: 1, b: 2 };
    const named = { name: "lag", help: "Lag", label: "topic" };
    metrics.gauges(named, () => topics);
    assert.match((await metrics.render()).text, /topic="b"/);
    topics = { a: 4 };
    const { text } = await metrics.render();
    assert.match(text, /qanat_lag\{topic="a"\} 4/);
    assert.doesNotMatch(text, /topic="b"/);
  });

  it("has the same values as data and as text", async () => {
    const metrics = new Prometheus();
    const histogram = new Histogram();
    histogram.observe(0.01);
    metrics.histogram("delay_seconds", "Delay", histogram);
    const again = new Prometheus();
    for (const figure of await metrics.figures()) again.add(figure);
    assert.equal((await again.render()).text, (await metrics.render()).text);
    assert.match(
      (await metrics.render()).text,
      /qanat_delay_seconds_bucket\{le="\+Inf"\} 1\n/,
    );
  });

  it("refuses a name that is taken", () => {
    const metrics = new Prometheus();
    metrics.gauge("a", "A", () => 1);
    assert.throws(() => metrics.counter("a", "A", () => 1), /already/);
  });
});

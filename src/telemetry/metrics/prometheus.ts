// Metrics as Prometheus text. The only user of prom-client.
// Invariant: a value is read when /metrics is requested and at no other time; every name begins with qanat_.
import { Counter, Gauge, type Metric, Registry } from "prom-client";
import type { Histogram } from "../histogram.ts";
import type { Figure } from "./figures.ts";

type Read = () => number;
type ReadEach = () => Readonly<Partial<Record<string, number>>>;

/** A metric's name without `qanat_`, and its help text. */
export type NameAndHelp = readonly [name: string, help: string];

/** A metric with one label, whose values are the keys of the record that is read. */
export interface LabelledName {
  readonly name: string;
  readonly help: string;
  readonly label: string;
}

/** A registry of metrics. Names are given without `qanat_`. */
export class Prometheus {
  readonly #registry = new Registry();

  gauge(name: string, help: string, read: Read): void {
    new Gauge({
      name: `qanat_${name}`,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** One gauge for each key of the table. */
  gaugeTable<Key extends string>(
    table: Readonly<Record<Key, NameAndHelp>>,
    read: (key: Key) => number,
  ): void {
    for (const key of Object.keys(table) as Key[]) {
      const [name, help] = table[key];
      this.gauge(name, help, () => read(key));
    }
  }

  /** One counter for each key of the table. */
  counterTable<Key extends string>(
    table: Readonly<Record<Key, NameAndHelp>>,
    read: (key: Key) => number,
  ): void {
    for (const key of Object.keys(table) as Key[]) {
      const [name, help] = table[key];
      this.counter(name, help, () => read(key));
    }
  }

  /** A constant 1 whose labels describe something. */
  info(name: string, help: string, labels: Readonly<Record<string, string>>) {
    new Gauge({
      name: `qanat_${name}`,
      help,
      labelNames: Object.keys(labels),
      registers: [this.#registry],
    }).set(labels, 1);
  }

  counter(name: string, help: string, read: Read): void {
    new Counter({
      name: `qanat_${name}`,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  counters({ name, help, label }: LabelledName, read: ReadEach): void {
    new Counter({
      name: `qanat_${name}`,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [value, count] of Object.entries(read())) {
          this.inc({ [label]: value }, count);
        }
      },
    });
  }

  gauges({ name, help, label }: LabelledName, read: ReadEach): void {
    new Gauge({
      name: `qanat_${name}`,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        for (const [value, n] of Object.entries(read())) {
          this.set({ [label]: value }, n ?? 0);
        }
      },
    });
  }

  /** prom-client's own histogram takes µs to observe a value; this one only renders what Histogram has counted. */
  histogram(name: string, help: string, histogram: Histogram): void {
    const full = `qanat_${name}`;
    const metric = {
      name: full,
      help,
      type: "histogram",
      aggregator: "sum",
      get: () =>
        Promise.resolve({
          name: full,
          help,
          type: "histogram",
          aggregator: "sum",
          values: [
            ...histogram.cumulative().map((value, i) => ({
              metricName: `${full}_bucket`,
              labels: { le: String(histogram.bounds[i] ?? "+Inf") },
              value,
            })),
            { metricName: `${full}_sum`, labels: {}, value: histogram.sum },
            { metricName: `${full}_count`, labels: {}, value: histogram.count },
          ],
        }),
      reset: () => {},
    };
    this.#registry.registerMetric(metric as unknown as Metric);
  }

  /** All values now, as data. */
  async figures(): Promise<Figure[]> {
    const metrics = await this.#registry.getMetricsAsJSON();
    return metrics.map(({ name, help, type, values }) => ({
      name,
      help,
      type: String(type),
      values: values as Figure["values"],
    }));
  }

  /** Adds a metric that has its values already. */
  add(figure: Figure): void {
    const metric = { ...figure, get: () => figure, reset: () => {} };
    this.#registry.registerMetric(metric as unknown as Metric);
  }

  async render(): Promise<{ text: string; contentType: string }> {
    return {
      text: await this.#registry.metrics(),
      contentType: this.#registry.contentType,
    };
  }
}

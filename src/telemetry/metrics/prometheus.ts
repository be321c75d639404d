// Figures as Prometheus text. The only user of prom-client.
// Invariant: a figure is read when it is asked for and never before; every name begins with qanat_.
import { Counter, Gauge, type Metric, Registry } from "prom-client";
import type { Histogram } from "../histogram.ts";

type Read = () => number;
type ReadEach = () => Readonly<Partial<Record<string, number>>>;

/** What a figure with one label is called. */
export interface LabelledName {
  readonly name: string;
  readonly help: string;
  /** Its values are the keys of what is read. */
  readonly label: string;
}

/** A set of figures. */
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

  /** A constant 1 with labels that say what something is. */
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

  /** prom-client's own histogram takes µs for a value; this one only hands out what was counted. */
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

  async render(): Promise<{ text: string; contentType: string }> {
    return {
      text: await this.#registry.metrics(),
      contentType: this.#registry.contentType,
    };
  }
}

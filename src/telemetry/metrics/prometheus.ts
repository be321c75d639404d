// Metrics as Prometheus text. The only user of prom-client, and only of its registry: its other files need parts of node
// that edge runtimes lack. Invariant: a value is read when /metrics is requested and at no other time; every name begins
// with qanat_, except those that all programs have in common, which begin with process_.
import PromRegistry from "prom-client/lib/registry.js";
import type { Histogram } from "../histogram.ts";
import { type Figure, type FigureValue, fullName } from "./figures.ts";

/** Undefined: there is no value now. */
type Read = () => number | undefined;
type ReadEach = () => Readonly<Partial<Record<string, number>>>;

/** What prom-client's registry asks of a metric. */
interface Metric {
  readonly name: string;
  get(): Figure;
}

/** What is used of prom-client's registry. */
interface Registry {
  readonly contentType: string;
  /** Throws where the name is taken. */
  registerMetric(metric: Metric): void;
  metrics(): Promise<string>;
  getMetricsAsJSON(): Promise<Figure[]>;
}

/** A metric's name without `qanat_`, and its help text. */
export type NameAndHelp = readonly [name: string, help: string];

/** A metric with one label, whose values are the keys of the record that is read. */
export interface LabelledName {
  readonly name: string;
  readonly help: string;
  readonly label: string;
}

/** A metric with several labels, which each value has. */
export interface ManyLabels {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
}

/** A registry of metrics. Names are given without `qanat_`. */
export class Prometheus {
  readonly #registry: Registry = new PromRegistry();

  gauge(name: string, help: string, read: Read): void {
    this.#add(name, help, "gauge", () => valueOf(read()));
  }

  /** One gauge for each key of the table. */
  gaugeTable<Key extends string>(
    table: Readonly<Record<Key, NameAndHelp>>,
    read: (key: Key) => number | undefined,
  ): void {
    for (const key of Object.keys(table) as Key[]) {
      const [name, help] = table[key];
      this.gauge(name, help, () => read(key));
    }
  }

  /** One counter for each key of the table. */
  counterTable<Key extends string>(
    table: Readonly<Record<Key, NameAndHelp>>,
    read: (key: Key) => number | undefined,
  ): void {
    for (const key of Object.keys(table) as Key[]) {
      const [name, help] = table[key];
      this.counter(name, help, () => read(key));
    }
  }

  /** A constant 1 whose labels describe something. */
  info(name: string, help: string, labels: Readonly<Record<string, string>>) {
    this.#add(name, help, "gauge", () => [{ labels, value: 1 }]);
  }

  counter(name: string, help: string, read: Read): void {
    this.#add(name, help, "counter", () => valueOf(read()));
  }

  counters({ name, help, label }: LabelledName, read: ReadEach): void {
    this.#add(name, help, "counter", () => valuesOf(label, read()));
  }

  gauges({ name, help, label }: LabelledName, read: ReadEach): void {
    this.#add(name, help, "gauge", () => valuesOf(label, read()));
  }

  /** A counter or a gauge whose values have several labels. */
  labelled(
    { name, help, type }: ManyLabels,
    read: () => readonly FigureValue[],
  ): void {
    this.#add(name, help, type, read);
  }

  histogram(name: string, help: string, histogram: Histogram): void {
    const full = fullName(name);
    this.#add(name, help, "histogram", () => [
      ...histogram.cumulative().map((value, i) => ({
        metricName: `${full}_bucket`,
        labels: { le: String(histogram.bounds[i] ?? "+Inf") },
        value,
      })),
      { metricName: `${full}_sum`, labels: {}, value: histogram.sum },
      { metricName: `${full}_count`, labels: {}, value: histogram.count },
    ]);
  }

  /** All values now, as data. */
  async figures(): Promise<Figure[]> {
    return await this.#registry.getMetricsAsJSON();
  }

  /** Adds a metric that has its values already. */
  add(figure: Figure): void {
    this.#registry.registerMetric({ name: figure.name, get: () => figure });
  }

  async render(): Promise<{ text: string; contentType: string }> {
    return {
      text: await this.#registry.metrics(),
      contentType: this.#registry.contentType,
    };
  }

  #add(
    plainName: string,
    help: string,
    type: string,
    read: () => readonly FigureValue[],
  ): void {
    const name = fullName(plainName);
    const get = () => ({ name, help, type, values: read() });
    this.#registry.registerMetric({ name, get });
  }
}

function valueOf(value: number | undefined): FigureValue[] {
  return value === undefined ? [] : [{ labels: {}, value }];
}

function valuesOf(
  label: string,
  counts: ReturnType<ReadEach>,
): FigureValue[] {
  return Object.entries(counts).map(([text, count]) => ({
    labels: { [label]: text },
    value: count ?? 0,
  }));
}

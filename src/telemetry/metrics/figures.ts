// The figures of one thread as data and as text, and how figures are added up.
// Invariant: the sum of the same figures in the same order is the same number, so that a counter does not fall by rounding.
import { type Adding, addingOf } from "./adding.ts";

export interface FigureValue {
  /** Of a histogram's bucket, sum or count. */
  readonly metricName?: string | undefined;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  readonly value: number;
}

/** One metric with its values. */
export interface Figure {
  /** See {@linkcode fullName}. */
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly FigureValue[];
}

/** The name on /metrics. Those of any program, which begin with `process_`, have no prefix. */
export function fullName(name: string): string {
  return name.startsWith("process_") ? name : `qanat_${name}`;
}

/** The figures of one serving thread. */
export interface ThreadFigures {
  readonly now: readonly Figure[];
  /** What its predecessors had counted when they ended. */
  readonly ended: readonly Figure[];
}

/** Figures in lists or objects, as text. JSON has no infinite numbers: they are written as text. */
export function figuresText(figures: unknown): string {
  const text = JSON.stringify(figures);
  // A function per value takes several times as long.
  if (!text.includes('"value":null')) return text;
  return JSON.stringify(
    figures,
    (_, value) =>
      typeof value === "number" && !Number.isFinite(value)
        ? String(value)
        : value,
  );
}

/** What {@linkcode figuresText} has written. */
export function figuresOf<T = readonly Figure[]>(text: string): T {
  if (!text.includes('"value":"')) return JSON.parse(text);
  return JSON.parse(
    text,
    (key, value) => key === "value" ? Number(value) : value,
  );
}

/** Those that only grow. */
export function countersOf(figures: readonly Figure[]): Figure[] {
  return figures.filter(({ type }) => type !== "gauge");
}

/** The figures of a process: of the thread that reads, and of those that serve in the order of their numbers. */
export function processFigures(
  reading: readonly Figure[],
  serving: readonly ThreadFigures[],
): Figure[] {
  const perThread = [
    reading,
    ...serving.map(({ now, ended }) =>
      added([now, ended.filter(isOfOne)], () => "sum")
    ),
  ];
  const ofReading = new Set(reading.map(({ name }) => name));
  const counted = perThread.map((figures, i) =>
    i === 0
      ? figures
      : figures.filter(({ name }) =>
        addingOf(name) !== "reading" || !ofReading.has(name)
      )
  );
  return added(counted, (name) => addingOf(name));
}

/** Whether a thread counts it by itself, from 0 on: what all share outlives each of them. */
function isOfOne({ name }: Figure): boolean {
  return addingOf(name) !== "shared";
}

/** Adds up the figures of the same name and labels. */
export function added(
  all: readonly (readonly Figure[])[],
  wayOf: (name: string) => Adding,
): Figure[] {
  const byName = new Map<string, Figure & { values: FigureValue[] }>();
  const byLabels = new Map<string, { value: number }>();
  for (const { values, ...figure } of all.flat()) {
    const { name } = figure;
    const known = byName.get(name) ?? { ...figure, values: [] };
    byName.set(name, known);
    for (const value of values) {
      const { metricName = name, labels } = value;
      const key = JSON.stringify([metricName, Object.entries(labels).sort()]);
      const sum = byLabels.get(key);
      if (sum) sum.value = joined(sum.value, value.value, wayOf(name));
      else {
        const copy = { ...value };
        byLabels.set(key, copy);
        known.values.push(copy);
      }
    }
  }
  return [...byName.values()];
}

function joined(a: number, b: number, way: Adding): number {
  switch (way) {
    case "sum":
      return a + b;
    case "min":
      return Math.min(a, b);
    case "max":
    case "shared":
    case "reading":
      return Math.max(a, b);
  }
}

/** The sum of a metric's values, all or those with a label; 0 where there is none. */
export function totalOf(
  figures: readonly Figure[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const full = fullName(name);
  const figure = figures.find((figure) => figure.name === full);
  let total = 0;
  for (const value of figure?.values ?? []) {
    const isMeant = Object.entries(labels).every(([label, text]) =>
      value.labels[label] === text
    );
    if (isMeant) total += value.value;
  }
  return total;
}

// What /metrics shows with several workers: the figures of the process, and a few of each worker, with the label `worker`.
// Invariant: no metric without that label changes its name or meaning with the number of workers.
import {
  type Figure,
  processFigures,
  type ThreadFigures,
  totalOf,
} from "./figures.ts";
import { Prometheus } from "./prometheus.ts";

export interface WorkerFigures extends ThreadFigures {
  /** Number of the worker. */
  readonly worker: number;
  /** Whether these are its figures of now; else the last that it has sent. */
  readonly hasAnswered: boolean;
}

export interface ProcessFigures {
  /** Of the reading thread. */
  readonly reading: readonly Figure[];
  /** In the order of their numbers. */
  readonly workers: readonly WorkerFigures[];
  /** Whether /readyz succeeds: a thread that hangs does not say so itself. @default what the workers say */
  readonly isReady?: boolean;
}

/** Metrics of each worker, and from which of its figures they are made. */
const OF_EACH = {
  worker_clients: ["Connected clients, by worker", "clients"],
  worker_event_loop_delay_seconds: [
    "Largest recent delay of the event loop, by worker",
    "event_loop_delay_seconds",
  ],
  worker_heap_used_bytes: ["Heap in use, by worker", "heap_used_bytes"],
} as const;

/** Of a worker: what the others did not answer it in time. */
export function missingAnswers(value: number): Figure {
  return {
    name: "qanat_thread_answers_missing_total",
    help: "Answers that other threads did not give within 900 ms",
    type: "counter",
    values: [{ labels: {}, value }],
  };
}

/** The text of /metrics. */
export function processMetricsText(
  { reading, workers, isReady = true }: ProcessFigures,
): Promise<{ text: string; contentType: string }> {
  const metrics = new Prometheus();
  const notReady = [{ labels: {}, value: 0 }];
  for (const figure of processFigures(reading, workers)) {
    const isWrong = figure.name === "qanat_ready" && !isReady;
    metrics.add(isWrong ? { ...figure, values: notReady } : figure);
  }
  for (const [name, [help, of]] of Object.entries(OF_EACH)) {
    metrics.gauges(
      { name, help, label: "worker" },
      () => byWorker(workers, ({ now }) => totalOf(now, of)),
    );
  }
  metrics.gauges(
    {
      name: "worker_answers",
      help:
        "1 when the worker answered within a second; else its last figures are used",
      label: "worker",
    },
    () => byWorker(workers, ({ hasAnswered }) => hasAnswered ? 1 : 0),
  );
  return metrics.render();
}

function byWorker(
  workers: readonly WorkerFigures[],
  read: (worker: WorkerFigures) => number,
): Record<string, number> {
  return Object.fromEntries(
    workers.map((each) => [String(each.worker), read(each)]),
  );
}

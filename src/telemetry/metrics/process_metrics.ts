// Metrics that any program has, by the names that are usual for them; memory is in memory_metrics.ts. None at the edge.
// process_open_fds and process_max_fds are left out: they are in /proc, which Deno opens only with all permissions.
import type { ProcessUse } from "../process_use.ts";
import type { Prometheus } from "./prometheus.ts";

export interface ProcessParts {
  /** Undefined where the runtime does not report it. */
  readonly processUse: ProcessUse | undefined;
}

export function processMetrics(
  metrics: Prometheus,
  { processUse }: ProcessParts,
): void {
  if (!processUse) return;
  metrics.gauge(
    "process_start_time_seconds",
    "When the process started (Unix time)",
    () => processUse.startSeconds,
  );
  metrics.counter(
    "process_cpu_seconds_total",
    "CPU time of all threads of the process, user and system",
    () => {
      const { user, system } = processUse.cpuSeconds();
      return user + system;
    },
  );
  metrics.counter(
    "process_cpu_user_seconds_total",
    "CPU time of all threads of the process, user",
    () => processUse.cpuSeconds().user,
  );
  metrics.counter(
    "process_cpu_system_seconds_total",
    "CPU time of all threads of the process, system",
    () => processUse.cpuSeconds().system,
  );
}

// Metrics of the instance as a whole: build, uptime, readiness, event loop, clock, log.
import type { GpsClock } from "../../blocks/gps_clock.ts";
import { buildOf } from "../build_info.ts";
import type { Ticker } from "../ticker.ts";
import type { UsageLog } from "../usage_log.ts";
import type { Prometheus } from "./prometheus.ts";

/** A thread with an event loop and a log. */
export interface LoopParts {
  readonly ticker: Pick<Ticker, "delayMs" | "waits">;
  /** Undefined where the log cannot lose lines. */
  readonly logLines: { readonly lostLines: number } | undefined;
}

export interface InstanceParts extends LoopParts {
  readonly config: { readonly revision: string };
  readonly uptimeSeconds: () => number;
  readonly isReady: () => boolean;
  readonly clock: Pick<GpsClock, "counters" | "stepMs">;
  /** How often the watchdog missed each part of this instance; undefined without a watchdog. */
  readonly missedProbes: (() => Readonly<Record<string, number>>) | undefined;
  /** Undefined where finished streams are not logged. */
  readonly usageLog: Pick<UsageLog, "counters" | "isFailing"> | undefined;
}

export function instanceMetrics(
  metrics: Prometheus,
  parts: InstanceParts,
): void {
  const { clock, config, isReady, missedProbes } = parts;
  metrics.info("build_info", "Version and source revision", buildOf(config));
  uptimeMetric(metrics, parts.uptimeSeconds);
  if (missedProbes) missedProbesMetric(metrics, missedProbes);
  metrics.gauge("ready", "1 when /readyz succeeds", () => isReady() ? 1 : 0);
  loopMetrics(metrics, parts);
  metrics.counter(
    "clock_steps_total",
    "Steps of the wall clock",
    () => clock.counters.steps,
  );
  metrics.gauge(
    "clock_wall_ahead_seconds",
    "How far the wall clock is ahead of the time by which blocks are judged",
    () => clock.stepMs / 1000,
  );
  logMetrics(metrics, parts);
  usageLogMetrics(metrics, parts.usageLog);
}

export function uptimeMetric(metrics: Prometheus, read: () => number): void {
  metrics.gauge("uptime_seconds", "Time since the instance was created", read);
}

export function missedProbesMetric(
  metrics: Prometheus,
  read: NonNullable<InstanceParts["missedProbes"]>,
): void {
  metrics.counters(
    {
      name: "watchdog_missed_probes_total",
      help: "Probes of the watchdog that a part of the service did not answer",
      label: "part",
    },
    read,
  );
}

export function loopMetrics(
  metrics: Prometheus,
  { ticker }: Pick<LoopParts, "ticker">,
): void {
  metrics.gauge(
    "event_loop_delay_seconds",
    "Largest recent delay of the event loop",
    () => ticker.delayMs / 1000,
  );
  metrics.histogram(
    "event_loop_wait_seconds",
    "How late a timer that is due ten times a second ran",
    ticker.waits,
  );
}

export function logMetrics(
  metrics: Prometheus,
  { logLines }: Pick<LoopParts, "logLines">,
): void {
  if (!logLines) return;
  metrics.counter(
    "log_lines_lost_total",
    "Log lines that could not be written",
    () => logLines.lostLines,
  );
}

export function usageLogMetrics(
  metrics: Prometheus,
  usageLog: InstanceParts["usageLog"],
): void {
  metrics.counter(
    "usage_log_lines_total",
    "Lines written to the usage log",
    () => usageLog?.counters.lines ?? 0,
  );
  metrics.counter(
    "usage_log_lines_lost_total",
    "Finished streams that are missing in the usage log",
    () => usageLog?.counters.lost ?? 0,
  );
  metrics.gauge(
    "usage_log_failing",
    "1 when the last write to the usage log has failed",
    () => usageLog?.isFailing ? 1 : 0,
  );
}

// The metrics of a thread that reads for several that serve: those of the source, of trends, and of the thread itself.
import type { MemoryUse } from "../memory_use.ts";
import type { UsageLog } from "../usage_log.ts";
import type { Figure } from "./figures.ts";
import {
  logMetrics,
  loopMetrics,
  type LoopParts,
  missedProbesMetric,
  uptimeMetric,
  usageLogMetrics,
} from "./instance_metrics.ts";
import {
  allocationMetrics,
  type GcCounters,
  heapMetrics,
} from "./memory_metrics.ts";
import { processMetrics, type ProcessParts } from "./process_metrics.ts";
import { Prometheus } from "./prometheus.ts";
import { blockMetrics, type BlockParts } from "./block_metrics.ts";
import { topicMetrics, type TopicParts } from "./topic_metrics.ts";
import { sourceMetrics, type SourceParts } from "./source_metrics.ts";
import { trendMetrics, type TrendParts } from "./trend_metrics.ts";

export type ReadingParts =
  & SourceParts
  & LoopParts
  & TrendParts
  & ProcessParts
  & {
    /** Those that are counted here. */
    readonly blocks: BlockParts["store"] & TopicParts["store"];
    /** Since the process began; workers may be younger. */
    readonly uptimeSeconds: () => number;
    readonly gc: GcCounters;
    readonly memoryUse: Pick<MemoryUse, "perClientBytes" | "read">;
    readonly usageLog: Pick<UsageLog, "counters" | "isFailing"> | undefined;
    /** How often the watchdog missed each part of this thread. */
    readonly missedProbes: () => Readonly<Record<string, number>>;
    /** Workers that failed and were replaced. */
    readonly workersReplaced: () => number;
  };

/** It allocates no buffers while it runs. */
const NO_ALLOCATIONS = { allocations: { bytes: 0, seconds: 0 } };

/** Gives the values of the reading thread. */
export class ReadingMetrics {
  readonly #metrics = new Prometheus();

  constructor(parts: ReadingParts) {
    const metrics = this.#metrics;
    uptimeMetric(metrics, parts.uptimeSeconds);
    loopMetrics(metrics, parts);
    logMetrics(metrics, parts);
    usageLogMetrics(metrics, parts.usageLog);
    sourceMetrics(metrics, parts);
    // Of topics that are read for trends only, or whose blocks are counted here.
    blockMetrics(metrics, { store: parts.blocks });
    topicMetrics(metrics, { store: parts.blocks });
    trendMetrics(metrics, parts);
    allocationMetrics(metrics, parts.gc, NO_ALLOCATIONS);
    heapMetrics(metrics, parts.memoryUse);
    processMetrics(metrics, parts);
    missedProbesMetric(metrics, parts.missedProbes);
    metrics.counter(
      "workers_replaced_total",
      "Workers that failed and were replaced",
      parts.workersReplaced,
    );
  }

  figures(): Promise<Figure[]> {
    return this.#metrics.figures();
  }
}

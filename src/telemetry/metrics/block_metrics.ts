// Metrics of retained blocks and of the join: what arrived, what was set aside, what was late or missing.
import type { BlockStore } from "../../blocks/block_store.ts";
import type { NameAndHelp, Prometheus } from "./prometheus.ts";

export interface BlockParts {
  readonly store: Pick<
    BlockStore,
    | "behindMs"
    | "counters"
    | "shortRows"
    | "partitionsAhead"
    | "total"
  >;
}

/** Counters of each partition, whose sums are rendered. */
const BLOCK_COUNTERS = {
  blocks: ["blocks_total", "Blocks stored"],
  bytes: ["block_bytes_total", "Bytes of stored messages"],
  bad: ["messages_bad_total", "Messages that could not be decoded"],
  late: ["blocks_late_total", "Blocks that arrived after their row was sent"],
  duplicate: ["blocks_duplicate_total", "Blocks that arrived a second time"],
  future: ["blocks_future_total", "Blocks set aside: their time is ahead"],
  tooLarge: [
    "blocks_too_large_total",
    "Blocks set aside: larger than the page ring accepts",
  ],
  missed: [
    "blocks_missed_total",
    "Blocks given up: they did not arrive in time",
  ],
  resets: ["time_resets_total", "Jumps back in a partition's time"],
  headerHits: [
    "header_cache_hits_total",
    "Messages with the layout of the one before",
  ],
  headerMisses: [
    "header_cache_misses_total",
    "Messages whose layout had to be parsed",
  ],
} satisfies Record<Parameters<BlockStore["total"]>[0], NameAndHelp>;

const STORE_COUNTERS = {
  holes: ["offset_holes_total", "Kafka offsets that were never read"],
  restarts: ["topic_restarts_total", "Topics that were created again"],
} satisfies Record<keyof BlockStore["counters"], NameAndHelp>;

export function blockMetrics(metrics: Prometheus, { store }: BlockParts): void {
  metrics.counterTable(BLOCK_COUNTERS, (counter) => store.total(counter));
  metrics.counterTable(STORE_COUNTERS, (counter) => store.counters[counter]);
  metrics.counter(
    "rows_late_total",
    "Rows sent without a partition whose block was late",
    () => store.shortRows,
  );
  metrics.gauge(
    "partitions_ahead",
    "Partitions whose last message was set aside because its time is ahead",
    () => store.partitionsAhead,
  );
  metrics.gauge(
    "clock_behind_seconds",
    "How far the times of all arriving blocks are ahead; 0 unless all are ahead",
    () => store.behindMs / 1000,
  );
}

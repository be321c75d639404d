// Metrics of histories and resumes, which read from the source again.
import type { BlockStore } from "../../blocks/block_store.ts";
import type { OldestBlocks } from "../../blocks/oldest_blocks.ts";
import type { ClientFigures } from "../../clients/client_figures.ts";
import type { NameAndHelp, Prometheus } from "./prometheus.ts";

export interface HistoryParts {
  readonly hub: { readonly figures: Pick<ClientFigures, "history"> };
  readonly store: Pick<BlockStore, "historyCounters">;
  readonly channelStates: { readonly oldest: Pick<OldestBlocks, "counters"> };
}

const GAUGES = {
  histories: ["histories", "Histories that are read from the source now"],
  resumes: [
    "resumes",
    "Resumes within --resume-window-ms that are read from the source now",
  ],
  historiesWaiting: [
    "histories_waiting",
    "Resumes from before --resume-window-ms that wait for a reader of histories",
  ],
  resumesWaiting: [
    "resumes_waiting",
    "Resumes within --resume-window-ms that wait for a reader of resumes",
  ],
} as const;

const COUNTERS = {
  rows: ["past_rows_total", "Rows of histories and resumes sent to clients"],
  reads: ["past_reads_total", "Reads for histories and resumes"],
  failures: [
    "past_failures_total",
    "Reads for histories and resumes that failed",
  ],
  refused: [
    "histories_refused_total",
    "Histories refused because --history-readers-max was reached",
  ],
  suspended: [
    "past_suspended_total",
    "Histories and resumes suspended in favour of another: their client had stopped reading",
  ],
  joined: [
    "past_joined_total",
    "Resumes that joined the reading of others with the same selection",
  ],
  outpaced: [
    "past_outpaced_total",
    "Resumes that left a shared reading since others of it read much faster",
  ],
} satisfies Record<keyof ClientFigures["history"]["counters"], NameAndHelp>;

export function historyMetrics(
  metrics: Prometheus,
  { hub: { figures: { history } }, store, channelStates }: HistoryParts,
): void {
  metrics.gaugeTable(GAUGES, (field) => history[field]);
  metrics.counterTable(COUNTERS, (counter) => history.counters[counter]);
  metrics.counters(
    {
      name: "past_set_aside_total",
      help:
        "Messages of histories and resumes that are in no row: not decodable, or stamped ahead",
      label: "reason",
    },
    () => ({
      bad: store.historyCounters.bad,
      future: store.historyCounters.future,
    }),
  );
  metrics.counters(
    {
      name: "oldest_lookups_total",
      help:
        "Times that the source was to be asked since when a topic has data; limited: not asked, as too many others were",
      label: "outcome",
    },
    () => channelStates.oldest.counters,
  );
}

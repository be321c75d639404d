// Metrics of clients: who is connected, what was sent, what was missing, who was refused.
import type { ClientFigures } from "../../clients/client_figures.ts";
import type { NameAndHelp, Prometheus } from "./prometheus.ts";

export interface ClientParts {
  readonly hub: { readonly figures: ClientFigures };
}

const GAUGES = {
  clients: ["clients", "Connected clients"],
  clientsToDrain: [
    "clients_to_drain",
    "Clients that a shutdown has still to end",
  ],
  selections: ["selections", "Different selections that clients read"],
  addresses: [
    "client_addresses",
    "Different owners and addresses of connected clients",
  ],
  admissionsWaiting: [
    "openings_waiting",
    "Stream requests that wait for admission",
  ],
} satisfies Partial<Record<keyof ClientFigures, NameAndHelp>>;

const COUNTERS = {
  framesEncoded: ["frames_encoded_total", "Live frames encoded"],
  framesSent: ["frames_sent_total", "Live frames sent, one for each client"],
  catchUpRows: [
    "catch_up_rows_total",
    "Rows encoded again for clients that were behind",
  ],
  rowsInRuns: [
    "rows_joined_total",
    "Rows that left in one write with others because delivery was behind, one for each client",
  ],
  opened: ["clients_opened_total", "Streams opened"],
  slabShort: ["slab_short_total", "Frames for which the slab had no free slot"],
  unchargedBytes: [
    "uncharged_bytes_total",
    "Bytes for one client for which the slab had no free slot",
  ],
  encodeSeconds: ["encode_seconds_total", "Time spent encoding live frames"],
  writeSeconds: ["write_seconds_total", "Time spent sending live frames"],
  bytesSaved: ["bytes_saved_total", "Bytes saved by compression"],
} satisfies Record<keyof ClientFigures["counters"], NameAndHelp>;

export function clientMetrics(
  metrics: Prometheus,
  { hub: { figures } }: ClientParts,
): void {
  metrics.gaugeTable(GAUGES, (field) => figures[field]);
  metrics.gauge(
    "fan_out_busy_seconds",
    "How long there have been rows to send without a pause",
    () => figures.liveBusyMs / 1000,
  );
  metrics.counterTable(COUNTERS, (counter) => figures.counters[counter]);
  metrics.counter(
    "bytes_sent_total",
    "Bytes sent to clients",
    () => figures.bytesSent,
  );
  metrics.counters(
    {
      name: "gaps_total",
      help: "Gaps reported to clients, by reason",
      label: "reason",
    },
    () => figures.gapsReported,
  );
  metrics.counters(
    {
      name: "clients_ended_total",
      help: "Streams ended, by reason",
      label: "reason",
    },
    () => figures.ends,
  );
  metrics.counters(
    {
      name: "settled_answers_total",
      help:
        "Requests for a range that has ended, by what became of them: only what was sent may be stored by caches",
      label: "answer",
    },
    () => figures.settledAnswers,
  );
  metrics.counter(
    "holders_refused_total",
    "Owners and addresses refused because there was no memory to count them; only with several workers",
    () => figures.refusedHolders,
  );
  metrics.counters(
    {
      name: "clients_refused_total",
      help: "Streams refused, by the limit that was reached",
      label: "limit",
    },
    () => figures.refusals,
  );
}

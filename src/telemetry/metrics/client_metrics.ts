// Metrics of clients: who is connected, what was sent, what was missing, who was refused.
import type { ClientHub } from "../../clients/client_hub.ts";
import type { NameAndHelp, Prometheus } from "./prometheus.ts";

export interface ClientParts {
  readonly hub: Pick<
    ClientHub,
    | "bytesSent"
    | "clientCount"
    | "counters"
    | "ends"
    | "liveQueue"
    | "gapsReported"
    | "admission"
    | "groups"
    | "admissionQueue"
  >;
}

const COUNTERS = {
  framesEncoded: ["frames_encoded_total", "Live frames encoded"],
  framesSent: ["frames_sent_total", "Live frames sent, one for each client"],
  catchUpRows: [
    "catch_up_rows_total",
    "Rows encoded again for clients that were behind",
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
} satisfies Record<keyof ClientHub["counters"], NameAndHelp>;

export function clientMetrics(
  metrics: Prometheus,
  { hub }: ClientParts,
): void {
  metrics.gauge("clients", "Connected clients", () => hub.clientCount);
  metrics.gauge(
    "selections",
    "Different selections that clients read",
    () => hub.groups.size,
  );
  metrics.gauge(
    "client_addresses",
    "Different addresses of connected clients",
    () => hub.admission.addresses.size,
  );
  metrics.gauge(
    "openings_waiting",
    "Stream requests that wait for admission",
    () => hub.admissionQueue.waiting,
  );
  metrics.gauge(
    "fan_out_busy_seconds",
    "How long there have been rows to send without a pause",
    () => hub.liveQueue.busyMs / 1000,
  );
  metrics.counterTable(COUNTERS, (counter) => hub.counters[counter]);
  metrics.counter(
    "bytes_sent_total",
    "Bytes sent to clients",
    () => hub.bytesSent,
  );
  metrics.counters(
    {
      name: "gaps_total",
      help: "Gaps reported to clients, by reason",
      label: "reason",
    },
    () => hub.gapsReported,
  );
  metrics.counters(
    {
      name: "clients_ended_total",
      help: "Streams ended, by reason",
      label: "reason",
    },
    () => hub.ends,
  );
  metrics.counters(
    {
      name: "clients_refused_total",
      help: "Streams refused, by the limit that was reached",
      label: "limit",
    },
    () => hub.admission.refusals,
  );
}

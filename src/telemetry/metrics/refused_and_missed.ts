// What an instance has refused, set aside or never received: the counters of the log line `refused-and-missed`.
// Invariant: they have the names of /metrics, without `qanat_` and `_total`.
import type { BlockStore } from "../../blocks/block_store.ts";
import type { Catalog } from "../../channels/catalog.ts";
import type { ClientFigures } from "../../clients/client_figures.ts";
import type { RequestLimits } from "../../http/limits/request_limits.ts";
import type { Source } from "../../source/source.ts";
import type { Logger } from "../log.ts";
import { SetAsideReport } from "../set_aside_report.ts";
import { type Figure, totalOf } from "./figures.ts";

export interface RefusingParts {
  readonly source: Pick<Source, "status">;
  readonly catalog: Pick<Catalog, "refused">;
  readonly store: Pick<BlockStore, "counters" | "historyCounters" | "total">;
  readonly hub: {
    readonly figures: Pick<ClientFigures, "refusals" | "gapsReported">;
  };
  readonly requests: Pick<RequestLimits, "refusals">;
}

/** All counters; each only grows. */
export function refusedAndMissed(
  { store, catalog, hub: { figures }, requests, source }: RefusingParts,
): Record<string, number> {
  return {
    messages_bad: store.total("bad"),
    blocks_future: store.total("future"),
    blocks_late: store.total("late"),
    blocks_duplicate: store.total("duplicate"),
    blocks_too_large: store.total("tooLarge"),
    blocks_missed: store.total("missed"),
    offset_holes: store.counters.holes,
    past_set_aside: store.historyCounters.bad + store.historyCounters.future,
    channels_refused: sum(catalog.refused.counts),
    records_refused: source.status().counters["refused_records"] ?? 0,
    gaps_missing: figures.gapsReported.missing,
    clients_refused: sum(figures.refusals),
    requests_refused: sum(requests.refusals),
  };
}

/** The report of an instance; null where another thread reports for it. `clockMs`: monotonic. */
export function setAsideReport(
  parts: RefusingParts & { readonly log: Logger },
  { reportsEachMinute = true }: { readonly reportsEachMinute?: boolean },
  clockMs: () => number,
): SetAsideReport | null {
  if (!reportsEachMinute) return null;
  const read = () => refusedAndMissed(parts);
  return new SetAsideReport({ log: parts.log, clockMs, read });
}

/** The same counters from the figures of a whole process. */
export function refusedAndMissedOf(
  figures: readonly Figure[],
): Record<string, number> {
  const total = (name: string) => totalOf(figures, name);
  return {
    messages_bad: total("messages_bad_total"),
    blocks_future: total("blocks_future_total"),
    blocks_late: total("blocks_late_total"),
    blocks_duplicate: total("blocks_duplicate_total"),
    blocks_too_large: total("blocks_too_large_total"),
    blocks_missed: total("blocks_missed_total"),
    offset_holes: total("offset_holes_total"),
    past_set_aside: total("past_set_aside_total"),
    channels_refused: total("channels_refused_total"),
    records_refused: total("records_refused_total"),
    gaps_missing: totalOf(figures, "gaps_total", { reason: "missing" }),
    clients_refused: total("clients_refused_total"),
    requests_refused: total("requests_refused_total"),
  };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

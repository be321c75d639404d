// What an instance has refused, set aside or never received: the counters of the log line `refused-and-missed`.
// Invariant: they have the names of /metrics, without `qanat_` and `_total`.
import type { BlockStore } from "../../blocks/block_store.ts";
import type { Catalog } from "../../channels/catalog.ts";
import type { ClientFigures } from "../../clients/client_figures.ts";
import type { RequestLimits } from "../../http/limits/request_limits.ts";
import type { Source } from "../../source/source.ts";

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

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

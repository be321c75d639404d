// Whether a new client needs history, and what it gets where that cannot be read.
import type { BlockStore } from "../blocks/block_store.ts";
import type { ClientOptions } from "./client_options.ts";
import type { SelectionGroup } from "./selection_group.ts";

/** Why a client is refused while history cannot be read. It names no address. */
export const HISTORY_FAILS =
  "Rows that are no longer in memory cannot be read at present, as the source of this instance refuses them or does not answer";

export interface NeedsHistoryParts {
  readonly store: Pick<BlockStore, "gpsMs">;
  readonly resumeWindowMs: number;
}

/** Whether what a client asks for begins before the rows of the page ring. */
export function needsHistory(
  { timeline, trend }: SelectionGroup,
  { startNs, afterNs }: ClientOptions,
  { store, resumeWindowMs }: NeedsHistoryParts,
): boolean {
  // Trends are kept in memory only: history has none.
  if (trend !== null) return false;
  // A resume is never refused: if it needs history, it waits for a permit of its own kind.
  if (startNs === undefined || typeof afterNs === "bigint") return false;
  const row = timeline.rowOf(startNs);
  if (timeline.released >= 0) {
    return row < timeline.released && !timeline.isWhole(row);
  }
  // The page ring is about to be filled so far back.
  return store.gpsMs() - row * timeline.strideMs > resumeWindowMs;
}

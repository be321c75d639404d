// Why a block is not in its row.

/** Why rows do not wait for a partition. `late`: its next block did not arrive within `max_latency`. */
export type AbsentReason = "late" | "unreachable";

/** Why a block is not in its row. `missing` and `future` occur only in history, see `HistoryBlocks`. */
export type MissReason = AbsentReason | "missing" | "future";

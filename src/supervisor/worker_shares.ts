// What the workers of a process count together, from the time when its limits are known.
// Invariant: what a worker held is free as soon as it counts as ended, and before its successor starts.
import { poolMemory } from "../shares/pool_memory.ts";
import { ShareColumns } from "../shares/share_columns.ts";
import type { FittingLimits, SharedLimits } from "./messages.ts";

/** Allocates the memory. */
export class WorkerShares {
  readonly #columns: ShareColumns;
  readonly #backlog: number;

  constructor(
    workers: number,
    { backlog, ...limits }: FittingLimits,
  ) {
    this.#columns = new ShareColumns(poolMemory({ workers, ...limits }));
    this.#backlog = backlog;
  }

  /** For a worker that starts. */
  begin(worker: number): SharedLimits {
    return { column: this.#columns.begin(worker), backlog: this.#backlog };
  }

  /** Frees what a worker held; what it still does counts no more. */
  end(worker: number): void {
    this.#columns.end(worker);
  }
}

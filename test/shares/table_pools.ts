// Pools in shared memory as several workers see them, for tests.
import { ShareColumns } from "../../src/shares/share_columns.ts";
import { newShareMemory } from "../../src/shares/share_memory.ts";
import type {
  SharePool,
  SharePoolOptions,
} from "../../src/shares/share_pool.ts";
import { POOL_NAMES, type PoolName } from "../../src/shares/share_pools.ts";
import { TableSharePools } from "../../src/shares/table_share_pools.ts";

/** What threads hammer, and for how many holders. */
export const HOLDERS = 8;
export const HAMMERED = { capacity: 40, sharePercent: 100, maxOf: () => 9 };

/** A process with so many workers, all in this thread. */
export class TableProcess {
  readonly columns: ShareColumns;
  readonly workers: TableSharePools[] = [];

  constructor(workers: number, entriesMax = 1000) {
    const pools = POOL_NAMES.length;
    this.columns = new ShareColumns(
      newShareMemory({ workers, pools, entriesMax }),
    );
    for (let worker = 0; worker < workers; worker++) this.start(worker);
  }

  /** Starts a worker, instead of one that has ended. */
  start(worker: number): void {
    this.workers[worker] = new TableSharePools(this.columns.begin(worker));
  }

  /** One pool, as each worker sees it. */
  pools(options: SharePoolOptions, name: PoolName = "clients"): SharePool[] {
    return this.workers.map((worker) => worker.pool(name, options));
  }
}

// The permits of one kind: those that clients have, and the clients that wait for one.
// Invariant: clients that wait are served first, also where they wait in another thread.
import type { PermitLineService } from "./permit_line.ts";
import { PermitLine } from "./permit_line.ts";
import { Permit, type PermitKind, takePermit } from "./permit.ts";
import { PermitExchange } from "./permit_exchange.ts";
import type { ShareHolder } from "../shares/share_holder.ts";
import type {
  PoolRefusal,
  SharePool,
  SharePoolOptions,
} from "../shares/share_pool.ts";
import type { SharePools } from "../shares/share_pools.ts";

const POOL_NAMES = { history: "histories", resume: "resumes" } as const;

/** One thread's view of them. */
export class Permits {
  readonly kind: PermitKind;
  readonly pool: SharePool;
  readonly line: PermitLine = new PermitLine();
  readonly exchange: PermitExchange;
  readonly #onReturned: () => void;

  /** `onReturned`: a client may be ending, or many. */
  constructor(
    kind: PermitKind,
    sharePools: SharePools,
    options: SharePoolOptions & { readonly onReturned: () => void },
  ) {
    this.kind = kind;
    this.pool = sharePools.pool(POOL_NAMES[kind], options);
    this.exchange = new PermitExchange(sharePools.notice(POOL_NAMES[kind]));
    this.#onReturned = options.onReturned;
  }

  get isFull(): boolean {
    return this.pool.used >= this.pool.capacity;
  }

  /** Takes a free permit. */
  take(holder: ShareHolder): Permit | PoolRefusal {
    const { exchange, kind, pool } = this;
    const permit = takePermit(kind, pool, holder, () => {
      exchange.returned(pool.capacity);
      this.#onReturned();
    });
    if (permit instanceof Permit) exchange.taken();
    return permit;
  }

  /** Lets clients of the line begin. `isPassing`: also while no permit is free. */
  serve(
    isPassing: boolean,
    service: () => PermitLineService,
  ): void {
    const { exchange, line } = this;
    if (exchange.leavesPermits) return;
    if (line.size === 0) exchange.served(0, 0);
    else if (!isPassing && this.isFull) {
      exchange.served(line.size, line.holders);
    } else {
      const short = line.serve(service());
      exchange.served(line.size, short);
    }
  }
}

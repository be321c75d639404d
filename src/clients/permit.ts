// The right to read history from the source. Invariant: it returns itself to its pool exactly once, and closes what was
// read with it and not taken.
import type { HistoryRows } from "../blocks/history_rows.ts";
import type { ShareHolder } from "../shares/share_holder.ts";
import type { PoolRefusal, SharePool } from "../shares/share_pool.ts";

/** `history`: for rows of any age. `resume`: for rows within the resume window. Each kind has its pool. */
export type PermitKind = "history" | "resume";

/** Takes a permit for a holder, or returns why it is refused. `onReturned`: it is in the pool again. */
export function takePermit(
  kind: PermitKind,
  pool: SharePool,
  holder: ShareHolder | string,
  onReturned: () => void = () => {},
): Permit | PoolRefusal {
  return pool.take(holder) ?? new Permit(kind, pool, holder, onReturned);
}

/** One permit; dispose of it to return it. Disposing again does nothing. */
export class Permit implements Disposable {
  readonly kind: PermitKind;
  readonly #pool: SharePool;
  readonly #holder: ShareHolder | string;
  readonly #onReturned: () => void;
  #isReturned = false;
  #prepared: HistoryRows | null = null;

  /** For {@linkcode takePermit}, which has taken it from the pool. */
  constructor(
    kind: PermitKind,
    pool: SharePool,
    holder: ShareHolder | string,
    onReturned: () => void,
  ) {
    this.kind = kind;
    this.#pool = pool;
    this.#holder = holder;
    this.#onReturned = onReturned;
  }

  /** Keeps a history that was opened for the permit's client before it begins. */
  prepare(history: HistoryRows): void {
    if (this.#isReturned) history.close();
    else this.#prepared = history;
  }

  /** The history that was kept, once; the caller closes it. Null where there is none. */
  takePrepared(): HistoryRows | null {
    const prepared = this.#prepared;
    this.#prepared = null;
    return prepared;
  }

  /** Passes it to another holder, as a new permit; null if that one may not have one. */
  passTo(holder: ShareHolder | string): Permit | null {
    if (this.#isReturned) throw new Error("Cannot pass on a returned permit");
    if (this.#pool.move(this.#holder, holder) !== null) return null;
    this.#isReturned = true;
    this.takePrepared()?.close();
    return new Permit(this.kind, this.#pool, holder, this.#onReturned);
  }

  [Symbol.dispose](): void {
    if (this.#isReturned) return;
    this.#isReturned = true;
    this.takePrepared()?.close();
    this.#pool.release(this.#holder);
    this.#onReturned();
  }
}

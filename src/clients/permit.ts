// The right to read history from the source. Invariant: it returns itself to its pool exactly once.
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

  /** Passes it to another holder, as a new permit; null if that one may not have one. */
  passTo(holder: ShareHolder | string): Permit | null {
    if (this.#isReturned) throw new Error("Cannot pass on a returned permit");
    if (this.#pool.move(this.#holder, holder) !== null) return null;
    this.#isReturned = true;
    return new Permit(this.kind, this.#pool, holder, this.#onReturned);
  }

  [Symbol.dispose](): void {
    if (this.#isReturned) return;
    this.#isReturned = true;
    this.#pool.release(this.#holder);
    this.#onReturned();
  }
}

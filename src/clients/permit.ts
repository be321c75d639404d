// The right to read history from the source. Invariant: it returns itself to its pool exactly once.
import type { AddressPool, PoolRefusal } from "./address_pool.ts";

/** `history`: for rows of any age. `resume`: for rows within the resume window. Each kind has its pool. */
export type PermitKind = "history" | "resume";

/** Takes a permit for an address, or returns why it is refused. `onReturned`: it is in the pool again. */
export function takePermit(
  kind: PermitKind,
  pool: AddressPool,
  address: string,
  onReturned: () => void = () => {},
): Permit | PoolRefusal {
  return pool.take(address) ?? new Permit(kind, pool, address, onReturned);
}

/** One permit; dispose of it to return it. Disposing again does nothing. */
export class Permit implements Disposable {
  readonly kind: PermitKind;
  readonly #pool: AddressPool;
  readonly #address: string;
  readonly #onReturned: () => void;
  #isReturned = false;

  /** For {@linkcode takePermit}, which has taken it from the pool. */
  constructor(
    kind: PermitKind,
    pool: AddressPool,
    address: string,
    onReturned: () => void,
  ) {
    this.kind = kind;
    this.#pool = pool;
    this.#address = address;
    this.#onReturned = onReturned;
  }

  /** Passes it to another address, as a new permit; null if that address may not have one. */
  passTo(address: string): Permit | null {
    if (this.#isReturned) throw new Error("Cannot pass on a returned permit");
    if (this.#pool.move(this.#address, address) !== null) return null;
    this.#isReturned = true;
    return new Permit(this.kind, this.#pool, address, this.#onReturned);
  }

  [Symbol.dispose](): void {
    if (this.#isReturned) return;
    this.#isReturned = true;
    this.#pool.release(this.#address);
    this.#onReturned();
  }
}

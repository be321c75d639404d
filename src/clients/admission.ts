// Who is let in: clients by address, and who was refused by which limit.
// Invariant: an address stands in the table while it has clients, and only then.

/** The limit that a client was refused by, as `/metrics` names it. */
export const REFUSALS = [
  "clients",
  "address",
  "memory",
  "histories",
  "trends",
  "selection",
  "row",
  "draining",
] as const;
export type Refusal = typeof REFUSALS[number];

/** Refusals by limit, all 0. */
export function newRefusals(): Record<Refusal, number> {
  return Object.fromEntries(REFUSALS.map((name) => [name, 0])) as Record<
    Refusal,
    number
  >;
}

/** Counts clients by address. One that is not known ("") is not counted. */
export class AddressTable {
  readonly #clientsMax: number;
  readonly #clients = new Map<string, number>();

  /** `clientsMax`: of one address; 0 for any number. */
  constructor(clientsMax: number) {
    this.#clientsMax = clientsMax;
  }

  /** Addresses with clients. */
  get size(): number {
    return this.#clients.size;
  }

  /** Clients of the address that has most. Linear: for status. */
  get most(): number {
    let most = 0;
    for (const clients of this.#clients.values()) {
      if (clients > most) most = clients;
    }
    return most;
  }

  /** Counts one more client; false when the address has all it may have. */
  take(address: string): boolean {
    if (address === "") return true;
    const clients = this.#clients.get(address) ?? 0;
    if (this.#clientsMax > 0 && clients >= this.#clientsMax) return false;
    this.#clients.set(address, clients + 1);
    return true;
  }

  release(address: string): void {
    if (address === "") return;
    const clients = this.#clients.get(address);
    if (clients === undefined) {
      throw new Error(`Cannot release a client of ${address} as it has none`);
    }
    if (clients === 1) this.#clients.delete(address);
    else this.#clients.set(address, clients - 1);
  }
}

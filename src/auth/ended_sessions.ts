// Sessions that were ended before they expired, so that a copy of their cookie is refused by this instance.
// Invariant: memory is bounded. Where the list is full, it refuses more sessions than were ended, never fewer.

export interface EndedSessionsOptions {
  /** Most ended sessions of one owner. @default 100 */
  readonly ownerMax?: number;
  /** Most owners. @default 10,000 */
  readonly ownersMax?: number;
}

/** What names a session in the list. Times are Unix ms. */
export interface ListedSession {
  readonly id: string;
  readonly owner: string;
  readonly startedMs: number;
  readonly expiresMs: number;
}

/** The ended sessions of one owner. */
interface Owned {
  /** When each expires, by id. */
  readonly expiresMs: Map<string, number>;
  /** All sessions that began up to this time have ended. */
  allUntilMs: number;
  /** When the last of these has expired. */
  lastExpiryMs: number;
}

/** A whole list, to be sent to another thread. Times are Unix ms; null: none. */
export interface EndedSessionsList {
  readonly allUntilMs: number | null;
  readonly latestStartMs: number | null;
  readonly owners: readonly {
    readonly owner: string;
    /** When each expires, by id. */
    readonly expiresMs: readonly (readonly [id: string, ms: number])[];
    readonly allUntilMs: number | null;
    readonly lastExpiryMs: number | null;
  }[];
}

/** The ended sessions of one instance. */
export class EndedSessions {
  /** How often the list was full, so that it refuses more sessions than were ended. */
  overflows = 0;
  readonly #ownerMax: number;
  readonly #ownersMax: number;
  readonly #owners = new Map<string, Owned>();
  /** All sessions that began up to this time have ended. */
  #allUntilMs = -Infinity;
  /** The latest start of those that were ever added. */
  #latestStartMs = -Infinity;

  constructor(
    { ownerMax = 100, ownersMax = 10_000 }: EndedSessionsOptions = {},
  ) {
    this.#ownerMax = ownerMax;
    this.#ownersMax = ownersMax;
  }

  /** Owners with ended sessions that have not expired. */
  get owners(): number {
    return this.#owners.size;
  }

  /** Ends a session. @param unixMs now */
  add(
    { id, owner, startedMs, expiresMs }: ListedSession,
    unixMs: number,
  ): void {
    const owned = this.#owners.get(owner) ?? this.#begin(owner, unixMs);
    this.#latestStartMs = Math.max(this.#latestStartMs, startedMs);
    owned.lastExpiryMs = Math.max(owned.lastExpiryMs, expiresMs);
    if (owned.expiresMs.size >= this.#ownerMax) {
      dropExpired(owned.expiresMs, unixMs);
    }
    if (owned.expiresMs.size < this.#ownerMax) {
      owned.expiresMs.set(id, expiresMs);
      return;
    }
    owned.allUntilMs = Math.max(owned.allUntilMs, startedMs);
    this.overflows++;
  }

  has({ id, owner, startedMs }: ListedSession): boolean {
    if (startedMs <= this.#allUntilMs) return true;
    const owned = this.#owners.get(owner);
    if (owned === undefined) return false;
    return startedMs <= owned.allUntilMs || owned.expiresMs.has(id);
  }

  /** The whole list. */
  list(): EndedSessionsList {
    return {
      allUntilMs: finite(this.#allUntilMs),
      latestStartMs: finite(this.#latestStartMs),
      owners: [...this.#owners].map(([owner, owned]) => ({
        owner,
        expiresMs: [...owned.expiresMs],
        allUntilMs: finite(owned.allUntilMs),
        lastExpiryMs: finite(owned.lastExpiryMs),
      })),
    };
  }

  /** Adds all that another list has, which has the same limits. */
  addAll(list: EndedSessionsList): void {
    this.#allUntilMs = later(this.#allUntilMs, list.allUntilMs);
    this.#latestStartMs = later(this.#latestStartMs, list.latestStartMs);
    for (const { owner, expiresMs, ...times } of list.owners) {
      const known = this.#owners.get(owner);
      this.#owners.set(owner, {
        expiresMs: new Map([...known?.expiresMs ?? [], ...expiresMs]),
        allUntilMs: later(known?.allUntilMs ?? -Infinity, times.allUntilMs),
        lastExpiryMs: later(
          known?.lastExpiryMs ?? -Infinity,
          times.lastExpiryMs,
        ),
      });
    }
  }

  #begin(owner: string, unixMs: number): Owned {
    if (this.#owners.size >= this.#ownersMax) {
      for (const [name, { lastExpiryMs }] of this.#owners) {
        if (lastExpiryMs <= unixMs) this.#owners.delete(name);
      }
    }
    if (this.#owners.size >= this.#ownersMax) {
      this.#owners.clear();
      this.#allUntilMs = this.#latestStartMs;
      this.overflows++;
    }
    const owned: Owned = {
      expiresMs: new Map(),
      allUntilMs: -Infinity,
      lastExpiryMs: -Infinity,
    };
    this.#owners.set(owner, owned);
    return owned;
  }
}

function dropExpired(expiresMs: Map<string, number>, unixMs: number): void {
  for (const [id, ms] of expiresMs) if (ms <= unixMs) expiresMs.delete(id);
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}

function later(ms: number, other: number | null): number {
  return Math.max(ms, other ?? -Infinity);
}

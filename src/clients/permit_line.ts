// The clients that wait for a permit of one kind, by owner or address, so that none of these keeps the others waiting.
// Invariant: a client is in the line at most once, and leaves it when it gets a permit or ends.
import type { PoolRefusal } from "../shares/share_pool.ts";
import type { HistoryHandle } from "./client_phase.ts";
import { Permit } from "./permit.ts";
import { HolderQueue } from "../shares/holder_queue.ts";
import { holderOf, type ShareHolder } from "../shares/share_holder.ts";
import type { GroupClient } from "./selection_group.ts";

export interface PermitLineService {
  /** Readers by the key of their holder. The line adds those that begin. */
  readonly readers: Map<string, number>;
  /** A permit for a holder, or why it gets none: `full` if no client can get one. */
  readonly permitFor: (holder: ShareHolder) => Permit | PoolRefusal;
  readonly begin: (client: GroupClient, permit: Permit) => void;
}

/** Clients that wait for a permit. */
export class PermitLine {
  readonly #waiting = new HolderQueue<GroupClient>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Owners and addresses that have clients in the line. */
  get holders(): number {
    return this.#waiting.holderCount;
  }

  /** Adds a client; the handle is for its phase. */
  add(client: GroupClient): HistoryHandle {
    const { key } = holderOf(client.options);
    this.#waiting.add(key, client);
    return {
      clientDrained: () => {},
      clientEnded: () => this.#waiting.remove(key, client),
    };
  }

  /** Takes out the clients that `isMeant`, of all holders. */
  take(isMeant: (client: GroupClient) => boolean): GroupClient[] {
    const taken: GroupClient[] = [];
    for (const [key, client] of [...this.#waiting.items()]) {
      if (!isMeant(client)) continue;
      this.#waiting.remove(key, client);
      taken.push(client);
    }
    return taken;
  }

  /**
   * Gives permits to the clients that wait, first to those whose holder reads least. A holder that may have none is
   * skipped, so it does not block those behind it. Returns how many holders would begin if there were more permits.
   */
  serve({ readers, permitFor, begin }: PermitLineService): number {
    const refused = new Set<string>();
    for (;;) {
      const key = this.#leastReading(readers, refused);
      if (key === null) return 0;
      const client = this.#waiting.first(key)!;
      const permit = permitFor(holderOf(client.options));
      if (permit === "full") return this.#holdersWithout(refused);
      if (!(permit instanceof Permit)) {
        refused.add(key);
        continue;
      }
      this.#waiting.serve(key);
      readers.set(key, (readers.get(key) ?? 0) + 1);
      begin(client, permit);
    }
  }

  /** Holders in the line except those that are refused, whose clients may have been taken out. */
  #holdersWithout(refused: ReadonlySet<string>): number {
    let count = 0;
    for (const key of this.#waiting.holders()) if (!refused.has(key)) count++;
    return count;
  }

  /** The first holder of those that read least; null if each is refused. */
  #leastReading(
    readers: ReadonlyMap<string, number>,
    refused: ReadonlySet<string>,
  ): string | null {
    let least = Infinity;
    let found: string | null = null;
    for (const key of this.#waiting.holders()) {
      const count = readers.get(key) ?? 0;
      if (count >= least || refused.has(key)) continue;
      least = count;
      found = key;
      if (count === 0) break;
    }
    return found;
  }
}

// How much memory the pools of a process need, where several threads serve.
// Invariant: with up to 254,000 clients, each can have a holder of its own.
import { newShareMemory, type ShareMemory } from "./share_memory.ts";
import { POOL_NAMES } from "./share_pools.ts";

/** A client has an entry in each pool of which it holds something: those of clients, admissions, connections and calls. */
const ENTRIES_PER_CLIENT = 4;
/** For connections and calls that are not those of streams. */
const OTHER_ENTRIES = 32_768;
const ENTRIES_MAX = 2 ** 20;

/** Memory for the pools of a process. A megabyte is used for each 10,000 holders and 4 workers; all of it is reserved. */
export function poolMemory(
  { workers, clientsMax, connectionsMax }: {
    readonly workers: number;
    readonly clientsMax: number;
    /** 0 for a number that follows `clientsMax`. */
    readonly connectionsMax: number;
  },
): ShareMemory {
  const holders = Math.max(clientsMax, connectionsMax);
  return newShareMemory({
    workers,
    pools: POOL_NAMES.length,
    entriesMax: Math.min(
      ENTRIES_MAX,
      ENTRIES_PER_CLIENT * holders + OTHER_ENTRIES,
    ),
  });
}

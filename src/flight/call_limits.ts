// What the calls of all connections may hold together, before any of them has said who sends it.
import type { SharePool } from "../shares/share_pool.ts";
import type { SharePools } from "../shares/share_pools.ts";
import { FlightError } from "./flight_error.ts";

/** Bytes of a call's headers. */
export const HEADERS_BYTES_MAX = 16 * 1024;
/** All messages that are arriving, of all clients. */
const ALL_MESSAGES_BYTES_MAX = 64 * 1024 * 1024;
/** Open calls that are not streams. */
const OTHER_CALLS_MAX = 10_000;
/** What HTTP/2 adds to the length of each header (RFC 9113 §6.5.2). */
const HEADER_BYTES = 32;

/**
 * Whether headers are longer than the server allows. The library compares them with the server's settings only once the
 * client has acknowledged these, and a client can repeat a header of 64 KiB with one byte. `raw`: names and values in turn.
 */
export function areTooLong(raw: readonly string[]): boolean {
  const bytes = raw.reduce((sum, { length }) => sum + length, 0);
  return bytes + HEADER_BYTES * raw.length / 2 > HEADERS_BYTES_MAX;
}

/** Counts open calls by address: each costs memory, streams or not. */
export function callPool(
  { clientsMax, addressSharePercent }: {
    readonly clientsMax: number;
    readonly addressSharePercent: number;
  },
  pools: SharePools,
): SharePool {
  return pools.pool("calls", {
    capacity: clientsMax + OTHER_CALLS_MAX,
    sharePercent: addressSharePercent,
  });
}

/** Bytes of the messages that are arriving, of all calls. */
export function messagePool(pools: SharePools): SharePool {
  return pools.pool("call-messages", {
    capacity: ALL_MESSAGES_BYTES_MAX,
    sharePercent: 100,
  });
}

/** A call beyond the pool. */
export function tooManyCalls(): FlightError {
  return new FlightError(
    "unavailable",
    "too many calls are open; try again later",
  );
}

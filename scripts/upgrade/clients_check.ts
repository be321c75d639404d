// What every client must have after an upgrade. Fails with an AssertionError that names the client.
// Invariant: rows are compared with what was published, bit for bit.
import assert from "node:assert/strict";
import type { Client } from "../../test/integration/library_clients.ts";
import {
  assertConsecutive,
  type Published,
} from "../../test/integration/published.ts";
import type { Stayer } from "./clients.ts";

/** Less than these rows show nothing. */
const ROWS_MIN = 16;
/** Rows that are on their way when a client is closed, as time. */
const BEHIND_NS = 5_000_000_000n;

function checkTimes(
  what: string,
  timesNs: readonly bigint[],
  published: Published,
): void {
  const { strideNs } = published;
  assertConsecutive(timesNs, { strideNs, countMin: ROWS_MIN, what });
  const behindNs = published.times.at(-1)! - timesNs.at(-1)!;
  assert.ok(behindNs <= BEHIND_NS, `${what}: ${behindNs} ns behind`);
}

/**
 * Fails unless it has every row from its first on once, as published, no gap, and its connection was broken. How many
 * blocks are null in rows before `sinceNs`, when the upgrade began: 0.1 sends some in its first seconds at times.
 */
export function checkStayer(
  stayer: Stayer,
  { names, sinceNs, published }: {
    readonly names: readonly string[];
    readonly sinceNs: bigint;
    readonly published: Published;
  },
): number {
  let nulls = 0;
  const { name, samples } = stayer;
  const rows = stayer.rows();
  checkTimes(name, rows.map(({ timeNs }) => timeNs), published);
  assert.deepEqual(stayer.gaps(), [], name);
  assert.ok(stayer.breaks() !== 0, `${name}: its connection was not broken`);
  for (const { timeNs, columns } of rows) {
    assert.deepEqual(Object.keys(columns).sort(), names, name);
    for (const [channel, value] of Object.entries(columns)) {
      if (value === null && timeNs < sinceNs) nulls++;
      else if (samples === "json") published.assertJson(timeNs, channel, value);
      else {
        const bytes = value === null
          ? null
          : Uint8Array.fromBase64(value as string);
        published.assertBytes(timeNs, channel, bytes);
      }
    }
  }
  return nulls;
}

/** The same of clients that keep a digest of each row. `compared`: of rows that were compared with what was published. */
export function checkLibraries(
  clients: readonly Client[],
  compared: ReadonlyMap<string, number>,
  published: Published,
): void {
  const known = new Map(compared);
  for (const { library, times, digests, gaps } of clients) {
    assert.deepEqual(gaps, [], library);
    checkTimes(library, times.map(BigInt), published);
    times.forEach((time, i) => {
      const digest = known.get(time) ?? digests[i]!;
      assert.equal(digests[i], digest, `${library} at ${time}`);
      known.set(time, digest);
    });
  }
}

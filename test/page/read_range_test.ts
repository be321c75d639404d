// readRange() of the public module, before it asks a server.
// Invariant: no request is sent for a time that the server would read as another one, or after the caller has cancelled.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { readRange } from "../../src/page/qanat.js";

/** Nothing listens there. */
const base = "http://127.0.0.1:1/";
const channels = ["A"];
const onRow = () => assert.fail("a row");

describe("readRange()", () => {
  it("refuses times before GPS time 0, which a server reads as before now", async () => {
    for (const [startNs, endNs] of [[-9n, -5n], [-36n, 10n]] as const) {
      const { state, detail } = await readRange({
        ...{ base, channels, onRow },
        startNs: startNs * 1_000_000_000n,
        endNs: endNs * 1_000_000_000n,
      });
      assert.equal(state, "refused");
      assert.match(detail!, /before GPS time 0/);
    }
  });

  it("reads nothing for a signal that is aborted already", async () => {
    const { state, reason } = await readRange({
      ...{ base, channels, onRow, startNs: 0n, endNs: 1n },
      signal: AbortSignal.abort(),
    });
    assert.deepEqual([state, reason], ["ended", "cancelled"]);
  });
});

// Threads that take and release from one pool at the same time.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { HammerReport, HammerRequest } from "./share_threads.ts";
import { HAMMERED, HOLDERS, TableProcess } from "./table_pools.ts";

const STEPS = 200_000;

function hammered(request: HammerRequest): Promise<HammerReport> {
  const worker = new Worker(new URL("./share_threads.ts", import.meta.url), {
    type: "module",
  });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(request);
  });
}

describe("a pool that threads share", () => {
  it("is never exceeded, and everything comes back", async () => {
    const process = new TableProcess(3);
    const taken = new Int32Array(new SharedArrayBuffer(4 * (HOLDERS + 1)));
    // The third one ends with all that it holds.
    const reports = await Promise.all([0, 1, 2].map((worker) =>
      hammered({
        column: process.columns.begin(worker),
        taken,
        steps: STEPS,
        isTidy: worker !== 2,
      })
    ));
    for (const report of reports) {
      assert.equal(report.exceeded, 0);
      assert.ok(report.taken > 1000 && report.refused > 1000);
    }
    const [pool] = process.pools(HAMMERED);
    assert.equal(pool!.used, taken[HOLDERS]);
    process.columns.end(2);
    assert.deepEqual([pool!.used, pool!.size], [0, 0]);
  });
});

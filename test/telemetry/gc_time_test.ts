import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { GcTime } from "../../src/telemetry/gc_time.ts";

/** Garbage that lives long enough to be moved about. */
function litter(): number {
  let kept: object[] = [];
  for (let i = 0; i < 2_000_000; i++) {
    kept.push({ i });
    if (kept.length > 200_000) kept = [];
  }
  return kept.length;
}

describe("GcTime", () => {
  it("grows with garbage, and by no more than the time that passed", () => {
    const gc = new GcTime();
    try {
      gc.sample();
      const before = {
        seconds: gc.seconds,
        collections: gc.collections,
        allocatedBytes: gc.allocatedBytes,
      };
      const beganMs = performance.now();
      litter();
      gc.sample();
      const tookS = (performance.now() - beganMs) / 1000;
      const seconds = gc.seconds - before.seconds;
      assert.ok(gc.collections > before.collections);
      // 2,000,000 objects of one field, and arrays of pointers to them.
      const bytes = gc.allocatedBytes - before.allocatedBytes;
      assert.ok(bytes > 30e6 && bytes < 400e6, `${bytes} bytes`);
      // Were the unit µs or ms, it would be a thousand times too little, or more than there was.
      assert.ok(seconds > 1e-4 && seconds < tookS, `${seconds} of ${tookS} s`);
    } finally {
      gc.close();
    }
  });
});

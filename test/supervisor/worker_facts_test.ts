// What src/worker.ts assumes about Deno's workers: a version of Deno that behaves differently fails here.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { LifeSigns } from "../../src/supervisor/life_signs.ts";

const MANY_OBJECTS_BYTES = 16_000_000;

describe("a worker", () => {
  it("has a heap and collections of its own, raw writes, our permissions, and shares memory", async () => {
    const worker = new Worker(
      new URL("./worker_facts_worker.ts", import.meta.url),
      { type: "module" },
    );
    const signs = new LifeSigns();
    const before = Deno.memoryUsage();
    const found = Promise.withResolvers<Record<string, unknown>>();
    worker.onmessage = ({ data }) => found.resolve(data);
    worker.onerror = ({ message }) => found.reject(new Error(message));
    worker.postMessage(signs.buffer);
    const facts = await found.promise;
    const after = Deno.memoryUsage();
    worker.terminate();
    assert.ok(facts.collections as number > 0);
    assert.equal(facts.kept, 1_000_000);
    // A million objects are on the worker's heap, not on ours; the memory of the process is the same for both.
    assert.ok(facts.heapUsed as number > MANY_OBJECTS_BYTES);
    assert.ok(after.heapUsed - before.heapUsed < MANY_OBJECTS_BYTES);
    assert.ok(facts.rss as number > MANY_OBJECTS_BYTES + after.heapUsed);
    assert.equal(facts.writesRaw, true);
    assert.equal(
      facts.mayConnect,
      Deno.permissions.querySync({ name: "net" }).state,
    );
    assert.equal(signs.ticks, 1);
  });
});

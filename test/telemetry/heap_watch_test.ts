import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { HeapWatch } from "../../src/telemetry/heap_watch.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";

const MIB = 1024 * 1024;

describe("HeapWatch", () => {
  it("warns once, from nine tenths of the limit on", () => {
    const lines: string[] = [];
    const log = jsonLogger((line) => lines.push(line), "info");
    let usedBytes = 900 * MIB - 1;
    const limitBytes = 1000 * MIB;
    const watch = new HeapWatch(log, () => ({ usedBytes, limitBytes }));
    watch.tick();
    assert.deepEqual(lines, []);
    usedBytes = 900 * MIB;
    watch.tick();
    watch.tick();
    assert.equal(lines.length, 1);
    const { level, event, usedMb, limitMb } = JSON.parse(lines[0]!);
    assert.deepEqual(
      { level, event, usedMb, limitMb },
      { level: "warn", event: "heap-nearly-full", usedMb: 900, limitMb: 1000 },
    );
  });

  it("reads the heap of its thread", () => {
    const lines: string[] = [];
    const log = jsonLogger((line) => lines.push(line), "info");
    new HeapWatch(log).tick();
    assert.deepEqual(lines, []);
  });
});

// Each reason for which an instance is not ready.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { SourceStatus } from "../../../src/source/source.ts";
import { Readiness } from "../../../src/telemetry/status/readiness.ts";

const GRACE_MS = 10_000;
const DELAY_MAX_MS = 1000;
const GOOD: SourceStatus = {
  kind: "kafka",
  ready: true,
  reachable: true,
  lastContactClockMs: 0,
  unreachable: [],
  topics: [],
  wideTopics: 0,
  counters: {},
};

function reasonsOf(
  {
    status = {},
    nowMs = 0,
    delayMs = 0,
    isStarted = true,
    isDraining = false,
  }: {
    status?: Partial<SourceStatus>;
    nowMs?: number;
    delayMs?: number;
    isStarted?: boolean;
    isDraining?: boolean;
  },
): readonly string[] {
  const readiness = new Readiness({
    source: { status: () => ({ ...GOOD, ...status }) },
    clockMs: () => nowMs,
    loopDelayMs: () => delayMs,
    isDraining: () => isDraining,
    readyGraceMs: GRACE_MS,
    eventLoopDelayMaxMs: DELAY_MAX_MS,
  });
  readiness.isStarted = isStarted;
  return readiness.reasons();
}

describe("Readiness", () => {
  it("has no reason once the source is started and its metadata loaded", () => {
    assert.deepEqual(reasonsOf({}), []);
    assert.deepEqual(reasonsOf({ nowMs: 1e9 }), []);
  });

  it("is not ready before that", () => {
    assert.deepEqual(reasonsOf({ isStarted: false }), ["still starting"]);
    assert.deepEqual(reasonsOf({ status: { ready: false } }), [
      "metadata not loaded yet",
    ]);
  });

  it("is not ready from the beginning of a shutdown", () => {
    assert.deepEqual(reasonsOf({ isDraining: true }), ["shutting down"]);
  });

  it("allows the source to be unreachable for the grace period", () => {
    const status = { reachable: false };
    assert.deepEqual(reasonsOf({ status, nowMs: GRACE_MS }), []);
    assert.deepEqual(reasonsOf({ status, nowMs: GRACE_MS + 1 }), [
      "the kafka source is unreachable",
    ]);
    const [reason] = reasonsOf({
      status: { ...status, unreachable: ["a:1", "b:2"] },
      nowMs: GRACE_MS + 1,
    });
    assert.match(reason!, /unreachable at a:1, b:2, /);
  });

  it("is not ready while the event loop is too slow, and says how slow", () => {
    assert.deepEqual(reasonsOf({ delayMs: DELAY_MAX_MS }), []);
    assert.deepEqual(reasonsOf({ delayMs: 1000.6 }), [
      "event loop delay is 1001 ms, limit 1000 ms",
    ]);
  });
});

// The repaired request queue of kafkajs: no timer of negative time, and pending requests are sent later.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { repairRequestQueue } from "../../src/kafka/kafkajs_repairs.ts";

interface Timer {
  readonly call: () => void;
  readonly ms: number;
}

const { setTimeout } = globalThis;
let timers: Timer[];

beforeEach(() => {
  timers = [];
  globalThis.setTimeout = ((call: () => void, ms: number) => {
    timers.push({ call, ms });
    return timers.length;
  }) as unknown as typeof setTimeout;
});
afterEach(() => {
  globalThis.setTimeout = setTimeout;
});

function queueOf(pending: unknown[], throttledUntil: number) {
  repairRequestQueue();
  const checked: number[] = [];
  const queue = Object.assign(Object.create(RequestQueue.prototype), {
    pending,
    throttledUntil,
    throttleCheckTimeoutId: null,
    checkPendingRequests: () => checked.push(1),
  }) as { scheduleCheckPendingRequests(): void };
  return { queue, checked };
}

describe("repairRequestQueue()", () => {
  it("asks for no timer where nothing waits", () => {
    queueOf([], -1).queue.scheduleCheckPendingRequests();
    queueOf([], Date.now() + 5000).queue.scheduleCheckPendingRequests();
    assert.deepEqual(timers, []);
  });

  it("looks at pending requests again soon, or after the throttle time; with one timer at a time", () => {
    const { queue, checked } = queueOf([{}], -1);
    queue.scheduleCheckPendingRequests();
    queue.scheduleCheckPendingRequests();
    assert.deepEqual(timers.map(({ ms }) => ms), [10]);
    timers[0]!.call();
    assert.equal(checked.length, 1);
    queue.scheduleCheckPendingRequests();
    assert.equal(timers.length, 2);
    queueOf([{}], Date.now() + 5000).queue.scheduleCheckPendingRequests();
    assert.ok(timers[2]!.ms > 4000 && timers[2]!.ms <= 5000);
  });
});

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { CloseQueue } from "../../src/clients/close_queue.ts";
import { Loop } from "./loop.ts";

let loop: Loop;

describe("CloseQueue", () => {
  const clients = Array.from(
    { length: 10 },
    (_, i) => ({ number: i }),
  );
  let closed: number[];
  let closeQueue: CloseQueue<{ number: number }>;

  beforeEach(() => {
    loop = new Loop();
    closed = [];
    closeQueue = new CloseQueue(loop.scheduler, ({ number }) => {
      loop.nowMs++;
      closed.push(number);
    });
    loop.scheduler.setOrder(closeQueue);
  });

  it("closes one client at once, and many in slices and in their order", () => {
    closeQueue.add(clients[0]!);
    assert.deepEqual(closed, [0]);
    loop.goRound();
    for (const client of clients.slice(1)) closeQueue.add(client);
    assert.deepEqual(closed, [0, 1, 2, 3, 4]);
    assert.equal(closeQueue.size, 5);
    loop.goRound();
    assert.deepEqual(closed, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    loop.goRound();
    assert.equal(closed.length, 10);
    assert.equal(closeQueue.size, 0);
    loop.goRound();
    assert.equal(loop.waiting, 0);
  });

  it("finish() closes all that are left, once", () => {
    for (const client of clients) closeQueue.add(client);
    loop.scheduler.close();
    closeQueue.finish();
    loop.goRound();
    assert.deepEqual(closed, clients.map(({ number }) => number));
  });
});

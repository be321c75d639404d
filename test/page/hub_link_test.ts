// The link of a page to its hub, when the worker's script does not load.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { linkTo } from "../../src/page/hub_link.js";

interface Played {
  onerror: ((event: unknown) => unknown) | null;
  onmessage: ((event: MessageEvent) => unknown) | null;
  postMessage(message: unknown): void;
}

function played() {
  const toWorker: unknown[] = [];
  const toHub: unknown[] = [];
  const taken: unknown[] = [];
  const worker: Played = {
    onerror: null,
    onmessage: null,
    postMessage: (message) => toWorker.push(message),
  };
  const post = linkTo(worker, worker, {
    take: (message) => taken.push(message),
    ownHub: () => (message) => toHub.push(message),
  });
  return { worker, post, toWorker, toHub, taken };
}

describe("linkTo()", () => {
  it("gives a hub of the page what was sent to a worker that did not load", () => {
    const { post, toHub, toWorker, worker } = played();
    post(1);
    post(2);
    assert.deepEqual(toWorker, [1, 2]);
    worker.onerror!({});
    post(3);
    assert.deepEqual([toWorker, toHub], [[1, 2], [1, 2, 3]]);
    worker.onerror!({});
    assert.deepEqual(toHub, [1, 2, 3]);
  });

  it("stays with a worker that has answered, whatever fails in it", () => {
    const { post, taken, toHub, toWorker, worker } = played();
    post(1);
    worker.onmessage!({ data: "row" } as MessageEvent);
    worker.onerror!({});
    post(2);
    assert.deepEqual([taken, toWorker, toHub], [["row"], [1, 2], []]);
  });
});

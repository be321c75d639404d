// The queue in which holders take turns.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { HolderQueue } from "../../src/shares/holder_queue.ts";

function queueOf(...items: readonly string[]): HolderQueue<string> {
  const queue = new HolderQueue<string>();
  for (const item of items) queue.add(item[0]!, item);
  return queue;
}

function served(queue: HolderQueue<string>): string[] {
  const items: string[] = [];
  for (;;) {
    const item = queue.serveNext();
    if (item === undefined) return items;
    items.push(item);
  }
}

describe("a queue of holders", () => {
  it("serves each holder in turn, and its items in the order of arrival", () => {
    const queue = queueOf("a1", "a2", "a3", "b1", "b2", "c1");
    assert.equal(queue.size, 6);
    assert.deepEqual(served(queue), ["a1", "b1", "c1", "a2", "b2", "a3"]);
    assert.equal(queue.size, 0);
    assert.deepEqual([...queue.holders()], []);
  });

  it("gives a holder that was served its next turn after all others", () => {
    const queue = queueOf("a1", "a2", "b1");
    assert.equal(queue.serve("a"), "a1");
    queue.add("c", "c1");
    assert.deepEqual([...queue.holders()], ["b", "a", "c"]);
  });

  it("leaves out items that are removed", () => {
    const queue = queueOf("a1", "a2", "b1");
    queue.remove("a", "a1");
    queue.remove("a", "a1");
    queue.remove("b", "b1");
    queue.remove("c", "c1");
    assert.equal(queue.size, 1);
    assert.equal(queue.first("a"), "a2");
    assert.equal(queue.serve("b"), undefined);
    assert.deepEqual(served(queue), ["a2"]);
  });
});

// Channels by name while the server does not answer, or does not know them.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { ChannelBook } from "../../src/page/channel_book.js";

describe("ChannelBook", () => {
  let timers: { call: () => void; ms: number }[];
  let retried: string[][];
  let book: ChannelBook;

  beforeEach(() => {
    timers = [];
    retried = [];
    book = new ChannelBook({
      get: () => Promise.reject(new Error("the server is away")),
      onNote: () => {},
      onRetry: (names) => retried.push(names),
      later: (call, ms) => timers.push({ call, ms }),
    });
  });

  it("has one timer while the server does not answer, however often names are needed", async () => {
    for (let i = 0; i < 50; i++) await book.learn(["A", `B${i % 2}`]);
    assert.equal(timers.length, 1);
    timers.shift()!.call();
    assert.deepEqual(retried, [["A", "B0", "B1"]]);
    // Each try that fails is followed by another one.
    await book.learn(["A"]);
    assert.equal(timers.length, 1);
  });
});

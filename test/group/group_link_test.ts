// The last messages of a worker that ends.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { GroupLink } from "../../src/group/group_link.ts";
import type { WorkerWays } from "../../src/group/thread_ways.ts";
import type { MemberMessage } from "../../src/threads/thread_messages.ts";

type Ask = Extract<MemberMessage, { kind: "ask" }>;

describe("a worker that ends", () => {
  it("waits until the reading thread has all that it sent (of 5,000 entries of the usage log 1 was written)", async () => {
    const sent: MemberMessage[] = [];
    const questions: WorkerWays["questions"] = {
      send: (message) => void sent.push(message),
      onMessage: null,
    };
    const link = new GroupLink(
      { source: { send: () => {}, onMessage: null }, questions },
      { debug() {}, info() {}, warn() {}, error() {} },
    );
    const usageLog = link.usageLog("usage.log")!;
    for (let i = 0; i < 3; i++) usageLog.write({ i });
    let hasEnded = false;
    const ending = link.end(false).then(() => hasEnded = true);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    assert.deepEqual(sent.map(({ kind }) => kind), [
      "report",
      "report",
      "report",
      "ask",
    ]);
    assert.equal(hasEnded, false);
    const { id } = sent.at(-1) as Ask;
    const answers = { answers: [{ thread: -1, body: "{}" }], missing: [] };
    questions.onMessage!({ kind: "answers", id, answers });
    await ending;
  });
});

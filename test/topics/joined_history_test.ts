import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { HistoryReader } from "../../src/source/source.ts";
import { JoinedHistory } from "../../src/topics/joined_history.ts";

/** Each read of a topic hands out the next number; `fails` says which reads reject before that. */
function counting(fails: readonly boolean[]): HistoryReader {
  let reads = 0;
  let next = 0;
  return {
    read: (topics) =>
      fails[reads++]
        ? Promise.reject(new Error("away"))
        : Promise.resolve(topics.map((topic) => ({
          topic,
          messages: [{ value: Uint8Array.of(next++), timestampMs: 0 }],
          isAtEnd: false,
          isCut: false,
        }))),
    close: () => {},
  };
}

describe("JoinedHistory", () => {
  it("loses nothing of one reader when another one fails", async () => {
    const history = new JoinedHistory([
      { topics: new Set(["a"]), reader: counting([]) },
      { topics: new Set(["b"]), reader: counting([true, false, true]) },
    ]);
    const got: Record<string, number[]> = { a: [], b: [] };
    let failures = 0;
    for (let i = 0; i < 5; i++) {
      try {
        for (const { topic, messages } of await history.read(["a", "b"])) {
          got[topic]!.push(...messages.map(({ value }) => value[0]!));
        }
      } catch {
        failures++;
      }
    }
    assert.equal(failures, 2);
    assert.deepEqual(got, { a: [0, 1, 2], b: [0, 1, 2] });
  });
});

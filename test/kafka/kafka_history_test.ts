import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { KafkaHistory } from "../../src/kafka/kafka_history.ts";
import { silent } from "../driven_source.ts";
import { batchBytes, newWork, rawTopic } from "./batches.ts";
import { PlayedKafka } from "./played_kafka.ts";

/** A broker that has 10 messages of each topic. `fails`: which of its fetches fail. */
function broker(fails: readonly number[]) {
  let fetches = 0;
  return {
    offsetOf: (_: string, at: unknown) => at === "latest" ? 10 : 0,
    fetch: (asked: readonly { topic: string; offset: number }[]) => {
      if (fails.includes(fetches++)) throw new Error("it is away");
      return asked.map(({ topic, offset }) =>
        rawTopic([batchBytes({ first: offset, lastDelta: 1 })], {
          topic,
          highWatermark: 10,
          lastStableOffset: 10,
        })
      );
    },
  };
}

describe("KafkaHistory", () => {
  it("loses nothing of one broker when another one fails", async () => {
    const protocol = new PlayedKafka();
    protocol.brokers.set("a:1", broker([]));
    // After the fetch that finds the start.
    protocol.brokers.set("b:1", broker([1, 2, 4]));
    const history = new KafkaHistory({
      protocol,
      work: newWork(),
      leaders: {
        leaderOf: (topic) => ({ host: topic, port: 1 }),
        isMissing: () => false,
        refresh: () => {},
        log: silent,
      },
      blockTime: () => 0,
    }, [{ topic: "a", fromMs: 0 }, { topic: "b", fromMs: 0 }]);
    const got: Record<string, string[]> = { a: [], b: [] };
    let failures = 0;
    for (let i = 0; i < 6; i++) {
      try {
        for (const { topic, messages } of await history.read(["a", "b"])) {
          const texts = messages.map(({ value }) =>
            new TextDecoder().decode(value)
          );
          got[topic]!.push(...texts);
        }
      } catch (error) {
        assert.match((error as Error).message, /it is away/);
        failures++;
      }
    }
    history.close();
    assert.equal(failures, 3);
    assert.deepEqual(got.a, ["0", "1", "2", "3", "4", "5"]);
    assert.deepEqual(got.b, got.a);
  });
});

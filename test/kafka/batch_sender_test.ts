// Publishing during an outage of the broker, and with messages that the broker refuses.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { BatchSender } from "../../src/kafka/batch_sender.ts";
import {
  RefusedError,
  type TopicMessages,
} from "../../src/kafka/kafka_protocol.ts";

const refusal = (kafkaName: string, isRetriable: boolean) =>
  new RefusedError(kafkaName, !isRetriable);
const away = () => new Error("connect ECONNREFUSED");

/** A cluster that answers by `fail`: an error, or null. */
function trial(
  fail: (
    batch: readonly TopicMessages<number>[],
    tries: number,
  ) => Error | null,
) {
  const written: Record<string, number[]> = {};
  const lines: string[] = [];
  const waits: number[] = [];
  let tries = 0;
  let nowMs = 0;
  let isStopped = false;
  const sender = new BatchSender<number>({
    send: (batch) => {
      const error = fail(batch, ++tries);
      if (error) return Promise.reject(error);
      for (const { topic, messages } of batch) {
        (written[topic] ??= []).push(...messages);
      }
      return Promise.resolve();
    },
    report: (line) => lines.push(line),
    wait: (ms) => {
      waits.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
    isStopped: () => isStopped,
    nowMs: () => nowMs,
  });
  return { sender, written, lines, waits, stop: () => isStopped = true };
}

describe("BatchSender", () => {
  it("tries a batch again until the broker is back, however long that takes", async () => {
    const { sender, written, lines, waits } = trial((_, tries) =>
      tries <= 100 ? away() : null
    );
    await sender.send([{ topic: "a", messages: [1, 2] }]);
    assert.deepEqual(written, { a: [1, 2] });
    assert.deepEqual(lines, [
      "Cannot write to Kafka, trying again: connect ECONNREFUSED",
      "Kafka takes blocks again",
    ]);
    assert.equal(waits.length, 100);
    assert.equal(Math.max(...waits), 5000);
    assert.equal(sender.skippedCount, 0);
  });

  it("skips only the message that is refused, keeps the order, and reports it", async () => {
    const { sender, written, lines } = trial((batch) =>
      batch.some(({ topic, messages }) => topic === "b" && messages.includes(3))
        ? refusal("MESSAGE_TOO_LARGE", false)
        : null
    );
    await sender.send([
      { topic: "a", messages: [1, 2] },
      { topic: "b", messages: [1, 2, 3, 4, 5] },
    ]);
    assert.deepEqual(written, { a: [1, 2], b: [1, 2, 4, 5] });
    assert.deepEqual(lines, [
      "b: skipped a block, which Kafka refuses: MESSAGE_TOO_LARGE",
    ]);
    assert.equal(sender.skippedCount, 1);
  });

  it("tries again while leaders move, and skips the messages of a topic that stays away", async () => {
    const moving = trial((_, tries) =>
      tries < 5 ? refusal("NOT_LEADER_FOR_PARTITION", true) : null
    );
    await moving.sender.send([{ topic: "a", messages: [1] }]);
    assert.deepEqual(moving.written, { a: [1] });

    const gone = trial((batch) =>
      batch.some(({ topic }) => topic === "gone")
        ? refusal("UNKNOWN_TOPIC_OR_PARTITION", true)
        : null
    );
    await gone.sender.send([
      { topic: "gone", messages: [1] },
      { topic: "a", messages: [1] },
    ]);
    assert.deepEqual(gone.written, { a: [1] });
    assert.deepEqual([...gone.sender.skipped], [["gone", 1]]);
  });

  it("ends when it is stopped while the broker is away", async () => {
    const stopped = trial(() => {
      stopped.stop();
      return away();
    });
    await stopped.sender.send([{ topic: "a", messages: [1] }]);
    assert.deepEqual(stopped.waits, []);
    assert.equal(stopped.sender.unsentCount, 1);
  });

  it("thousands of refusals are a few lines", async () => {
    const { sender, lines } = trial(() => refusal("MESSAGE_TOO_LARGE", false));
    for (let i = 0; i < 3000; i++) {
      await sender.send([{ topic: "a", messages: [i] }]);
    }
    assert.equal(lines.length, 4);
    assert.match(lines[3]!, /^a: skipped 3000 blocks so far/);
  });
});

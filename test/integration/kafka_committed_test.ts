// What the source reads, and says, where Kafka has transactions, more partitions, or addresses that cannot be reached.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import type { HistoryReader } from "../../src/source/source.ts";
import { freePort, PARTS, sleep } from "./chain.ts";
import {
  FROM_START,
  KafkaTrial,
  keepingLog,
  Listener,
  sourceOf,
} from "./kafka_trial.ts";
import { until } from "./until.ts";

const runnable = canRun([PARTS.kafka, PARTS.python]);

/** A program that writes on command, one command after another. */
class Transactions {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;

  #said = "";

  constructor(address: string, topic: string) {
    this.#child = new Deno.Command(PARTS.python.program!, {
      args: ["test/integration/python/transactions.py", address, topic],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  async do(...commands: string[]): Promise<void> {
    for (const command of commands) {
      await this.#writer.write(new TextEncoder().encode(`${command}\n`));
      while (!this.#said.includes("\n")) {
        const { value, done } = await this.#lines.read();
        assert.ok(!done, `${command}: the writer has ended`);
        this.#said += value;
      }
      assert.equal(this.#said, "done\n", command);
      this.#said = "";
    }
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#lines.cancel();
    await this.#child.status;
  }
}

async function pastOf(past: HistoryReader, topic: string): Promise<string[]> {
  const values: string[] = [];
  for (;;) {
    const [answer] = await past.read([topic]);
    for (const { value } of answer!.messages) {
      values.push(new TextDecoder().decode(value));
    }
    if (answer!.isAtEnd) return values;
  }
}

describe(
  "KafkaSource reads what is committed",
  { ignore: !runnable, skip: !runnable },
  () => {
    let trial: KafkaTrial;
    let strayPort: number;
    let deadPort: number;

    before(async () => {
      strayPort = freePort();
      deadPort = freePort();
      trial = await KafkaTrial.start((port) => ({
        "listeners":
          `PLAINTEXT://127.0.0.1:${port},STRAY://127.0.0.1:${strayPort},CONTROLLER://127.0.0.1:${
            port + 1
          }`,
        "advertised.listeners":
          `PLAINTEXT://127.0.0.1:${port},STRAY://127.0.0.1:${deadPort}`,
        "listener.security.protocol.map":
          "PLAINTEXT:PLAINTEXT,STRAY:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
      }));
    });

    after(async () => await trial?.close());

    const statusOf = (topic: string) =>
      trial.source.status().topics.find((t) => t.topic === topic)!;

    it("drops aborted transactions, between others and its own committed ones, live and in the past", async () => {
      const topic = "arrakis-transactions";
      await trial.create(topic);
      const writing = new Transactions(trial.broker.address, topic);
      const heard = trial.listener.to(topic);
      trial.source.subscribe(topic, FROM_START);
      await writing.do(
        ...["plain 0", "begin a", "begin b"],
        ...["send a bad-1", "send b 1", "send a bad-2", "plain 2"],
        ...["send b 3", "commit b", "abort a"],
        ...["begin a", "send a 4", "commit a"],
        ...["begin a", "send a bad-3", "abort a", "plain 5"],
      );
      const expected = ["0", "1", "2", "3", "4", "5"];
      await until("all that is committed", () => heard.values.length >= 6);
      await until("its end", () => statusOf(topic).state === "reading");
      assert.deepEqual(heard.values, expected);
      assert.deepEqual(heard.holes, [], "neither markers nor aborted records");
      const { position, lastStableOffset, highWatermark } = statusOf(topic);
      assert.equal(position, lastStableOffset);
      assert.equal(position, highWatermark);
      const past = trial.source.openHistory([{ topic, fromMs: 0 }]);
      assert.deepEqual(await pastOf(past, topic), expected);
      past.close();
      await writing.close();
    });

    it("an open transaction holds back the messages after its start, and nothing counts as lost or waited for", async () => {
      const topic = "arrakis-open";
      await trial.create(topic);
      const writing = new Transactions(trial.broker.address, topic);
      const heard = trial.listener.to(topic);
      trial.source.subscribe(topic, FROM_START);
      await writing.do("plain 0", "begin a", "send a 1", "plain 2", "plain 3");
      await until("what is before it", () => heard.values.length >= 1);
      const { caughtUp } = heard;
      await until("its end, again", () => heard.caughtUp > caughtUp + 2);
      assert.deepEqual(heard.values, ["0"]);
      const status = statusOf(topic);
      assert.deepEqual(
        [status.position, status.lastStableOffset, status.highWatermark],
        [1, 1, 4],
      );
      const past = trial.source.openHistory([{ topic, fromMs: 0 }]);
      assert.deepEqual(await pastOf(past, topic), ["0"], "history ends there");
      past.close();
      await writing.do("commit a");
      await until("the rest", () => heard.values.length >= 4);
      assert.deepEqual(heard.values, ["0", "1", "2", "3"]);
      assert.deepEqual(heard.holes, []);
      await writing.close();
    });

    it("a topic with more partitions is named once, and is in its status", async () => {
      const topic = "arrakis-wide";
      const kept: string[] = [];
      await trial.admin.createTopics({
        waitForLeaders: true,
        topics: [{ topic, numPartitions: 3 }],
      });
      const source = sourceOf(trial.broker.address, { log: keepingLog(kept) });
      await source.start(new Listener());
      source.subscribe(topic, FROM_START);
      const found = () => source.status().topics.find((t) => t.topic === topic);
      await until("it is read", () => found()?.state === "reading");
      assert.equal(found()!.partitions, 3);
      assert.equal(source.status().wideTopics, 1);
      assert.deepEqual(kept.filter((line) => line.includes("partitions")), [
        `topic-has-more-partitions ${
          JSON.stringify({
            topic,
            partitions: 3,
            consequence:
              "only partition 0 is read; what is in the others is missing",
          })
        }`,
      ]);
      await source.close();
    });

    it("an address that the cluster names and that cannot be reached is named once (63 lines in 25 s)", async () => {
      const kept: string[] = [];
      const log = keepingLog(kept);
      const source = sourceOf(`127.0.0.1:${strayPort}`, {
        log: { ...log, info: log.warn },
      });
      await source.start(new Listener());
      source.subscribe("arrakis-wide", FROM_START);
      const { counters } = source.status();
      assert.ok(counters["reconnects"] !== undefined);
      await until(
        "many attempts",
        () => source.status().counters["reconnects"]! > 10,
      );
      await sleep(500);
      const status = source.status();
      assert.equal(status.reachable, false);
      assert.deepEqual(status.unreachable, [`127.0.0.1:${deadPort}`]);
      assert.equal(status.topics[0]!.state, "unreachable");
      const lines = kept.filter((line) => line.startsWith("kafka-"));
      assert.equal(lines.length, 2, lines.join("\n"));
      assert.match(lines[0]!, new RegExp(`reached.*${strayPort}`));
      assert.match(lines[1]!, new RegExp(`lost.*${deadPort}.*its broker 1`));
      await source.close();
    });
  },
);

// What goes wrong between Qanat and Kafka, on a real broker: killed, frozen, silent, topics made again, bad tokens.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, PARTS, sleep } from "./chain.ts";
import {
  FROM_START,
  type Heard,
  KafkaTrial,
  keepingLog,
  Listener,
  sourceOf,
} from "./kafka_trial.ts";
import { until } from "./until.ts";

const runnable = canRun([PARTS.kafka]);
/** A broker's return is noticed so soon (within 1 s); the rest is for a busy machine. */
const RETURN_MAX_MS = 1500;

describe(
  "KafkaSource and faults of a real broker",
  { ignore: !runnable, skip: !runnable },
  () => {
    let trial: KafkaTrial;
    let tokenAddress = "";

    before(async () => {
      trial = await KafkaTrial.start((port) => {
        const tokenPort = freePort();
        tokenAddress = `127.0.0.1:${tokenPort}`;
        const controller = `CONTROLLER://127.0.0.1:${port + 1}`;
        const open = `PLAINTEXT://127.0.0.1:${port}`;
        const guarded = `SASL_PLAINTEXT://${tokenAddress}`;
        return {
          "listeners": `${open},${guarded},${controller}`,
          "advertised.listeners": `${open},${guarded}`,
          "listener.security.protocol.map":
            "PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
          "inter.broker.listener.name": "PLAINTEXT",
          "sasl.enabled.mechanisms": "OAUTHBEARER",
          "listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config":
            'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="qanat";',
        };
      });
    });

    after(async () => await trial?.close());

    const countTo = (count: number) =>
      Array.from({ length: count }, (_, i) => i);

    /** Writes a message every few ms until stopped. */
    function writing(topic: string): () => Promise<number> {
      let isOn = true;
      const producer = trial.kafka.producer({
        allowAutoTopicCreation: false,
        idempotent: true,
        retry: { initialRetryTime: 50, maxRetryTime: 200, retries: 200 },
      });
      const written = (async () => {
        await producer.connect();
        let count = 0;
        while (isOn) {
          await producer.send({ topic, messages: [{ value: `${count}` }] });
          count++;
          await sleep(5);
        }
        await producer.disconnect();
        return count;
      })();
      return () => {
        isOn = false;
        return written;
      };
    }

    function assertWhole(heard: Heard, count: number): void {
      assert.deepEqual(heard.offsets, countTo(heard.offsets.length));
      assert.deepEqual(heard.values, countTo(count).map(String));
      assert.deepEqual([heard.holes, heard.restarts], [[], []]);
    }

    it("killed with -9 while messages are written: none lost, none twice, back within 1 s", async () => {
      await trial.create("arrakis-killed");
      const heard = trial.listener.to("arrakis-killed");
      trial.source.subscribe("arrakis-killed", FROM_START);
      const stop = writing("arrakis-killed");
      await until("some", () => heard.values.length > 50);
      await trial.broker.kill9();
      await until("noticed", () => !trial.source.status().reachable);
      await sleep(3000);
      await trial.broker.restart();
      const ms = await until("back", () => trial.source.status().reachable);
      assert.ok(ms < RETURN_MAX_MS, `${ms} ms after the broker answered`);
      const before = heard.values.length;
      await until("more", () => heard.values.length > before + 50);
      const count = await stop();
      await until("all", () => heard.values.length >= count);
      assertWhole(heard, count);
    });

    it("frozen for longer than a request may take: none lost, none twice, back within 1 s", async () => {
      await trial.create("arrakis-frozen");
      const heard = trial.listener.to("arrakis-frozen");
      trial.source.subscribe("arrakis-frozen", FROM_START);
      const stop = writing("arrakis-frozen");
      await until("some", () => heard.values.length > 50);
      trial.broker.freeze();
      try {
        await until("noticed", () => !trial.source.status().reachable);
      } finally {
        trial.broker.thaw();
      }
      const before = heard.values.length;
      const ms = await until("more", () => heard.values.length > before);
      const count = await stop();
      await until("all", () => heard.values.length >= count);
      assertWhole(heard, count);
      assert.ok(ms < 2 * RETURN_MAX_MS, `${ms} ms after it was thawed`);
    });

    it("a topic made again is read from its start, even when it has more than the old one at once", async () => {
      const topic = "arrakis-remade";
      const heard = trial.listener.to(topic);
      trial.source.subscribe(topic, FROM_START);
      const expected: string[] = [];
      for (const [round, count] of [3, 6, 9].entries()) {
        await trial.create(topic);
        const values = countTo(count).map((i) => `${round}/${i}`);
        expected.push(...values);
        await trial.send(topic, values);
        await until(
          `round ${round}`,
          () => heard.values.length >= expected.length,
        );
        assert.deepEqual(heard.values, expected);
        await trial.admin.deleteTopics({ topics: [topic] });
      }
      trial.source.unsubscribe(topic);
      assert.deepEqual([heard.restarts, heard.holes], [[0, 0], []]);
    });

    it("transactions leave no holes", async () => {
      await trial.create("arrakis-transactions");
      const producer = trial.kafka.producer({
        idempotent: true,
        transactionalId: "trial",
        maxInFlightRequests: 1,
      });
      await producer.connect();
      for (let i = 0; i < 3; i++) {
        const transaction = await producer.transaction();
        await transaction.send({
          topic: "arrakis-transactions",
          messages: [{ value: `${i}` }],
        });
        await transaction.commit();
      }
      await producer.disconnect();
      const heard = trial.listener.to("arrakis-transactions");
      trial.source.subscribe("arrakis-transactions", FROM_START);
      await until("three", () => heard.values.length >= 3);
      await until("its end", () => heard.caughtUp > 0);
      assert.deepEqual(heard.values, ["0", "1", "2"]);
      assert.deepEqual(heard.holes, []);
    });

    it("a broker that accepts and never answers is left after a while, and closing does not wait for it", async () => {
      const silentBroker = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const connections: Deno.Conn[] = [];
      const accepting = (async () => {
        for await (const one of silentBroker) connections.push(one);
      })();
      const { port } = silentBroker.addr as Deno.NetAddr;
      const kept: string[] = [];
      const source = sourceOf(`127.0.0.1:${port}`, { log: keepingLog(kept) });
      await source.start(new Listener());
      assert.equal(source.status().reachable, false);
      assert.match(kept.join(), /kafka-lost/);
      const beganMs = performance.now();
      await source.close();
      assert.ok(performance.now() - beganMs < 3000);
      silentBroker.close();
      for (const one of connections) one.close();
      await accepting.catch(() => {});
    });

    it("a broker that is away at the start is found when it comes, and its loss is logged once", async () => {
      await trial.create("arrakis-early");
      await trial.send("arrakis-early", ["a"]);
      await trial.broker.kill9();
      const kept: string[] = [];
      const listener = new Listener();
      const source = sourceOf(trial.broker.address, { log: keepingLog(kept) });
      await source.start(listener);
      const { reachable, ready } = source.status();
      assert.deepEqual([reachable, ready], [false, false]);
      source.subscribe("arrakis-early", FROM_START);
      await trial.broker.restart();
      await until(
        "its message",
        () => listener.to("arrakis-early").values.length === 1,
      );
      assert.equal(source.status().ready, true);
      assert.equal(kept.filter((l) => l.startsWith("kafka-lost")).length, 1);
      await source.close();
    });

    it("a token that the broker refuses is an error (it was taken for an empty cluster, and ready)", async () => {
      const tokenFile = await Deno.makeTempFile();
      const part = (value: unknown) =>
        new TextEncoder().encode(JSON.stringify(value))
          .toBase64({ alphabet: "base64url", omitPadding: true });
      const now = Math.floor(Date.now() / 1000);
      const token = (fromS: number, toS: number) =>
        `${part({ alg: "none" })}.${
          part({ sub: "qanat", iat: now + fromS, exp: now + toS })
        }.`;
      const kept: string[] = [];
      const source = sourceOf(tokenAddress, {
        log: keepingLog(kept),
        sasl: {
          mechanism: "oauthbearer",
          username: "",
          password: "",
          tokenFile,
        },
      });
      await Deno.writeTextFile(tokenFile, token(-7200, -3600));
      await source.start(new Listener());
      const { reachable, ready } = source.status();
      assert.deepEqual([reachable, ready], [false, false]);
      assert.match(kept.join(), /refused the token.*invalid_token/);
      // The file is read again at each try.
      await Deno.writeTextFile(tokenFile, token(0, 3600) + "\n");
      await until("let in", () => source.status().ready);
      await source.close();
      await Deno.remove(tokenFile);
    });
  },
);

// The pool and its loops over a played cluster: from metadata to records, without a socket.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { ClusterMetadata } from "../../src/kafka/cluster_metadata.ts";
import { FetchPool } from "../../src/kafka/fetch_pool.ts";
import { silent } from "../driven_source.ts";
import { batchBytes, newWork, rawTopic } from "./batches.ts";
import { PlayedKafka } from "./played_kafka.ts";

const ADDRESS = "10.0.0.1:9092";
const RECORDS = 5;

function metadata(): ClusterMetadata {
  const topic = {
    topic: "t",
    topicId: "a",
    errorCode: 0,
    leader: 1,
    partitionCount: 1,
  };
  const [host, port] = ADDRESS.split(":");
  return {
    brokers: [{ nodeId: 1, host: host!, port: Number(port) }],
    topics: [topic],
  };
}

/** A cluster of one broker whose topic `t` has records 0 to 4, and a pool that is to read it. */
function trial(fetchFails: (fetches: number) => boolean = () => false) {
  const kafka = new PlayedKafka();
  const requested: number[] = [];
  kafka.brokers.set(ADDRESS, {
    metadata,
    offsetOf: (_topic, at) => at === "latest" ? RECORDS : 0,
    fetch: ([asked]) => {
      requested.push(asked!.offset);
      if (fetchFails(requested.length)) {
        return Promise.reject(new Error("broken pipe"));
      }
      // At the end of the log the answer waits, as a broker's does.
      if (asked!.offset === RECORDS) return new Promise(() => {});
      const batch = batchBytes({ first: 0, lastDelta: RECORDS - 1 });
      const end = { highWatermark: RECORDS, lastStableOffset: RECORDS };
      return [{ ...rawTopic([batch], end), topic: "t" }];
    },
  });
  const pool = new FetchPool({
    protocol: kafka,
    work: newWork(),
    brokers: [ADDRESS],
    log: silent,
    onTopics: () => {},
  });
  const heard: number[] = [];
  const { promise: caughtUp, resolve } = Promise.withResolvers<void>();
  pool.subscribe("t", "earliest", {
    onRecord: ({ offset }) => heard.push(offset),
    onCaughtUp: () => resolve(),
    onHole: () => assert.fail("no hole"),
    onRestart: () => assert.fail("no restart"),
  });
  return { kafka, pool, heard, caughtUp, requested };
}

describe("BrokerLoop", () => {
  it("reads a subscribed topic from its start to its end", async () => {
    const { pool, heard, caughtUp } = trial();
    await pool.start();
    await caughtUp;
    assert.deepEqual(heard, [0, 1, 2, 3, 4]);
    assert.equal(pool.topics()[0]!.state, "reading");
    assert.equal(pool.reachable, true);
    await pool.close();
  });

  it("continues at its position after a fetch has failed", async () => {
    const { pool, heard, caughtUp, requested } = trial((n) => n === 1);
    await pool.start();
    await caughtUp;
    assert.deepEqual(heard, [0, 1, 2, 3, 4]);
    assert.deepEqual(requested.slice(0, 2), [0, 0]);
    assert.equal(pool.counters.reconnects, 1);
    await pool.close();
  });

  it("destroys every connection when the pool closes", async () => {
    const { kafka, pool, caughtUp } = trial();
    await pool.start();
    await caughtUp;
    assert.equal(kafka.open.size, 2, "one for metadata, one to read");
    await pool.close();
    assert.equal(kafka.open.size, 0);
  });
});

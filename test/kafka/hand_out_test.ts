import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { handOut } from "../../src/kafka/hand_out.ts";
import { KafkaWork } from "../../src/kafka/kafka_work.ts";
import { SLICE_COST } from "../../src/kafka/loop_slices.ts";
import { PART_RECORDS, TopicParts } from "../../src/kafka/topic_parts.ts";
import { TopicReading } from "../../src/kafka/topic_reading.ts";
import { silent } from "../driven_source.ts";
import { batchBytes, rawTopic, Rounds } from "./batches.ts";

class Trial {
  readonly rounds = new Rounds();
  readonly work = new KafkaWork({ slices: this.rounds.slices });
  readonly heard: number[] = [];
  readonly listener = {
    log: silent,
    counters: {
      records: 0,
      holes: 0,
      restarts: 0,
      damaged_batches: 0,
      refused_records: 0,
      repeated_records: 0,
    },
  };
  caughtUp = 0;
  isStopped = false;
  onRecord = (_offset: number) => {};

  reading(position = 0): TopicReading {
    const reading = new TopicReading("t", {
      onRecord: ({ offset }) => {
        this.heard.push(offset);
        this.onRecord(offset);
      },
      onCaughtUp: () => this.caughtUp++,
      onHole: () => assert.fail("no hole"),
      onRestart: () => {},
    }, { from: 0, isCompacted: false, isRestart: false });
    reading.begin(position, position, this.listener);
    return reading;
  }

  /** Hands out the topic's records 0 to `count` − 1. */
  give(reading: TopicReading, count: number): Promise<boolean> {
    const batch = batchBytes({ first: 0, lastDelta: count - 1 });
    const raw = rawTopic([batch], {
      highWatermark: count,
      lastStableOffset: count,
    });
    return handOut({
      parts: new TopicParts(raw, reading.position, this.work),
      reading,
      work: this.work,
      deliver: (part) => {
        reading.take(part, 77, this.listener);
        return false;
      },
      isStopped: () => this.isStopped,
    });
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("handOut()", () => {
  it("hands out many records in bounded slices, in order, each once", async () => {
    const trial = new Trial();
    const reading = trial.reading();
    const end = trial.give(reading, 20_000);
    assert.ok(reading.isBusy, "it is not asked for meanwhile");
    assert.equal(reading.isDue(reading.leader, 0), false);
    await trial.rounds.until(end);
    assert.deepEqual(trial.heard, upTo(20_000));
    assert.equal(trial.caughtUp, 1);
    assert.equal(reading.isBusy, false);
    assert.equal(reading.position, 20_000);
    // A part more than a slice at most: 8000 ns a record.
    const { peakCost, turns } = trial.rounds.slices;
    assert.ok(peakCost <= SLICE_COST + 9000 * PART_RECORDS, `${peakCost}`);
    assert.ok(turns >= 20, `${turns} turns`);
  });

  it("a small topic does not wait for a large one", async () => {
    const trial = new Trial();
    const large = trial.reading();
    const small = trial.reading();
    const ends = [trial.give(large, 20_000), trial.give(small, 3)];
    while (small.isBusy) await trial.rounds.next();
    assert.ok(trial.rounds.made <= 4, `${trial.rounds.made} rounds`);
    assert.ok(large.isBusy);
    await trial.rounds.until(Promise.all(ends));
    assert.equal(trial.caughtUp, 2);
  });

  it("hands out in the same round what fits in a slice", async () => {
    const trial = new Trial();
    await trial.give(trial.reading(), 10);
    assert.equal(trial.rounds.made, 0);
    assert.deepEqual(trial.heard, upTo(10));
  });

  it("ends where its reading ends in the middle, within a part and between two", async () => {
    for (const last of [100, PART_RECORDS - 1]) {
      const trial = new Trial();
      const reading = trial.reading();
      trial.onRecord = (offset) => reading.isCancelled = offset === last;
      await trial.rounds.until(trial.give(reading, 20_000));
      assert.deepEqual(trial.heard, upTo(last + 1));
      assert.equal(trial.caughtUp, 0);
      assert.equal(reading.isBusy, false);
      assert.equal(trial.work.room.heldBytes, 0);
    }
  });

  it("continues where it was stopped, with no record twice and none left out", async () => {
    const trial = new Trial();
    const reading = trial.reading();
    const first = trial.give(reading, 5000);
    await trial.rounds.next();
    await trial.rounds.next();
    trial.isStopped = true;
    await trial.rounds.until(first);
    assert.ok(reading.position > 0 && reading.position < 5000);
    assert.equal(reading.position, trial.heard.length);
    trial.isStopped = false;
    await trial.rounds.until(trial.give(reading, 5000));
    assert.deepEqual(trial.heard, upTo(5000));
    assert.equal(trial.listener.counters.repeated_records, 0);
  });

  it("a restart in the middle takes over with a reading of its own", async () => {
    const trial = new Trial();
    const old = trial.reading();
    const first = trial.give(old, 5000);
    await trial.rounds.next();
    const next = old.successor("earliest");
    await trial.rounds.until(first);
    const before = trial.heard.length;
    next.begin(0, 10, trial.listener);
    await trial.rounds.until(trial.give(next, 10));
    assert.deepEqual(trial.heard.slice(before), upTo(10));
  });
});

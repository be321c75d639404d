// The log in a shared ring: what one thread writes, others read, in any order of writing, leasing, and falling behind.
// Invariant: a topic's messages come in order and whole; where some are left out, onLost() was called before the next.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { LogFollower } from "../../src/ingest/log_follower.ts";
import { RecordLog } from "../../src/ingest/record_log.ts";
import {
  SharedRingReader,
  SharedRingWriter,
} from "../../src/memory/shared_ring.ts";
import { Random } from "../random.ts";
import type { BlockSink } from "../../src/source/source.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { EmbeddedBlocks } from "../../src/source/embedded_blocks.ts";

const blocks = new EmbeddedBlocks(await embeddedChannels());
const FIRST = 23_671_510_000;
const TOPICS = blocks.topics.slice(0, 4);

/** Checks what comes through. */
class CheckingSink implements BlockSink {
  readonly messages = new Map<string, number[]>();
  readonly others: string[] = [];
  count = 0;
  lost = 0;
  readonly #written: Map<string, Uint8Array>;
  readonly #mayskip = new Set<string>();

  constructor(written: Map<string, Uint8Array>) {
    this.#written = written;
  }

  onMessage(
    topic: string,
    value: Uint8Array,
    offset: number,
    timestampMs: number,
  ): void {
    this.count++;
    assert.deepEqual(value, this.#written.get(`${topic} ${offset}`));
    assert.equal(timestampMs, offset + 0.5);
    const offsets = this.messages.get(topic) ?? [];
    this.messages.set(topic, offsets);
    const last = offsets.at(-1);
    if (last !== undefined && !this.#mayskip.has(topic)) {
      assert.equal(offset, last + 1, `${topic} after ${last}`);
    }
    if (last !== undefined) assert.ok(offset > last);
    this.#mayskip.delete(topic);
    offsets.push(offset);
  }

  /** A topic is leased again: it may begin anywhere. */
  begin(topic: string): void {
    this.messages.delete(topic);
  }

  onCaughtUp(topic: string, atClockMs: number): void {
    this.others.push(`caughtUp ${topic} ${atClockMs}`);
  }
  onDisturbed(topic: string): void {
    this.others.push(`disturbed ${topic}`);
  }
  onHole(topic: string, from: number, to: number): void {
    this.others.push(`hole ${topic} ${from} ${to}`);
  }
  onRestart(topic: string, offset: number): void {
    this.others.push(`restart ${topic} ${offset}`);
  }
  onLost(topic: string): void {
    this.lost++;
    this.#mayskip.add(topic);
  }
}

class LogWorld {
  readonly ring: SharedRingWriter;
  readonly log: RecordLog;
  readonly written = new Map<string, Uint8Array>();
  readonly next = new Map<string, number>();
  readonly sink = new CheckingSink(this.written);

  constructor(ringBytes: number) {
    this.ring = new SharedRingWriter(ringBytes, { pageBytes: ringBytes / 16 });
    this.log = new RecordLog({ ring: this.ring, later: () => {} });
  }

  follower(): LogFollower {
    return new LogFollower({
      ring: new SharedRingReader(this.ring.memory()),
      place: this.place(),
      sink: this.sink,
      clockMs: () => 0,
      ownMs: (theirMs) => theirMs + 1000,
    });
  }

  place() {
    this.log.publish();
    return {
      position: this.ring.memory().headPosition,
      topics: [...this.log.topics()],
    };
  }

  /** `index`: of a block, from `FIRST` on. @default that of the message */
  message(topic: string, isBlock = true, index?: number): void {
    const offset = this.next.get(topic) ?? 0;
    this.next.set(topic, offset + 1);
    const value = isBlock
      ? blocks.blockOf(topic, FIRST + (index ?? offset))
      : new Uint8Array(100 + offset % 50).fill(offset);
    // The embedded source uses one buffer for all of its blocks.
    this.written.set(`${topic} ${offset}`, value.slice());
    this.log.onMessage(topic, value, offset, offset + 0.5);
  }
}

describe("the log in a shared ring", () => {
  it("passes every kind of report on, with its numbers", () => {
    const world = new LogWorld(1024 * 1024);
    const [topic] = TOPICS;
    const follower = world.follower();
    assert.equal(
      follower.lease(topic!, { kind: "block-time", ms: 0 }, 0),
      null,
    );
    world.log.start(topic!, 5);
    world.message(topic!);
    world.message(topic!, false);
    world.log.onCaughtUp(topic!, 12.5);
    world.log.onDisturbed(topic!);
    world.log.onHole(topic!, 7, 9);
    world.log.onRestart(topic!, 2 ** 45);
    world.log.onLost(topic!);
    world.log.onLost("unleased");
    world.log.onCaughtUp("unleased", 1);
    world.log.publish();
    assert.equal(follower.run(Infinity), "done");
    assert.deepEqual(world.sink.messages.get(topic!), [0, 1]);
    assert.deepEqual(world.sink.others, [
      `caughtUp ${topic} 1012.5`,
      `disturbed ${topic}`,
      `hole ${topic} 7 9`,
      `restart ${topic} ${2 ** 45}`,
    ]);
    assert.equal(world.sink.lost, 1);
    // Out of time after each record, and never before the first.
    for (let i = 0; i < 3; i++) world.message(topic!);
    world.log.publish();
    assert.equal(follower.run(-1), "more");
    assert.equal(follower.run(-1), "more");
    assert.equal(follower.run(Infinity), "done");
  });

  it("has what a topic's reading brought before it was leased, from a time on", () => {
    const world = new LogWorld(4 * 1024 * 1024);
    const [topic, other] = TOPICS;
    world.log.start(topic!, 100);
    world.log.start(other!, 100);
    for (let i = 0; i < 50; i++) {
      world.message(topic!);
      world.message(other!);
      world.log.onCaughtUp(topic!, i);
    }
    const follower = world.follower();
    const strideMs = Number(blocks.strideNs(topic!)!) / 1e6;
    const fromMs = (23_671_510_000 + 30) * strideMs;
    const all = { kind: "block-time", ms: 50 } as const;
    assert.equal(follower.lease(topic!, all, Infinity), 100);
    assert.equal(follower.run(Infinity), "done");
    assert.equal(world.sink.messages.get(topic!)!.length, 50);
    // Of the ends that were reached only the last, behind all messages.
    assert.deepEqual(world.sink.others, [`caughtUp ${topic} 1049`]);
    const part = { kind: "block-time", ms: fromMs } as const;
    assert.equal(follower.lease(other!, part, Infinity), fromMs);
    follower.run(Infinity);
    assert.deepEqual(world.sink.messages.get(other!)![0], 30);
    follower.endLease(other!);
    world.sink.begin(other!);
    const produced = { kind: "produced", ms: 40.5 } as const;
    assert.equal(follower.lease(other!, produced, Infinity), 40.5);
    follower.run(Infinity);
    assert.deepEqual(world.sink.messages.get(other!)![0], 40);
  });

  it("says from when on it has a topic's messages where older ones were overwritten", () => {
    const world = new LogWorld(64 * 1024);
    const [topic, other] = TOPICS;
    const follower = world.follower();
    world.log.start(topic!, 0);
    for (let i = 0; i < 300; i++) world.message(topic!);
    world.log.publish();
    assert.equal(follower.run(Infinity), "lost");
    follower.moveTo(world.place());
    const lease = { kind: "block-time", ms: 0 } as const;
    const fromMs = follower.lease(topic!, lease, Infinity)!;
    follower.run(Infinity);
    const offsets = world.sink.messages.get(topic!)!;
    const strideMs = Number(blocks.strideNs(topic!)!) / 1e6;
    assert.equal(fromMs, (23_671_510_000 + offsets[0]!) * strideMs);
    assert.equal(offsets.at(-1), 299);
    assert.ok(offsets.length > 5 && offsets.length < 100);
    // None is left: from now on.
    for (let i = 0; i < 300; i++) world.message(other!);
    follower.moveTo(world.place());
    follower.endLease(topic!);
    assert.equal(follower.lease(topic!, lease, 77), 77);
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    it(`leaves nothing out unsaid: seed ${seed}`, () => {
      const world = new LogWorld(32 * 1024);
      const random = new Random(seed);
      const followers = [world.follower()];
      const follower = followers[0]!;
      const leased = new Set<string>();
      const isRead = new Set<string>();
      let places = 0;
      for (let step = 0; step < 4000; step++) {
        const topic = TOPICS[random.below(TOPICS.length)]!;
        switch (random.below(12)) {
          case 0:
            if (leased.has(topic)) break;
            leased.add(topic);
            world.sink.begin(topic);
            if (!isRead.has(topic)) world.log.start(topic, 0);
            isRead.add(topic);
            follower.lease(topic, { kind: "block-time", ms: 0 }, 1);
            break;
          case 1:
            if (!leased.delete(topic)) break;
            follower.endLease(topic);
            if (random.below(2)) {
              world.log.stop(topic);
              isRead.delete(topic);
            }
            break;
          case 2:
            world.log.onCaughtUp(topic, step);
            break;
          case 3:
            world.log.publish();
            while (random.below(8)) {
              const outcome = follower.run(random.below(2) ? -1 : Infinity);
              if (outcome === "lost") {
                follower.moveTo(world.place());
                places++;
              }
              if (outcome === "done") break;
            }
            break;
          default:
            if (!isRead.has(topic)) break;
            for (let i = random.below(5); i > 0; i--) {
              world.message(topic, random.below(10) > 0);
            }
        }
      }
      const { sink } = world;
      assert.ok(sink.lost > 0);
      assert.ok(places > 0);
      assert.ok(sink.count > 300, `${sink.count}`);
    });
  }

  it("reports a message that can never fit as a hole", () => {
    const world = new LogWorld(64 * 1024);
    const [topic] = TOPICS;
    const follower = world.follower();
    follower.lease(topic!, { kind: "block-time", ms: 0 }, 0);
    world.log.start(topic!, 0);
    world.log.onMessage(topic!, new Uint8Array(60 * 1024), 5, 0);
    world.log.publish();
    follower.run(Infinity);
    assert.deepEqual(world.sink.others, [`hole ${topic} 5 6`]);
    assert.equal(world.log.counters.tooLarge, 1);
  });

  it("has the whole backlog of a topic, though its producer sent an old block again", () => {
    const world = new LogWorld(1024 * 1024);
    const topic = TOPICS[0]!;
    world.log.start(topic, 0);
    for (let i = 0; i < 60; i++) {
      world.message(topic, true, i % 10 === 9 ? i - 2000 : i);
    }
    const from = { kind: "block-time", ms: (FIRST + 20) * 62.5 - 1 } as const;
    const follower = world.follower();
    const nowMs = (FIRST + 60) * 62.5;
    assert.equal(follower.lease(topic, from, nowMs), from.ms);
    follower.run(Infinity);
    assert.deepEqual(
      world.sink.messages.get(topic)?.filter((offset) => offset >= 20),
      Array.from({ length: 40 }, (_, i) => 20 + i),
    );
    // And not the whole log: it ends where all blocks are older.
    for (let i = 0; i < 60; i++) world.message(topic, true, 100 + i);
    const later = world.follower();
    world.sink.begin(topic);
    const newer = { kind: "block-time", ms: (FIRST + 159) * 62.5 - 1 } as const;
    assert.equal(later.lease(topic, newer, newer.ms), newer.ms);
    later.run(Infinity);
    assert.deepEqual(world.sink.messages.get(topic), [119]);
  });

  it("promises no backlog that was overwritten while it was looked for", () => {
    const world = new LogWorld(64 * 1024);
    const topic = TOPICS[0]!;
    world.log.start(topic, 0);
    for (let i = 0; i < 20; i++) world.message(topic);
    const ring = new SharedRingReader(world.ring.memory());
    const follower = new LogFollower({
      ring,
      place: world.place(),
      sink: world.sink,
      clockMs: () => 0,
      ownMs: (theirMs) => theirMs,
    });
    let copies = 0;
    const copied = ring.copied.bind(ring);
    ring.copied = () => {
      // While the head of the sixth record is copied.
      if (++copies === 6) {
        for (let i = 0; i < 200; i++) {
          world.message(topic);
        }
      }
      copied();
    };
    const from = { kind: "block-time", ms: 0 } as const;
    const fromMs = follower.lease(topic, from, Infinity)!;
    assert.ok(fromMs >= (FIRST + 15) * 62.5, `from ${fromMs}`);
  });

  it("reports no end of the log from before a restart", () => {
    const world = new LogWorld(1024 * 1024);
    const topic = TOPICS[0]!;
    world.log.start(topic, 0);
    world.message(topic);
    world.log.onCaughtUp(topic, 5);
    world.log.onRestart(topic, 1);
    world.message(topic);
    const follower = world.follower();
    follower.lease(topic, { kind: "block-time", ms: 0 }, 0);
    follower.run(Infinity);
    assert.deepEqual(world.sink.others, [`restart ${topic} 1`]);
    world.log.onCaughtUp(topic, 6);
    world.log.publish();
    follower.run(Infinity);
    assert.equal(world.sink.others.at(-1), `caughtUp ${topic} 1006`);
  });

  it("passes no message twice to one who leases just when the last lease ends", () => {
    const world = new LogWorld(1024 * 1024);
    const topic = TOPICS[0]!;
    const from = { kind: "block-time", ms: 0 } as const;
    const follower = world.follower();
    world.log.start(topic, 0);
    for (let i = 0; i < 10; i++) world.message(topic);
    world.log.publish();
    follower.run(Infinity);
    world.log.stop(topic);
    world.log.publish();
    // It does not know of the end yet, so it takes what the ring has.
    follower.lease(topic, from, 0);
    world.log.start(topic, 0);
    world.next.set(topic, 4);
    for (let i = 4; i < 10; i++) world.message(topic);
    world.log.onCaughtUp(topic, 1);
    for (let i = 0; i < 3; i++) world.message(topic);
    world.log.publish();
    follower.run(Infinity);
    assert.deepEqual(
      world.sink.messages.get(topic),
      Array.from({ length: 13 }, (_, i) => i),
    );
    // Where reading begins with an offset of before, because the log is another one, nothing is left out for long.
    world.log.stop(topic);
    world.log.start(topic, 0);
    world.log.onCaughtUp(topic, 2);
    world.next.set(topic, 0);
    world.sink.begin(topic);
    world.message(topic);
    world.log.publish();
    follower.run(Infinity);
    assert.deepEqual(world.sink.messages.get(topic), [0]);
  });

  it("passes a topic's backlog on before its new records, also if it is leased while others are passed on", () => {
    const world = new LogWorld(1024 * 1024);
    const [one, two] = TOPICS as [string, string];
    const from = { kind: "block-time", ms: 0 } as const;
    const follower = world.follower();
    for (const topic of [one, two]) world.log.start(topic, 0);
    for (let i = 0; i < 5; i++) world.message(two);
    world.log.publish();
    follower.run(Infinity);
    follower.lease(one, from, 0);
    world.message(one);
    world.message(two);
    world.log.publish();
    const { sink } = world;
    const onMessage = sink.onMessage.bind(sink);
    sink.onMessage = (topic, value, offset, timestampMs) => {
      onMessage(topic, value, offset, timestampMs);
      if (topic === one) follower.lease(two, from, 0);
    };
    assert.equal(follower.run(Infinity), "done");
    assert.deepEqual(sink.messages.get(two), [0, 1, 2, 3, 4, 5]);
  });
});

// Old streams are moved to other instances a few at a time: seeded, with a clock that the test controls.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { StreamAge } from "../../src/clients/stream_age.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { ClientLifecycle } from "../../src/clients/lifecycle.ts";
import { CooperativeScheduler } from "../../src/clients/scheduler.ts";
import type { StreamFormat } from "../../src/frames/stream_format.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { HeldTurns } from "../held_turns.ts";
import { Random } from "../random.ts";
import { HeldOutlet } from "./held_outlet.ts";
import { channels, FIRST, NAME } from "./one_channel.ts";

describe("StreamAge", () => {
  /** How many of `count` clients that came together leave in each second after their age is reached. */
  function leaving(count: number, ageS: number, seconds: number): number[] {
    let clockMs = 0;
    const clients = new Set(Array.from({ length: count }, () => ({
      openedMs: 0,
      phase: { kind: "live", isResuming: false },
      rows: 1,
      cursor: 1,
      fillTo: -1,
      endRow: Infinity,
    })));
    const random = new Random(15);
    const age = new StreamAge({
      scheduler: new CooperativeScheduler({
        sliceMs: Infinity,
        clockMs: () => clockMs,
        later: () => {},
      }),
      lifecycle: {
        clockMs: () => clockMs,
        clients: () => clients.values(),
        // Others come.
        clientCount: count,
        end: (client: never) => void clients.delete(client),
      } as unknown as ClientLifecycle,
      log: silent,
      streamAgeMaxS: ageS,
      random: () => random.below(2 ** 30) / 2 ** 30,
    });
    for (clockMs = 0; clockMs < ageS * 1000; clockMs += 1000) age.tick();
    assert.equal(clients.size, count, "none before its age");
    return Array.from({ length: seconds }, () => {
      const before = clients.size;
      age.tick();
      clockMs += 1000;
      return before - clients.size;
    });
  }

  it("a fleet that came together leaves evenly over a quarter of the age", () => {
    const left = leaving(1000, 3600, 910);
    assert.equal(left.reduce((a, b) => a + b), 1000, "all were moved");
    assert.ok(Math.max(...left) <= 10, `${Math.max(...left)} in one second`);
    for (let i = 0; i < 900; i += 90) {
      const tenth = left.slice(i, i + 90).reduce((a, b) => a + b);
      assert.ok(tenth > 60 && tenth < 140, `${tenth} in a tenth`);
    }
  });

  it("never more than one in a hundred in a second, however short the age is", () => {
    const left = leaving(2000, 10, 60);
    assert.ok(Math.max(...left) <= 20);
    assert.ok(left.reduce((a, b) => a + b) > 500);
    assert.equal(Math.max(...leaving(5, 10, 60)), 1);
  });
});

describe("--stream-age-max-s", () => {
  let qanat: Qanat;
  const source = new DrivenSource(channels);
  const clock = new BlockClock(FIRST);
  const turns = new HeldTurns();

  async function setUp(streamAgeMaxS: number): Promise<void> {
    clock.index = FIRST;
    const config = configWith({ retentionMb: 1, lingerMs: 0, streamAgeMaxS });
    qanat = new Qanat({
      config,
      source,
      log: silent,
      clocks: clock,
      later: turns.later,
    });
    await qanat.start();
  }

  function open(
    format: StreamFormat = "events",
    options: Partial<ClientOptions> = {},
  ) {
    const admission = qanat.hub.admission.admit(
      [source.catalog.get(NAME, null)!],
      format,
      { address: "", ...options },
    );
    assert.ok(admission.kind === "ready", admission.kind);
    const outlet = new HeldOutlet();
    return { outlet, client: admission.open(outlet) };
  }

  function publish(): void {
    const [topic] = source.blocks.topics;
    const row = clock.index++;
    const block = source.blocks.blockOf(topic!, row);
    source.sink!.onMessage(topic!, block, row, 0);
    source.sink!.onCaughtUp(topic!, clock.clockMs());
  }

  function pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      for (let k = 0; k < 16; k++) publish();
      qanat.hub.tick();
      turns.run();
    }
  }

  afterEach(async () => {
    qanat.drain();
    await qanat.close();
  });

  it("ends old streams as a shutdown does, with the reason `age`", async () => {
    await setUp(60);
    publish();
    const events = open();
    const arrow = open("arrow");
    pass(59);
    assert.equal(events.client.ended, null);
    pass(30);
    assert.equal(events.client.ended, "age");
    const { text } = events.outlet;
    const [, retryMs] =
      /retry: (\d+)\nevent: end\ndata: \{"reason":"age"\}\n\n$/.exec(text)!;
    assert.ok(Number(retryMs) >= 1000 && Number(retryMs) <= 3000);
    assert.equal(events.outlet.ending, "ended");
    assert.equal(arrow.client.ended, "age");
    assert.match(arrow.outlet.text, /qanat\.end.*"reason":"age"/s);
    const last = arrow.outlet.written.at(-1)!;
    assert.deepEqual([...last.subarray(-8)], [255, 255, 255, 255, 0, 0, 0, 0]);
    assert.deepEqual(qanat.hub.figures.ends, { age: 2 });
  });

  it("leaves ranges that end by themselves, and streams without an id, alone", async () => {
    await setUp(60);
    publish();
    const hour = 3_600_000_000_000n;
    const bounded = open("arrow", { durationNs: hour });
    const events = open("events", { durationNs: hour });
    pass(100);
    assert.equal(bounded.client.ended, null);
    assert.equal(events.client.ended, null);
    const silentOne = open();
    clock.pass(100, () => {
      qanat.hub.tick();
      turns.run();
    });
    assert.equal(silentOne.client.ended, null);
  });

  it("is off with 0, and moves none during a shutdown", async () => {
    await setUp(0);
    publish();
    const { client } = open();
    pass(120);
    assert.equal(client.ended, null);
  });
});

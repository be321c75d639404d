// An instance with clients while its wall clock steps, its monotonic clock and the publishers continue.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { Config } from "../../src/config.ts";
import type { SourceStatus } from "../../src/source/source.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { HeldOutlet } from "./held_outlet.ts";
import { channels, FIRST, NAME } from "./one_channel.ts";
import { HeldTurns } from "../held_turns.ts";

const HOUR_MS = 3_600_000;
const STEPS_MS = [-HOUR_MS, HOUR_MS];

class Source extends DrivenSource {
  contactClockMs = Infinity;

  override status(): SourceStatus {
    return {
      ...super.status(),
      reachable: false,
      lastContactClockMs: this.contactClockMs,
    };
  }
}

let source: Source;
let clock: BlockClock;
let qanat: Qanat;
let turns: HeldTurns;
let row: number;
let logged: string[];

async function setUp(
  changes: Partial<Config> = {},
  wallAheadMs = 0,
): Promise<void> {
  source = new Source(channels);
  clock = new BlockClock(FIRST);
  clock.wallAheadMs = wallAheadMs;
  row = FIRST;
  logged = [];
  turns = new HeldTurns();
  qanat = new Qanat({
    config: configWith({ retentionMb: 1, outageGraceMs: 0, ...changes }),
    source,
    log: { ...silent, error: (event) => void logged.push(event) },
    clocks: clock,
    later: turns.later,
  });
  await qanat.start();
}

function open(
  options: Partial<ClientOptions> = {},
): { outlet: HeldOutlet; client: GroupClient } {
  const channel = source.catalog.get(NAME, null)!;
  const admission = qanat.hub.admission.admit([channel], "events", {
    address: "",
    ...options,
  });
  assert.ok(admission.kind === "ready");
  const outlet = new HeldOutlet();
  return { outlet, client: admission.open(outlet) };
}

/** Publishes so many rows, and ticks as the timer does. */
function publish(count: number, lost: readonly number[] = []): void {
  const [topic] = source.blocks.topics;
  for (let i = 0; i < count; i++) {
    clock.index = row + 1;
    const value = source.blocks.blockOf(topic!, row);
    if (!lost.includes(i)) source.sink!.onMessage(topic!, value, row, 0);
    source.sink!.onCaughtUp(topic!, clock.clockMs());
    qanat.store.tick();
    row++;
  }
}

function ids(outlet: HeldOutlet): number[] {
  return [...outlet.text.matchAll(/^id: (\d+)\ndata/gm)].map((m) =>
    Number(BigInt(m[1]!) / 62_500_000n) - FIRST
  );
}

beforeEach(() => setUp());

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

describe("an instance whose wall clock steps", () => {
  for (const stepMs of STEPS_MS) {
    it(`hands out every row, and calls late what is late, ${stepMs} ms off`, () => {
      const { outlet } = open();
      publish(20);
      clock.wallAheadMs = stepMs;
      publish(40);
      assert.equal(ids(outlet).at(-1), 60);
      publish(140, [0, 1, 2]);
      turns.run();
      // The lost blocks were reported after their latency, not after an hour.
      assert.equal(ids(outlet).at(-1), 200);
      clock.wallAheadMs = 0;
      publish(60);
      turns.run();
      const got = new Set(ids(outlet));
      for (let i = 2; i <= 260; i++) {
        assert.ok(got.has(i), `row ${i}`);
      }
      const reasons = outlet.text.matchAll(/"reason":"([a-z-]+)"/g);
      assert.deepEqual([...new Set([...reasons].map((m) => m[1]))], [
        "missing",
      ]);
      assert.equal(
        qanat.store.partition(source.blocks.topics[0]!)!.counters.future,
        0,
      );
    });

    it(`sends heartbeats and drops what stalls, ${stepMs} ms off (for an hour it did neither)`, () => {
      const quiet = open();
      const stalled = open();
      publish(2);
      stalled.outlet.isStalled = true;
      publish(2);
      clock.wallAheadMs = stepMs;
      const before = quiet.outlet.text.length;
      clock.pass(16, () => qanat.hub.tick());
      assert.match(quiet.outlet.text.slice(before), /^id: \d+\n\n$/);
      clock.pass(50, () => qanat.hub.tick());
      assert.equal(stalled.client.ended, "stalled");
      assert.equal(quiet.client.ended, null);
    });

    it(`is ready by when its source answered last, ${stepMs} ms off`, () => {
      const { readyGraceMs } = qanat.config;
      source.contactClockMs = clock.clockMs();
      clock.wallAheadMs = stepMs;
      assert.deepEqual(qanat.notReady(), []);
      clock.index += Math.ceil(readyGraceMs / 62.5) + 1;
      assert.deepEqual(qanat.notReady(), [
        "the embedded source is unreachable",
      ]);
    });

    it(`drops a topic that no client reads after its linger, ${stepMs} ms off`, async () => {
      await qanat.close();
      await setUp({ lingerMs: 10_000 });
      open();
      publish(2);
      qanat.drain();
      clock.wallAheadMs = stepMs;
      clock.pass(9, () => qanat.store.tick());
      assert.equal(source.wanted.size, 1);
      clock.pass(2, () => qanat.store.tick());
      assert.equal(source.wanted.size, 0);
    });
  }

  it("is set right while every block came from the future, and then serves them", () => {
    clock.wallAheadMs = -HOUR_MS;
    qanat.store.tick();
    const { outlet } = open();
    publish(10);
    assert.deepEqual(ids(outlet), []);
    const status = () => (qanat.status()["partitions"] as { state: string }[]);
    assert.equal(status()[0]!.state, "future");
    assert.deepEqual(logged, ["clock-behind-all-blocks"]);
    clock.wallAheadMs = 0;
    publish(60);
    assert.equal(ids(outlet).at(-1), 70);
    assert.equal(status()[0]!.state, "present");
    assert.deepEqual(logged, ["clock-behind-all-blocks"]);
  });
});

describe("a process that was stopped", () => {
  it("blames no client for the time in which it did not run itself", () => {
    const { outlet, client } = open();
    publish(2);
    outlet.isStalled = true;
    publish(2);
    clock.pass(2, () => qanat.hub.tick());
    clock.index += 16 * 3600;
    qanat.hub.tick();
    assert.equal(client.ended, null);
    clock.pass(61, () => qanat.hub.tick());
    assert.equal(client.ended, "stalled");
  });
});

describe("an instance whose wall clock is ahead from the start", () => {
  for (const aheadMs of [2_000, 30_000, HOUR_MS]) {
    it(`sends every row, also while another stream has a duration, ${aheadMs} ms ahead (it promised that none would come)`, async () => {
      qanat.drain();
      await qanat.close();
      await setUp({}, aheadMs);
      const { outlet } = open();
      open({ durationNs: 60_000_000_000n });
      for (let second = 0; second < 20; second++) {
        publish(16);
        turns.run();
        qanat.hub.tick();
      }
      const got = ids(outlet);
      const first = got[0]!;
      assert.ok(first < 32, `the first row was ${first}`);
      assert.deepEqual(
        got,
        Array.from({ length: 321 - first }, (_, i) => first + i),
      );
      assert.doesNotMatch(outlet.text, /event: gap/);
    });
  }
});

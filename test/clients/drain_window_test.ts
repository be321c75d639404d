// A shutdown over a window of time, with a clock that the test controls.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import type { Config } from "../../src/config.ts";
import type { Logger } from "../../src/telemetry/log.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { HeldTurns } from "../held_turns.ts";
import { HeldOutlet } from "./held_outlet.ts";
import { channels, FIRST, NAME } from "./one_channel.ts";

let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;
let turns: HeldTurns;
let row: number;
let logged: [string, Record<string, unknown>][];

async function setUp(changes: Partial<Config>): Promise<void> {
  source = new DrivenSource(channels);
  clock = new BlockClock(FIRST);
  turns = new HeldTurns();
  row = FIRST;
  logged = [];
  const log: Logger = {
    ...silent,
    info: (event, fields = {}) =>
      void logged.push([event, fields as Record<string, unknown>]),
  };
  const config = configWith({ retentionMb: 1, lingerMs: 0, ...changes });
  qanat = new Qanat({ config, source, log, clocks: clock, later: turns.later });
  await qanat.start();
}

function open() {
  const admission = qanat.hub.admission.admit(
    [source.catalog.get(NAME, null)!],
    "events",
    { address: "" },
  );
  assert.ok(admission.kind === "ready", admission.kind);
  const outlet = new HeldOutlet();
  return { outlet, client: admission.open(outlet) };
}

/** A row, and what an instance does ten times a second. */
function publish(): void {
  const [topic] = source.blocks.topics;
  clock.index = ++row;
  const block = source.blocks.blockOf(topic!, row - 1);
  source.sink!.onMessage(topic!, block, row - 1, 0);
  source.sink!.onCaughtUp(topic!, clock.clockMs());
  qanat.hub.drainWindow.tick();
  turns.run();
}

beforeEach(() => setUp({ drainSpreadS: 10 }));

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

describe("DrainWindow", () => {
  it("ends those who came last first, evenly over the window, and feeds the others until their turn", async () => {
    const clients = Array.from({ length: 20 }, open);
    publish();
    let isDone = false;
    const done = qanat.hub.drainSpread().then(() => isDone = true);
    const openAfter: number[] = [];
    for (let second = 1; second <= 10; second++) {
      for (let i = 0; i < 16; i++) publish();
      const states = clients.map(({ client }) => client.ended);
      const open = states.filter((ended) => ended === null).length;
      assert.equal(states.lastIndexOf(null), open - 1, "the last ones ended");
      assert.equal(qanat.hub.figures.clientsToDrain, open);
      openAfter.push(open);
    }
    assert.deepEqual(openAfter, [18, 16, 14, 12, 10, 8, 6, 4, 2, 0]);
    await done;
    assert.ok(isDone);
    const rows = clients.map(({ client }) => client.rows);
    assert.deepEqual(rows, rows.toSorted((a, b) => b - a));
    assert.ok(rows[0]! > 150, "the first one got its rows until the end");
    for (const { outlet } of clients) {
      assert.match(outlet.text, /event: end\ndata: \{"reason":"drain"\}\n\n$/);
    }
  });

  it("is not ready and refuses new clients from its beginning", () => {
    open();
    assert.deepEqual(qanat.notReady(), []);
    void qanat.hub.drainSpread();
    assert.deepEqual(qanat.notReady(), ["shutting down"]);
    const refused = qanat.hub.admission.admit(
      [source.catalog.get(NAME, null)!],
      "events",
      { address: "" },
    );
    assert.ok(refused.kind === "full" && refused.refusal === "draining");
  });

  it("sends heartbeats to those who wait for their turn", () => {
    const { outlet } = open();
    publish();
    void qanat.hub.drainSpread();
    const before = outlet.written.length;
    clock.index += 16 * 6;
    clock.pass(2, () => qanat.hub.tick());
    assert.equal(outlet.written.length, before, "not due yet");
    const admissionEnd = outlet.ending;
    clock.pass(10, () => qanat.hub.tick());
    assert.ok(outlet.written.length > before);
    assert.equal(admissionEnd, "open");
  });

  it("ends early when the last client has disconnected, and at once without any", async () => {
    const { outlet } = open();
    const done = qanat.hub.drainSpread();
    assert.equal(qanat.hub.figures.clientsToDrain, 1);
    outlet.owner.onClose();
    publish();
    await done;
    assert.equal(qanat.hub.figures.clientsToDrain, 0);
    const [begin, end] = logged.filter(([event]) => event.startsWith("drain-"));
    assert.deepEqual(begin, ["drain-begins", { clients: 1, spreadS: 10 }]);
    assert.equal(end![0], "drain-ends");
    assert.equal(end![1].clients, 0);
    await qanat.close();
    await setUp({ drainSpreadS: 10 });
    await qanat.hub.drainSpread();
  });

  it("ends all at once with 0", async () => {
    await qanat.close();
    await setUp({ drainSpreadS: 0 });
    const clients = Array.from({ length: 5 }, open);
    const done = qanat.hub.drainSpread();
    for (const { client } of clients) assert.equal(client.ended, "drain");
    await done;
  });

  it("a close in the middle of it ends all clients", async () => {
    const clients = Array.from({ length: 5 }, open);
    const done = qanat.hub.drainSpread();
    publish();
    await qanat.close();
    await done;
    for (const { client } of clients) assert.equal(client.ended, "drain");
    await setUp({});
  });
});

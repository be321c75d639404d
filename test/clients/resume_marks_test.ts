// Streams whose range began at the now of their first request, cut and resumed: their ids say where they end. The test
// controls the clock.
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import type { StreamShape } from "../../src/frames/stream_format.ts";
import { resumePointOf } from "../../src/http/routes/resume_point.ts";
import { trendBinOf } from "../../src/trends/trend_bins.ts";
import { drivenQanat } from "../driven_qanat.ts";
import {
  type BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { HeldOutlet } from "./held_outlet.ts";
import { channels, FIRST, NAME, STRIDE_NS } from "./one_channel.ts";
import { HeldTurns } from "../held_turns.ts";

const endNsOf = (row: number) => BigInt(row + 1) * STRIDE_NS;

let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;
let turns: HeldTurns;

function open(
  options: Partial<ClientOptions> = {},
  shape: StreamShape = { format: "events" },
): { outlet: HeldOutlet; client: GroupClient } {
  const admission = qanat.hub.admission.admit(
    [source.catalog.get(NAME, null)!],
    shape,
    { address: "", ...options },
  );
  assert.ok(admission.kind === "ready", JSON.stringify(admission));
  const outlet = new HeldOutlet();
  return { outlet, client: admission.open(outlet) };
}

function publishTo(from: number, to: number): void {
  for (let row = from; row < to; row++) {
    clock.index = row + 1;
    for (const topic of source.wanted) {
      const value = source.blocks.blockOf(topic, row);
      source.sink!.onMessage(topic, value, row, 0);
      source.sink!.onCaughtUp(topic, clock.clockMs());
    }
  }
}

function eventsOf(outlet: HeldOutlet): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(outlet.text);
  return events;
}

/** Rows by number, as a client dispatches them. */
function rowsOf(outlet: HeldOutlet): number[] {
  return eventsOf(outlet).filter(({ event }) => event === undefined).map(
    ({ data }) => Number(BigInt(JSON.parse(data).time) / STRIDE_NS),
  );
}

const lastIdOf = (outlet: HeldOutlet) =>
  eventsOf(outlet).findLast(({ id }) => id !== undefined)!.id!;

/** What a reconnect with this id and the same `duration` asks for. */
function resumed(id: string, durationNs: bigint): Partial<ClientOptions> {
  const { afterNs, untilNs } = resumePointOf(id)!;
  return { afterNs, untilNs, durationNs };
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => from + i);

beforeEach(async () => {
  ({ source, clock, turns, qanat } = await drivenQanat(channels, FIRST, {
    retentionMb: 1,
    lingerMs: 0,
    outageGraceMs: 0,
  }));
  open();
  publishTo(FIRST - 1, FIRST + 10);
});

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

describe("a duration from now", () => {
  const durationNs = 8n * STRIDE_NS;

  it("is the same range when it comes again: each id says where it ends", () => {
    const { outlet, client } = open({ durationNs });
    publishTo(FIRST + 10, FIRST + 13);
    assert.deepEqual(rowsOf(outlet), range(FIRST + 10, FIRST + 13));
    assert.equal(
      lastIdOf(outlet),
      `${endNsOf(FIRST + 12)}~${endNsOf(FIRST + 17)}`,
    );
    qanat.hub.lifecycle.leave(client);
    publishTo(FIRST + 13, FIRST + 15);
    const again = open(resumed(lastIdOf(outlet), durationNs));
    turns.run();
    publishTo(FIRST + 15, FIRST + 24);
    turns.run();
    assert.deepEqual(rowsOf(again.outlet), range(FIRST + 13, FIRST + 18));
    assert.equal(again.client.ended, "complete");
    const end = eventsOf(again.outlet).at(-1)!;
    assert.equal(end.event, "end");
    assert.equal(end.id, `${endNsOf(FIRST + 17)}~${endNsOf(FIRST + 17)}`);
  });

  it("has the ids of its gaps and heartbeats marked, too", () => {
    const { outlet } = open({ durationNs, gaps: "skip" });
    publishTo(FIRST + 10, FIRST + 12);
    publishTo(FIRST + 14, FIRST + 16);
    clock.index = FIRST + 16 + 16 * 60;
    for (const topic of source.wanted) {
      source.sink!.onCaughtUp(topic, clock.clockMs());
    }
    qanat.hub.tick();
    turns.run();
    const marked = [...outlet.text.matchAll(/^id: \d+(~\d+)?$/gm)];
    assert.ok(marked.length >= 5, outlet.text);
    for (const [line, mark] of marked) {
      assert.equal(mark, `~${endNsOf(FIRST + 17)}`, line);
    }
  });

  it("is the same range where the start or the end was relative to now", () => {
    const startNs = endNsOf(FIRST + 3);
    const moving = { hasMovingEnd: true, startNs };
    const toEnd = { ...moving, endNs: endNsOf(FIRST + 13) };
    const forLength = { ...moving, durationNs: 10n * STRIDE_NS };
    for (const options of [toEnd, forLength]) {
      const { outlet, client } = open(options);
      turns.run();
      assert.match(lastIdOf(outlet), /^\d+~\d+$/);
      qanat.hub.lifecycle.leave(client);
      // Later, the same texts state a later range; the id has the first one.
      const again = open({
        ...options,
        startNs: endNsOf(FIRST + 8),
        ...("endNs" in options ? { endNs: endNsOf(FIRST + 18) } : {}),
        ...resumed(lastIdOf(outlet), 10n * STRIDE_NS),
        ...("endNs" in options ? { durationNs: undefined } : {}),
      });
      publishTo(FIRST + 10, FIRST + 20);
      turns.run();
      assert.equal(again.client.ended, "complete");
      const rows = [...rowsOf(outlet), ...rowsOf(again.outlet)];
      assert.deepEqual(rows, range(FIRST + 4, FIRST + 14));
    }
  });

  it("leaves the ids of all others plain, and the shared frames as they are", () => {
    const plain = open();
    const { outlet } = open({ durationNs });
    const from = { startNs: endNsOf(FIRST + 9), durationNs };
    const given = open(from);
    publishTo(FIRST + 10, FIRST + 12);
    const before = qanat.hub.figures.counters.framesEncoded;
    publishTo(FIRST + 12, FIRST + 13);
    assert.equal(qanat.hub.figures.counters.framesEncoded, before + 1);
    assert.equal(lastIdOf(plain.outlet), String(endNsOf(FIRST + 12)));
    assert.equal(lastIdOf(given.outlet), String(endNsOf(FIRST + 12)));
    assert.match(lastIdOf(outlet), /~/);
  });

  it("is marked in gzip'ed events as in plain ones", () => {
    const plain = open({ durationNs });
    const packed = open({ durationNs }, { format: "events", coding: "gzip" });
    publishTo(FIRST + 10, FIRST + 20);
    assert.equal(packed.client.ended, "complete");
    const body = new Uint8Array(
      packed.outlet.written.flatMap((bytes) => [...bytes]),
    );
    // Checks the trailer's CRC and length, too.
    assert.equal(
      new TextDecoder().decode(gunzipSync(body)),
      plain.outlet.text,
    );
    assert.match(plain.outlet.text, /~/);
  });

  it("counts from a plain id where an id has no mark", () => {
    const { outlet } = open({ afterNs: endNsOf(FIRST + 4), durationNs });
    turns.run();
    publishTo(FIRST + 10, FIRST + 20);
    assert.deepEqual(rowsOf(outlet), range(FIRST + 5, FIRST + 13));
  });

  it("counts from now if the id is in the future, whatever its mark", () => {
    const afterNs = endNsOf(FIRST + 5000);
    const { outlet } = open({ afterNs, untilNs: afterNs + 1n, durationNs });
    publishTo(FIRST + 10, FIRST + 24);
    assert.deepEqual(rowsOf(outlet), range(FIRST + 10, FIRST + 18));
  });

  it("in bins is the same range when it comes again", () => {
    const shape: StreamShape = { format: "events", trend: trendBinOf("1s") };
    const durationNs = 48n * STRIDE_NS;
    const { outlet } = open({ durationNs }, shape);
    publishTo(FIRST + 10, FIRST + 40);
    turns.run();
    const id = lastIdOf(outlet);
    assert.match(id, /~/);
    const again = open(resumed(id, durationNs), shape);
    publishTo(FIRST + 40, FIRST + 90);
    turns.run();
    assert.equal(again.client.ended, "complete");
    const first = rowsOf(outlet)[0]!;
    assert.deepEqual(rowsOf(outlet), [first, first + 16, first + 32]);
    assert.equal(
      rowsOf(again.outlet)[0],
      Number(resumePointOf(id)!.afterNs / STRIDE_NS),
    );
    assert.equal(rowsOf(again.outlet).at(-1), first + 32);
  });
});

describe("an id from before the start", () => {
  const startNs = BigInt(FIRST + 4) * STRIDE_NS;
  const afterNs = BigInt(FIRST + 1) * STRIDE_NS;

  it("gets the range as without an id, and no row from before it", () => {
    for (const ns of [startNs, startNs + 1n, startNs + STRIDE_NS - 1n]) {
      const endNs = startNs + 4n * STRIDE_NS;
      for (const shape of ["events", "arrow"] as const) {
        const plain = open({ startNs: ns, endNs }, { format: shape });
        const resumed = open({ startNs: ns, endNs, afterNs }, {
          format: shape,
        });
        turns.run();
        assert.equal(resumed.client.ended, "complete");
        assert.deepEqual(resumed.outlet.written, plain.outlet.written);
      }
    }
  });

  it("within the row of the start is reported, as it was no end of a row", () => {
    const { outlet } = open({ startNs: startNs + 2n, afterNs: startNs + 1n });
    turns.run();
    assert.match(outlet.text, /stride-changed/);
    assert.deepEqual(rowsOf(outlet), range(FIRST + 4, FIRST + 10));
  });

  it("keeps the end that it states", () => {
    const { outlet, client } = open({
      startNs,
      afterNs,
      endNs: BigInt(FIRST + 9) * STRIDE_NS,
      untilNs: BigInt(FIRST + 7) * STRIDE_NS,
      hasMovingEnd: true,
    });
    turns.run();
    assert.equal(client.ended, "complete");
    assert.deepEqual(rowsOf(outlet), range(FIRST + 4, FIRST + 7));
  });

  it("counts where the start moves with the time: the rows between were not received", () => {
    const { outlet } = open({ startNs, afterNs, hasMovingStart: true });
    turns.run();
    assert.deepEqual(rowsOf(outlet), range(FIRST + 1, FIRST + 10));
  });

  it("begins with the bin of the start", () => {
    const shape: StreamShape = { format: "events", trend: trendBinOf("1s") };
    open({}, shape);
    publishTo(FIRST + 10, FIRST + 90);
    const plain = open({ startNs: startNs + 40n * STRIDE_NS }, shape);
    const resumed = open(
      { startNs: startNs + 40n * STRIDE_NS, afterNs },
      shape,
    );
    turns.run();
    assert.deepEqual(rowsOf(resumed.outlet), rowsOf(plain.outlet));
    assert.ok(rowsOf(plain.outlet).length > 0);
  });
});

describe("an id of the future", () => {
  it("is unknown before the first row, too: the stream is live when it comes", async () => {
    qanat.drain();
    await qanat.close();
    source = new DrivenSource(channels);
    turns = new HeldTurns();
    qanat = new Qanat({
      config: configWith({ retentionMb: 1, lingerMs: 0, outageGraceMs: 0 }),
      source,
      log: silent,
      clocks: clock,
      later: turns.later,
    });
    await qanat.start();
    const { outlet } = open({ afterNs: endNsOf(FIRST + 5000) });
    qanat.hub.tick();
    turns.run();
    publishTo(FIRST + 10, FIRST + 12);
    const [gap] = eventsOf(outlet).filter(({ event }) => event === "gap");
    const { from, to, reason } = JSON.parse(gap!.data);
    assert.equal(from, null);
    assert.equal(reason, "unknown-id");
    assert.equal(to, String(BigInt(rowsOf(outlet)[0]!) * STRIDE_NS));
  });

  it("never has a gap that ends before it begins", () => {
    for (const ahead of [40, 400, 4000, 4_000_000]) {
      const { outlet } = open({ afterNs: endNsOf(FIRST + 10 + ahead) });
      for (const { event, data } of eventsOf(outlet)) {
        if (event !== "gap") continue;
        const { from, to } = JSON.parse(data);
        assert.ok(from === null || BigInt(from) < BigInt(to), data);
      }
    }
  });
});

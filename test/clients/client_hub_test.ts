// A client's life with a clock that the test controls: heartbeats, duration, stalls, changes, drain.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import type { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import type { StreamFormat } from "../../src/frames/stream_format.ts";
import type { Config } from "../../src/config.ts";
import { drivenQanat } from "../driven_qanat.ts";
import type { BlockClock, DrivenSource } from "../driven_source.ts";
import { HeldOutlet } from "./held_outlet.ts";
import { channels, FIRST, NAME } from "./one_channel.ts";
import type { HeldTurns } from "../held_turns.ts";

const decoder = new TextDecoder();

let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;
let turns: HeldTurns;
let row: number;

async function setUp(changes: Partial<Config> = {}): Promise<void> {
  row = FIRST;
  ({ source, clock, turns, qanat } = await drivenQanat(channels, FIRST, {
    retentionMb: 1,
    lingerMs: 0,
    outageGraceMs: 0,
    ...changes,
  }));
}

function open(
  format: StreamFormat = "events",
  options: Partial<ClientOptions> = {},
): { outlet: HeldOutlet; client: GroupClient } {
  const admission = qanat.hub.admission.admit(
    [source.catalog.get(NAME, null)!],
    format,
    { address: "", ...options },
  );
  assert.ok(admission.kind === "ready");
  const outlet = new HeldOutlet();
  return { outlet, client: admission.open(outlet) };
}

/** Publishes rows; the first one is read before any client is served. */
function publish(count: number): void {
  const [topic] = source.blocks.topics;
  for (let i = 0; i < count; i++) {
    clock.index = row + 1;
    source.sink!.onMessage(topic!, source.blocks.blockOf(topic!, row), row, 0);
    source.sink!.onCaughtUp(topic!, clock.clockMs());
    row++;
  }
}

function ids(outlet: HeldOutlet): number[] {
  return [...outlet.text.matchAll(/^id: (\d+)\ndata/gm)].map((m) =>
    Number(BigInt(m[1]!) / 62_500_000n)
  );
}

beforeEach(() => setUp());

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

describe("ClientHub", () => {
  it("sends heartbeats whose id is the settled end, and batches of no rows", () => {
    const events = open();
    const arrow = open("arrow");
    publish(3);
    assert.deepEqual(ids(events.outlet), [row - 1, row]);
    const before = arrow.outlet.written.length;
    clock.index += 16 * 16;
    qanat.hub.tick();
    const end = BigInt(row) * 62_500_000n;
    assert.ok(events.outlet.text.endsWith(`\n\nid: ${end}\n\n`));
    assert.equal(arrow.outlet.written.length, before + 1);
    assert.ok(arrow.outlet.written.at(-1)!.length > 8);
  });

  it("encodes a row once for all clients of a selection", () => {
    open();
    publish(1);
    const clients = Array.from({ length: 9 }, () => open());
    publish(10);
    const { framesEncoded, framesSent } = qanat.hub.figures.counters;
    assert.equal(framesSent, 10 * framesEncoded);
    for (const { outlet } of clients) assert.equal(ids(outlet).length, 10);
  });

  it("ends after duration, with an event that says so", () => {
    const { outlet, client } = open("events", { durationNs: 250_000_000n });
    publish(10);
    assert.equal(client.rows, 4);
    assert.equal(outlet.ending, "ended");
    assert.match(outlet.text, /event: end\ndata: \{"reason":"complete"\}\n\n$/);
  });

  it("a client that stalls misses nothing that the ring still holds", () => {
    const stalled = open();
    const other = open();
    publish(2);
    stalled.outlet.isStalled = true;
    publish(50);
    assert.equal(ids(other.outlet).length, 51);
    assert.ok(ids(stalled.outlet).length <= 5);
    stalled.outlet.isStalled = false;
    stalled.outlet.finish();
    turns.run();
    assert.deepEqual(ids(stalled.outlet), ids(other.outlet));
  });

  it("a client whose rows the ring has overwritten gets a gap of that span, and the rest", () => {
    const { outlet } = open();
    publish(2);
    outlet.isStalled = true;
    publish(3000);
    outlet.isStalled = false;
    outlet.finish();
    turns.run();
    const gap = /event: gap\ndata: (.*)\n/.exec(outlet.text);
    assert.ok(gap);
    const { from, to, reason } = JSON.parse(gap[1]!);
    assert.equal(reason, "slow");
    const got = ids(outlet);
    const last = got.findIndex((id, i) => i > 0 && id !== got[i - 1]! + 1);
    assert.equal(BigInt(from), BigInt(got[last - 1]!) * 62_500_000n);
    assert.equal(BigInt(to), BigInt(got[last]! - 1) * 62_500_000n);
    assert.equal(got.at(-1), row);
  });

  it("drops a client none of whose writes finishes", () => {
    const { outlet, client } = open();
    publish(2);
    outlet.isStalled = true;
    publish(2);
    clock.pass(61, () => qanat.hub.tick());
    assert.equal(client.ended, "stalled");
    assert.equal(outlet.ending, "destroyed");
  });

  it("ends a stream whose channel changes or is removed", () => {
    const channel = source.catalog.get(NAME, null)!;
    const first = open();
    source.publish({ ...channel, sampleRate: 32 });
    assert.match(first.outlet.text, /event: end\ndata: \{"reason":"changed"\}/);
    const second = open();
    source.takeBack(channel);
    assert.match(second.outlet.text, /"reason":"removed"/);
    assert.equal(qanat.hub.groups.size, 0);
  });

  it("ends every stream of a partition whose stride changes, and serves the new one", () => {
    const channel = source.catalog.get(NAME, null)!;
    const other = { ...channel, name: "H1:QANAT-OTHER", partitionIndex: 9 };
    source.publish(other);
    const first = open();
    publish(2);
    // Until all of the partition say so, its stride is what it was.
    const slower = { strideNs: 125_000_000n };
    assert.throws(() => source.publish({ ...other, ...slower }), /topic has 1/);
    assert.equal(first.client.ended, null);
    source.publish({ ...channel, ...slower });
    assert.match(first.outlet.text, /"reason":"changed"/);
    assert.equal(source.catalog.get(other.name, null)?.strideNs, 125_000_000n);
    const second = open();
    assert.equal(second.client.group.timeline.partitions[0]!.strideMs, 125);
  });

  it("ends all properly when it drains and admits no further client", () => {
    const events = open();
    const arrow = open("arrow");
    qanat.drain();
    assert.match(events.outlet.text, /"reason":"drain"/);
    const last = arrow.outlet.written.at(-1)!;
    assert.deepEqual([...last.subarray(-8)], [255, 255, 255, 255, 0, 0, 0, 0]);
    assert.match(decoder.decode(last), /qanat\.end.*"reason":"drain"/s);
    const refused = qanat.hub.admission.admit(
      [source.catalog.get(NAME, null)!],
      "events",
      { address: "" },
    );
    assert.equal(refused.kind, "full");
    assert.equal(qanat.hub.admission.refusals.draining, 1);
  });
});

describe("ClientHub.drain()", () => {
  const SPREAD_MS = 2000;
  const waits = () => {
    const outlets = Array.from({ length: 100 }, () => open().outlet);
    qanat.drain();
    return outlets.map(({ text }) => {
      const last = /retry: (\d+)\nevent: end\ndata: (.*)\n\n$/.exec(text);
      assert.ok(last, text);
      assert.equal(last[2], '{"reason":"drain"}');
      return Number(last[1]);
    });
  };

  it("gives each client another time to reconnect at, within the spread", () => {
    const told = waits();
    for (const ms of told) {
      assert.ok(ms >= 1000 && ms <= 1000 + SPREAD_MS, `${ms}`);
    }
    const fifths = new Set(
      told.map((ms) => Math.floor((ms - 1000) / (SPREAD_MS / 5))),
    );
    assert.ok(fifths.size >= 5, "one part of the spread has no client");
  });

  it("at one time without a spread; a stream that is complete says nothing of it", async () => {
    await qanat.close();
    await setUp({ retrySpreadMs: 0 });
    assert.deepEqual(new Set(waits()), new Set([1000]));
    await qanat.close();
    await setUp();
    const { outlet } = open("events", { durationNs: 62_500_000n });
    publish(4);
    assert.match(outlet.text, /"reason":"complete"/);
    assert.equal(outlet.text.match(/^retry: /gm)?.length, 1);
  });
});

describe("Limits of ClientHub.admit()", () => {
  /** Sets up again with other settings; afterEach closes the last instance. */
  async function restart(changes: Partial<Config>): Promise<void> {
    await qanat.close();
    await setUp(changes);
  }

  function admit(address: string, options: Partial<ClientOptions> = {}) {
    const channel = source.catalog.get(NAME, null)!;
    return qanat.hub.admission.admit([channel], "events", {
      address,
      ...options,
    });
  }

  it("an address has so many clients, and room again when one leaves", async () => {
    await restart({ clientsPerAddressMax: 2 });
    const first = open("events", { address: "10.0.0.1" });
    open("events", { address: "10.0.0.1" });
    open("events", { address: "10.0.0.2" });
    const { slab, hub } = qanat;
    const { reservedBytes } = slab;
    const refused = admit("10.0.0.1");
    assert.ok(refused.kind === "full" && refused.refusal === "address");
    assert.match(refused.limit, /^2 clients per address$/);
    assert.equal(hub.admission.refusals.address, 1);
    assert.equal(slab.reservedBytes, reservedBytes);
    first.outlet.owner.onClose();
    const again = admit("10.0.0.1");
    assert.ok(again.kind === "ready");
    // A reservation that is held counts, and a released one does not.
    assert.equal(admit("10.0.0.1").kind, "full");
    again.cancel();
    open("events", { address: "10.0.0.1" });
    qanat.drain();
    assert.equal(hub.admission.shares.size, 0);
  });

  it("each refusal is counted under its limit", async () => {
    await restart({ clientsMax: 1, historyReadersMax: 0 });
    const { hub } = qanat;
    publish(1);
    const history = admit("", { startNs: 0n });
    assert.ok(history.kind === "full" && history.refusal === "histories");
    open();
    const full = admit("");
    assert.ok(full.kind === "full" && full.refusal === "clients");
    assert.equal(hub.admission.refusals.histories, 1);
    assert.equal(hub.admission.refusals.clients, 1);
    assert.equal(hub.admission.refusals.memory, 0);
  });
});

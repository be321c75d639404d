// Instances behind a relay, against one that reads by itself.
// Invariant: clients get the same bytes.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import { gpsNsOfMs } from "../../src/blocks/gps_time.ts";
import type { HeldOutlet } from "../clients/held_outlet.ts";
import { DrivenSource } from "../driven_source.ts";
import { playRows } from "../played_rows.ts";
import {
  CHANNELS,
  FIRST,
  NAMES,
  open,
  publish,
  RelayWorld,
  settle,
} from "./relay_world.ts";

let world: RelayWorld;

beforeEach(() => {
  world = new RelayWorld();
});

afterEach(() => world.close());

const bodyOf = (outlet: HeldOutlet) => Buffer.concat(outlet.written);

describe("an instance behind a relay", () => {
  it("sends the bytes of one that reads by itself: rows, missing blocks, gaps, bad messages, resets", async () => {
    const own = new DrivenSource(CHANNELS);
    const shared = new DrivenSource(CHANNELS);
    const direct = await world.instance(own);
    await world.instance(shared, { host: "origin" });
    const relay = await world.instance(world.upstream(["origin"]), {
      host: "relay",
    });
    const second = await world.instance(world.upstream(["relay"]));
    const formats = ["arrow", "events", "flight"] as const;
    const expected = formats.map((format) => open(direct, format));
    const others = [relay, second].map((qanat) =>
      formats.map((format) => open(qanat, format))
    );
    await settle();
    await settle();
    await playRows(FIRST, [own, shared], {
      publish: (source, index, has) => publish(world.clock, source, index, has),
      settle,
    });
    others.forEach((outlets, level) =>
      outlets.forEach((outlet, i) => {
        assert.ok(bodyOf(outlet).byteLength > 5000, `${level} ${i}`);
        assert.ok(bodyOf(outlet).equals(bodyOf(expected[i]!)), `${level} ${i}`);
      })
    );
    for (const qanat of [relay, second]) {
      assert.equal(qanat.store.total("bad"), direct.store.total("bad"));
      assert.equal(qanat.store.total("blocks"), direct.store.total("blocks"));
      assert.equal(qanat.store.counters.holes, 3);
    }
    assert.equal(relay.catalog.size, NAMES.length);
  });

  it("changes a channel that moves to another topic, and does not remove it", async () => {
    const origin = await world.instance(new DrivenSource(CHANNELS), {
      host: "origin",
    });
    const relay = await world.instance(world.upstream(["origin"]));
    await settle();
    const [one, two] = [...origin.catalog.channels()];
    const seen: string[] = [];
    relay.catalog.onChange((name, _, before, after) => {
      seen.push(`${name} ${before?.partitionId} ${after?.partitionId}`);
    });
    const moved = (channel: typeof one, partitionId: string) =>
      origin.catalog.set({ ...channel!, partitionId });
    moved(one, "A");
    await settle();
    // Both topics are due before either is sent.
    moved(two, "B");
    moved(two, "C");
    moved(two, "B");
    await settle();
    assert.deepEqual(seen, [
      `${one!.name} ${one!.partitionId} A`,
      `${two!.name} ${two!.partitionId} B`,
    ]);
    assert.equal(relay.catalog.size, NAMES.length);
  });

  it("that joins later has the rows of before, from the memory of its origin", async () => {
    const source = new DrivenSource(CHANNELS);
    const origin = await world.instance(source, { host: "origin" });
    const early = open(origin, "arrow");
    await settle();
    for (let i = 0; i < 40; i++) publish(world.clock, source, FIRST + i);
    await settle();
    const relay = await world.instance(world.upstream(["origin"]));
    const resumed = open(relay, "arrow", {
      afterNs: gpsNsOfMs((FIRST + 10) * 62.5),
    });
    const live = open(relay, "arrow");
    await settle();
    for (let i = 40; i < 50; i++) {
      publish(world.clock, source, FIRST + i);
      await settle();
    }
    const rowBytes = early.written.at(-1)!.byteLength;
    const rowsOf = (outlet: HeldOutlet) =>
      Math.floor(bodyOf(outlet).byteLength / rowBytes);
    const tail = (outlet: HeldOutlet) =>
      bodyOf(outlet).subarray(-40 * rowBytes);
    assert.ok(tail(early).equals(tail(resumed)));
    assert.ok(rowsOf(resumed) >= 40 && rowsOf(resumed) <= 42);
    assert.ok(rowsOf(live) >= 9 && rowsOf(live) <= 12, `${rowsOf(live)} rows`);
    // A reset: streams of both end, and begin again.
    const direct = open(origin, "events");
    const behind = open(relay, "events");
    for (const index of [FIRST - 3000, FIRST - 2999, FIRST - 2998]) {
      for (const topic of source.blocks.topics) {
        const block = source.blocks.blockOf(topic, index);
        source.sink!.onMessage(topic, block, index, -1);
      }
      await settle();
    }
    assert.equal(relay.store.total("resets"), origin.store.total("resets"));
    assert.ok(origin.store.total("resets") > 0);
    assert.match(behind.text, /time-reset/);
    assert.match(direct.text, /time-reset/);
  });
});

// What selections share, and what is known of one before anything is made for it.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { shapesOf } from "../../src/blocks/topic_shape.ts";
import type { Channel } from "../../src/channels/channel.ts";
import type { StreamShape } from "../../src/frames/stream_format.ts";
import { trendBinOf } from "../../src/trends/trend_bins.ts";
import { aChannel } from "../channels/a_channel.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { HeldOutlet } from "./held_outlet.ts";

let source: DrivenSource;
let qanat: Qanat;

function setUp(sliceMs = Infinity): Promise<void> {
  source = new DrivenSource([]);
  qanat = new Qanat({
    config: configWith({ retentionMb: 1, lingerMs: 60_000, sliceMs }),
    source,
    log: silent,
    clocks: new BlockClock(23_671_510_000),
    // Work that is left for a later turn is not done.
    later: () => {},
  });
  return qanat.start();
}

beforeEach(() => setUp());

afterEach(() => qanat.close());

function published(changes: Partial<Channel>): Channel {
  const channel = aChannel(changes);
  source.publish(channel);
  return channel;
}

function admit(channels: readonly Channel[], shape: StreamShape) {
  return qanat.hub.admission.admit(channels, shape, { address: "" });
}

function open(channels: readonly Channel[], shape: StreamShape) {
  const admission = admit(channels, shape);
  assert.ok(admission.kind === "ready");
  return admission.open(new HeldOutlet());
}

describe("selections whose names read the same in a row", () => {
  const texts = ["A", "B C", "A B", "C"];

  it("have a group and a timeline each, of rows and of bins", () => {
    const [a, bc, ab, c] = texts.map((name, partitionIndex) =>
      published({ name, partitionIndex })
    );
    for (
      const shape of [
        { format: "events" },
        { format: "arrow" },
        { format: "events", trend: trendBinOf("1s") },
      ] as const
    ) {
      const first = open([a!, bc!], shape).group;
      const second = open([ab!, c!], shape).group;
      assert.notEqual(first, second);
      assert.deepEqual(second.channels.map((x) => x.name), ["A B", "C"]);
      if (!first.trend) continue;
      assert.notEqual(first.timeline, second.timeline);
      const recorded = second.trend!.records.map((r) => r.channel.name);
      assert.deepEqual(recorded, ["A B", "C"]);
    }
  });
});

describe("a selection that is too large", () => {
  it("is refused before a topic is read or a template made for it", () => {
    const channels = Array.from({ length: 40 }, (_, i) =>
      published({
        name: `W${10 + i}`,
        partitionIndex: i,
        dataType: "float64",
        sampleRate: 16 * 60_000,
      }));
    const { encoders, groups } = qanat.hub;
    const { templates } = encoders.context;
    templates.of = () => {
      throw new Error("A template was made");
    };
    for (const format of ["events", "events-arrow", "arrow"] as const) {
      const admission = admit(channels, { format });
      assert.ok(admission.kind === "too-large");
      assert.match(admission.detail, /bytes, at most 16777198 can be sent/);
    }
    assert.equal(qanat.hub.admission.refusals.row, 3);
    assert.equal(groups.size, 0);
    assert.deepEqual([...source.wanted], []);
  });

  it("is refused when a row is joined of too many blocks", () => {
    const fast = Array.from({ length: 100 }, (_, i) =>
      published({
        name: `F${100 + i}`,
        partitionId: "fast",
        partitionIndex: i,
        strideNs: 1_000_000n,
        sampleRate: 1000,
        dataType: "int16",
      }));
    const slow = published({
      name: "S",
      partitionId: "slow",
      strideNs: 60_000_000_000n,
      sampleRate: 1,
    });
    const admission = admit([...fast, slow], { format: "arrow" });
    assert.ok(admission.kind === "too-large");
    assert.match(admission.detail, /6000001 blocks, at most 1048576/);
    open(fast, { format: "arrow" });
  });
});

describe("a channel that changes while a request waits for its turn", () => {
  it("is not opened as what it was", () => {
    const before = published({});
    const after = published({ sampleRate: 32 });
    const admission = admit([before], { format: "events" });
    assert.deepEqual(admission, { kind: "changed", name: "H1:A-B" });
    assert.equal(qanat.hub.groups.size, 0);
    open([after], { format: "events" });
  });
});

describe("a topic that lingers", () => {
  it("is read again when its latency has changed", () => {
    const before = published({});
    const client = open([before], { format: "events" });
    qanat.hub.lifecycle.drop(client, "error");
    const blocks = qanat.store.partition("arrakis-H1_A_1")!;
    const after = published({ maxLatencyNs: 2_000_000_000n });
    open([after], { format: "events" });
    const now = qanat.store.partition("arrakis-H1_A_1")!;
    assert.notEqual(now, blocks);
    assert.equal(now.maxLatencyMs, 2000);
  });

  it("is not read with the stride that it had when those who left are not through", async () => {
    await qanat.close();
    await setUp(0);
    const before = published({});
    const client = open([before], { format: "events" });
    // Its slot is free immediately; the group is closed in a later turn.
    qanat.hub.lifecycle.leave(client);
    assert.equal(qanat.hub.groups.size, 1);
    const after = published({ strideNs: 125_000_000n });
    assert.equal(qanat.hub.groups.size, 0);
    const { timeline } = open([after], { format: "events" }).group;
    assert.equal(timeline.partitions[0]!.strideMs, 125);
  });

  it("with leases is not leased in another shape", () => {
    const before = published({});
    open([before], { format: "events" });
    const other = { ...before, strideNs: 125_000_000n };
    assert.throws(
      () => qanat.store.lease(shapesOf([other]), other.strideNs),
      /Cannot lease arrakis-H1_A_1 with a stride of 125000000 ns/,
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { type Channel, DATA_TYPES } from "../../src/channels/channel.ts";
import {
  CHANNEL_BLOCK_BYTES_MAX,
  channelFault,
  STRIDE_MIN_NS,
} from "../../src/channels/channel_fault.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { RowTemplate } from "../../src/arrow/row_template.ts";
import { ENVELOPE_BYTES } from "../../src/frames/frame.ts";
import { SLOT_BYTES_MAX } from "../../src/memory/slab.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { aChannel } from "./a_channel.ts";

const reasonOf = (changes: Partial<Channel>) =>
  channelFault(aChannel(changes))?.reason ?? null;

describe("channelFault()", () => {
  it("finds none in the embedded source's channels", async () => {
    for (const { channel } of await embeddedChannels(3, 16_384)) {
      assert.equal(channelFault(channel), null, channel.name);
    }
  });

  it("admits strides from 1 ms to 60 s (a stride of 1 ns hung the process)", () => {
    for (const strideNs of [0n, -1n, 1n, 999_999n, 60_000_000_001n]) {
      assert.equal(reasonOf({ strideNs, sampleRate: 1e9 }), "stride");
    }
    assert.equal(reasonOf({ strideNs: 1_000_000n, sampleRate: 1000 }), null);
    assert.equal(reasonOf({ strideNs: 60_000_000_000n, sampleRate: 1 }), null);
  });

  it("leaves room for a century and more in the index of a block", () => {
    const nowNs = 1_480_000_000_000_000_000n;
    const centuryNs = 100n * 366n * 86_400n * 1_000_000_000n;
    const index = (nowNs + centuryNs) / STRIDE_MIN_NS;
    assert.ok(index < BigInt(Number.MAX_SAFE_INTEGER) / 1000n);
    // Any time that a message can carry.
    assert.ok(2n ** 63n / STRIDE_MIN_NS < BigInt(Number.MAX_SAFE_INTEGER));
  });

  it("requires whole samples per stride", () => {
    const strideNs = 62_500_000n;
    for (const sampleRate of [16, 32, 16_384]) {
      assert.equal(reasonOf({ strideNs, sampleRate }), null);
    }
    for (const sampleRate of [1, 17, 16.5, 15.999999, 0.001, 1e-300]) {
      assert.equal(reasonOf({ strideNs, sampleRate }), "rate");
    }
    // Rates that no double holds.
    const tenSeconds = { strideNs: 10_000_000_000n };
    assert.equal(reasonOf({ ...tenSeconds, sampleRate: 0.1 }), null);
    assert.equal(reasonOf({ ...tenSeconds, sampleRate: 0.7 }), null);
    assert.equal(
      reasonOf({ strideNs: 3_000_000_000n, sampleRate: 1 / 3 }),
      null,
    );
    for (const sampleRate of [0, -16, NaN, Infinity]) {
      assert.equal(reasonOf({ sampleRate }), "rate");
    }
  });

  it("knows the size of a row before anything is made (4e8 Hz took 7.9 s, 1e9 Hz × 60 s never ended)", () => {
    assert.equal(reasonOf({ sampleRate: 4e8 }), "row");
    assert.equal(
      reasonOf({ sampleRate: 1e9, strideNs: 60_000_000_000n }),
      "row",
    );
    assert.equal(reasonOf({ sampleRate: 1.7e308 }), "row");
    const samples = Math.floor(CHANNEL_BLOCK_BYTES_MAX / 4);
    const strideNs = 1_000_000_000n;
    assert.equal(reasonOf({ sampleRate: samples, strideNs }), null);
    assert.equal(reasonOf({ sampleRate: samples + 1, strideNs }), "row");
  });

  it("admits no channel whose row alone does not fit the largest slot", () => {
    const template = new RowTemplate([{
      name: "N".repeat(255),
      dataType: "float64",
      rate: "1",
      samples: CHANNEL_BLOCK_BYTES_MAX / 8,
    }]);
    assert.ok(template.byteLength + ENVELOPE_BYTES <= SLOT_BYTES_MAX);
  });

  it("bounds latency, index and the name of the topic", () => {
    assert.equal(reasonOf({ maxLatencyNs: -1n }), "latency");
    assert.equal(reasonOf({ maxLatencyNs: 3_600_000_000_001n }), "latency");
    for (const partitionIndex of [-1, 0.5, 65_536, NaN]) {
      assert.equal(reasonOf({ partitionIndex }), "partition");
    }
    assert.equal(reasonOf({ partitionId: "a b" }), "partition");
    assert.equal(reasonOf({ replayId: "a\nb" }), "partition");
    assert.equal(reasonOf({ replayId: "" }), "partition");
    assert.equal(reasonOf({ partitionId: "p".repeat(242) }), "partition");
    // Its topic would be the metadata topic of A.
    assert.equal(reasonOf({ partitionId: "metadata-A" }), "partition");
    assert.equal(reasonOf({ publisher: "A,B" }), "publisher");
    assert.equal(reasonOf({ name: "A\nB" }), "name");
    for (const type of ["float16", "bool", "string", "int128", "", "\x1b[2J"]) {
      const fault = channelFault(aChannel({ dataType: type as "float32" }));
      assert.equal(fault?.reason, "type");
      const shown = type.replace("\x1b", "U+001B");
      assert.ok(fault.detail.endsWith(`, not '${shown}'`), fault.detail);
    }
    for (const dataType of DATA_TYPES) {
      assert.equal(channelFault(aChannel({ dataType })), null);
    }
  });
});

describe("Catalog.set()", () => {
  it("throws where a channel breaks a limit: admission reports it earlier", () => {
    const catalog = new Catalog();
    assert.throws(
      () => catalog.set(aChannel({ strideNs: 1n })),
      /Cannot set a channel: stride must be from 1000000 ns/,
    );
    assert.equal(catalog.size, 0);
  });
});

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import {
  constants,
  gunzipSync,
  inflateRawSync,
  zstdDecompressSync,
} from "node:zlib";
import lz4 from "lz4js";
import { Qanat } from "../../src/app.ts";
import {
  MessageHeader,
  prefixedBytes,
} from "../../src/arrow/message_header.ts";
import type { StreamShape } from "../../src/frames/stream_format.ts";
import type { PackMethod } from "../../src/frames/sample_pack.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";

const FIRST = 23_671_510_000;
const NAMES = [
  "H1:GWOSC-4KHZ_R1_WHITENED",
  "H1:QANAT-COUNT_I64_64",
  "H1:QANAT-NOISE_F64_4096",
  "H1:QANAT-RAMP_I16_1024",
  "H1:QANAT-SINE_F32_16",
];
/** It has a stride of 1 s, so that a row with it has 16 blocks of each other channel. */
const SLOW = "H1:SLOW-NOISE_F64_128";
const PACKED: readonly StreamShape[] = [
  { format: "arrow", codec: "zstd" },
  { format: "arrow", codec: "lz4" },
  { format: "arrow", coding: "gzip" },
];
const channels = (await embeddedChannels()).filter(({ channel }) =>
  [...NAMES, SLOW].includes(channel.name)
);
let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;
let row = FIRST;

beforeEach(async () => {
  row = FIRST;
  source = new DrivenSource(channels);
  clock = new BlockClock(FIRST);
  qanat = new Qanat({
    config: configWith({ lingerMs: 0, outageGraceMs: 0 }),
    source,
    log: silent,
    clocks: clock,
  });
  await qanat.start();
});

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

function open(
  shape: StreamShape,
  names: readonly string[] = NAMES,
  options: { durationNs?: bigint; gaps?: "skip" | "fail" } = {},
) {
  const admission = qanat.hub.admission.admit(
    names.map((name) => source.catalog.get(name, null)!),
    shape,
    { address: "", ...options },
  );
  assert.ok(admission.kind === "ready");
  const outlet = new HeldOutlet();
  const client = admission.open(outlet);
  return { outlet, client, shape };
}

function publish(leaveOut?: string): void {
  clock.index = row + 1;
  for (const topic of source.blocks.topics) {
    const isSlow = topic.includes("SLOW");
    if (topic === leaveOut || (isSlow && row % 16 !== 0)) continue;
    const index = isSlow ? row / 16 : row;
    const block = source.blocks.blockOf(topic, index);
    source.sink!.onMessage(topic, block, index, 0);
  }
  for (const topic of source.blocks.topics) {
    source.sink!.onCaughtUp(topic, clock.clockMs());
  }
  row++;
}

/** A body without its coding. */
function bodyOf({ outlet, shape }: ReturnType<typeof open>): Uint8Array {
  const body = Buffer.concat(outlet.written);
  if (shape.coding !== "gzip") return body;
  return inflateRawSync(body.subarray(10), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}

interface Message {
  readonly isCompressed: boolean;
  readonly bytes: number;
  /** Nodes, buffers as they are uncompressed, metadata: what a reader gets. */
  readonly content: unknown;
}

/** The record batches of a stream, their buffers uncompressed. */
function batchesOf(stream: Uint8Array): Message[] {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  const messages: Message[] = [];
  for (let at = 0;;) {
    const headBytes = prefixedBytes(view, at);
    if (headBytes < 0) return messages;
    assert.equal(headBytes % 8, 0);
    const header = new MessageHeader(view, at);
    assert.equal(header.bodyBytes % 8, 0);
    const bodyAt = at + headBytes;
    let end = 0;
    const buffers = Array.from({ length: header.bufferCount }, (_, i) => {
      const { at: from, bytes } = header.buffer(i);
      // In the order of the list, one after another.
      assert.equal(from % 8, 0);
      assert.ok(from >= end && from - end < 8);
      end = from + bytes;
      assert.ok(end <= header.bodyBytes);
      const buffer = stream.subarray(bodyAt + from, bodyAt + end);
      return header.isCompressed ? uncompressed(buffer) : Buffer.from(buffer);
    });
    if (header.headerType === 3) {
      messages.push({
        isCompressed: header.isCompressed,
        bytes: headBytes + header.bodyBytes,
        content: {
          rows: header.rowCount,
          nodes: Array.from(
            { length: header.nodeCount },
            (_, i) => header.node(i),
          ),
          buffers,
          metadata: header.customMetadata(),
        },
      });
    }
    at = bodyAt + header.bodyBytes;
  }
}

function uncompressed(buffer: Uint8Array): Buffer {
  if (buffer.byteLength === 0) return Buffer.from(buffer);
  const view = new DataView(buffer.buffer, buffer.byteOffset);
  const bytes = Number(view.getBigInt64(0, true));
  const rest = buffer.subarray(8);
  if (bytes === -1) return Buffer.from(rest);
  const isZstd = rest[0] === 0x28;
  const plain = isZstd ? zstdDecompressSync(rest) : lz4.decompress(rest);
  assert.equal(plain.byteLength, bytes);
  return Buffer.from(plain);
}

describe("packed Arrow streams", () => {
  it("have exactly the values of the plain stream, with missing channels, mixed strides, gaps and filled rows", () => {
    const selections = [NAMES, NAMES.slice(2, 3), [...NAMES, SLOW]];
    const plain = selections.map((names) => open({ format: "arrow" }, names));
    const packed = PACKED.map((shape) =>
      selections.map((names) => open(shape, names))
    );
    for (let i = 0; i < 5; i++) publish();
    for (let i = 0; i < 60; i++) publish(source.blocks.topics[1]);
    row += 7;
    for (let i = 0; i < 60; i++) publish();
    for (const [way, streams] of packed.entries()) {
      for (const [i, stream] of streams.entries()) {
        const expected = batchesOf(bodyOf(plain[i]!));
        const got = batchesOf(bodyOf(stream));
        assert.ok(got.length >= (i === 2 ? 5 : 60), String(got.length));
        assert.deepEqual(
          got.map((m) => m.content),
          expected.map((m) => m.content),
        );
        if (PACKED[way]!.coding === undefined) {
          assert.ok(got.some((m) => m.isCompressed));
          got.forEach((m, k) => assert.ok(m.bytes <= expected[k]!.bytes));
        } else {
          // Byte for byte.
          assert.deepEqual(bodyOf(stream), bodyOf(plain[i]!));
        }
      }
    }
  });

  it("report gaps in their metadata, and end as the plain stream does", async () => {
    const all = [{ format: "arrow" } as const, ...PACKED].map((shape) =>
      open(shape, NAMES, { gaps: "skip", durationNs: 6_250_000_000n })
    );
    for (let i = 0; i < 5; i++) publish();
    row += 40;
    clock.index = row;
    for (let i = 0; i < 60; i++) publish();
    // On a busy machine some clients are behind by now.
    while (all.some(({ outlet }) => outlet.ending === "open")) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const [plain, ...packed] = all.map((stream) => {
      assert.equal(stream.outlet.ending, "ended");
      return batchesOf(bodyOf(stream)).map((m) => m.content);
    });
    const told = plain!.filter((c) =>
      (c as { metadata: Map<string, string> }).metadata.has("qanat.gap")
    );
    assert.equal(told.length, 1);
    for (const other of packed) assert.deepEqual(other, plain);
    for (const { outlet, client } of all) {
      const bytes = outlet.written.reduce((n, b) => n + b.byteLength, 0);
      assert.equal(client.rows, plain!.length);
      // A row's envelope counts, too.
      assert.ok(client.bytes >= bytes);
    }
  });

  it("have a gzip trailer when they end normally, and none when they are cut short", () => {
    const shape = { format: "arrow", coding: "gzip" } as const;
    const whole = open(shape, NAMES, { durationNs: 250_000_000n });
    const drained = open(shape);
    const failing = open(shape, NAMES, { gaps: "fail" });
    const plain = open({ format: "arrow" });
    for (let i = 0; i < 8; i++) publish();
    row += 40;
    clock.index = row;
    for (let i = 0; i < 60; i++) publish();
    qanat.hub.tick();
    qanat.drain();
    for (const { outlet } of [whole, drained]) {
      const body = gunzipSync(Buffer.concat(outlet.written));
      assert.deepEqual([...body.subarray(-8)], [
        255,
        255,
        255,
        255,
        0,
        0,
        0,
        0,
      ]);
    }
    assert.deepEqual(
      gunzipSync(Buffer.concat(drained.outlet.written)),
      Buffer.concat(plain.outlet.written),
    );
    assert.equal(failing.outlet.ending, "cut short");
    assert.throws(() => gunzipSync(Buffer.concat(failing.outlet.written)));
  });

  it("compress a channel's samples once for all selections, of one timeline or many, and not for plain clients", () => {
    open({ format: "arrow" });
    const first = open(PACKED[0]!, NAMES.slice(0, 3));
    open(PACKED[0]!, NAMES.slice(2));
    open(PACKED[0]!, NAMES.slice(2, 3));
    const { plans, caches } = qanat.hub.encoders.context;
    const [noise] = plans.columnsOf(first.client.group.timeline, [
      source.catalog.get("H1:QANAT-NOISE_F64_4096", null)!,
    ]);
    const made = (method: PackMethod) => caches.packOf(noise!, method).made;
    publish();
    const before = made("zstd");
    for (let i = 0; i < 8; i++) publish();
    // Although the selections differ in their other partitions.
    assert.equal(made("zstd") - before, 8);
    assert.equal(made("lz4") + made("deflate"), 0);
  });

  it("try less and less often to pack a channel that gets no shorter", () => {
    const { client } = open(PACKED[0]!, NAMES.slice(0, 1));
    const { plans, caches } = qanat.hub.encoders.context;
    const [column] = plans.columnsOf(client.group.timeline, [
      source.catalog.get(NAMES[0]!, null)!,
    ]);
    for (let i = 0; i < 200; i++) publish();
    assert.ok(caches.packOf(column!, "zstd").made <= 8);
  });

  it("count the bytes saved", () => {
    const one = NAMES.slice(2, 3);
    const plain = open({ format: "arrow" }, one);
    const packed = PACKED.map((shape) => open(shape, one));
    for (let i = 0; i < 10; i++) publish();
    const bytes = packed.map(({ client }) => client.bytes);
    bytes.forEach((n, i) =>
      assert.ok(n < plain.client.bytes - 200, `${i}: ${n}`)
    );
    // The opening, the trailer and everything else besides rows do not count.
    const spared = bytes.reduce((sum, n) => sum + plain.client.bytes - n, 0);
    const { bytesSaved } = qanat.hub.figures.counters;
    assert.ok(Math.abs(bytesSaved - spared) < 1000, `${bytesSaved} ${spared}`);
  });
});

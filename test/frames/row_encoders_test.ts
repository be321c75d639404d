// Encoders are composed of sources and wrappers: each combination has the same row, and selections share texts.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import type { Codec } from "../../src/arrow/compressed_batch.ts";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { Timeline } from "../../src/blocks/timeline.ts";
import { Base64Events } from "../../src/frames/base64_events.ts";
import { EncodingContext } from "../../src/frames/encoding_context.ts";
import type { Frame } from "../../src/frames/frame.ts";
import { unpackedPiece } from "../../src/frames/gzip.ts";
import { GzipFrames } from "../../src/frames/gzip_frames.ts";
import type { MessageSource } from "../../src/frames/message_source.ts";
import { plainFrames } from "../../src/frames/plain_frames.ts";
import { RowEncoders } from "../../src/frames/row_encoders.ts";
import type { Coding, StreamFormat } from "../../src/frames/stream_format.ts";
import { Slab } from "../../src/memory/slab.ts";
import { channels, emptyBlocks, STRIDE_NS } from "./two_channels.ts";

const blocks = emptyBlocks();
for (let row = 0; row < 4; row++) append(row);
const timeline = new Timeline([blocks], STRIDE_NS, 0);
const decoder = new TextDecoder();

function append(row: number): void {
  const series = channels.map((_, c) =>
    Int16Array.from({ length: 128 }, (_, i) => c + row + (i >> 4))
  );
  const ids = channels.map((c) => c.partitionIndex);
  const bytes = encodeBlock(BigInt(row) * STRIDE_NS, "int16", ids, series);
  blocks.append(bytes, NaN);
}

/** The body of a frame, which is released. */
function bodyOf(frame: Frame | null): Uint8Array {
  const body = frame!.body.slice();
  frame!.release();
  return body;
}

/** Messages of `row` letters. */
class Letters implements MessageSource {
  readonly template = null;
  readonly isFixedLength = false;
  readonly messageBytes = 4;
  readonly messageBytesMax = 1000;

  fill(row: number, target: Uint8Array, at: number, isFill: boolean): number {
    target.fill(isFill ? 48 : 65, at, at + row);
    return at + row;
  }
}

describe("wrappers of a message source", () => {
  const context = new EncodingContext(new Slab({ budgetBytes: 1 << 20 }));

  it("send messages of any length as they are", () => {
    const encoder = plainFrames(new Letters(), context);
    assert.equal(encoder.frameBytesMax, 1000);
    for (const row of [1, 3, 1000, 2]) {
      const text = decoder.decode(bodyOf(encoder.encode(row)));
      assert.equal(text, "A".repeat(row));
    }
    assert.equal(decoder.decode(bodyOf(encoder.encode(2, true))), "00");
  });

  it("make events whose data is the message's base64, without a byte behind it", () => {
    const events = new Base64Events(new Letters(), timeline, context.scratch);
    const encoder = plainFrames(events, context);
    for (const row of [1, 2, 3, 100]) {
      const text = decoder.decode(bodyOf(encoder.encode(row)));
      const data = btoa("A".repeat(row));
      assert.equal(
        text,
        `id: ${timeline.endNsText(row)}\ndata: ${data}\n\n`,
      );
      assert.ok(text.length <= encoder.frameBytesMax);
    }
  });

  it("gzip the whole message of any source, events in base64 too", () => {
    const events = new Base64Events(new Letters(), timeline, context.scratch);
    for (const source of [new Letters(), events]) {
      const plain = bodyOf(plainFrames(source, context).encode(200));
      const frame = new GzipFrames(source, context).encode(200)!;
      assert.equal(frame.plain!.bytes, plain.byteLength);
      assert.deepEqual(
        Uint8Array.from(unpackedPiece(bodyOf(frame))),
        plain,
      );
    }
  });

  it("give null when the slab has no room, and hold nothing then", () => {
    const slab = new Slab({ budgetBytes: 512 });
    const small = new EncodingContext(slab);
    const encoder = plainFrames(new Letters(), small);
    const frames = [encoder.encode(4), encoder.encode(4)];
    assert.equal(encoder.encode(4), null);
    assert.equal(new GzipFrames(new Letters(), small).encode(4), null);
    for (const frame of frames) frame!.release();
    slab.assertEmpty();
  });
});

describe("RowEncoders", () => {
  const slab = new Slab({ budgetBytes: 1 << 20 });
  const encoderOf = (
    encoders: RowEncoders,
    format: StreamFormat,
    { coding = "identity", codec = null, chosen = channels, of = timeline }: {
      coding?: Coding;
      codec?: Codec | null;
      chosen?: typeof channels;
      of?: Timeline;
    } = {},
  ) =>
    encoders.of({
      timeline: of,
      channels: chosen,
      format,
      coding,
      codec,
      trend: null,
    });

  it("encode the same row in every format and coding", () => {
    const encoders = new RowEncoders(slab);
    const json = bodyOf(encoderOf(encoders, "events").encode(2));
    const arrow = bodyOf(encoderOf(encoders, "arrow").encode(2));
    const events = bodyOf(encoderOf(encoders, "events-arrow").encode(2));
    assert.match(decoder.decode(json), /^id: 187500000\ndata: \{"time":"125/);
    assert.equal(
      decoder.decode(events),
      `id: 187500000\ndata: ${arrow.toBase64()}\n\n`,
    );
    for (const [format, plain] of [["events", json], ["arrow", arrow]]) {
      const encoder = encoderOf(encoders, format as StreamFormat, {
        coding: "gzip",
      });
      const packed = bodyOf(encoder.encode(2));
      assert.ok(packed.byteLength < plain!.length);
      assert.deepEqual(Uint8Array.from(unpackedPiece(packed)), plain);
    }
    const zstd = encoderOf(encoders, "arrow", { codec: "zstd" });
    assert.ok(bodyOf(zstd.encode(2)).byteLength < arrow.byteLength);
    slab.assertEmpty();
  });

  it("have a template where clients get Arrow, and none where they get JSON", () => {
    const encoders = new RowEncoders(slab);
    assert.equal(encoderOf(encoders, "events").template, null);
    const { template } = encoderOf(encoders, "arrow");
    const others = [
      encoderOf(encoders, "events-arrow"),
      encoderOf(encoders, "arrow", { coding: "gzip" }),
      encoderOf(encoders, "arrow", { codec: "lz4" }),
    ];
    for (const other of others) {
      assert.deepEqual(
        other.template!.schemaMessage,
        template!.schemaMessage,
      );
      assert.equal(other.template!.emptyBatch, template!.emptyBatch);
    }
  });

  it("share a channel's text between selections, not between instances", () => {
    const made = [new RowEncoders(slab), new RowEncoders(slab)].map(
      (encoders) => {
        for (const chosen of [channels, channels.slice(1)]) {
          const encoder = encoderOf(encoders, "events", {
            coding: "gzip",
            chosen,
          });
          encoder.encode(1)!.release();
        }
        const { plans, caches } = encoders.context;
        return plans.columnsOf(timeline, channels)
          .map((column) => caches.deflatedTextOf(column, timeline).made);
      },
    );
    assert.deepEqual(made, [[1, 1], [1, 1]]);
  });

  it("make texts again once they were dropped", () => {
    const encoders = new RowEncoders(slab);
    const encoder = encoderOf(encoders, "events", { coding: "gzip" });
    const { plans, caches } = encoders.context;
    const [column] = plans.columnsOf(timeline, channels);
    for (let i = 0; i < 2; i++) encoder.encode(1)!.release();
    assert.equal(caches.deflatedTextOf(column!, timeline).made, 1);
    encoders.dropTexts();
    encoder.encode(1)!.release();
    assert.equal(caches.deflatedTextOf(column!, timeline).made, 2);
  });

  it("encode rows that follow each other as one frame, unless each is packed", () => {
    const encoders = new RowEncoders(slab);
    for (
      const format of ["events", "arrow", "events-arrow", "flight"] as const
    ) {
      const encoder = encoderOf(encoders, format);
      const rows = [0, 1, 2].map((row) => bodyOf(encoder.encode(row)));
      assert.deepEqual(
        Buffer.from(bodyOf(encoder.encodeRun!(0, 3))),
        Buffer.concat(rows),
        format,
      );
    }
    for (const format of ["events", "arrow"] as const) {
      const packed = encoderOf(encoders, format, { coding: "gzip" });
      assert.equal(packed.encodeRun, undefined);
    }
    assert.equal(
      encoderOf(encoders, "arrow", { codec: "zstd" }).encodeRun,
      undefined,
    );
    slab.assertEmpty();
  });

  it("have no frame for a run that the slab has no room for, and hold nothing then", () => {
    const { frameBytes } = encoderOf(new RowEncoders(slab), "arrow");
    const small = new Slab({ budgetBytes: 2 * frameBytes });
    const encoder = encoderOf(new RowEncoders(small), "arrow");
    assert.equal(encoder.encodeRun!(0, 4), null);
    small.assertEmpty();
    encoder.encode(0)!.release();
  });

  it("share the columns of all timelines of one stride, and their samples", () => {
    const { plans, caches } = new RowEncoders(slab).context;
    const columnsAt = (strideNs: bigint) =>
      plans.columnsOf(new Timeline([blocks], strideNs, 0), channels);
    const first = columnsAt(STRIDE_NS);
    columnsAt(STRIDE_NS).forEach((column, i) => {
      assert.equal(column, first[i]);
      assert.equal(caches.samplesOf(column), caches.samplesOf(first[i]!));
    });
    columnsAt(2n * STRIDE_NS).forEach((column, i) => {
      assert.equal(column.ratio, 2);
      assert.equal(column.rowSamples, 2 * first[i]!.rowSamples);
    });
  });

  it("send a block that came after another timeline gave it up", () => {
    const encoders = new RowEncoders(slab);
    const formats = ["events", "arrow"] as const;
    const rowOf = (format: StreamFormat, of: Timeline) =>
      bodyOf(encoderOf(encoders, format, { of }).encode(4));
    const [text, bytes] = formats.map((format) => rowOf(format, timeline));
    assert.match(decoder.decode(text), /"H1:A-0":null.*"missing"/);
    append(4);
    const other = new Timeline([blocks], STRIDE_NS, 0);
    assert.match(decoder.decode(rowOf("events", other)), /"H1:A-0":\[4,4/);
    assert.notDeepEqual(rowOf("arrow", other), bytes);
  });
});

// Sizes computed from channels, compared with those of the encoders.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { ROW_STRIDE_MAX_NS, rowStrideOf } from "../../src/blocks/row_stride.ts";
import { type Channel, DATA_TYPES } from "../../src/channels/channel.ts";
import { rowBlocksOf, rowBytesOf } from "../../src/frames/row_size.ts";
import {
  isLineFormat,
  STREAM_FORMATS,
  type StreamFormat,
} from "../../src/frames/stream_format.ts";
import { aChannel } from "../channels/a_channel.ts";
import { configWith, DrivenSource, silent } from "../driven_source.ts";
import { Random } from "../random.ts";

const FORMATS = Object.keys(STREAM_FORMATS) as StreamFormat[];
const STRIDES = [1_000_000n, 62_500_000n, 125_000_000n, 1_000_000_000n];

/** `sampleRate`: of all of them; else each has its own. */
function someChannels(random: Random, sampleRate?: number): Channel[] {
  const count = 1 + random.below(8);
  return Array.from({ length: count }, (_, i) => {
    const strideNs = random.of(STRIDES);
    const samples = 1 + random.below(300);
    return aChannel({
      name: `${i}${random.of(["A", "é", '"\\', "日本"])}`,
      dataType: random.of(DATA_TYPES),
      sampleRate: sampleRate ?? samples * 1e9 / Number(strideNs),
      partitionId: `P${i}`,
      strideNs,
    });
  });
}

describe("rowBytesOf()", () => {
  it("equals the encoder's largest row in text, and is no more than that in every other format", async () => {
    const random = new Random(20_150_914);
    for (let turn = 0; turn < 60; turn++) {
      const source = new DrivenSource([]);
      const qanat = new Qanat({
        config: configWith({ retentionMb: 1 }),
        source,
        log: silent,
      });
      const different = someChannels(random);
      // Lines have channels of one rate.
      const equal = someChannels(random, 2000 * (1 + random.below(9)))
        .map((channel) => ({
          ...channel,
          name: `E${channel.name}`,
          partitionId: `E${channel.partitionId}`,
        }));
      for (const channel of [...different, ...equal]) source.publish(channel);
      for (const format of FORMATS) {
        const isLines = isLineFormat(format);
        const channels = isLines ? equal : different;
        const strideNs = rowStrideOf(channels.map((c) => c.strideNs));
        const bytes = rowBytesOf(channels, strideNs, format);
        const group = qanat.hub.groups.of(channels, { format })!;
        const { frameBytesMax } = group.rows;
        if (format === "events" || isLines) assert.equal(bytes, frameBytesMax);
        else assert.ok(bytes <= frameBytesMax && bytes > 0);
        qanat.hub.groups.closeIfIdle(group);
      }
      await qanat.close();
    }
  });

  it("counts the blocks of a row", () => {
    const channels = STRIDES.map((strideNs) => aChannel({ strideNs }));
    assert.equal(rowBlocksOf(channels, 1_000_000_000n), 1000 + 16 + 8 + 1);
  });
});

describe("rowStrideOf()", () => {
  it("is the least common multiple of the strides", () => {
    assert.equal(rowStrideOf([62_500_000n, 1_000_000_000n]), 1_000_000_000n);
    assert.equal(rowStrideOf([6_000_000n, 4_000_000n]), 12_000_000n);
  });

  it("stops at a row that is too long", () => {
    const odd = Array.from(
      { length: 10_000 },
      (_, i) => 1_000_003n + BigInt(i),
    );
    const strideNs = rowStrideOf(odd);
    assert.ok(strideNs > ROW_STRIDE_MAX_NS);
    // The whole multiple has some 50,000 digits.
    assert.ok(strideNs < ROW_STRIDE_MAX_NS * ROW_STRIDE_MAX_NS);
  });
});

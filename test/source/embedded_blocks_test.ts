// Blocks of the embedded source. Invariant: a block is what an Arrow writer makes of the same samples, and a copy.
import assert from "node:assert/strict";
import { before, describe, it } from "@std/testing/bdd";
import { BlockDecoder, newBlockLayout } from "../../src/arrow/block_decoder.ts";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { SAMPLE_BYTES, samplesIn } from "../../src/channels/channel.ts";
import { EmbeddedBlocks } from "../../src/source/embedded_blocks.ts";
import {
  byTopic,
  type EmbeddedChannel,
  embeddedChannels,
} from "../../src/source/synthetic.ts";

const GPS_NS = 1_479_469_500_000_000_000n;
/** More than a second: numbers of samples pass the ends of their tables. */
const BLOCKS = 20;

let channels: readonly EmbeddedChannel[];
let blocks: EmbeddedBlocks;

before(async () => {
  channels = await embeddedChannels(3);
  blocks = new EmbeddedBlocks(channels);
});

/** What a reader finds in a message. */
function read(message: Uint8Array) {
  const layout = newBlockLayout();
  assert.equal(new BlockDecoder().decode(message, layout), null);
  const { timeNs, dataType, rowCount, ids, starts, lengths } = layout;
  const rows = Array.from({ length: rowCount }, (_, row) => {
    const at = starts[row]!;
    const bytes = lengths[row]! * SAMPLE_BYTES[dataType];
    return [ids[row], message.subarray(at, at + bytes).toHex()];
  });
  return { timeNs, dataType, rows };
}

describe("EmbeddedBlocks", () => {
  it("makes of each topic what an Arrow writer makes of its samples", () => {
    for (const [topic, members] of byTopic(channels)) {
      const { strideNs, dataType } = members[0]!.channel;
      const first = Number(GPS_NS / strideNs);
      for (let index = first; index < first + BLOCKS; index++) {
        const written = encodeBlock(
          BigInt(index) * strideNs,
          dataType,
          members.map(({ channel }) => channel.partitionIndex),
          members.map(({ channel, samples }) => {
            const count = samplesIn(channel, strideNs);
            return samples(index * count, count);
          }),
        );
        const made = blocks.blockOf(topic, index);
        assert.deepEqual(read(made), read(written), `${topic} ${index}`);
      }
    }
  });

  it("gives a block that the next one does not change", () => {
    const topic = blocks.topics[0]!;
    const one = blocks.blockOf(topic, 1);
    const before = one.slice();
    blocks.blockOf(topic, 2);
    assert.deepEqual(one, before);
  });

  it("continues each channel's samples across blocks of any size", () => {
    const first = Number(GPS_NS / 1_000_000_000n) * 2048;
    for (const { channel, samples } of channels) {
      const whole = samples(first, 4096);
      const parts = [samples(first, 1000), samples(first + 1000, 3096)];
      const joined = parts.flatMap((part) => [...part as Float64Array]);
      assert.deepEqual(joined, [...whole as Float64Array], channel.name);
    }
  });
});

// The bytes of samples of every type, odd ones among them, and of blocks of unlike strides and blocks that lack a channel.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { newSamples } from "../../src/arrow/arrow_types.ts";
import type { EmbeddedChannel } from "../../src/source/synthetic.ts";
import { differenceOf } from "./golden_file.ts";
import { A, B, embeddedOf, GoldenWorld } from "./golden_world.ts";

const ARROW = "application/vnd.apache.arrow.stream";
/** A channel of each type, 4 samples a block. */
const VALUES = {
  "H1:QANAT-RAMP_I16_64": [0, -1, 32767, -32768],
  "H1:QANAT-RAMP_I32_16": [7, -7, 2147483647, -2147483648],
  "H1:QANAT-STATE_U32_16": [0, 1, 4294967295, 65536],
  "H1:QANAT-NOISE_F32_16": [
    0.1,
    -0,
    NaN,
    3.4028234663852886e38,
    1e-45,
    16777216,
  ],
  "H1:QANAT-NOISE_F64_16": [
    0.1,
    -0,
    NaN,
    Infinity,
    -Infinity,
    5e-324,
    1.7976931348623157e308,
    1e21,
    123456789.125,
    -2.5e-7,
  ],
} as const;
const BIG = [0n, -1n, 9223372036854775807n, -9223372036854775808n];

function odd(): EmbeddedChannel[] {
  const channels = embeddedOf(...Object.keys(VALUES)).map(({ channel }) => {
    const values = VALUES[channel.name as keyof typeof VALUES];
    return {
      channel: { ...channel, sampleRate: 64 },
      samples: (first: number, count: number) => {
        const samples = newSamples(channel.dataType, count) as Float64Array;
        for (let i = 0; i < count; i++) {
          samples[i] = values[(first + i) % values.length]!;
        }
        return samples;
      },
    };
  });
  const [{ channel }] = embeddedOf(A) as [EmbeddedChannel];
  channels.push({
    channel: { ...channel, sampleRate: 64 },
    samples: ((first: number, count: number) =>
      BigInt64Array.from(
        { length: count },
        (_, i) => BIG[(first + i) % BIG.length]!,
      )) as unknown as (
        first: number,
        count: number,
      ) => Float64Array<ArrayBuffer>,
  });
  return channels;
}

describe("samples, byte by byte", () => {
  it("of every type", () => {
    const channels = odd();
    const names = channels.map(({ channel }) => channel.name).join(",");
    return GoldenWorld.play("numbers/types", { channels }, async (world) => {
      await world.open("events", `/v1/events?channels=${names}`);
      await world.open("gzip", `/v1/events?channels=${names}`, {
        headers: { "accept-encoding": "gzip, identity;q=0" },
      });
      await world.open("Arrow", `/v1/arrow?channels=${names}`);
      for (const codec of ["lz4", "zstd"]) {
        const headers = { accept: `${ARROW};codecs=${codec}` };
        await world.open(codec, `/v1/arrow?channels=${names}`, { headers });
      }
      await world.open("trend", `/v1/events?channels=${names}&trend=1s`);
      await world.open("trend, Arrow", `/v1/arrow?channels=${names}&trend=1s`);
      await world.publish(5);
      await world.pass(2);
    });
  });

  it("of blocks of unlike strides, one of them missing", () => {
    const slow = "H1:SLOW-SINE_F32_16";
    return GoldenWorld.play(
      "numbers/strides",
      { channels: embeddedOf(A, slow) },
      async (world) => {
        const query = `channels=${A},${slow}`;
        await world.open("events", `/v1/events?${query}`);
        await world.open("Arrow", `/v1/arrow?${query}`);
        await world.publish(21);
        world.lose(1);
        await world.publish(26);
        await world.pass(2);
      },
    );
  });

  it("of a message that lacks one channel of its topic", () => {
    const other = "H1:QANAT-RAMP_I16_1024";
    return GoldenWorld.play(
      "numbers/channel_not_in_message",
      { channels: embeddedOf(B) },
      async (world) => {
        const [absent] = embeddedOf(other);
        world.source.publish({ ...absent!.channel, sampleRate: 64 });
        const query = `channels=${B},${other}`;
        await world.open("fill", `/v1/events?${query}`);
        await world.open("fail", `/v1/events?${query}&gaps=fail`);
        await world.open("Arrow", `/v1/arrow?${query}`);
        await world.publish(3);
      },
    );
  });
});

describe("a record", () => {
  it("that differs in one character is reported with its position and the text around it", () => {
    const recorded = "=== a client\nid: 1\n\nid: 2\n";
    assert.equal(differenceOf(recorded, recorded), null);
    const told = differenceOf(recorded, recorded.replace("2", "3"));
    assert.match(told!, /offset 24, line 4, in: === a client/);
    assert.match(told!, /▶2\n[^]*▶3\n/);
    assert.notEqual(differenceOf(recorded, recorded + "\n"), null);
  });
});

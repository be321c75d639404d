// Reads back what test/integration/python/publisher.py says it published (its layout is drawn there).
// Invariant: comparisons are bit for bit; in JSON alone, NaN and infinities are null.
import assert from "node:assert/strict";
import { type DataType, SAMPLE_BYTES } from "../../src/channels/channel.ts";
import { SAMPLE_ARRAYS } from "../../src/channels/sample_arrays.ts";

const TIME_BYTE_OFFSET = 0;
const PRESENT_BYTE_OFFSET = 8;

interface PublishedChannel {
  readonly name: string;
  readonly dataType: DataType;
  readonly sampleRate: number;
  readonly samples: number;
  readonly byteOffset: number;
}

/** The record that one publisher keeps; grows while it runs, so read it again for later rows. */
export class Published {
  readonly strideNs: bigint;
  readonly channels: readonly PublishedChannel[];
  readonly times: readonly bigint[];
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #byteOffsetOf = new Map<bigint, number>();
  readonly #places = new Map<string, number>();

  constructor(directory: string) {
    const header = JSON.parse(
      Deno.readTextFileSync(`${directory}/published.json`),
    ) as { strideNs: string; channels: PublishedChannel[]; blockBytes: number };
    this.strideNs = BigInt(header.strideNs);
    this.channels = header.channels;
    this.#bytes = Deno.readFileSync(`${directory}/published.bin`);
    const view = new DataView(this.#bytes.buffer);
    const end = this.#bytes.byteLength - header.blockBytes;
    for (let at = 0; at <= end; at += header.blockBytes) {
      this.#byteOffsetOf.set(view.getBigInt64(at + TIME_BYTE_OFFSET, true), at);
    }
    this.times = [...this.#byteOffsetOf.keys()];
    this.channels.forEach((channel, i) => this.#places.set(channel.name, i));
  }

  channel(name: string): PublishedChannel {
    const place = this.#places.get(name);
    assert.ok(place !== undefined, `${name} is not a published channel`);
    return this.channels[place]!;
  }

  /** The bytes of a channel's samples at a time; null where the publisher left it out. */
  bytes(timeNs: bigint, name: string): Uint8Array<ArrayBuffer> | null {
    const block = this.#byteOffsetOf.get(timeNs);
    assert.ok(block !== undefined, `no block was published at ${timeNs}`);
    const channel = this.channel(name);
    const place = this.#places.get(name)!;
    if (this.#bytes[block + PRESENT_BYTE_OFFSET + place] === 0) return null;
    const at = block + channel.byteOffset;
    const byteLength = channel.samples * SAMPLE_BYTES[channel.dataType];
    return this.#bytes.slice(at, at + byteLength);
  }

  /** Fails unless these are the published bytes (null: left out). */
  assertBytes(timeNs: bigint, name: string, got: ArrayBufferView | null) {
    const expected = this.bytes(timeNs, name);
    const bytes = got === null
      ? null
      : new Uint8Array(got.buffer, got.byteOffset, got.byteLength);
    assert.deepEqual(
      bytes && hex(bytes),
      expected && hex(expected),
      `${name} at ${timeNs}`,
    );
  }

  /** Fails unless this JSON array reads back to exactly the published samples. */
  assertJson(timeNs: bigint, name: string, got: unknown) {
    const expected = this.bytes(timeNs, name);
    const place = `${name} at ${timeNs}`;
    if (expected === null) return assert.equal(got, null, place);
    const { dataType } = this.channel(name);
    const samples = new SAMPLE_ARRAYS[dataType](expected.buffer);
    assert.ok(Array.isArray(got), `${place}: not an array`);
    assert.equal(got.length, samples.length, place);
    samples.forEach((sample: number | bigint, i: number) => {
      const value: unknown = got[i];
      if (typeof sample === "bigint") {
        assert.equal(value, String(sample), place);
      } else if (!Number.isFinite(sample)) assert.equal(value, null, place);
      else {
        assert.equal(typeof value, "number", place);
        const read = dataType === "float32"
          ? Math.fround(value as number)
          : value;
        assert.ok(
          Object.is(read, sample),
          `${place} [${i}]: ${value} is not ${sample}`,
        );
      }
    });
  }
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Fails unless the times follow one another by exactly one stride, and there are at least this many. */
export function assertConsecutive(
  times: readonly bigint[],
  { strideNs, countMin, what = "" }: {
    strideNs: bigint;
    countMin: number;
    /** Whose times they are, for the message. */
    what?: string;
  },
): void {
  assert.ok(
    times.length >= countMin,
    `${what}: only ${times.length} of ${countMin} rows`,
  );
  for (let i = 1; i < times.length; i++) {
    const step = times[i]! - times[i - 1]!;
    if (step === strideNs) continue;
    assert.fail(`${what}: a step of ${step} ns before row ${i}`);
  }
}

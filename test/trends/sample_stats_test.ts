// Statistics of samples compared with plain sums, at the limits of each type.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { DATA_TYPES, type DataType } from "../../src/channels/channel.ts";
import type { Samples } from "../../src/channels/sample_arrays.ts";
import { PageRing } from "../../src/memory/page_ring.ts";
import { newSampleStats, StatsReader } from "../../src/trends/sample_stats.ts";
import { Random } from "../random.ts";
import { randomSamples } from "../random_samples.ts";

function statsOf(dataType: DataType, samples: Samples, byteOffset = 64) {
  const ring = new PageRing(new Uint8Array(1024 * 1024));
  ring.bytes.set(
    new Uint8Array(
      samples.buffer as ArrayBuffer,
      samples.byteOffset,
      samples.byteLength,
    ),
    byteOffset,
  );
  const out = newSampleStats();
  const reader = new StatsReader(ring, dataType);
  reader.read(byteOffset, samples.length, out);
  return out;
}

describe("StatsReader.read()", () => {
  it("ignores NaN, and counts infinities", () => {
    const { min, max, count, sum } = statsOf(
      "float32",
      Float32Array.of(NaN, 2, -1.5, NaN, Infinity),
    );
    assert.deepEqual([min, max, count, sum], [-1.5, Infinity, 3, Infinity]);
    assert.equal(statsOf("float64", Float64Array.of(NaN, NaN)).count, 0);
  });

  it("is exact at the limits of int64, with all signs", () => {
    const values = [2n ** 63n - 1n, -(2n ** 63n), -1n, 0n, 4294967295n];
    const { minBig, maxBig, count, sum } = statsOf(
      "int64",
      BigInt64Array.from(values),
    );
    assert.deepEqual([minBig, maxBig, count], [
      -(2n ** 63n),
      2n ** 63n - 1n,
      5,
    ]);
    assert.equal(sum, Number(values.reduce((a, b) => a + b)));
    const near = statsOf("int64", BigInt64Array.of(-5n, -4294967297n, -1n));
    assert.deepEqual([near.minBig, near.maxBig], [-4294967297n, -1n]);
  });

  it("is exact at the limits of uint64", () => {
    const values = [2n ** 64n - 1n, 2n ** 63n, 2n ** 63n - 1n, 1n];
    const { minBig, maxBig, count, sum } = statsOf(
      "uint64",
      BigUint64Array.from(values),
    );
    assert.deepEqual([minBig, maxBig, count], [1n, 2n ** 64n - 1n, 4]);
    assert.equal(sum, Number(values.reduce((a, b) => a + b)));
    const near = [2n ** 63n + 4294967296n, 2n ** 63n + 4294967295n];
    const high = statsOf("uint64", BigUint64Array.from(near));
    assert.deepEqual([high.minBig, high.maxBig], [near[1], near[0]]);
  });

  it("agrees with a plain loop for random integers of every type, aligned or not", () => {
    const random = new Random(20_261_205);
    for (const dataType of DATA_TYPES) {
      if (dataType.startsWith("float")) continue;
      for (const byteOffset of [64, 65, 68, 70]) {
        const count = 1 + random.below(200);
        const samples = randomSamples(random, dataType, count);
        const all = Array.from<number | bigint>(samples).map(BigInt);
        const got = statsOf(dataType, samples, byteOffset);
        const isBig = dataType.endsWith("64");
        assert.equal(
          isBig ? got.minBig : BigInt(got.min),
          all.reduce((a, b) => a < b ? a : b),
        );
        assert.equal(
          isBig ? got.maxBig : BigInt(got.max),
          all.reduce((a, b) => a > b ? a : b),
        );
        assert.equal(got.count, count);
        const sum = all.reduce((a, b) => a + b);
        const size = all.reduce((a, b) => a + (b < 0n ? -b : b), 0n);
        const error = Math.abs(got.sum - Number(sum));
        assert.ok(error <= 2 ** -52 * Number(size), `${dataType}: ${error}`);
      }
    }
  });

  it("reads uint32 above 2^31 and int16 below 0 correctly", () => {
    const high = statsOf("uint32", Uint32Array.of(4294967295, 1));
    assert.deepEqual([high.min, high.max, high.sum], [
      1,
      4294967295,
      4294967296,
    ]);
    const low = statsOf("int16", Int16Array.of(-32768, 32767));
    assert.deepEqual([low.min, low.max, low.sum], [-32768, 32767, -1]);
  });

  it("reads samples that are not aligned to their type", () => {
    const { min, max, count } = statsOf(
      "float64",
      Float64Array.of(3, 1, 2),
      68,
    );
    assert.deepEqual([min, max, count], [1, 3, 3]);
    const big = statsOf("int64", BigInt64Array.of(3n, 1n), 66);
    assert.deepEqual([big.minBig, big.maxBig], [1n, 3n]);
  });
});

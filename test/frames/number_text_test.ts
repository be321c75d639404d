import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  NUMBER_TEXT_MAX,
  writeFloat32,
  writeFloat64,
  writeInteger,
} from "../../src/frames/number_text.ts";

const out = new Uint8Array(64);
const decoder = new TextDecoder();

function text(
  write: (out: Uint8Array, at: number, value: number) => number,
  value: number,
): string {
  const end = write(out, 3, value);
  assert.ok(end - 3 <= NUMBER_TEXT_MAX, `too long: ${end - 3}`);
  return decoder.decode(out.subarray(3, end));
}

/** Random numbers by mulberry32, from a seed. */
function random(seed: number): () => number {
  return () => {
    seed = seed + 0x6D2B79F5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
}

/** Number of digits of the shortest decimal, found by trial. */
function shortest(value: number): number {
  for (let precision = 1; precision <= 9; precision++) {
    const decimal = Number(value.toPrecision(precision));
    if (Math.fround(decimal) === value) {
      return value.toPrecision(precision).replace(/e.*/, "")
        .replace(/[-.]/g, "").replace(/^0+/, "").replace(/0+$/, "").length;
    }
  }
  return 9;
}

describe("writeFloat32", () => {
  it("writes the shortest text of every kind of value", () => {
    const cases: [number, string][] = [
      [0, "0"],
      [-0, "-0"],
      [1, "1"],
      [-1.5, "-1.5"],
      [0.1, "0.1"],
      [1 / 3, "0.33333334"],
      [16777216, "16777216"],
      [3.4028234663852886e38, "3.4028235e+38"],
      [1.401298464324817e-45, "1e-45"],
      [1.1754943508222875e-38, "1.1754944e-38"],
      [1e-6, "0.000001"],
      [1e-7, "1e-7"],
      [1.5e-7, "1.5e-7"],
      [123456.7890625, "123456.79"],
      [1e21, "1e+21"],
      [NaN, "null"],
      [Infinity, "null"],
      [-Infinity, "null"],
    ];
    for (const [value, expected] of cases) {
      assert.equal(text(writeFloat32, Math.fround(value)), expected);
    }
  });

  it("reads back to the same bits for 200,000 seeded bit patterns", () => {
    const next = random(1);
    const bits = new Uint32Array(1);
    const value = new Float32Array(bits.buffer);
    for (let i = 0; i < 200_000; i++) {
      bits[0] = next() * 2 ** 32;
      const written = text(writeFloat32, value[0]!);
      if (!Number.isFinite(value[0]!)) {
        assert.equal(written, "null");
        continue;
      }
      const back = Math.fround(Number(written));
      assert.ok(Object.is(back, value[0]), `${value[0]} → ${written}`);
    }
  });

  it("is as short as the shortest decimal that reads back", () => {
    const next = random(2);
    for (let i = 0; i < 50_000; i++) {
      const value = Math.fround(
        (next() - 0.5) * 10 ** Math.floor(next() * 20 - 10),
      );
      if (value === 0) continue;
      const digits = text(writeFloat32, value).replace(/e.*/, "")
        .replace(/[-.]/g, "").replace(/^0+/, "").replace(/0+$/, "").length;
      assert.ok(
        digits <= shortest(value),
        `${value} ${text(writeFloat32, value)}`,
      );
    }
  });
});

describe("writeFloat64", () => {
  it("reads back to the same bits for 100,000 seeded bit patterns", () => {
    const next = random(3);
    const bits = new Uint32Array(2);
    const value = new Float64Array(bits.buffer);
    for (let i = 0; i < 100_000; i++) {
      bits[0] = next() * 2 ** 32;
      bits[1] = next() * 2 ** 32;
      const written = text(writeFloat64, value[0]!);
      if (!Number.isFinite(value[0]!)) assert.equal(written, "null");
      else assert.ok(Object.is(Number(written), value[0]), written);
    }
    assert.equal(text(writeFloat64, -0), "-0");
  });
});

describe("writeInteger", () => {
  it("writes the limits of every type", () => {
    for (
      const value of [
        0,
        -1,
        9,
        10,
        99,
        100,
        -32768,
        2 ** 31 - 1,
        -(2 ** 31),
        4294967295,
      ]
    ) assert.equal(text(writeInteger, value), String(value));
  });
});

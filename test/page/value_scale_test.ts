// Axes of values that people and instruments really send: huge, tiny, near each other, constant.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  decadeTicks,
  octaveTicks,
  type Tick,
  ValueScale,
} from "../../src/page/value_scale.js";

const MAX = Number.MAX_VALUE;
const BASE = 2 ** 60;

const RANGES: readonly (readonly [string, number, number])[] = [
  ["ordinary", -2, 3],
  ["zero", 0, 0],
  ["constant", 42, 42],
  ["constant and negative", -1e-21, -1e-21],
  ["integers three double steps apart", BASE, BASE + 512],
  ["one double step apart", 1e15, 1e15 + 0.125],
  ["near each other at 1", 1, 1 + 2 ** -52],
  ["strain", -1e-21, 2e-21],
  ["near each other and small", 1e-21, 1.0000001e-21],
  ["all doubles", -MAX, MAX],
  ["the largest, constant", MAX, MAX],
  ["the least, constant", -MAX, -MAX],
  ["large", 1e307, 1.1e307],
  ["the smallest doubles", 0, 5e-324],
  ["small doubles", -1e-310, 3e-310],
  ["counts of today in ns", 1.46e18, 1.46e18 + 1024],
  ["a million and a little", 1e6, 1e6 + 0.004],
];

describe("ValueScale", () => {
  for (const [name, least, largest] of RANGES) {
    it(`has two or more labels apart, and every value inside: ${name}`, () => {
      const scale = new ValueScale();
      scale.fit(least, largest);
      const low = scale.share(least);
      const high = scale.share(largest);
      assert.ok(low > 0 && low <= high && high < 1, `${low} ${high}`);
      if (least < largest) assert.ok(high - low > 0.7, `${low} ${high}`);
      for (let count = 2; count < 12; count++) {
        const ticks = scale.ticks(count);
        assert.ok(ticks.length >= 2, `${count}: ${JSON.stringify(ticks)}`);
        assert.ok(ticks.length <= 2.6 * count, `${ticks.length} of ${count}`);
        assertOrdered(ticks);
      }
      assert.equal(scale.share(Infinity) > 1, true);
      assert.equal(scale.share(-Infinity) < 0, true);
    });
  }

  it("counts from a base where labels would be the same", () => {
    const scale = new ValueScale();
    scale.fit(BASE, BASE + 512);
    assert.deepEqual(
      scale.ticks(4).map(({ text }) => text),
      ["+0", "+200", "+400"],
    );
    assert.equal(scale.baseText(4), "1,152,921,504,606,846,976");
    // The value in the middle is drawn in the middle.
    assert.equal(scale.share(BASE + 256), 0.5);
    scale.fit(-2, 3);
    assert.equal(scale.baseText(4), "");
    assert.deepEqual(
      scale.ticks(4).map(({ text }) => text),
      ["-2", "0", "2"],
    );
  });

  it("stays as it is for small changes, and follows large ones", () => {
    const scale = new ValueScale();
    scale.fit(0, 10);
    const { version } = scale;
    scale.fit(1, 9);
    scale.fit(-1, 11);
    assert.equal(scale.version, version);
    scale.fit(-2, 11);
    assert.equal(scale.version, version + 1);
    scale.fit(0, 1);
    assert.equal(scale.version, version + 2);
  });
});

describe("decadeTicks() and octaveTicks()", () => {
  const text = (value: number) => String(Number(value.toPrecision(6)));

  it("give two labels or more, however low the axis is", () => {
    const ranges = [[1, 128], [16, 2048], [0.5, 8], [1.1, 1.9], [1e-3, 1e4]];
    for (const [low, high] of ranges as [number, number][]) {
      for (let room = 1; room < 30; room++) {
        for (const make of [decadeTicks, octaveTicks]) {
          const ticks = make(low, high, { room, text });
          assert.ok(ticks.length >= 2, `${low} to ${high}, ${room}`);
          const texts = ticks.map((tick) => tick.text);
          assert.equal(new Set(texts).size, texts.length, String(texts));
          for (const { at } of ticks) assert.ok(at > -0.01 && at < 1.01);
        }
      }
    }
  });

  it("say 1, 2, 5 of a decade where there is room, and fewer where not", () => {
    const texts = (room: number) =>
      decadeTicks(1, 1000, { room, text }).map((tick) => tick.text);
    assert.deepEqual(texts(4), ["1", "10", "100", "1000"]);
    assert.deepEqual(texts(11).slice(0, 4), ["1", "2", "5", "10"]);
    const octaves = octaveTicks(16, 2048, { room: 4, text });
    assert.deepEqual(octaves.map((tick) => tick.text), ["2048", "256", "32"]);
  });
});

function assertOrdered(ticks: Tick[]): void {
  let before = -Infinity;
  for (const { at, text } of ticks) {
    assert.ok(at >= 0 && at <= 1, `${text} at ${at}`);
    assert.ok(at > before, JSON.stringify(ticks));
    before = at;
  }
  const texts = ticks.map(({ text }) => text);
  assert.equal(new Set(texts).size, texts.length, String(texts));
}

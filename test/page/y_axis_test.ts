// A plot's vertical axis as its user sets it: in the address, linear with fixed ends, from an offset, logarithmic.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  checked,
  optionsOf,
  optionsText,
} from "../../src/page/plot_options.js";
import { ValueAxis } from "../../src/page/value_axis.js";
import { emptyView, hashOf, viewOf } from "../../src/page/view.js";

const near = (a: number, b: number) =>
  assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

describe("options of an axis", () => {
  it("come back out of the address, after any name", () => {
    const all = [
      { log: true },
      { min: -1.5e-21, max: 2e-21 },
      { log: true, min: 0.1, offset: 1e9 },
      { max: 0 },
    ];
    for (const y of all) {
      assert.deepEqual(optionsOf(optionsText(y).split(";").slice(1)), y);
      const name = "A;y=log,B&C=100% é+";
      const view = {
        ...emptyView(),
        plots: [{ kind: "series" as const, name, y }],
      };
      assert.deepEqual(viewOf(`#${hashOf(view)}`), view);
    }
    assert.equal(optionsText(undefined), "");
  });

  it("that mean nothing are left out", () => {
    const of = (text: string) => optionsOf(text.split(";"));
    assert.equal(of("y=pink;min=;max=x;colour=red;min"), undefined);
    assert.equal(of("min=2;max=1"), undefined);
    assert.equal(of("min=1e301"), undefined);
    assert.deepEqual(of("y=log;min=-1"), { log: true });
    assert.deepEqual(of("min=-1;min=3;offset=0"), { min: 3 });
    assert.match(checked({ min: 2, max: 2 }).wrong, /below/);
    assert.match(checked({ log: true, max: 0 }).wrong, /above 0/);
  });
});

describe("ValueAxis", () => {
  it("ends where it is fixed, whatever the values are", () => {
    const axis = new ValueAxis();
    axis.set({ min: -1, max: 3 });
    for (const [least, largest] of [[-5, 50], [0, 0], [7, 9]]) {
      axis.fit(least!, largest!);
      near(axis.scale.share(-1), 0);
      near(axis.scale.share(3), 1);
      assert.deepEqual(axis.scale.ends, { low: -1, high: 3 });
    }
    assert.ok(axis.scale.ticks(4).length >= 2);
  });

  it("with one end fixed follows the values with the other", () => {
    const axis = new ValueAxis();
    axis.set({ min: 0 });
    axis.fit(2, 8);
    near(axis.scale.share(0), 0);
    near(axis.scale.share(8), 1);
    axis.fit(-9, -3);
    assert.ok(axis.scale.ends.low === 0 && axis.scale.ends.high > 0);
    axis.set({ max: 0 });
    axis.fit(2, 8);
    assert.ok(axis.scale.ends.high === 0 && axis.scale.ends.low < 0);
  });

  it("fits 64-bit integers, which come without their origin", () => {
    const axis = new ValueAxis();
    axis.set({ min: 2 ** 60, max: 2 ** 60 + 1024 });
    axis.fit(3, 400, 2 ** 60);
    near(axis.scale.share(512), 0.5);
    assert.ok(axis.scale.ticks(4).length >= 2);
  });

  it("counts labels from an offset", () => {
    const axis = new ValueAxis();
    axis.set({ offset: 1000, min: 990, max: 1010 });
    axis.fit(0, 0);
    const ticks = axis.scale.ticks(4);
    assert.deepEqual(ticks.map(({ text }) => text), [
      "-10",
      "-5",
      "0",
      "5",
      "10",
    ]);
    near(ticks[2]!.at, axis.scale.share(1000));
    assert.equal(axis.scale.baseText(4), "1,000");
  });

  it("is logarithmic, with two labels or more", () => {
    const axis = new ValueAxis();
    axis.set({ log: true, min: 1, max: 100 });
    axis.fit(5, 6);
    near(axis.scale.share(10), 0.5);
    assert.deepEqual(axis.scale.ticks(3).map(({ text }) => text), [
      "1",
      "10",
      "100",
    ]);
    axis.set({ log: true });
    for (const [least, largest] of [[1e-21, 3e-18], [-5, 7], [0, 0], [4, 4]]) {
      axis.fit(least!, largest!);
      const { low, high } = axis.scale.ends;
      assert.ok(low > 0 && low < high, `${low} ${high}`);
      assert.ok(largest! <= 0 || axis.scale.share(largest!) <= 1);
      assert.ok(least! <= 0 || axis.scale.share(least!) >= 0);
      assert.ok(axis.scale.share(0) < 0);
      for (let room = 2; room < 10; room++) {
        assert.ok(axis.scale.ticks(room).length >= 2);
      }
    }
    axis.set({});
    axis.set({ log: true });
    axis.fit(0.5, 1);
    assert.ok(axis.scale.share(1) < 0.99 && axis.scale.share(0.5) > 0.01);
    axis.fit(3, 400, 2 ** 60);
    assert.ok(axis.scale.share(400) <= 1 && axis.scale.share(3) >= 0);
  });

  it("is drawn again when its options change, and only then", () => {
    const axis = new ValueAxis();
    axis.fit(0, 1);
    const { version } = axis.scale;
    assert.equal(axis.set({}), false);
    axis.fit(0, 1);
    assert.equal(axis.scale.version, version);
    assert.equal(axis.set({ log: true }), true);
    assert.equal(axis.set({ log: true }), false);
    assert.ok(axis.scale.version > version);
    axis.fit(1, 2);
    const second = axis.scale.version;
    axis.fit(1, 2.01);
    assert.equal(axis.scale.version, second);
    assert.equal(axis.set(), true);
    assert.ok(axis.scale.version > second);
  });
});

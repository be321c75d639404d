// Searching a large catalog: pages, order, and the number of steps.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Catalog } from "../../src/channels/catalog.ts";
import type { Channel } from "../../src/channels/channel.ts";
import { byText, sortedInSlices } from "../../src/channels/sorted_names.ts";
import {
  finish,
  PART_STEPS_MAX,
  type SlicedWork,
} from "../../src/channels/sliced_work.ts";

const CHANNELS = 20_000;

function channel(name: string): Channel {
  return {
    name,
    dataType: "float32",
    sampleRate: 16,
    publisher: "P",
    partitionId: "p",
    partitionIndex: 0,
    strideNs: 62_500_000n,
    maxLatencyNs: 1_000_000_000n,
    replayId: null,
  };
}

function largeCatalog(): Catalog {
  const catalog = new Catalog();
  for (let i = 0; i < CHANNELS; i++) {
    const number = String(i * 7919 % CHANNELS).padStart(5, "0");
    catalog.set(channel(`${i % 2 ? "H1" : "L1"}:SUS-${number}_OUT_DQ`));
  }
  return catalog;
}

/** Does a work; returns its value, its steps, and the most of one part. */
function costOf<T>(
  work: SlicedWork<T>,
): { value: T; steps: number; most: number } {
  let steps = 0;
  let most = 0;
  for (;;) {
    const part = work.next();
    if (part.done) return { value: part.value, steps, most };
    steps += part.value;
    most = Math.max(most, part.value);
  }
}

describe("Catalog.search()", () => {
  it("does no part above the limit, whatever is asked for", () => {
    const catalog = largeCatalog();
    for (let i = 0; i < 200; i++) catalog.set(channel("é".repeat(100) + i));
    const matches = [
      undefined,
      "H1:",
      ".*",
      ".*DQ",
      "x*".repeat(80) + "Z",
      "(?:.*[A-H].{20}){5}!",
    ];
    for (const match of matches) {
      const { most, steps } = costOf(catalog.search({ match }));
      assert.ok(most <= PART_STEPS_MAX, `${match}: ${most}`);
      assert.ok(steps > 0);
    }
  });

  it("stops at the end of a page: the rest is not looked at", () => {
    const catalog = largeCatalog();
    const all = costOf(catalog.search({ match: ".*DQ" }));
    assert.equal(all.value.channels.length, CHANNELS);
    assert.equal(all.value.next, null);
    const page = costOf(catalog.search({ match: ".*DQ" }, { limit: 10 }));
    assert.equal(page.value.channels.length, 10);
    assert.equal(page.value.next, page.value.channels[9]!.name);
    assert.ok(page.steps < all.steps / 100);
    const last = costOf(
      catalog.search({}, { after: all.value.channels.at(-2)!.name }),
    );
    assert.deepEqual(last.value.channels, all.value.channels.slice(-1));
    assert.ok(last.steps < 300);
  });

  it("pages through all, each once, in order", () => {
    const catalog = largeCatalog();
    const names: string[] = [];
    let after: string | undefined;
    for (;;) {
      const { channels, next } = finish(
        catalog.search({ match: "H1:" }, { after, limit: 999 }),
      );
      names.push(...channels.map((c) => c.name));
      if (next === null) break;
      after = next;
    }
    assert.equal(names.length, CHANNELS / 2);
    assert.deepEqual(names, names.toSorted());
    assert.equal(catalog.count({ match: "H1:" }), CHANNELS / 2);
  });

  it("`H1:.*` matches no expression at all (1.0 s for 100,000 channels)", () => {
    const catalog = largeCatalog();
    finish(catalog.search({}));
    const { value, steps } = costOf(catalog.search({ match: "H1:.*" }));
    assert.equal(value.channels.length, CHANNELS / 2);
    const plain = costOf(catalog.search({}));
    assert.ok(steps < plain.steps + PART_STEPS_MAX);
  });

  it("continues over names that change between its slices", () => {
    const catalog = largeCatalog();
    const work = catalog.search({ match: ".*DQ" });
    for (let i = 0; i < 500; i++) {
      const part = work.next();
      assert.ok(!part.done);
      catalog.remove(
        `H1:SUS-${String(2 * i + 1).padStart(5, "0")}_OUT_DQ`,
        null,
      );
      catalog.set(channel(`A:NEW_${i}_DQ`));
    }
    const names = finish(work).channels.map((c) => c.name);
    assert.deepEqual(names, names.toSorted());
    assert.equal(new Set(names).size, names.length);
    // A new search returns the present state.
    const now = catalog.find({}).map((c) => c.name);
    assert.deepEqual(now, now.toSorted());
    assert.equal(now.length, catalog.size);
  });

  it("keeps the merged names of a search that was cancelled, for the next one", () => {
    const catalog = largeCatalog();
    const whole = costOf(largeCatalog().search({}, { limit: 1 }));
    let rest = Infinity;
    for (let works = 0; works < 4; works++) {
      const work = catalog.search({}, { limit: 1 });
      for (let i = 0; i < 100; i++) work.next();
      work.return({ channels: [], next: null });
      const other = catalog.search({}, { limit: 1 });
      other.next();
      other.return({ channels: [], next: null });
    }
    rest = costOf(catalog.search({}, { limit: 1 })).steps;
    assert.ok(rest < whole.steps * 0.8, `${rest} of ${whole.steps} steps`);
  });

  it("shares one merge among works that wait for it", () => {
    const catalog = largeCatalog();
    const first = catalog.counting({});
    const second = catalog.counting({ match: "H1:" });
    for (;;) {
      const [a, b] = [first.next(), second.next()];
      if (!a.done || !b.done) continue;
      assert.equal(a.value ?? CHANNELS, CHANNELS);
      break;
    }
    assert.equal(catalog.count({ match: "H1:" }), CHANNELS / 2);
    assert.equal(catalog.find({}).length, CHANNELS);
  });

  it("keeps its order while names come, go and come back", () => {
    const catalog = new Catalog();
    for (let round = 0; round < 3; round++) {
      for (const name of ["C", "A", "B"]) catalog.set(channel(name));
      assert.deepEqual(catalog.find({}).map((c) => c.name), ["A", "B", "C"]);
      catalog.remove("B", null);
      assert.deepEqual(catalog.find({}).map((c) => c.name), ["A", "C"]);
      catalog.set(channel("B"));
      catalog.remove("A", null);
      catalog.remove("C", null);
      assert.deepEqual(catalog.find({}).map((c) => c.name), ["B"]);
    }
    // There is no request for days.
    for (let i = 0; i < 5000; i++) {
      catalog.set(channel("X"));
      catalog.remove("X", null);
    }
    assert.deepEqual(catalog.find({}).map((c) => c.name), ["B"]);
  });
});

describe("Catalog.nearing()", () => {
  it("costs the same for a name of 255 characters and of a megabyte (14 s once)", () => {
    const catalog = new Catalog();
    for (let i = 0; i < 300; i++) {
      catalog.set(channel("H1:" + "x".repeat(249) + i));
    }
    finish(catalog.search({}));
    const longest = costOf(catalog.nearing("H1:" + "x".repeat(252), null));
    assert.ok(longest.steps > 0 && longest.steps < PART_STEPS_MAX);
    const huge = costOf(catalog.nearing("x".repeat(1024 * 1024), null));
    assert.deepEqual(huge.value, []);
    assert.equal(huge.steps, 0);
    const wide = costOf(catalog.nearing("é".repeat(128), null));
    assert.deepEqual(wide.value, []);
  });

  it("finds the same as a whole table of distances", () => {
    const catalog = new Catalog();
    const names = ["H1:GDS-STRAIN", "H1:GDS-STRAINS", "H1:GDS-TRAIN", "L1:A"];
    for (const name of names) catalog.set(channel(name));
    assert.deepEqual(catalog.near("H1:GDS-STRAIM", null), names.slice(0, 3));
    assert.deepEqual(catalog.near("L", null), ["L1:A"]);
    assert.deepEqual(catalog.near("", null), []);
  });
});

describe("sortedInSlices()", () => {
  it("sorts as sort() does, in parts that do not grow", () => {
    for (const count of [0, 1, 255, 256, 257, 5000]) {
      const items = Array.from(
        { length: count },
        (_, i) => String(i * 7919 % 4099),
      );
      const { value, most } = costOf(sortedInSlices(items, byText));
      assert.deepEqual(value, items.toSorted());
      assert.ok(most <= 150);
    }
  });
});

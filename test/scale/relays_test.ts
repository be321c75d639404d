// What `deno task scale` measures of relays: its cases, its tables, and what it refuses.
// Invariant: ratios are of one round, and a row that was lost in one round is in the table.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import {
  levelCase,
  levelsText,
  median,
  relayCases,
  relaysText,
} from "../../scripts/scale/relays.ts";
import { parseSettings } from "../../scripts/scale/settings.ts";
import type { InstanceFigures, TreeFigures } from "../../scripts/scale/tree.ts";

function instance(over: Partial<InstanceFigures> = {}): InstanceFigures {
  return {
    cores: 0.01,
    rssBytes: 2e8,
    clientBytesPerSecond: 0,
    relayBytesPerSecond: 0,
    p50Ms: null,
    p99Ms: null,
    rows: 0,
    lost: 0,
    failed: 0,
    ...over,
  };
}

function round(...instances: InstanceFigures[]): TreeFigures {
  return { instances, otherCores: 1, load: 2 };
}

describe("relayCases()", () => {
  it("are the origin idle and with one reader, then what was asked for, with one reader through the fewest relays", () => {
    assert.deepEqual(
      relayCases([0, 1, 4], [500]).map(({ name, tree }) =>
        `${name}: ${
          tree.map(({ parent, clients }) => `${parent} ${clients}`).join(", ")
        }`
      ),
      [
        "no client: null 0",
        "one reader of all channels: null 1",
        "500 clients: null 500",
        "1 relay, one reader of all channels: null 0, 0 1",
        "1 relay, 500 clients each: null 0, 0 500",
        "4 relays, 500 clients each: null 0, 0 500, 0 500, 0 500, 0 500",
      ],
    );
  });

  it("have no relay where none was asked for", () => {
    assert.equal(relayCases([0], [20]).length, 3);
  });
});

describe("levelCase()", () => {
  it("is relays in a row, with clients at each level", () => {
    assert.deepEqual(
      levelCase(2, 7).tree.map(({ parent, clients }) => [parent, clients]),
      [[null, 7], [0, 7], [1, 7]],
    );
  });
});

describe("relaysText()", () => {
  const text = relaysText([
    {
      name: "no client",
      rounds: [0.01, 0.03].map((cores) => round(instance({ cores }))),
    },
    {
      name: "one reader of all channels",
      rounds: [0.02, 0.04].map((cores) => round(instance({ cores }))),
    },
    {
      name: "1 relay, 500 clients each",
      rounds: [[0.02, 0], [0.04, 3]].map(([cores, lost]) =>
        round(
          instance({ cores: cores!, relayBytesPerSecond: 1e6 }),
          instance({ cores: 0.1, p50Ms: 10, p99Ms: 20, lost: lost! }),
        )
      ),
    },
  ]);

  it("compares the origin with the same round's, and names the rows that one round lost", () => {
    assert.match(
      text,
      /^1 relay, 500 clients each +30\.0 +10\.0 +1\.00 +1\.00 +200 +100\.0 +0\.00 +200 +10\.0 +20\.0 +3 +0 +1\.00 +2\.0$/m,
    );
  });

  it("writes what was not measured as -", () => {
    assert.match(text, /^no client .* 200 +- +- +- +- +- +0 +0 /m);
  });
});

describe("levelsText()", () => {
  it("says how much later rows are than at the origin, in the same round", () => {
    const rounds = [10, 30].map((p50Ms) =>
      round(
        instance({ p50Ms, p99Ms: 2 * p50Ms }),
        instance({ p50Ms: p50Ms + 4, p99Ms: 2 * p50Ms + 6 }),
      )
    );
    const text = levelsText({ name: "1 levels", rounds });
    assert.match(text, /^origin +20\.0 +40\.0 +- +- +0 /m);
    assert.match(text, /^level 1 +24\.0 +46\.0 +4\.0 +6\.0 +0 /m);
  });
});

describe("median()", () => {
  it("is the mean of the two in the middle where there are two", () => {
    assert.deepEqual([median([3, 1, 2]), median([4, 1])], [2, 2.5]);
  });
});

describe("parseSettings() of relays", () => {
  it("reads their numbers, 0 included, and the levels", () => {
    const relays = parseSettings(["--relays=0,4", "--clients=500"]);
    assert.ok(relays.kind === "options");
    const { options } = relays;
    assert.deepEqual([options.what, options.relays, options.clients], [
      "relays",
      [0, 4],
      [500],
    ]);
    const levels = parseSettings(["--levels=3"]);
    assert.ok(levels.kind === "options");
    const { what, levels: count } = levels.options;
    assert.deepEqual([what, count], ["levels", 3]);
  });

  it("refuses with what would be right", () => {
    for (
      const [args, wrong] of [
        [["--relays=33"], /from 0 to 32/],
        [["--levels=9"], /from 1 to 8/],
        [["--levels=2", "--relays=1"], /one at a time: --relays, --levels/],
      ] as const
    ) {
      const settings = parseSettings(args);
      assert.ok(settings.kind === "error");
      assert.match(settings.message, wrong);
    }
  });
});

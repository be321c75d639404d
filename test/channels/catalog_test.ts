import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Catalog } from "../../src/channels/catalog.ts";
import { BadExpressionError } from "../../src/channels/expression.ts";
import type { Channel } from "../../src/channels/channel.ts";

function channel(name: string, changes: Partial<Channel> = {}): Channel {
  return {
    name,
    dataType: "float32",
    sampleRate: 16,
    publisher: "P",
    partitionId: "P_1",
    partitionIndex: 0,
    strideNs: 62_500_000n,
    maxLatencyNs: 1_000_000_000n,
    replayId: null,
    ...changes,
  };
}

function filled(...names: string[]): Catalog {
  const catalog = new Catalog();
  for (const name of names) catalog.set(channel(name));
  return catalog;
}

describe("Catalog.find()", () => {
  it("anchors at the start only, as Python's re.match", () => {
    const catalog = filled("H1:B-1", "H1:A-1", "L1:A-1");
    const names = (match: string) => catalog.find({ match }).map((c) => c.name);
    assert.deepEqual(names("H1:"), ["H1:A-1", "H1:B-1"]);
    assert.deepEqual(names("A"), []);
    assert.deepEqual(names(".*A-1$"), ["H1:A-1", "L1:A-1"]);
    assert.deepEqual(names("B|L1"), ["L1:A-1"]);
  });

  it("filters by type, rate and publisher", () => {
    const catalog = filled("A:A-1");
    catalog.set(channel("A:B-1", { dataType: "int16", sampleRate: 64 }));
    catalog.set(channel("A:C-1", { publisher: "Q" }));
    assert.equal(catalog.count({ types: ["int16"] }), 1);
    assert.equal(catalog.count({ minRate: 17 }), 1);
    assert.equal(catalog.count({ maxRate: 16 }), 2);
    assert.equal(catalog.count({ publishers: ["Q"] }), 1);
  });

  it("names a bad expression and does not hang on a nasty one", () => {
    const catalog = filled("H1:" + "A".repeat(250));
    assert.throws(() => catalog.find({ match: "(" }), BadExpressionError);
    assert.equal(catalog.count({ match: "H1:(A+)+B" }), 0);
    assert.throws(() => catalog.find({ match: "A".repeat(5000) }), /at most/);
  });

  it("keeps replay contexts apart", () => {
    const catalog = filled("A:A-1");
    catalog.set(channel("A:A-1", { replayId: "r1", sampleRate: 32 }));
    assert.equal(catalog.get("A:A-1", null)!.sampleRate, 16);
    assert.equal(catalog.get("A:A-1", "r1")!.sampleRate, 32);
    assert.deepEqual(catalog.replayIds(100), ["r1"]);
    catalog.remove("A:A-1", "r1");
    assert.deepEqual(catalog.replayIds(100), []);
    assert.equal(catalog.size, 1);
  });

  it("shows a few of many contexts at the cost of these (a problem that named 100 sorted 900,000)", () => {
    const catalog = new Catalog();
    for (let i = 0; i < 5; i++) {
      catalog.set(channel("A:A-1", { replayId: `r${9 - i}` }));
    }
    assert.deepEqual(catalog.replayIds(2), ["r8", "r9"]);
  });
});

describe("Catalog.near()", () => {
  it("finds the name that was meant", () => {
    const catalog = filled("H1:GDS-STRAIN", "H1:GDS-STATE", "L1:GDS-STRAIN");
    assert.equal(catalog.near("H1:GDS-STRAIM", null)[0], "H1:GDS-STRAIN");
    assert.deepEqual(catalog.near("completely different", null), []);
  });
});

describe("Catalog.onChange()", () => {
  it("reports appearance, change and removal, and nothing for an equal record", () => {
    const catalog = new Catalog();
    const heard: string[] = [];
    const stop = catalog.onChange((name, _, before, after) =>
      heard.push(`${name} ${before?.sampleRate} ${after?.sampleRate}`)
    );
    catalog.set(channel("A:A-1"));
    catalog.set(channel("A:A-1"));
    catalog.set(channel("A:A-1", { sampleRate: 32 }));
    catalog.remove("A:A-1", null);
    catalog.remove("A:A-1", null);
    stop();
    catalog.set(channel("A:A-1"));
    assert.deepEqual(heard, [
      "A:A-1 undefined 16",
      "A:A-1 16 32",
      "A:A-1 32 undefined",
    ]);
  });
});

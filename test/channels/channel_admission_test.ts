// Which channels the catalog has after a series of records by several publishers.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { Catalog } from "../../src/channels/catalog.ts";
import type { Channel } from "../../src/channels/channel.ts";
import { ChannelAdmission } from "../../src/channels/channel_admission.ts";
import { REFUSED_LISTED_MAX } from "../../src/channels/refused_channels.ts";
import { aChannel } from "./a_channel.ts";

let catalog: Catalog;
let admission: ChannelAdmission;
let logged: Record<string, unknown>[];

beforeEach(() => {
  catalog = new Catalog();
  logged = [];
  admission = new ChannelAdmission({
    catalog,
    log: { warn: (event, fields) => logged.push({ event, ...fields }) },
    claimsMax: 1000,
  });
});

const SLOW = { strideNs: 1_000_000_000n } as const;
const named = (name: string, index: number, changes: Partial<Channel> = {}) =>
  aChannel({ name, partitionIndex: index, ...changes });
const put = (channel: Channel, publisher = "P", atMs = 0) =>
  admission.put(publisher, channel, atMs)?.reason ?? null;
const strides = () =>
  catalog.find({}).map((c) => [c.name, Number(c.strideNs) / 1e6]);
const refused = () =>
  catalog.refused.list().map((r) => [r.publisher, r.name, r.reason]);

describe("channels of one topic", () => {
  it("agree in type, stride and latency: the first stays, a later one is refused by name", () => {
    assert.equal(put(named("A", 0)), null);
    assert.equal(put(named("B", 1, SLOW)), "partition-conflict");
    assert.equal(
      put(named("C", 2, { dataType: "int16" })),
      "partition-conflict",
    );
    assert.equal(
      put(named("D", 3, { maxLatencyNs: 5n })),
      "partition-conflict",
    );
    assert.equal(put(named("E", 4, { sampleRate: 32 })), null);
    assert.deepEqual(strides(), [["A", 62.5], ["E", 62.5]]);
    assert.deepEqual(refused(), [
      ["P", "D", "partition-conflict"],
      ["P", "C", "partition-conflict"],
      ["P", "B", "partition-conflict"],
    ]);
    assert.match(
      catalog.refused.list()[2]!.detail,
      /its topic has 2 other channels of .*stride 62500000 ns.*; it has .*stride 1000000000 ns/,
    );
  });

  it("have an index each", () => {
    put(named("A", 0));
    assert.equal(put(named("B", 0)), "index-conflict");
    assert.match(catalog.refused.list()[0]!.detail, /belongs to A/);
  });

  it("of two contexts that come to the same topic do not mix", () => {
    put(named("A", 0, { partitionId: "c", replayId: "a-b" }));
    const same = named("B", 1, { partitionId: "b-c", replayId: "a" });
    assert.equal(put(same), "partition-conflict");
    const live = named("C", 2, { partitionId: "replay-a-b-c" });
    assert.equal(put(live), "partition-conflict");
  });

  it("are admitted when the conflicting channel is removed", () => {
    put(named("A", 0));
    put(named("B", 1, SLOW));
    put(named("C", 2, SLOW));
    put(named("D", 1, SLOW));
    admission.remove("P", "A");
    assert.deepEqual(strides(), [["B", 1000], ["C", 1000]]);
    assert.deepEqual(refused(), [["P", "D", "index-conflict"]]);
    admission.remove("P", "B");
    assert.deepEqual(strides(), [["C", 1000], ["D", 1000]]);
    assert.deepEqual(refused(), []);
  });

  it("are admitted when the conflicting channel moves", () => {
    put(named("A", 0));
    put(named("B", 0));
    put(named("A", 5));
    assert.deepEqual(catalog.find({}).map((c) => c.partitionIndex), [5, 0]);
    put(named("C", 0));
    put(named("B", 0, { partitionId: "elsewhere" }));
    assert.equal(catalog.get("C", null)?.partitionIndex, 0);
  });
});

describe("a publisher that changes its stride", () => {
  it("gets through when it has written all of its channels again", () => {
    for (let i = 0; i < 4; i++) put(named(`A${i}`, i));
    const before = strides();
    for (let i = 0; i < 3; i++) {
      assert.equal(put(named(`A${i}`, i, SLOW)), "partition-conflict");
      // Until then the other channels determine the shape of the topic.
      assert.deepEqual(strides(), before);
    }
    assert.equal(put(named("A3", 3, SLOW)), null);
    assert.deepEqual(strides(), before.map(([name]) => [name, 1000]));
    assert.deepEqual(refused(), []);
  });

  it("takes along those that waited for the new stride, with others waiting for another one", () => {
    put(named("A", 0));
    put(named("X", 3, { dataType: "int16" }));
    put(named("B", 1, SLOW));
    put(named("C", 2, SLOW));
    assert.equal(put(named("A", 0, SLOW)), null);
    assert.deepEqual(strides(), [["A", 1000], ["B", 1000], ["C", 1000]]);
  });

  it("gets through when its channels are permuted, too", () => {
    for (let i = 0; i < 4; i++) put(named(`A${i}`, i));
    for (let i = 0; i < 4; i++) put(named(`A${i}`, (i + 1) % 4, SLOW));
    assert.deepEqual(
      catalog.find({}).map((c) => [c.name, c.partitionIndex]),
      [["A0", 1], ["A1", 2], ["A2", 3], ["A3", 0]],
    );
    for (let i = 0; i < 4; i++) put(named(`A${i}`, i, SLOW));
    assert.deepEqual(
      catalog.find({}).map((c) => c.partitionIndex),
      [0, 1, 2, 3],
    );
    assert.deepEqual(refused(), []);
  });

  it("gets through when it takes back some and adds others, in the order Arrakis writes", () => {
    for (let i = 0; i < 4; i++) put(named(`A${i}`, i));
    admission.remove("P", "A0");
    for (let i = 1; i < 4; i++) put(named(`A${i}`, i, SLOW));
    put(named("B", 0, SLOW));
    assert.deepEqual(strides(), [
      ["A1", 1000],
      ["A2", 1000],
      ["A3", 1000],
      ["B", 1000],
    ]);
  });

  it("gets through in a log that holds old and new records, whatever compaction has kept", () => {
    const old = [0, 1, 2, 3].map((i) => named(`A${i}`, i));
    const all = [0, 1, 2, 3].map((i) => named(`A${i}`, i, SLOW));
    // Each subset of the old records may be removed.
    for (let kept = 0; kept < 16; kept++) {
      const fresh = new Catalog();
      const replay = new ChannelAdmission({ catalog: fresh });
      for (const c of old) {
        if (kept >> c.partitionIndex & 1) replay.put("P", c);
      }
      for (const c of all) replay.put("P", c);
      assert.deepEqual(fresh.find({}), all);
      assert.deepEqual(fresh.refused.list(), []);
    }
  });

  it("does not hold a channel to an index that it gave up", () => {
    put(named("A", 0));
    put(named("B", 0, { partitionId: "other" }));
    // A moves to an index that is taken; its old index is available to C.
    assert.equal(
      put(named("A", 0, { partitionId: "other" })),
      "index-conflict",
    );
    assert.equal(catalog.get("A", null)?.partitionId, "H1_A_1");
    assert.equal(put(named("C", 0)), null);
    assert.equal(catalog.get("A", null), undefined);
    admission.remove("P", "B");
    assert.equal(catalog.get("A", null)?.partitionId, "other");
  });

  it("removes a waiting record together with its former one", () => {
    put(named("A", 0));
    put(named("B", 1));
    put(named("A", 0, SLOW));
    admission.remove("P", "A");
    assert.deepEqual(strides(), [["B", 62.5]]);
    assert.deepEqual(refused(), []);
  });
});

describe("two publishers that claim one name", () => {
  it("the newer record counts, and the other is named", () => {
    put(named("A", 0), "P", 10);
    put(named("A", 0, { partitionId: "Q" }), "Q", 20);
    assert.equal(catalog.get("A", null)?.partitionId, "Q");
    assert.deepEqual(refused(), [["P", "A", "other-publisher"]]);
    assert.deepEqual(logged.map((l) => [l.publisher, l.reason]), [
      ["P", "other-publisher"],
    ]);
    admission.remove("Q", "A");
    assert.equal(catalog.get("A", null)?.partitionId, "H1_A_1");
    assert.deepEqual(refused(), []);
  });

  it("in whatever order the two topics are read", () => {
    put(named("A", 0, { partitionId: "Q" }), "Q", 20);
    assert.equal(put(named("A", 0), "P", 10), "other-publisher");
    assert.equal(catalog.get("A", null)?.partitionId, "Q");
    assert.deepEqual(refused(), [["P", "A", "other-publisher"]]);
  });

  it("leaves the name to the other publisher when one does not fit", () => {
    put(named("A", 0), "P", 10);
    put(named("B", 0, { partitionId: "Q" }), "Q", 10);
    const newer = named("A", 0, { partitionId: "Q" });
    assert.equal(put(newer, "Q", 20), "index-conflict");
    assert.equal(catalog.get("A", null)?.partitionId, "H1_A_1");
    admission.remove("Q", "B");
    assert.equal(catalog.get("A", null)?.partitionId, "Q");
    assert.deepEqual(refused(), [["P", "A", "other-publisher"]]);
  });

  it("a newer one does not wait for the older one alone", () => {
    put(named("A", 0), "P", 10);
    put(named("B", 1), "P", 10);
    const newer = named("A", 0, { maxLatencyNs: 2_000_000_000n });
    assert.equal(put(newer, "Q", 20), "partition-conflict");
    admission.remove("P", "B");
    assert.equal(catalog.get("A", null)?.maxLatencyNs, 2_000_000_000n);
  });

  it("a publisher whose metadata begins again removes nothing of another one's", () => {
    put(named("A", 0), "P");
    put(named("B", 1), "Q");
    admission.removeAll("P");
    assert.deepEqual(strides(), [["B", 62.5]]);
  });
});

describe("refusals", () => {
  it("change nothing in the catalog, and end with a good record or none", () => {
    put(named("A", 0));
    assert.equal(put(named("A", 0, { strideNs: 1n })), "stride");
    assert.deepEqual(strides(), [["A", 62.5]]);
    assert.deepEqual(refused(), [["P", "A", "stride"]]);
    put(named("A", 0));
    assert.deepEqual(refused(), []);
    put(named("B\n", 1));
    admission.remove("P", "B\n");
    assert.deepEqual(refused(), []);
  });

  it("are counted all, listed as far as the list goes, and logged once a publisher and reason", () => {
    for (let i = 0; i < 300; i++) put(named(`A${i}`, i, { strideNs: 1n }));
    for (let i = 0; i < 20; i++) put(named("A\u001b", i), "Q");
    assert.equal(catalog.refused.counts.stride, 300);
    assert.equal(catalog.refused.counts.name, 20);
    assert.equal(catalog.refused.list().length, REFUSED_LISTED_MAX);
    assert.deepEqual(refused()[0], ["Q", "AU+001B", "name"]);
    assert.equal(refused()[1]![1], "A299");
    assert.deepEqual(logged.map((l) => [l.event, l.publisher, l.reason]), [
      ["channel-refused", "P", "stride"],
      ["channel-refused", "Q", "name"],
    ]);
  });

  it("bound the channels that are kept, including waiting ones", () => {
    put(named("A", 0));
    for (let i = 0; i < 1200; i++) put(named(`B${i}`, i, SLOW));
    assert.equal(admission.claimCount, 900);
    assert.equal(catalog.refused.counts["too-many"], 301);
    admission.removeAll("P");
    assert.equal(admission.claimCount, 0);
    assert.equal(admission.topicCount, 0);
    assert.equal(catalog.size, 0);
  });

  it("leave room for other publishers, however many one has (it took all, and new ones got none)", () => {
    for (let i = 0; i < 1200; i++) put(named(`A${i}`, i), "HOSTILE");
    assert.equal(admission.claimCount, 900);
    assert.match(catalog.refused.list()[0]!.detail, /^at most 90 % of what/);
    for (let i = 0; i < 90; i++) {
      const partitionId = `OTHER_${i}`;
      assert.equal(put(named(`B${i}`, 0, { partitionId }), "OTHER"), null);
    }
    assert.equal(
      put(named("B90", 0, { partitionId: "OTHER_90" }), "OTHER"),
      "too-many",
    );
    // Each gets some, down to the last one.
    for (let i = 0; i < 10; i++) {
      const partitionId = `C_${i}`;
      assert.equal(put(named(`C${i}`, 0, { partitionId }), `C${i}`), null);
    }
    assert.equal(put(named("D", 0, { partitionId: "D_0" }), "D"), "too-many");
    assert.equal(
      catalog.refused.list()[0]!.detail,
      "at most 1000 channels are kept",
    );
    // What is there may be written again.
    assert.equal(put(named("A0", 0), "HOSTILE"), null);
  });

  it("do not cost more, however many channels wait for one index", () => {
    let looked = 0;
    const counting = new Proxy(catalog, {
      get: (target, name) => {
        if (name === "refused") looked++;
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const busy = new ChannelAdmission({ catalog: counting });
    busy.put("P", named("A", 0));
    for (let i = 0; i < 5000; i++) busy.put("P", named(`B${i}`, 0));
    looked = 0;
    for (let i = 0; i < 50; i++) {
      busy.put("P", named("A", 1));
      busy.put("P", named("A", 0));
      busy.remove("P", catalog.find({})[0]!.name);
    }
    // A handful of looks a record, not one for each that waits.
    assert.ok(looked < 50 * 3 * 10, `${looked} looks`);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { tableFromIPC } from "apache-arrow";
import { tableFromIPC as flechetteTable } from "@uwdata/flechette";
import { encodeChannelTable } from "../../src/arrow/channel_table.ts";
import type { ChannelNote } from "../../src/channels/channel_note.ts";
import type { Channel } from "../../src/channels/channel.ts";
import { finish } from "../../src/channels/sliced_work.ts";

const live: Channel = {
  name: "H1:A",
  dataType: "float32",
  sampleRate: 0.5,
  publisher: "P",
  partitionId: "P-0",
  partitionIndex: 3,
  strideNs: 62_500_000n,
  maxLatencyNs: 10n ** 18n + 1n,
  replayId: null,
};
const replayed: Channel = { ...live, name: "L1:Ä", replayId: "o3" };
const COLUMNS = [
  "name",
  "data_type",
  "sample_rate",
  "publisher",
  "stride_ns",
  "max_latency_ns",
  "replay_id",
  "live",
  "unit",
  "description",
  "range_low",
  "range_high",
];
const note: ChannelNote = { unit: "m/s²", description: null, range: [-1, 2.5] };
const noteOf = (channel: Channel) => channel === live ? note : null;
const isLive = () => true;
const TIMES = [62_500_000n, 10n ** 18n + 1n];
const rows = [
  ["H1:A", "float32", 0.5, "P", ...TIMES, null, true, "m/s²", null, -1, 2.5],
  ["L1:Ä", "float32", 0.5, "P", ...TIMES, "o3", false, null, null, null, null],
];

describe("encodeChannelTable()", () => {
  it("reads back in apache-arrow and flechette, 64-bit times exact", () => {
    const bytes = finish(
      encodeChannelTable([live, replayed], {
        isLive: (channel) => channel.replayId === null,
        noteOf,
      }),
    );
    const table = tableFromIPC(bytes);
    const other = flechetteTable(bytes, { useBigInt: true });
    assert.deepEqual(table.schema.fields.map((f) => f.name), COLUMNS);
    rows.forEach((expected, row) => {
      assert.deepEqual(
        COLUMNS.map((name) => table.getChild(name)!.get(row)),
        expected,
      );
      assert.deepEqual(
        COLUMNS.map((name) => other.getChild(name).at(row)),
        expected,
      );
    });
  });

  it("has its columns when no channel is listed", () => {
    const table = tableFromIPC(
      finish(encodeChannelTable([], { isLive, noteOf })),
    );
    assert.equal(table.numRows, 0);
    assert.deepEqual(table.schema.fields.map((f) => f.name), COLUMNS);
  });

  it("makes batches of one schema, wherever values are null", () => {
    const many = Array.from(
      { length: 1234 },
      (_, i) => ({ ...(i < 700 ? live : replayed), name: `C${i}` }),
    );
    const bytes = finish(encodeChannelTable(many, { isLive, noteOf }));
    const table = tableFromIPC(bytes);
    assert.equal(table.batches.length, 3);
    assert.deepEqual(
      table.getChild("name")!.toArray(),
      many.map((c) => c.name),
    );
    assert.equal(table.getChild("replay_id")!.get(1233), "o3");
    assert.equal(flechetteTable(bytes).numRows, 1234);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { tableFromIPC } from "apache-arrow";
import { tableFromIPC as flechetteTable } from "@uwdata/flechette";
import {
  BatchTemplates,
  END_OF_STREAM,
  type RowColumn,
  RowTemplate,
} from "../../src/arrow/row_template.ts";
import { DATA_TYPES } from "../../src/channels/channel.ts";

const columns: RowColumn[] = DATA_TYPES.map((dataType, i) => ({
  name: `A:B-${i}`,
  dataType,
  rate: String(16 * (i + 1)),
  samples: i + 1,
}));

function fill(template: RowTemplate, present: number, timeNs: bigint) {
  const bytes = new Uint8Array(template.byteLength);
  template.begin(bytes, 0, timeNs);
  const view = new DataView(bytes.buffer);
  columns.forEach(({ dataType, samples }, i) => {
    if (!(present & 1 << i)) return;
    template.setPresent(bytes, 0, i);
    for (let k = 0; k < samples; k++) {
      const at = template.valuesByteOffset(i);
      if (dataType === "int16") view.setInt16(at + 2 * k, -k, true);
      if (dataType === "int32") view.setInt32(at + 4 * k, -k, true);
      if (dataType === "uint32") view.setUint32(at + 4 * k, k, true);
      if (dataType === "int64") view.setBigInt64(at + 8 * k, BigInt(-k), true);
      if (dataType === "float32") view.setFloat32(at + 4 * k, k / 2, true);
      if (dataType === "float64") view.setFloat64(at + 8 * k, k / 3, true);
    }
  });
  return bytes;
}

function streamOf(template: RowTemplate, rows: Uint8Array[]): Uint8Array {
  return new Uint8Array(
    [template.schemaMessage, ...rows, END_OF_STREAM].flatMap((b) => [...b]),
  );
}

describe("RowTemplate", () => {
  it("reads back in apache-arrow and flechette for every set of missing channels", () => {
    const template = new RowTemplate(columns);
    const sets = 1 << columns.length;
    const rows = Array.from(
      { length: sets },
      (_, set) => fill(template, set, 10n ** 18n + BigInt(set)),
    );
    const stream = streamOf(template, [template.emptyBatch, ...rows]);
    const table = tableFromIPC(stream);
    const other = flechetteTable(stream, { useBigInt: true });
    assert.equal(table.numRows, sets);
    assert.equal(other.numRows, sets);
    assert.equal(table.schema.fields[0]!.nullable, false);
    for (let set = 0; set < sets; set++) {
      const time = table.getChildAt(0)!.get(set);
      assert.equal(time, 10n ** 18n + BigInt(set));
      assert.equal(other.getChild("time").at(set), time);
      columns.forEach(({ name, dataType, samples }, i) => {
        const list = table.getChild(name)!.get(set);
        const otherList = other.getChild(name).at(set);
        if (!(set & 1 << i)) {
          assert.equal(list, null);
          assert.equal(otherList, null);
          return;
        }
        const expected = Array.from({ length: samples }, (_, k) => {
          if (dataType === "int64") return String(-k);
          if (dataType === "float32") return String(k / 2);
          if (dataType === "float64") return String(k / 3);
          return String(dataType === "uint32" ? k : 0 - k);
        });
        assert.deepEqual([...list].map(String), expected);
        assert.deepEqual([...otherList].map(String), expected);
      });
    }
  });

  it("has the rate as field metadata, and keeps the order of its columns", () => {
    const { schemaMessage } = new RowTemplate(columns);
    const table = tableFromIPC(
      new Uint8Array([...schemaMessage, ...END_OF_STREAM]),
    );
    assert.deepEqual(
      table.schema.fields.map((f) => [f.name, f.metadata.get("rate")]),
      [["time", undefined], ...columns.map((c) => [c.name, c.rate])],
    );
  });

  it("makes its schema message once while it is in use", () => {
    const template = new RowTemplate(columns);
    const held = template.schemaMessage;
    assert.equal(template.schemaMessage, held);
    assert.deepEqual(new RowTemplate(columns).schemaMessage, held);
  });

  it("shares its batch with selections of equal shapes, and with no others", () => {
    const batches = new BatchTemplates();
    const [first, second] = columns;
    const one = new RowTemplate([first!], batches);
    const renamed = new RowTemplate([{ ...first!, name: "C:D" }], batches);
    assert.equal(one.emptyBatch, renamed.emptyBatch);
    assert.notDeepEqual(one.schemaMessage, renamed.schemaMessage);
    assert.equal(batches.size, 1);
    new RowTemplate([second!], batches);
    new RowTemplate([{ ...first!, parts: 1, samples: 2 }], batches);
    new RowTemplate([{ ...first!, parts: 2, samples: 2 }], batches);
    assert.equal(batches.size, 4);
  });
});

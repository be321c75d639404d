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
import { DATA_TYPES, type DataType } from "../../src/channels/channel.ts";
import { is64Bit, SAMPLE_ARRAYS } from "../../src/channels/sample_arrays.ts";
import { limitsOf } from "../random_samples.ts";

const columns: RowColumn[] = DATA_TYPES.map((dataType, i) => ({
  name: `A:B-${i}`,
  dataType,
  rate: String(16 * (i + 1)),
  samples: i + 1,
}));

/** Sample `k` of a column. */
function valueOf(dataType: DataType, k: number): number | bigint {
  if (dataType === "float32") return k / 2;
  if (dataType === "float64") return k / 3;
  const [least, most] = limitsOf(dataType);
  const value = k % 2 === 0 ? most - BigInt(k) : least + BigInt(k);
  return is64Bit(dataType) ? value : Number(value);
}

function fill(template: RowTemplate, present: number, timeNs: bigint) {
  const bytes = new Uint8Array(template.byteLength);
  template.begin(bytes, 0, timeNs);
  columns.forEach(({ dataType, samples }, i) => {
    if (!(present & 1 << i)) return;
    template.setPresent(bytes, 0, i);
    const at = template.valuesByteOffset(i);
    const values = new SAMPLE_ARRAYS[dataType](bytes.buffer, at, samples);
    for (let k = 0; k < samples; k++) values[k] = valueOf(dataType, k);
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
        const expected = Array.from(
          { length: samples },
          (_, k) => String(valueOf(dataType, k)),
        );
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

import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { RecordBatchReader } from "apache-arrow";
import { withMetadata } from "../../src/arrow/message_metadata.ts";
import { END_OF_STREAM, RowTemplate } from "../../src/arrow/row_template.ts";

describe("withMetadata()", () => {
  it("adds a key and value of any length and keeps the rest (pyarrow reads it in test/integration)", () => {
    const template = new RowTemplate([
      { name: "A", dataType: "float32", rate: "4", samples: 4 },
      { name: "B", dataType: "int64", rate: "2", samples: 2, parts: 2 },
    ]);
    const row = new Uint8Array(template.byteLength);
    template.begin(row, 0, 123_456_789_012_345_678n);
    template.setPresent(row, 0, 0);
    for (let length = 0; length < 20; length++) {
      const key = "k".repeat(1 + length % 7);
      const value = "ü".repeat(length);
      const told = withMetadata(row, key, value);
      assert.equal(told.byteLength % 8, 0);
      const reader = RecordBatchReader.from([
        template.schemaMessage,
        told,
        withMetadata(template.emptyBatch, "end", "{}"),
        END_OF_STREAM,
      ]);
      const [batch, empty] = [...reader];
      assert.deepEqual([...batch!.metadata], [[key, value]]);
      assert.deepEqual([...empty!.metadata], [["end", "{}"]]);
      assert.equal(batch!.numRows, 1);
      assert.equal(empty!.numRows, 0);
      assert.equal(batch!.getChildAt(0)!.get(0), 123_456_789_012_345_678n);
      assert.equal(batch!.getChildAt(1)!.get(0).length, 4);
      assert.equal(batch!.getChildAt(2)!.get(0), null);
    }
  });
});

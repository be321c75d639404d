import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  Field,
  Float32,
  Int64,
  List,
  makeData,
  MessageReader,
  Schema,
} from "apache-arrow";
import { streamOfBatch } from "../../src/arrow/arrow_types.ts";
import { BatchMessage } from "../../src/arrow/batch_message.ts";
import { MessageHeader } from "../../src/arrow/message_header.ts";
import { RowTemplate } from "../../src/arrow/row_template.ts";
import { TrendTemplate } from "../../src/arrow/trend_template.ts";

/** Metadata and body of a batch. */
function partsOf(message: Uint8Array) {
  const view = new DataView(
    message.buffer,
    message.byteOffset,
    message.byteLength,
  );
  const header = new MessageHeader(view, 0);
  const { rowCount, nodeCount, bufferCount, bodyBytes } = header;
  return {
    rowCount,
    nodes: Array.from({ length: nodeCount }, (_, i) => header.node(i)),
    buffers: Array.from({ length: bufferCount }, (_, i) => header.buffer(i)),
    body: [...message.subarray(message.byteLength - bodyBytes)],
  };
}

/** The second message of a stream: its batch. */
function batchOfStream(stream: Uint8Array): Uint8Array {
  const view = new DataView(stream.buffer, stream.byteOffset);
  const schemaEnd = 8 + view.getInt32(4, true);
  const header = new MessageHeader(view, schemaEnd);
  const bodyAt = schemaEnd + 8 + view.getInt32(schemaEnd + 4, true);
  return stream.slice(schemaEnd, bodyAt + header.bodyBytes);
}

describe("BatchMessage", () => {
  it("equals what apache-arrow writes for the same batch", () => {
    const samples = 5;
    const time = new Field("time", new Int64(), false);
    const list = new List(new Field("item", new Float32(), true));
    const stream = streamOfBatch(
      new Schema([time, new Field("A", list, true)]),
      1,
      [
        makeData({
          type: new Int64(),
          length: 1,
          nullCount: 0,
          data: new BigInt64Array(1),
        }),
        makeData({
          type: list,
          length: 1,
          nullCount: 1,
          nullBitmap: new Uint8Array(8),
          valueOffsets: Int32Array.of(0, samples),
          child: makeData({
            type: new Float32(),
            length: samples,
            nullCount: 0,
            data: new Float32Array(samples),
          }),
        }),
      ],
    );
    const columns = [
      { name: "A", dataType: "float32", rate: "5", samples } as const,
    ];
    const template = new RowTemplate(columns);
    const row = new Uint8Array(template.byteLength);
    template.begin(row, 0, 0n);
    assert.deepEqual(partsOf(row), partsOf(batchOfStream(stream)));
  });

  it("is read by apache-arrow, with no nodes and with many", () => {
    for (const count of [0, 1, 1000]) {
      const nodes = Int32Array.from({ length: 2 * count }, (_, i) => i);
      const buffers = Int32Array.from({ length: count }, (_, i) => i);
      const batch = new BatchMessage(7, nodes, buffers);
      const reader = new MessageReader(batch.bytes);
      const message = reader.readMessage();
      assert.ok(message?.isRecordBatch());
      const header = message.header()!;
      assert.equal(header.length, 7);
      assert.equal(header.nodes.length, count);
      const last = header.nodes.at(-1);
      if (last) assert.equal(last.nullCount, 2 * count - 1);
      assert.equal(
        reader.readMessageBody(message.bodyLength).byteLength % 8,
        0,
      );
      assert.equal(batch.bytes.byteLength % 8, 0);
    }
  });

  it("does not compare each column with all others, as apache-arrow does", () => {
    const { assign } = Schema.prototype;
    let calls = 0;
    const counted = function (this: Schema, ...args: never[]) {
      calls++;
      return assign.apply(this, args);
    };
    Schema.prototype.assign = counted as typeof assign;
    try {
      const column = { dataType: "int32", rate: "1", samples: 1 } as const;
      const columns = ["A", "B"].map((name) => ({ name, ...column }));
      new RowTemplate(columns);
      new TrendTemplate(columns, "1s");
    } finally {
      Schema.prototype.assign = assign;
    }
    assert.equal(calls, 0);
  });
});

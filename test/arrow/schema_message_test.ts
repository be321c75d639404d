import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Field, List, Message, Schema, tableFromIPC } from "apache-arrow";
import { tableFromIPC as flechetteTable } from "@uwdata/flechette";
import { arrowTypeOf } from "../../src/arrow/arrow_types.ts";
import type { FieldNote } from "../../src/arrow/field_metadata.ts";
import { MessageHeader } from "../../src/arrow/message_header.ts";
import { END_OF_STREAM, RowTemplate } from "../../src/arrow/row_template.ts";
import {
  type SchemaColumn,
  schemaMessage,
  TIME,
} from "../../src/arrow/schema_message.ts";
import { TrendTemplate } from "../../src/arrow/trend_template.ts";
import { DATA_TYPES } from "../../src/channels/channel.ts";
import { Random } from "../random.ts";

const NOTES: readonly (FieldNote | null)[] = [
  null,
  { unit: "m/s²", description: null },
  { unit: null, description: 'A "long" text, 日本' },
  { unit: "s", description: "x".repeat(500) },
];
const NAMES = ["", "A", "H1:A-B", "é", "日本", "😀", 'a"\\', "x".repeat(255)];

function someColumns(random: Random): SchemaColumn[] {
  return Array.from({ length: random.below(20) }, (_, i) => ({
    name: random.of(NAMES) + i,
    dataType: random.of(DATA_TYPES),
    isList: random.below(2) === 1,
    isNullable: random.below(2) === 1,
    rate: random.of([null, "16", "0.0625", "16384"]),
    note: random.of(NOTES),
  }));
}

/** The same schema, made with the classes of apache-arrow. */
function schemaOf(columns: readonly SchemaColumn[], metadata?: string): Schema {
  const fields = columns.map((column) => {
    const { name, dataType, isList, isNullable, rate, note } = column;
    const type = arrowTypeOf(dataType);
    const own = isList ? new List(new Field("item", type, true)) : type;
    const pairs = new Map<string, string>();
    if (rate !== null) pairs.set("rate", rate);
    if (note?.unit) pairs.set("unit", note.unit);
    if (note?.description) pairs.set("description", note.description);
    return new Field(name, own, isNullable, pairs);
  });
  return new Schema(fields, metadata ? new Map([["key", metadata]]) : null);
}

/** The content of a schema. */
function textsOf({ fields, metadata }: Schema): unknown {
  const textOf = (field: Field): unknown => [
    field.name,
    String(field.type),
    field.nullable,
    [...field.metadata],
    (field.type.children ?? []).map(textOf),
  ];
  return [fields.map(textOf), [...metadata]];
}

function streamOf(message: Uint8Array): Uint8Array {
  return new Uint8Array([...message, ...END_OF_STREAM]);
}

describe("schemaMessage()", () => {
  it("writes equal metadata once", () => {
    const note = { unit: "m", description: "x".repeat(400) };
    const columns = Array.from({ length: 1000 }, (_, i) => ({
      ...TIME,
      name: String(i),
      rate: "16",
      note,
    }));
    const plain = columns.map((column) => ({ ...column, note: null }));
    const added = schemaMessage(columns).byteLength -
      schemaMessage(plain).byteLength;
    assert.ok(added < 600, `${added} bytes`);
  });

  it("is read by apache-arrow as its own schema, and by flechette with the same columns", () => {
    const random = new Random(20_261_126);
    for (let turn = 0; turn < 200; turn++) {
      const columns = [TIME, ...someColumns(random)];
      const value = turn % 2 ? "10s" : undefined;
      const message = schemaMessage(columns, value ? ["key", value] : null);
      assert.equal(message.byteLength % 8, 0);
      const stream = streamOf(message);
      const { schema } = tableFromIPC(stream);
      assert.deepEqual(textsOf(schema), textsOf(schemaOf(columns, value)));
      const other = flechetteTable(stream);
      assert.deepEqual(other.names, columns.map(({ name }) => name));
    }
  });

  it("is read by MessageHeader", () => {
    const column = { isList: true, isNullable: true, rate: "1" };
    const message = schemaMessage(
      DATA_TYPES.map((dataType) => ({ name: "A", dataType, ...column })),
    );
    const header = new MessageHeader(new DataView(message.buffer), 0);
    assert.deepEqual(
      Array.from({ length: header.fieldCount }, (_, i) => header.fieldText(i)),
      DATA_TYPES.map((dataType) => `A: list<${dataType}>`),
    );
  });

  it("is made without the encoder of apache-arrow, which takes ten times as long", () => {
    const { encode } = Message;
    let calls = 0;
    Message.encode = (...args) => {
      calls++;
      return encode.apply(Message, args);
    };
    try {
      const column = { name: "A", dataType: "int32", rate: "1" } as const;
      assert.ok(new RowTemplate([{ ...column, samples: 1 }]).schemaMessage);
      assert.ok(new TrendTemplate([column], "1s").schemaMessage);
    } finally {
      Message.encode = encode;
    }
    assert.equal(calls, 0);
  });
});

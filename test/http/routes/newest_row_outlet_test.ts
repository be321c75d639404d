// The outlet of /v1/latest: one row, also of a write that has several because the delivery is behind.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import { NewestRowOutlet } from "../../../src/http/routes/newest_row_outlet.ts";
import { messagesIn } from "../../clients/arrow_messages.ts";

const encoder = new TextEncoder();

describe("NewestRowOutlet", () => {
  it("takes the first of several events, without what belongs to the next one", async () => {
    const outlet = new NewestRowOutlet("events");
    outlet.writeBytes(
      encoder.encode("retry: 1000\nevent: hello\ndata: {}\n\n"),
    );
    outlet.writeBytes(encoder.encode("event: gap\ndata: {}\n\n"));
    outlet.writeBytes(
      encoder.encode('id: 12\ndata: {"row":1}\n\nid: 13\ndata: {"row":2}\n\n'),
    );
    const row = await outlet.row;
    assert.equal(new TextDecoder().decode(row!), '{"row":1}');
  });

  it("takes the first of several record batches", async () => {
    const messagesOf = (value: number) =>
      messagesIn(
        tableToIPC(tableFromArrays({ value: Int32Array.of(value) }), "stream"),
      );
    const [schema, first] = messagesOf(1);
    const [, second] = messagesOf(2);
    const outlet = new NewestRowOutlet("arrow");
    outlet.writeBytes(schema!);
    outlet.writeBytes(Uint8Array.from([...first!, ...second!]));
    assert.deepEqual(await outlet.row, Uint8Array.from(first!));
  });
});

// Splitting the bytes of a stream into messages.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { END_OF_STREAM } from "../../src/arrow/row_template.ts";
import { ArrowFramer, type ArrowMessage } from "../../src/tail/arrow_framer.ts";
import {
  endMessage,
  FIRST_NS,
  gapMessage,
  joined,
  rowMessage,
  SCHEMA,
  STRIDE_NS,
} from "./arrow_stream.ts";

const PARTS = [
  SCHEMA,
  rowMessage(0),
  gapMessage(2, "slow"),
  endMessage("drain"),
  END_OF_STREAM,
];
const STREAM = joined(PARTS);

/** Messages of the stream given in pieces, with copies of their bytes. */
function framed(pieceBytes: number): ArrowMessage[] {
  const framer = new ArrowFramer();
  const messages: ArrowMessage[] = [];
  for (let at = 0; at < STREAM.byteLength; at += pieceBytes) {
    for (const message of framer.push(STREAM.subarray(at, at + pieceBytes))) {
      messages.push(
        message.kind === "end"
          ? message
          : { ...message, bytes: message.bytes.slice() },
      );
    }
  }
  assert.equal(framer.heldBytes, 0);
  return messages;
}

describe("ArrowFramer", () => {
  it("returns the same messages, wherever the network split the bytes", () => {
    const whole = framed(STREAM.byteLength);
    assert.deepEqual(whole.map((m) => m.kind), [
      "schema",
      "batch",
      "batch",
      "batch",
      "end",
    ]);
    whole.forEach((message, i) => {
      if (message.kind === "end") return;
      assert.deepEqual(message.bytes, new Uint8Array(PARTS[i]!));
    });
    for (const pieceBytes of [1, 7, 8, 13, 64, 1000]) {
      assert.deepEqual(framed(pieceBytes), whole, `${pieceBytes} bytes`);
    }
  });

  it("reads a batch's time, gap and end", () => {
    const [, row, gap, end] = framed(STREAM.byteLength);
    assert.ok(row?.kind === "batch" && gap?.kind === "batch");
    assert.ok(end?.kind === "batch");
    assert.deepEqual([row.timeNs, row.gap, row.end], [FIRST_NS, null, null]);
    assert.equal(gap.timeNs, FIRST_NS + 2n * STRIDE_NS);
    assert.equal(gap.gap, '{"reason":"slow"}');
    assert.equal(end.end, '{"reason":"drain"}');
    assert.deepEqual([end.timeNs, end.rowCount], [null, 0]);
  });

  it("throws at a body that is not an Arrow stream", () => {
    const framer = new ArrowFramer();
    const page = new TextEncoder().encode("<html>proxy error</html>");
    assert.throws(() => [...framer.push(page)], /not an Arrow stream/);
  });
});

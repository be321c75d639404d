// Rows as Flight sends them: the values of Arrow's rows, null items where a channel has no samples, and app_metadata.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { tableFromIPC } from "apache-arrow";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { END_OF_STREAM } from "../../src/arrow/row_template.ts";
import { Timeline } from "../../src/blocks/timeline.ts";
import type { RowEncoder } from "../../src/frames/row_encoder.ts";
import { RowEncoders } from "../../src/frames/row_encoders.ts";
import { StreamText } from "../../src/frames/stream_text.ts";
import { Slab } from "../../src/memory/slab.ts";
import {
  batchesOf,
  flightDataOf,
  messagesOf,
} from "../flight/flight_client.ts";
import { channels, emptyBlocks, STRIDE_NS } from "./two_channels.ts";

const SAMPLES = 128;
const blocks = emptyBlocks();
/** The second block lacks the second channel. */
const HELD = [2, 1, 2];
for (const [row, count] of HELD.entries()) {
  const series = channels.slice(0, count).map((_, c) =>
    Int16Array.from({ length: SAMPLES }, (_, i) => 1000 * c + 10 * row + i % 7)
  );
  const ids = channels.slice(0, count).map((c) => c.partitionIndex);
  blocks.append(
    encodeBlock(BigInt(row) * STRIDE_NS, "int16", ids, series),
    NaN,
  );
}
const timeline = new Timeline([blocks], STRIDE_NS, 0);

function encoderOf(slab: Slab, format: "flight" | "arrow"): RowEncoder {
  return new RowEncoders(slab).of({
    timeline,
    channels,
    format,
    coding: "identity",
    codec: null,
    trend: null,
  });
}

function bodyOf(encoder: RowEncoder, row: number, isFill = false): Uint8Array {
  const frame = encoder.encode(row, isFill)!;
  const body = frame.body.slice();
  frame.release();
  return body;
}

type Row = [time: bigint, ...lists: (number | null)[][]];

function rowsOf(batches: Iterable<{ toArray(): unknown[] }>): Row[] {
  return [...batches].flatMap((batch) =>
    (batch.toArray() as Record<string, never>[]).map((row) => [
      row["time"]!,
      ...channels.map(({ name }) => [...row[name]! as Iterable<number>]),
    ])
  ) as Row[];
}

describe("rows of Flight", () => {
  const slab = new Slab({ budgetBytes: 1 << 20 });
  const encoder = encoderOf(slab, "flight");
  const text = new StreamText({
    format: "flight",
    coding: "identity",
    template: encoder.template,
    binName: null,
    channels,
    strideNs: STRIDE_NS,
    retryMs: 1,
  });

  function read(...bodies: Uint8Array[]) {
    const answer = { bytes: [text.opening(), ...bodies] };
    const { batches, apps } = batchesOf(answer as never);
    return { rows: rowsOf(batches), apps };
  }

  it("are one message each, whose length is known before", () => {
    const body = bodyOf(encoder, 0);
    assert.equal(body.byteLength, encoder.frameBytes);
    const [message, ...others] = messagesOf({ bytes: [body] } as never);
    assert.equal(others.length, 0);
    assert.equal(flightDataOf(message!).app, "");
    slab.assertEmpty();
  });

  it("have the values of Arrow's rows where all channels have samples", () => {
    const arrow = encoderOf(slab, "arrow");
    const { schemaMessage } = arrow.template!;
    for (const row of [0, 2]) {
      const parts = [schemaMessage, bodyOf(arrow, row), END_OF_STREAM];
      const table = tableFromIPC(
        Uint8Array.from(parts.flatMap((part) => [...part])),
      );
      assert.deepEqual(
        read(bodyOf(encoder, row)).rows,
        rowsOf(table.batches),
      );
    }
  });

  it("have a list of null items for a channel without samples, and nulls for all in a row of a gap", () => {
    const nulls = Array(SAMPLES).fill(null);
    const { rows } = read(
      bodyOf(encoder, 0),
      bodyOf(encoder, 1),
      bodyOf(encoder, 2, true),
    );
    assert.deepEqual(rows.map(([time]) => time), [
      0n,
      STRIDE_NS,
      2n * STRIDE_NS,
    ]);
    assert.equal(rows[0]![2]![1], 1001);
    assert.equal(rows[1]![1]![1], 11);
    assert.deepEqual(rows[1]![2], nulls);
    assert.deepEqual(rows[2]!.slice(1), [nulls, nulls]);
  });

  it("carry a gap and a heartbeat as app_metadata, and the same row", () => {
    const body = bodyOf(encoder, 2);
    const gap = { from: "1", to: "62500000", reason: "slow" };
    const { rows, apps } = read(
      body,
      text.rowWithGap(body, gap),
      text.heartbeatRow(bodyOf(encoder, 2, true)),
    );
    assert.deepEqual(apps, [
      "",
      JSON.stringify({ gap }),
      JSON.stringify({ heartbeat: true }),
    ]);
    assert.deepEqual(rows[1], rows[0]);
    assert.equal(rows[2]![0], 2n * STRIDE_NS);
    assert.equal(rows[2]![1]![0], null);
  });
});

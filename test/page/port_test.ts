// What a port sends to its tab of a row.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Port } from "../../src/page/port.js";
import { Series } from "../../src/page/series.js";

const STRIDE_NS = 62_500_000n;
/** A name that every object seems to have. */
const NAME = "constructor";
const row = (channels: Record<string, Float32Array | null>) => ({
  timeNs: 0n,
  strideNs: STRIDE_NS,
  channels,
  missing: {},
});

describe("a channel that is named like a property of all objects", () => {
  it("is no part of a row that was requested without it (a function was sent to the tab, which fails)", () => {
    const sent: unknown[] = [];
    const port = new Port((message: unknown) => sent.push(message), {
      now: () => 0,
      unreadMax: 8,
    });
    const wanted = { name: NAME, stride: String(STRIDE_NS), rate: 16 };
    const [subscribed] = port.subscribe(1, [wanted]);
    const from = { id: subscribed!.lane } as never;
    port.sendRow(from, row({ A: Float32Array.of(1) }));
    assert.deepEqual(sent, []);
    const own = { [NAME]: Float32Array.of(1) };
    port.sendRow(from, row(own));
    assert.deepEqual(sent, [{ type: "row", trend: undefined, row: row(own) }]);
  });

  it("is missing for a reason in words", () => {
    const channel = {
      name: NAME,
      data_type: "float32",
      sample_rate: 16,
      stride_ns: Number(STRIDE_NS),
    };
    const series = new Series(channel as never, 20);
    series.putRow(row({ [NAME]: null }));
    assert.deepEqual(series.gaps.map(({ reason }) => reason), [
      "not in its block",
    ]);
  });
});

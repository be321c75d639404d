// What an ETag depends on, and that the bytes of answers are those of its version.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "@std/testing/bdd";
import type { Channel } from "../../../src/channels/channel.ts";
import { finish } from "../../../src/channels/sliced_work.ts";
import type { StreamShape } from "../../../src/frames/stream_format.ts";
import {
  BYTES_VERSION,
  type EtagContext,
  isKnown,
  rangeEtag,
} from "../../../src/http/routes/range_etag.ts";
import { trendBinOf } from "../../../src/trends/trend_bins.ts";
import { A, B, FIRST, gpsOf, SettledWorld } from "./settled_world.ts";

const STRIDE_NS = 62_500_000n;
const CHANNEL: Channel = {
  name: "H1:ONE",
  dataType: "float64",
  sampleRate: 16,
  publisher: "P",
  partitionId: "P_0",
  partitionIndex: 3,
  strideNs: STRIDE_NS,
  maxLatencyNs: 1_000_000_000n,
  replayId: null,
};
const RANGE = { startNs: 1000n * STRIDE_NS, endNs: 1016n * STRIDE_NS };
const CONTEXT: EtagContext = { cacheKey: "", retryMs: 1000, notes: [] };
const NOTE = { unit: "m", description: null, range: null };

function etag({
  channels = [CHANNEL],
  trend = undefined as "1s" | undefined,
  range = RANGE,
  shape = { format: "events" } as StreamShape,
  context = CONTEXT,
} = {}): string {
  const bin = trend === undefined ? undefined : trendBinOf(trend);
  return finish(rangeEtag({ channels, trend: bin }, range, shape, context));
}

describe("the ETag of a range", () => {
  it("is the same for the same request", () => {
    assert.equal(etag(), etag());
    assert.match(etag(), /^"[\w-]{21}"$/);
  });

  it("is another one for whatever changes the bytes", () => {
    const other = { ...CHANNEL, name: "H1:TWO" };
    const all = [
      etag(),
      etag({ channels: [other] }),
      etag({ channels: [CHANNEL, other] }),
      etag({ channels: [{ ...CHANNEL, dataType: "float32" }] }),
      etag({ channels: [{ ...CHANNEL, sampleRate: 32 }] }),
      etag({ trend: "1s" }),
      etag({ range: { ...RANGE, startNs: RANGE.startNs - STRIDE_NS } }),
      etag({ range: { ...RANGE, endNs: RANGE.endNs + STRIDE_NS } }),
      etag({ shape: { format: "events-arrow" } }),
      etag({ shape: { format: "arrow" } }),
      etag({ shape: { format: "csv" } }),
      etag({ shape: { format: "csv", hasUnits: true } }),
      etag({ shape: { format: "csv", coding: "gzip" } }),
      etag({ shape: { format: "arrow", coding: "gzip" } }),
      etag({ shape: { format: "arrow", codec: "zstd" } }),
      etag({ shape: { format: "arrow", codec: "lz4" } }),
      etag({ context: { ...CONTEXT, cacheKey: "2" } }),
      etag({ context: { ...CONTEXT, retryMs: 2000 } }),
      etag({ context: { ...CONTEXT, notes: [NOTE] } }),
      etag({ context: { ...CONTEXT, notes: [{ ...NOTE, unit: "s" }] } }),
    ];
    assert.equal(new Set(all).size, all.length, all.join(" "));
  });

  it("is the same for all times that lie in the same rows", () => {
    const { startNs, endNs } = RANGE;
    const range = { startNs: startNs + 1n, endNs: endNs - 1n };
    assert.equal(etag({ range }), etag());
  });

  it("does not depend on the partition, which other channels decide", () => {
    const moved = { ...CHANNEL, partitionId: "P_1", partitionIndex: 7 };
    assert.equal(etag({ channels: [moved] }), etag());
  });

  it("does not depend on what made the channel: a relay and its origin have the same", () => {
    const reversed = Object.fromEntries(
      Object.entries({ ...CHANNEL, note: null }).toReversed(),
    ) as unknown as Channel;
    assert.equal(etag({ channels: [reversed] }), etag());
  });

  it("is weak where the bytes depend on compression", () => {
    const { format, coding } = { format: "events", coding: "gzip" } as const;
    assert.match(etag({ shape: { format, coding } }), /^W\/"/);
    assert.match(etag({ shape: { format: "arrow", codec: "lz4" } }), /^W\/"/);
  });

  it("does not take two lists of channels for one, however they are cut into parts", () => {
    const channels = Array.from(
      { length: 250 },
      (_, i) => ({ ...CHANNEL, name: `H1:C${i}` }),
    );
    const all = [
      etag({ channels }),
      etag({ channels: channels.slice(0, 249) }),
      etag({ channels: channels.slice(0, 100) }),
      etag({ channels: channels.toReversed() }),
    ];
    assert.equal(new Set(all).size, all.length);
  });

  it("is found in If-None-Match, weak or strong, among others", () => {
    for (const one of ['"abc"', 'W/"abc"']) {
      for (const header of ['"abc"', 'W/"abc"', '"x", W/"abc"', '"abc","y"']) {
        assert.ok(isKnown(header, one), header);
      }
      for (const header of [undefined, "", "*", '"abcd"', "abc", '"a", "bc"']) {
        assert.ok(!isKnown(header, one), String(header));
      }
    }
  });
});

describe("the bytes that an ETag stands for", () => {
  it("have not changed, or BYTES_VERSION has", async () => {
    await using world = await SettledWorld.start();
    world.publish(40);
    const hash = createHash("sha256");
    const range = `channels=${A},${B}&start=${gpsOf(FIRST + 16)}&duration=1`;
    const one = range.replace(`,${B}`, "");
    for (
      const path of [
        `/v1/events?${range}`,
        `/v1/events?${range}&encoding=arrow`,
        `/v1/arrow?${range}`,
        `/v1/arrow?${range}&trend=1s`,
        `/v1/events?${range}&trend=1s`,
        `/v1/data?${one}`,
        `/v1/data?${one}&format=ndjson`,
        `/v1/data?${one}&format=gwpy&units=1`,
        `/v1/data?${range}&trend=1s&units=1`,
      ]
    ) {
      const { headers, bytes } = await world.read(path);
      assert.notEqual(headers.get("etag"), null, path);
      hash.update(bytes);
    }
    // If this fails since the bytes are meant to be others: raise BYTES_VERSION, and put the new hash here.
    assert.deepEqual(
      [BYTES_VERSION, hash.digest("hex").slice(0, 16)],
      [2, "a6f03b5436cf0ba9"],
    );
  });
});

// A JSON event for 100 clients of different selections: shared fragments compared with JSON.stringify
// per client. 10 of 40 channels each, float32 of 2,048 Hz, 128 samples per row.
import { encodeBlock } from "../src/arrow/block_encoder.ts";
import { PartitionBlocks } from "../src/blocks/partition_blocks.ts";
import { Timeline } from "../src/blocks/timeline.ts";
import type { Channel } from "../src/channels/channel.ts";
import { writeFloat32 } from "../src/frames/number_text.ts";
import { RowEncoders } from "../src/frames/row_encoders.ts";
import { PageRing } from "../src/memory/page_ring.ts";
import { Slab } from "../src/memory/slab.ts";

const CHANNELS = 40;
const CLIENTS = 100;
const SAMPLES = 128;
const STRIDE_NS = 62_500_000n;
const ROWS = 64;
const channels: Channel[] = Array.from({ length: CHANNELS }, (_, i) => ({
  name: `H1:BENCH-${String(i).padStart(2, "0")}`,
  dataType: "float32",
  sampleRate: 2048,
  publisher: "P",
  partitionId: "P",
  partitionIndex: i,
  strideNs: STRIDE_NS,
  maxLatencyNs: 0n,
  replayId: null,
}));
let state = 1;
const noise = () =>
  (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
const series = channels.map(() =>
  Float32Array.from({ length: SAMPLES }, noise)
);
const blocks = new PartitionBlocks({
  topic: "arrakis-P",
  strideNs: STRIDE_NS,
  maxLatencyNs: 0n,
  ring: new PageRing(new Uint8Array(1 << 24)),
  futureToleranceMs: 0,
  outageWaitMs: 0,
  outageGraceMs: 0,
  hasClock: false,
});
for (let row = 0; row < ROWS; row++) {
  blocks.append(
    encodeBlock(
      BigInt(row) * STRIDE_NS,
      "float32",
      channels.map((c) => c.partitionIndex),
      series,
    ),
    NaN,
  );
}
const timeline = new Timeline([blocks], STRIDE_NS, 0);
const slab = new Slab({ budgetBytes: 1 << 26 });
const rowEncoders = new RowEncoders(slab);
const selections = Array.from(
  { length: CLIENTS },
  (_, c) =>
    Array.from({ length: 10 }, (_, i) => (c * 7 + i * 3) % CHANNELS)
      .sort((a, b) => a - b),
);
const encoders = selections.map((chosen) =>
  rowEncoders.of({
    timeline,
    channels: chosen.map((i) => channels[i]!),
    format: "events",
    coding: "identity",
    codec: null,
    trend: null,
  })
);
const text = new TextEncoder();
let row = 0;
let sink = 0;

Deno.bench("shared fragments", {
  group: "one row for 100 selections",
  baseline: true,
}, () => {
  row = (row + 1) % ROWS;
  for (const encoder of encoders) {
    const frame = encoder.encode(row)!;
    sink += frame.chunk.length;
    frame.release();
  }
});

Deno.bench("JSON.stringify per client", {
  group: "one row for 100 selections",
}, () => {
  for (const chosen of selections) {
    const values: Record<string, number[]> = {};
    for (const i of chosen) values[channels[i]!.name] = Array.from(series[i]!);
    const body = `id: 1\ndata: ${
      JSON.stringify({ time: "1", channels: values })
    }\n\n`;
    sink += text.encode(body).length;
  }
});

const out = new Uint8Array(64);
const values = series[0]!;

Deno.bench(
  "writeFloat32",
  { group: "128 float32 as text", baseline: true },
  () => {
    for (let i = 0; i < SAMPLES; i++) sink += writeFloat32(out, 0, values[i]!);
  },
);

Deno.bench("toPrecision until it reads back", {
  group: "128 float32 as text",
}, () => {
  for (let i = 0; i < SAMPLES; i++) {
    for (let precision = 6;; precision++) {
      const short = Number(values[i]!.toPrecision(precision));
      if (Math.fround(short) !== values[i]) continue;
      sink += String(short).length;
      break;
    }
  }
});

globalThis.addEventListener("unload", () => {
  if (sink === 0) throw new Error("nothing was done");
});

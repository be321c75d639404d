// One Arrow row for 100 selections of 10 of 40 channels: frames in the slab compared with flechette's writer.
import {
  float32,
  int64,
  list,
  tableFromArrays,
  tableToIPC,
} from "@uwdata/flechette";
import { Timeline } from "../src/blocks/timeline.ts";
import { RowEncoders } from "../src/frames/row_encoders.ts";
import type { StreamFormat } from "../src/frames/stream_format.ts";
import { PageRing } from "../src/memory/page_ring.ts";
import { Slab } from "../src/memory/slab.ts";
import {
  blocksOf,
  channelsOf,
  noise,
  SAMPLES,
  SteadyMessage,
  STRIDE_NS,
} from "./steady_blocks.ts";

const CHANNELS = 40;
const CLIENTS = 100;
const ROWS = 64;
const channels = channelsOf(CHANNELS);
const series = channels.map(() => noise(SAMPLES));
const message = new SteadyMessage(series);
const blocks = blocksOf("arrakis-P", new PageRing(new Uint8Array(1 << 24)));
for (let row = 0; row < ROWS; row++) blocks.append(message.at(row), NaN);
const timeline = new Timeline([blocks], STRIDE_NS, 0);
const slab = new Slab({ budgetBytes: 1 << 26 });
const selections = Array.from(
  { length: CLIENTS },
  (_, c) =>
    Array.from({ length: 10 }, (_, i) => (c * 7 + i * 3) % CHANNELS)
      .sort((a, b) => a - b),
);
const rowEncoders = new RowEncoders(slab);
const encoderOf = (chosen: readonly number[], format: StreamFormat) =>
  rowEncoders.of({
    timeline,
    channels: chosen.map((i) => channels[i]!),
    format,
    coding: "identity",
    codec: null,
    trend: null,
  });
const encoders = selections.map((chosen) => encoderOf(chosen, "arrow"));
const events = encoderOf(selections[0]!, "events-arrow");
let row = 0;
let sink = 0;

Deno.bench("frames of record batches", {
  group: "one row for 100 selections, Arrow",
  baseline: true,
}, () => {
  row = (row + 1) % ROWS;
  for (const encoder of encoders) {
    const frame = encoder.encode(row)!;
    sink += frame.chunk.length;
    frame.release();
  }
});

const types = Object.fromEntries([
  ["time", int64()] as const,
  ...channels.map(({ name }) => [name, list(float32())] as const),
]);

Deno.bench("flechette, a table each", {
  group: "one row for 100 selections, Arrow",
}, () => {
  for (const chosen of selections) {
    const columns: Record<string, unknown[]> = { time: [1n] };
    for (const i of chosen) columns[channels[i]!.name] = [series[i]!];
    sink += tableToIPC(tableFromArrays(columns, { types }), {})!.byteLength;
  }
});

Deno.bench("frames of base64 events", {
  group: "one row as base64",
  baseline: true,
}, () => {
  row = (row + 1) % ROWS;
  const frame = events.encode(row)!;
  sink += frame.chunk.length;
  frame.release();
});

const text = new TextEncoder();
const rowBytes = noise(encoders[0]!.frameBytes / 4);
const raw = new Uint8Array(rowBytes.buffer);

Deno.bench("btoa() and an encoder", { group: "one row as base64" }, () => {
  let binary = "";
  for (let i = 0; i < raw.length; i++) binary += String.fromCharCode(raw[i]!);
  sink += text.encode(`id: 1\ndata: ${btoa(binary)}\n\n`).byteLength;
});

globalThis.addEventListener("unload", () => {
  if (sink === 0) throw new Error("nothing was done");
});

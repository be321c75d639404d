// One gzip row for 100 selections of 10 of 40 channels: shared deflated fragments compared with deflating each whole
// row, and with the plain row. Samples of a whitened strain. The sizes are printed once.
import { constants, deflateRawSync } from "node:zlib";
import { Timeline } from "../src/blocks/timeline.ts";
import type { RowEncoder } from "../src/frames/row_encoder.ts";
import { RowEncoders } from "../src/frames/row_encoders.ts";
import type { Coding } from "../src/frames/stream_format.ts";
import { PageRing } from "../src/memory/page_ring.ts";
import { Slab } from "../src/memory/slab.ts";
import { embeddedChannels } from "../src/source/synthetic.ts";
import {
  blocksOf,
  channelsOf,
  SAMPLES,
  SteadyMessage,
  STRIDE_NS,
} from "./steady_blocks.ts";

const CHANNELS = 40;
const CLIENTS = 100;
const ROWS = 64;
const NAME = "H1:GWOSC-4KHZ_R1_WHITENED";
const OPTIONS = { level: 3, finishFlush: constants.Z_SYNC_FLUSH };
const channels = channelsOf(CHANNELS);
const strain = (await embeddedChannels())
  .find(({ channel }) => channel.name === NAME)!;
const series = channels.map((_, i) =>
  strain.samples(20_000 + i * SAMPLES, SAMPLES) as Float32Array
);
const message = new SteadyMessage(series);
const blocks = blocksOf("arrakis-P", new PageRing(new Uint8Array(1 << 24)));
for (let row = 0; row < ROWS; row++) blocks.append(message.at(row), NaN);
const timeline = new Timeline([blocks], STRIDE_NS, 0);
const slab = new Slab({ budgetBytes: 1 << 26 });
const rowEncoders = new RowEncoders(slab);
const selections = Array.from({ length: CLIENTS }, (_, c) => {
  const chosen = Array.from({ length: 10 }, (_, i) => (c * 7 + i * 3) % 40);
  return chosen.sort((a, b) => a - b).map((i) => channels[i]!);
});
const encodersOf = (coding: Coding) =>
  selections.map((chosen) =>
    rowEncoders.of({
      timeline,
      channels: chosen,
      format: "events",
      coding,
      codec: null,
      trend: null,
    })
  );
const plain = encodersOf("identity");
const shared = encodersOf("gzip");
let row = 0;
let sink = 0;

/** Bytes of the next row for all selections. */
function frames(encoders: readonly RowEncoder[]): number {
  row = (row + 1) % ROWS;
  let bytes = 0;
  for (const encoder of encoders) {
    const frame = encoder.encode(row)!;
    bytes += frame.body.byteLength;
    frame.release();
  }
  return bytes;
}

function wholeRows(): number {
  row = (row + 1) % ROWS;
  let bytes = 0;
  for (const encoder of plain) {
    const frame = encoder.encode(row)!;
    bytes += deflateRawSync(frame.body, OPTIONS).byteLength;
    frame.release();
  }
  return bytes;
}

const plainBytes = frames(plain);
const share = (bytes: number) => (bytes / plainBytes).toFixed(3);
Deno.stdout.writeSync(new TextEncoder().encode(
  `bytes of a row: plain ${plainBytes / CLIENTS}, ` +
    `shared fragments ${share(frames(shared))} of it, ` +
    `whole rows ${share(wholeRows())}\n`,
));

const group = "one row for 100 selections";

Deno.bench("shared fragments", { group, baseline: true }, () => {
  sink += frames(shared);
});

Deno.bench("a whole row per selection", { group }, () => {
  sink += wholeRows();
});

Deno.bench("plain, shared text", { group }, () => {
  sink += frames(plain);
});

globalThis.addEventListener("unload", () => {
  if (sink === 0) throw new Error("nothing was done");
});

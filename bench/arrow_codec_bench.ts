// One compressed row for 100 selections of 10 of 40 channels: samples compressed once per channel or per selection.
// Half of the channels have steps, which compress well, half have noise, which does not.
import {
  compressionRegistry,
  CompressionType,
  RecordBatchStreamWriter,
  tableFromIPC,
} from "apache-arrow";
import { zstdCompressSync } from "node:zlib";
import { Timeline } from "../src/blocks/timeline.ts";
import { END_OF_STREAM } from "../src/arrow/row_template.ts";
import { deflatedPiece } from "../src/frames/gzip.ts";
import type { RowEncoder } from "../src/frames/row_encoder.ts";
import {
  type EncodedSelection,
  RowEncoders,
} from "../src/frames/row_encoders.ts";
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
const ZSTD = "one row for 100 selections, zstd in the buffers";
const GZIP = "one row for 100 selections, gzip over the body";
const channels = channelsOf(CHANNELS);
const series = channels.map((_, i) =>
  i % 2 === 0
    ? noise(SAMPLES)
    : Float32Array.from({ length: SAMPLES }, (_, k) => i + (k >> 5))
);
const message = new SteadyMessage(series);
const blocks = blocksOf("arrakis-P", new PageRing(new Uint8Array(1 << 24)));
for (let row = 0; row < ROWS; row++) blocks.append(message.at(row), NaN);
const timeline = new Timeline([blocks], STRIDE_NS, 0);
const slab = new Slab({ budgetBytes: 1 << 26 });
const rowEncoders = new RowEncoders(slab);
const selections = Array.from(
  { length: CLIENTS },
  (_, c) =>
    Array.from({ length: 10 }, (_, i) => (c * 7 + i * 3) % CHANNELS)
      .sort((a, b) => a - b).map((i) => channels[i]!),
);
const encodersOf = (
  { coding, codec }: Pick<EncodedSelection, "coding" | "codec">,
) =>
  selections.map((chosen) =>
    rowEncoders.of({
      timeline,
      channels: chosen,
      format: "arrow",
      coding,
      codec,
      trend: null,
    })
  );
const plain = encodersOf({ coding: "identity", codec: null });
const zstd = encodersOf({ coding: "identity", codec: "zstd" });
const gzip = encodersOf({ coding: "gzip", codec: null });
let row = 0;
let sink = 0;

/** A row of each selection. */
function encode(encoders: readonly RowEncoder[]): void {
  row = (row + 1) % ROWS;
  for (const encoder of encoders) {
    const frame = encoder.encode(row)!;
    sink += frame.chunk.length;
    frame.release();
  }
}

Deno.bench("plain frames", { group: ZSTD }, () => encode(plain));

Deno.bench("CompressedArrowRows", {
  group: ZSTD,
  baseline: true,
}, () => encode(zstd));

compressionRegistry.set(CompressionType.ZSTD, {
  encode: (bytes) => new Uint8Array(zstdCompressSync(bytes)),
});
const batches = plain.map(({ template }, i) => {
  const frame = plain[i]!.encode(0)!;
  const stream = [template!.schemaMessage, frame.body, END_OF_STREAM];
  const table = tableFromIPC(Uint8Array.from(stream.flatMap((b) => [...b])));
  frame.release();
  return table.batches[0]!;
});

Deno.bench("apache-arrow's writer, a batch each", { group: ZSTD }, () => {
  for (const batch of batches) {
    const writer = new RecordBatchStreamWriter({
      compressionType: CompressionType.ZSTD,
    });
    writer.write(batch);
    sink += writer.finish().toUint8Array(true).byteLength;
  }
});

Deno.bench("plain frames", { group: GZIP }, () => encode(plain));

Deno.bench("GzipArrowRows", {
  group: GZIP,
  baseline: true,
}, () => encode(gzip));

Deno.bench("the plain row deflated, each", { group: GZIP }, () => {
  row = (row + 1) % ROWS;
  for (const encoder of plain) {
    const frame = encoder.encode(row)!;
    sink += deflatedPiece(frame.body).byteLength;
    frame.release();
  }
});

/** Mean bytes of a frame. */
function meanBytes(encoders: readonly RowEncoder[]) {
  const before = sink;
  encode(encoders);
  return Math.round((sink - before) / encoders.length);
}

Deno.stdout.writeSync(new TextEncoder().encode(
  `bytes of a row, chunk envelope included: plain ${meanBytes(plain)}, ` +
    `zstd ${meanBytes(zstd)}, gzip ${meanBytes(gzip)}\n`,
));

globalThis.addEventListener("unload", () => {
  if (sink === 0) throw new Error("nothing was done");
});

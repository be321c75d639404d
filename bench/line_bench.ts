// A row of 1,024 samples as lines, per format, against the JSON event of the same row: the cost of text per sample.
import { encodeBlock } from "../src/arrow/block_encoder.ts";
import { PartitionBlocks } from "../src/blocks/partition_blocks.ts";
import { Timeline } from "../src/blocks/timeline.ts";
import type { Channel } from "../src/channels/channel.ts";
import { SAMPLE_ARRAYS } from "../src/channels/sample_arrays.ts";
import { RowEncoders } from "../src/frames/row_encoders.ts";
import { PageRing } from "../src/memory/page_ring.ts";
import { Slab } from "../src/memory/slab.ts";

const SAMPLES = 1024;
const STRIDE_NS = 62_500_000n;
const ROWS = 64;
let state = 1;
const noise = () =>
  (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
let sink = 0;

for (const dataType of ["float32", "float64"] as const) {
  const channel: Channel = {
    name: "H1:BENCH",
    dataType,
    sampleRate: 16 * SAMPLES,
    publisher: "P",
    partitionId: dataType,
    partitionIndex: 0,
    strideNs: STRIDE_NS,
    maxLatencyNs: 0n,
    replayId: null,
  };
  const blocks = new PartitionBlocks({
    topic: `arrakis-${dataType}`,
    strideNs: STRIDE_NS,
    maxLatencyNs: 0n,
    ring: new PageRing(new Uint8Array(1 << 24)),
    futureToleranceMs: 0,
    outageWaitMs: 0,
    outageGraceMs: 0,
    hasClock: false,
  });
  for (let row = 0; row < ROWS; row++) {
    const series = [
      SAMPLE_ARRAYS[dataType].from(Array.from({ length: SAMPLES }, noise)),
    ];
    const time = BigInt(row) * STRIDE_NS;
    blocks.append(encodeBlock(time, dataType, [0], series), NaN);
  }
  const timeline = new Timeline([blocks], STRIDE_NS, 0);
  for (const format of ["events", "csv", "ndjson", "gwpy"] as const) {
    const encoder = new RowEncoders(new Slab({ budgetBytes: 1 << 26 })).of({
      timeline,
      channels: [channel],
      format,
      coding: "identity",
      codec: null,
      trend: null,
    });
    let row = 0;
    Deno.bench(`${dataType} as ${format}`, {
      group: dataType,
      baseline: format === "events",
    }, () => {
      row = (row + 1) % ROWS;
      const frame = encoder.encode(row)!;
      sink += frame.chunk.length;
      frame.release();
    });
  }
}
if (sink < 0) throw new Error("unused");

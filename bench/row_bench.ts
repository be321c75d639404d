// Decoding a publisher's message and building a client's row, per message: Qanat compared with apache-arrow.
// 10 channels of 2,048 Hz, float32, 1/16 s: 128 samples each.
import {
  Field,
  Float32,
  Int64,
  List,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  tableFromIPC,
} from "apache-arrow";
import { BlockDecoder, newBlockLayout } from "../src/arrow/block_decoder.ts";
import { encodeBlock } from "../src/arrow/block_encoder.ts";
import { RowTemplate } from "../src/arrow/row_template.ts";
import { entryOf } from "../src/blocks/block_record.ts";
import { PartitionBlocks } from "../src/blocks/partition_blocks.ts";
import { PageRing } from "../src/memory/page_ring.ts";

const COUNT = 10;
const SAMPLES = 128;
const STRIDE_NS = 62_500_000n;
const names = Array.from({ length: COUNT }, (_, i) => `H1:BENCH-${i}`);
const series = names.map((_, c) =>
  Float32Array.from({ length: SAMPLES }, (_, i) => Math.sin(c + i))
);
const ids = names.map((_, i) => i);
const messages = Array.from(
  { length: 64 },
  (_, i) => encodeBlock(BigInt(i) * STRIDE_NS, "float32", ids, series),
);
let turn = 0;
let sink = 0;

const decoder = new BlockDecoder();
const layout = newBlockLayout();

Deno.bench("BlockDecoder, header known", {
  group: "decode a message",
  baseline: true,
}, () => {
  decoder.decode(messages[turn++ & 63]!, layout);
  sink += layout.rowCount;
});

Deno.bench("tableFromIPC and one get() a channel", {
  group: "decode a message",
}, () => {
  const table = tableFromIPC(messages[turn++ & 63]!);
  const data = table.getChild("data")!;
  for (let i = 0; i < COUNT; i++) sink += data.get(i).length;
});

const ring = new PageRing(new Uint8Array(1 << 24));
const blocks = new PartitionBlocks({
  topic: "t",
  strideNs: STRIDE_NS,
  maxLatencyNs: 0n,
  ring,
  futureToleranceMs: 0,
  outageWaitMs: 0,
  outageGraceMs: 0,
  hasClock: false,
});
blocks.append(messages[0]!, NaN);
const places = names.map((name, i) =>
  entryOf({
    name,
    dataType: "float32",
    sampleRate: 2048,
    publisher: "",
    partitionId: "",
    partitionIndex: i,
    strideNs: STRIDE_NS,
    maxLatencyNs: 0n,
    replayId: null,
  })
);
const template = new RowTemplate(
  names.map((name) => ({
    name,
    dataType: "float32",
    rate: "2048",
    samples: SAMPLES,
  })),
);
const target = new Uint8Array(template.byteLength);

Deno.bench("RowTemplate out of the page ring", {
  group: "build a row",
  baseline: true,
}, () => {
  template.begin(target, 0, 1n);
  const position = blocks.locate(0);
  for (let i = 0; i < COUNT; i++) {
    const from = blocks.samplesAt(position, places[i]!);
    target.set(
      ring.bytes.subarray(from, from + 4 * SAMPLES),
      template.valuesByteOffset(i),
    );
    template.setPresent(target, 0, i);
  }
  sink += target[0]!;
});

const listType = new List(new Field("item", new Float32(), true));
const schema = new Schema([
  new Field("time", new Int64(), false),
  ...names.map((name) => new Field(name, listType, true)),
]);

Deno.bench("RecordBatch and RecordBatchStreamWriter", {
  group: "build a row",
}, () => {
  const children = [
    makeData({ type: new Int64(), data: BigInt64Array.of(1n) }),
    ...series.map((samples) =>
      makeData({
        type: listType,
        length: 1,
        nullCount: 0,
        valueOffsets: Int32Array.of(0, SAMPLES),
        child: makeData({ type: new Float32(), data: samples }),
      })
    ),
  ];
  const batch = new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length: 1, children }),
  );
  const writer = new RecordBatchStreamWriter();
  writer.write(batch);
  sink += writer.finish().toUint8Array(true).byteLength;
});

globalThis.addEventListener("unload", () => {
  if (sink === 0) throw new Error("nothing was done");
});

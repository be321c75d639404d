// The cost of each step of reading Kafka. The estimates in src/kafka (COST_… constants, ns) are based on these figures.
// The first group of each pair runs in slices; "cannot be sliced" lists single calls, at the limit of their input or at
// the given size. bench/RESULTS.md has the table.
import "./no_permissions.ts";
import { Buffer } from "node:buffer";
import { gzipSync, zstdCompressSync } from "node:zlib";
import lz4 from "lz4js";
import snappy from "snappyjs";
import { encodeBlock } from "../src/arrow/block_encoder.ts";
import { PartitionBlocks } from "../src/blocks/partition_blocks.ts";
import { decodeMetadata } from "../src/kafka/cluster_metadata.ts";
import { expand } from "../src/kafka/codecs.ts";
import { ABORTED_BYTES, splitAnswer } from "../src/kafka/fetch_answer.ts";
import { BATCH_BYTES_MAX, KafkaWork } from "../src/kafka/kafka_work.ts";
import { headAt, RecordReader } from "../src/kafka/record_batch.ts";
import { TopicParts } from "../src/kafka/topic_parts.ts";
import { PageRing } from "../src/memory/page_ring.ts";
import { batchBytes, rawTopic, recordBytes } from "../test/kafka/batches.ts";

const MIB = 1024 * 1024;
let sink = 0;

/** Samples as detectors write them: the high bytes alike, the low ones not. */
function samples(byteLength: number): Buffer {
  const bytes = Buffer.alloc(byteLength);
  let state = 1;
  for (let at = 0; at < byteLength; at += 4) {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    bytes.writeFloatLE(1 + (state >> 12) / 1e6, at);
  }
  return bytes;
}

const text = samples(MIB);
const work = new KafkaWork();
const packed = {
  gzip: [1, gzipSync(text)],
  snappy: [2, Buffer.from(snappy.compress(text))],
  lz4: [3, Buffer.from(lz4.compress(text))],
  zstd: [4, zstdCompressSync(text)],
} as const;

for (const [name, [codec, bytes]] of Object.entries(packed)) {
  Deno.bench(`expand() 1 MiB of ${name}`, { group: name }, async () => {
    const content = await expand(
      codec,
      bytes,
      BATCH_BYTES_MAX,
      work.task("decode"),
    );
    sink += content.length;
  });
}
Deno.bench("snappyjs", { group: "snappy", baseline: true }, () => {
  sink += snappy.uncompress(packed.snappy[1]).length;
});
Deno.bench("lz4js", { group: "lz4", baseline: true }, () => {
  sink += lz4.decompress(packed.lz4[1]).length;
});

const RECORDS = 10_000;
const many = batchBytes({
  first: 0,
  lastDelta: RECORDS - 1,
  count: RECORDS,
  body: Buffer.concat(
    Array.from(
      { length: RECORDS },
      (_, i) => Buffer.from(recordBytes({ offsetDelta: i })),
    ),
  ),
});
Deno.bench("10,000 records, RecordReader", { group: "records" }, () => {
  const head = headAt(many, 0)!;
  const reader = new RecordReader(head, head.body);
  while (reader.next() !== null) sink++;
});
Deno.bench("10,000 records, TopicParts", { group: "records" }, async () => {
  const parts = new TopicParts(rawTopic([many]), 0, work);
  for (let part; (part = await parts.next());) sink += part.records.length;
});

const aborted = Array.from(
  { length: 10_000 },
  (_, i) => [i, 0] as [number, number],
);
const withAborted = rawTopic([], {}, aborted);
Deno.bench("10,000 aborted transactions", { group: "aborted" }, async () => {
  await new TopicParts(withAborted, 0, work).next();
  sink += withAborted.aborted.length / ABORTED_BYTES;
});

// Cannot be sliced.

const group = "cannot be sliced";

const chunks = Array.from({ length: 256 }, () => Buffer.alloc(64 * 1024));
Deno.bench("kafkajs joins an answer of 16 MiB (a fetch's cap)", {
  group,
}, () => {
  sink += Buffer.concat(chunks).length;
});

const TOPICS = 100_000;
const NAME = "arrakis-" + "x".repeat(20);
const topicEntry = Uint8Array.fromHex(
  "0000" + (NAME.length + 1).toString(16).padStart(2, "0") +
    Buffer.from(NAME).toString("hex") + "0".repeat(31) + "1" + "00" + "02" +
    "0000" + "00000000" + "00000001" + "00000000" +
    "0200000001" + "0200000001" + "01" + "00" + "80000000" + "00",
);
const metadata = Buffer.concat([
  Buffer.from(
    "00" + "00000000" + "02" + "00000001" + "0261" + "00002384" + "0000" +
      "0261" + "00000001",
    "hex",
  ),
  Buffer.from([
    (TOPICS + 1) % 128 | 128,
    (TOPICS + 1) >> 7 & 127 | 128,
    (TOPICS + 1) >> 14,
  ]),
  ...new Array(TOPICS).fill(topicEntry),
  Buffer.from("00", "hex"),
]);
Deno.bench("decodeMetadata() of 100,000 topics", {
  group: "metadata",
}, async () => {
  const { topics } = await decodeMetadata(metadata, work.task("decode"));
  sink += topics.length;
});

const answer = Buffer.concat([
  Buffer.from("00000000" + "0000" + "00000000" + "00002710", "hex"),
  ...new Array(10_000).fill(
    Buffer.from(
      "0003616263" + "00000001" + "00000000" + "0000" + "0".repeat(48) +
        "00000000" + "00000000",
      "hex",
    ),
  ),
]);
Deno.bench("splitAnswer() of 10,000 topics", { group }, () => {
  sink += splitAnswer(answer).topics.length;
});

const zeros = Buffer.concat([
  Buffer.from("04224d186070" + "00", "hex"),
  Buffer.from([0, 0, 0, 0]),
  Buffer.from([0x1f, 0, 1, 0, ...new Array(16_447).fill(255), 0, 0x10, 0]),
  Buffer.alloc(4),
]);
zeros.writeUInt32LE(zeros.length - 15, 7);
Deno.bench("an lz4 match of 4 MiB (largest block)", { group }, async () => {
  const task = work.task("decode");
  sink += (await expand(3, zeros, BATCH_BYTES_MAX, task)).length;
});

function partition(): PartitionBlocks {
  return new PartitionBlocks({
    topic: "t",
    strideNs: 1_000_000_000n,
    maxLatencyNs: 1_000_000_000n,
    ring: new PageRing(new Uint8Array(256 * MIB)),
    futureToleranceMs: 0,
    outageWaitMs: 0,
    outageGraceMs: 0,
    hasClock: false,
  });
}
const blocks = partition();
const large = encodeBlock(0n, "float32", [0], [new Float32Array(2.5 * MIB)]);
const sparse = encodeBlock(
  0n,
  "float32",
  Array.from({ length: 15_000 }, (_, i) => 65_535 - i),
  new Array(15_000).fill(new Float32Array(1)),
);
const wide = encodeBlock(
  0n,
  "float32",
  Array.from({ length: 65_536 }, (_, i) => i),
  new Array(65_536).fill(new Float32Array(1)),
);
for (
  const [name, value] of [
    ["a message of 10 MiB into the ring", large],
    ["a message of 65,536 rows (their cap)", wide],
    ["a message of 15,000 rows with a sparse table", sparse],
  ] as const
) {
  Deno.bench(name, { group }, () => {
    blocks.reset();
    blocks.append(value, NaN);
    sink += blocks.newest;
  });
}

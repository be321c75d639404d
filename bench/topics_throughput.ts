// Compares how fast topics of --topics are read with how fast the same samples are read in Arrakis's shape: from a real
// broker into the page ring, in turns, in one run; and how fast the same messages are read without a look at their content:
// `deno task bench:topics`.
import { Buffer } from "node:buffer";
import process from "node:process";
import { Kafka, logLevel } from "kafkajs";
import { roundsOrExit } from "./rounds.ts";
import { startKafka } from "../scripts/kafka/broker.ts";
import { encodeBlock } from "../src/arrow/block_encoder.ts";
import { PartitionBlocks } from "../src/blocks/partition_blocks.ts";
import { Catalog } from "../src/channels/catalog.ts";
import { KafkaWork } from "../src/kafka/kafka_work.ts";
import { KafkajsProtocol } from "../src/kafka/kafkajs_protocol.ts";
import { PageRing } from "../src/memory/page_ring.ts";
import { KafkaSource } from "../src/source/kafka_source.ts";
import type { BlockSink } from "../src/source/source.ts";
import { silent } from "../test/driven_source.ts";
import { freePort } from "../test/integration/chain.ts";
import { type WideColumn, wideMessage } from "../test/topics/wide.ts";

const BYTES = 100 * 1024 * 1024;
const MESSAGES_MAX = 20_000;
const STRIDE_NS = 62_500_000n;
const MIB = 1024 * 1024;
const RING_BYTES = 64 * MIB;
const LONGEST_MS = 120_000;

/** Channels, samples of each in one message, and how a mapped topic has them. */
const SHAPES = [
  { name: "10 lists of 128", channels: 10, samples: 128, kind: "list" },
  { name: "100 lists of 128", channels: 100, samples: 128, kind: "list" },
  { name: "100 lists of 16", channels: 100, samples: 16, kind: "list" },
  { name: "20 scalars, 128 rows", channels: 20, samples: 128, kind: "scalar" },
] as const;
type Shape = typeof SHAPES[number];

const say = (line: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
const messagesOf = ({ channels, samples }: Shape) =>
  Math.min(MESSAGES_MAX, 50 * Math.floor(BYTES / (200 * channels * samples)));
const rounds = roundsOrExit(
  "bench:topics",
  "Measure how fast mapped topics are read, compared with those of Arrakis (needs Java and Maven)",
  5,
);
const dir = await Deno.makeTempDir({ prefix: "qanat-bench-topics-" });
const broker = await startKafka({ port: freePort(), dir });
try {
  for (const [number, shape] of SHAPES.entries()) {
    await measure(shape, `shape-${number}`);
  }
} finally {
  await broker.stop();
  await Deno.remove(dir, { recursive: true });
}

async function measure(shape: Shape, name: string): Promise<void> {
  const ways: Readonly<Record<Way, Reading>> = {
    arrakis: { topic: `arrakis-${name}`, isStored: true },
    mapped: { topic: `arrakis-${name}-mapped-float32`, isStored: true },
    arrakisBytes: { topic: `arrakis-${name}`, isStored: false },
    mappedBytes: { topic: `${name}-mapped`, isStored: false },
  };
  await write(
    shape,
    `arrakis-${name}`,
    steady((i) => arrakisMessage(shape, i)),
  );
  await write(shape, `${name}-mapped`, steady((i) => mappedMessage(shape, i)));
  const spent = new Map<string, number[]>();
  // The first turn warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const [way, reading] of Object.entries(ways)) {
      const cpuMs = await readAll(shape, name, reading);
      if (round > 0) spent.set(way, [...spent.get(way) ?? [], cpuMs]);
    }
  }
  const us = (way: Way) =>
    1000 * Math.min(...spent.get(way)!) / messagesOf(shape);
  const text = (way: Way) => `${us(way).toFixed(1)} µs`;
  const ratio = (a: Way, b: Way) => (us(a) / us(b)).toFixed(2);
  const size = (message: Uint8Array) => `${message.byteLength} bytes`;
  say(
    `${shape.name}: CPU for a message: Arrakis ${text("arrakis")} ` +
      `(${size(arrakisMessage(shape, 0))}), mapped ${text("mapped")} ` +
      `(${size(mappedMessage(shape, 0))}), ratio ${
        ratio("mapped", "arrakis")
      }; reading alone ${text("arrakisBytes")}, ${text("mappedBytes")}, ratio ${
        ratio("mappedBytes", "arrakisBytes")
      }`,
  );
}

type Way = "arrakis" | "mapped" | "arrakisBytes" | "mappedBytes";

interface Reading {
  readonly topic: string;
  /** Whether blocks are made and stored. */
  readonly isStored: boolean;
}

/** CPU ms of this process to read a whole topic, into a page ring or not. */
async function readAll(
  shape: Shape,
  name: string,
  { topic, isStored }: Reading,
): Promise<number> {
  const work = new KafkaWork();
  const blocks = new PartitionBlocks({
    topic,
    strideNs: STRIDE_NS,
    maxLatencyNs: 0n,
    ring: new PageRing(new Uint8Array(RING_BYTES)),
    futureToleranceMs: 0,
    outageWaitMs: 0,
    outageGraceMs: 0,
    hasClock: false,
  });
  const done = Promise.withResolvers<void>();
  const source = new KafkaSource({
    protocol: new KafkajsProtocol({ clientId: "bench", work }),
    work,
    brokers: [broker.address],
    catalog: new Catalog(),
    log: silent,
    readyGraceMs: 5000,
    mappings: isStored && topic.includes("-mapped")
      ? [mappingOf(shape, name)]
      : [],
  });
  let count = 0;
  const sink: BlockSink = {
    onMessage: (_topic, value) => {
      count++;
      if (isStored) blocks.append(value, NaN);
    },
    onCaughtUp: () => {
      const read = isStored ? blocks.counters.blocks : count;
      if (read >= messagesOf(shape)) done.resolve();
    },
    onDisturbed: () => {},
    onHole: () => {},
    onRestart: () => {},
    onLost: () => {},
  };
  await source.start(sink);
  const before = process.cpuUsage();
  // What is stored is looked for by its time, which a message that is not looked at has not.
  source.subscribe(topic, {
    kind: isStored ? "block-time" : "produced",
    ms: 0,
  });
  const timer = setTimeout(
    () => done.reject(new Error(`${topic}: ${blocks.counters.blocks} blocks`)),
    LONGEST_MS,
  );
  await done.promise;
  clearTimeout(timer);
  const { user, system } = process.cpuUsage(before);
  await source.close();
  return (user + system) / 1000;
}

function mappingOf({ channels, samples, kind }: Shape, name: string) {
  const rows = kind === "scalar" ? samples : 1;
  const rowRate = 16 * rows;
  return {
    topic: `${name}-mapped`,
    publisher: "bench",
    timeColumn: "time",
    unit: "ns",
    epoch: "gps",
    toleranceNs: 1000,
    rowRate,
    blockRows: rows,
    strideNs: STRIDE_NS,
    maxLatencyNs: 0n,
    channels: Array.from({ length: channels }, (_, i) => ({
      column: `c${i}`,
      name: `X:C${i}`,
      sampleRate: 16 * samples,
      rowSamples: samples / rows,
    })),
  } as const;
}

function noise({ samples }: Shape, seed: number): Float32Array {
  return Float32Array.from({ length: samples }, (_, i) => Math.sin(seed + i));
}

function arrakisMessage(shape: Shape, index: number): Uint8Array {
  const ids = Array.from({ length: shape.channels }, (_, i) => i);
  const series = ids.map((id) => noise(shape, id));
  return encodeBlock(BigInt(index) * STRIDE_NS, "float32", ids, series);
}

function mappedMessage(shape: Shape, index: number): Uint8Array {
  const { channels, samples, kind } = shape;
  const rows = kind === "scalar" ? samples : 1;
  const start = BigInt(index) * STRIDE_NS;
  return wideMessage({
    times: Array.from(
      { length: rows },
      (_, i) => start + BigInt(i) * STRIDE_NS / BigInt(rows),
    ),
    columns: Array.from({ length: channels }, (_, i): WideColumn => ({
      name: `c${i}`,
      dataType: "float32",
      kind,
      samples: noise(shape, i),
      rowSamples: samples / rows,
    })),
  });
}

/** Encodes a message once; then only its times change. */
function steady(
  encode: (index: number) => Uint8Array,
): (index: number) => Uint8Array {
  const words = (index: number) =>
    new BigInt64Array(Uint8Array.from(encode(index)).buffer);
  const [first, second] = [words(0), words(1)];
  const slots = [...first.keys()].filter((i) => first[i] !== second[i]);
  return (index) => {
    const bytes = first.slice();
    for (const i of slots) bytes[i]! += BigInt(index) * STRIDE_NS;
    return new Uint8Array(bytes.buffer);
  };
}

/** Writes all messages of a topic. */
async function write(
  shape: Shape,
  topic: string,
  messageAt: (index: number) => Uint8Array,
): Promise<void> {
  const kafka = new Kafka({
    brokers: [broker.address],
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions: 1 }],
  });
  await admin.disconnect();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  for (let from = 0; from < messagesOf(shape); from += 50) {
    await producer.send({
      topic,
      messages: Array.from(
        { length: 50 },
        (_, i) => ({ value: Buffer.from(messageAt(from + i)) }),
      ),
    });
  }
  await producer.disconnect();
}

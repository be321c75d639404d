// Random Kafka records: channel metadata and data messages, valid, one mutation away, several, and plain noise.
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { newSamples } from "../../src/arrow/arrow_types.ts";
import type { DataType } from "../../src/channels/channel.ts";
import { DATA_TYPES } from "../../src/channels/channel.ts";
import type { Random } from "./random.ts";

/** A record as a producer sends it. */
export interface MadeRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly value: Uint8Array | null;
  /** Changes against a valid record; many for noise. */
  readonly mutations: number;
}

interface FuzzPartition {
  readonly id: string;
  readonly dataType: DataType;
  readonly sampleRate: number;
  readonly strideNs: number;
}

export const PUBLISHERS = ["FUZZA", "FUZZB"] as const;
const CHANNELS_A_PARTITION = 6;
const MAX_LATENCY_NS = 1_000_000_000;

export const FUZZ_PARTITIONS: readonly FuzzPartition[] = [
  partition("FUZZ_0", "float32", 256, 62_500_000),
  partition("FUZZ_1", "int16", 16, 62_500_000),
  partition("FUZZ_2", "float64", 64, 250_000_000),
  partition("FUZZ_3", "int64", 1, 1_000_000_000),
];

function partition(
  id: string,
  dataType: DataType,
  sampleRate: number,
  strideNs: number,
): FuzzPartition {
  return { id, dataType, sampleRate, strideNs };
}

const ODD_FIELDS: Readonly<Record<string, readonly unknown[]>> = {
  name: ["", "a\nb", "X".repeat(300), "\x1b[2J", "a,b", "\ud800", 5, null],
  data_type: ["uint32", "float16", "", "__proto__", 4, null],
  sample_rate: [4e8, 1e9, 0.5, 1e-9, 0, -1, "16", null, 2 ** 31, 15.9, 1e308],
  stride: [1, 0, -1, 62_500_001, 6e10, 3.6e12, 1e15, 1e6, 2e9, "1", 1e300],
  max_latency: [0, -1, 3.6e12, 1e300, "0", null],
  partition_index: [0, 1, 65_534, 65_535, 65_536, -1, 1.5, 4e9, null],
  partition_id: ["..", "a b", "x".repeat(300), "FUZZ_1", "", "metadata-X", 7],
  publisher: ["", "a\nb", "a,b", "P".repeat(5000), 7, null],
  replay_id: ["", "r1", "x y", 5, "r".repeat(300), "__proto__"],
  extra: [{}, [], "x".repeat(100_000)],
};

/** Draws one record; more than half of all are valid or one mutation away from it. `nowNs`: GPS ns. */
export function randomRecord(random: Random, nowNs: bigint): MadeRecord {
  const kind = random.next();
  const mutations = kind < 0.3
    ? 0
    : kind < 0.65
    ? 1
    : kind < 0.93
    ? random.int(2, 5)
    : 9;
  return random.chance(0.4)
    ? randomMetadata(random, mutations)
    : randomBlock(random, nowNs, mutations);
}

/** The valid metadata of one channel. */
function metadataOf(
  { id, dataType, sampleRate, strideNs }: FuzzPartition,
  index: number,
  publisher: string,
): Record<string, unknown> {
  return {
    name: `FUZZ:${id}-${index}`,
    data_type: dataType,
    sample_rate: sampleRate,
    time: null,
    publisher,
    partition_id: id,
    partition_index: index,
    stride: strideNs,
    max_latency: MAX_LATENCY_NS,
    replay_id: null,
  };
}

function randomMetadata(random: Random, mutations: number): MadeRecord {
  // Most often the publisher that owns the partition; now and then the other one claims it.
  const place = random.int(0, FUZZ_PARTITIONS.length - 1);
  const owner = PUBLISHERS[place % PUBLISHERS.length]!;
  const publisher = random.chance(0.95) ? owner : random.pick(PUBLISHERS);
  const topic = `arrakis-metadata-${publisher}`;
  const index = random.int(0, CHANNELS_A_PARTITION - 1);
  const fields = metadataOf(FUZZ_PARTITIONS[place]!, index, publisher);
  let key: string | null = String(fields.name);
  if (mutations === 9) {
    const value = random.bytes(random.length(3000));
    return { topic, key: random.text(300), value, mutations };
  }
  if (mutations === 0 && random.chance(0.1)) {
    return { topic, key, value: null, mutations };
  }
  let value: Uint8Array | null = null;
  for (let i = 0; i < mutations; i++) {
    if (random.chance(0.15)) {
      value = random.damaged(value ?? jsonBytes(fields));
    } else {
      const name = random.pick(Object.keys(ODD_FIELDS));
      fields[name] = random.pick(ODD_FIELDS[name]!);
      if (name === "name") key = String(fields.name).toWellFormed();
      if (random.chance(0.1)) key = random.pick([null, "", "__digest__"]);
    }
  }
  return { topic, key, value: value ?? jsonBytes(fields), mutations };
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function randomBlock(
  random: Random,
  nowNs: bigint,
  mutations: number,
): MadeRecord {
  const from = random.pick(FUZZ_PARTITIONS);
  const topic = `arrakis-${from.id}`;
  if (mutations === 9) {
    const value = random.bytes(random.length(5000));
    return { topic, key: null, value, mutations };
  }
  const strideNs = BigInt(from.strideNs);
  let timeNs = (nowNs / strideNs - BigInt(random.int(1, 6))) * strideNs;
  let { dataType } = from;
  const ids = Array.from({ length: CHANNELS_A_PARTITION }, (_, i) => i);
  if (random.chance(0.3)) ids.splice(random.int(0, ids.length - 1), 1);
  let samples = from.sampleRate * from.strideNs / 1e9;
  let damages = 0;
  for (let i = 0; i < mutations; i++) {
    switch (random.int(0, 6)) {
      case 0:
        timeNs = random.pick([
          timeNs + 1n,
          -timeNs,
          0n,
          2n ** 62n,
          timeNs + 3_600_000_000_000n / strideNs * strideNs,
          timeNs - 3_600_000_000_000n / strideNs * strideNs,
        ]);
        break;
      case 1:
        dataType = random.pick(DATA_TYPES);
        break;
      case 2:
        ids[random.int(0, ids.length - 1)] = random.pick([
          0,
          65_534,
          65_535,
          70_000,
          2 ** 32 - 1,
        ]);
        break;
      case 3:
        samples = random.pick([0, 1, 15, 17, random.chance(0.02) ? 2e4 : 100]);
        break;
      case 4:
        ids.length = random.int(0, ids.length);
        break;
      default:
        damages++;
    }
  }
  const series = ids.map(() => newSamples(dataType, samples));
  let value: Uint8Array = encodeBlock(timeNs, dataType, ids, series);
  for (let i = 0; i < damages; i++) value = random.damaged(value);
  return { topic, key: null, value, mutations };
}

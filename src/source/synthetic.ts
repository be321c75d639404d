// Channels of the embedded source, and their samples as a function of time alone.
// Invariant: the samples of a block depend on nothing but channel and block index, so anyone can recompute them.
import { newSamples, type Samples } from "../arrow/arrow_types.ts";
import { type Channel, type DataType, topicOf } from "../channels/channel.ts";
import { STRAIN_GZIP_BASE64 } from "./strain.ts";

/** A channel and how its samples come about. */
export interface EmbeddedChannel {
  readonly channel: Channel;
  /** Samples of a block, `count` of them, the first being sample number `first` since the GPS epoch. */
  readonly samples: (first: number, count: number) => Samples;
}

const FAST_STRIDE_NS = 62_500_000n;
const SLOW_STRIDE_NS = 1_000_000_000n;
const STRAIN_RATE = 4096;
const STRAIN_SECONDS = 32;
const STRAIN_SAMPLES = STRAIN_RATE * STRAIN_SECONDS;
/** Most channels that Arrakis puts in one partition. */
const PARTITION_CHANNELS_MAX = 100;
const EXTRA_RATE = 2048;

/** Period of the noise, samples: long enough that no eye sees it, short enough for a table. */
const NOISE_SAMPLES = 65_536;

type Kind = "SINE" | "NOISE" | "RAMP" | "COUNT" | "STATE";

/** Rates of each kind and type, for both observatories. */
const FAST: readonly [Kind, DataType, readonly number[]][] = [
  ["SINE", "float32", [16, 256, 2048, 16_384]],
  ["NOISE", "float32", [16, 256, 2048, 16_384]],
  ["SINE", "float64", [16, 512, 4096]],
  ["NOISE", "float64", [16, 512, 4096]],
  ["RAMP", "int16", [64, 1024]],
  ["RAMP", "int32", [16, 512]],
  ["COUNT", "int64", [16, 64]],
  ["STATE", "uint32", [16, 256]],
];
const SLOW: readonly [Kind, DataType, readonly number[]][] = [
  ["SINE", "float32", [1, 16]],
  ["NOISE", "float64", [128]],
];
const TYPE_CODES: Record<DataType, string> = {
  int16: "I16",
  int32: "I32",
  int64: "I64",
  uint32: "U32",
  float32: "F32",
  float64: "F64",
};

/** All channels of the embedded source; `extra` more of `extraRate` Hz for load tests. */
export async function embeddedChannels(
  extra: number = 0,
  extraRate: number = EXTRA_RATE,
): Promise<EmbeddedChannel[]> {
  const places = new Map<string, number>();
  const place = (
    publisher: string,
    name: string,
    dataType: DataType,
    sampleRate: number,
    strideNs: bigint,
  ): Channel => {
    const code = TYPE_CODES[dataType];
    const subsystem = name.slice(3).split("-")[0]!;
    const family = `${publisher} ${subsystem} ${code}`;
    const count = places.get(family) ?? 0;
    places.set(family, count + 1);
    const group = Math.floor(count / PARTITION_CHANNELS_MAX);
    return {
      name,
      dataType,
      sampleRate,
      publisher,
      partitionId: `${publisher}_${subsystem}_${code}${
        String(group).padStart(3, "0")
      }`,
      partitionIndex: count % PARTITION_CHANNELS_MAX,
      strideNs,
      maxLatencyNs: strideNs === SLOW_STRIDE_NS
        ? 3_000_000_000n
        : 1_000_000_000n,
      replayId: null,
    };
  };
  const all: EmbeddedChannel[] = [];
  const strain = await unpackStrain();
  for (const [name, samples] of Object.entries(strain)) {
    const publisher = `${name.slice(0, 2)}GWOSC`;
    const dataType = samples instanceof Float64Array ? "float64" : "float32";
    all.push({
      channel: place(publisher, name, dataType, STRAIN_RATE, FAST_STRIDE_NS),
      samples: (first, count) => {
        const from = first % STRAIN_SAMPLES;
        return samples.slice(from, from + count);
      },
    });
  }
  for (const site of ["H1", "L1"]) {
    for (
      const [suffix, table, strideNs] of [
        ["QANAT", FAST, FAST_STRIDE_NS],
        ["SLOW", SLOW, SLOW_STRIDE_NS],
      ] as const
    ) {
      for (const [kind, dataType, rates] of table) {
        for (const rate of rates) {
          const name = `${site}:${suffix}-${kind}_${
            TYPE_CODES[dataType]
          }_${rate}`;
          all.push({
            channel: place(site + suffix, name, dataType, rate, strideNs),
            samples: makerOf(kind, dataType, rate, seedOf(name)),
          });
        }
      }
    }
  }
  for (let i = 0; i < extra; i++) {
    const name = `H1:LOAD-NOISE_F32_${String(i).padStart(5, "0")}`;
    all.push({
      channel: place("H1LOAD", name, "float32", extraRate, FAST_STRIDE_NS),
      samples: makerOf("NOISE", "float32", extraRate, seedOf(name)),
    });
  }
  return all;
}

/** Channels by data topic, in partition order. */
export function byTopic(
  channels: readonly EmbeddedChannel[],
): Map<string, EmbeddedChannel[]> {
  const topics = new Map<string, EmbeddedChannel[]>();
  for (const item of channels) {
    const topic = topicOf(item.channel);
    const members = topics.get(topic) ?? [];
    members.push(item);
    topics.set(topic, members);
  }
  return topics;
}

async function unpackStrain(): Promise<
  Record<string, Float32Array | Float64Array>
> {
  const packed = Uint8Array.fromBase64(STRAIN_GZIP_BASE64);
  const stream = new Blob([packed]).stream()
    .pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(stream).arrayBuffer();
  const n = STRAIN_SAMPLES;
  return {
    "H1:GWOSC-4KHZ_R1_STRAIN": new Float64Array(bytes, 0, n),
    "L1:GWOSC-4KHZ_R1_STRAIN": new Float64Array(bytes, 8 * n, n),
    "H1:GWOSC-4KHZ_R1_WHITENED": new Float32Array(bytes, 16 * n, n),
    "L1:GWOSC-4KHZ_R1_WHITENED": new Float32Array(bytes, 20 * n, n),
  };
}

function makerOf(
  kind: Kind,
  dataType: DataType,
  rate: number,
  seed: number,
): (first: number, count: number) => Samples {
  if (kind === "SINE") {
    // A tenth of the rate, but at most 20 Hz: seen as a wave at every zoom.
    const hertz = Math.min(rate / 10, 20);
    const period = rate * 10;
    return (first, count) =>
      filled(
        dataType,
        count,
        (i) => Math.sin(2 * Math.PI * hertz * ((first + i) % period) / rate),
      );
  }
  if (kind === "NOISE") {
    const noise = noiseTable(seed);
    return (first, count) =>
      filled(dataType, count, (i) => noise[(first + i) % NOISE_SAMPLES]!);
  }
  if (kind === "RAMP") {
    return (first, count) =>
      filled(dataType, count, (i) => (first + i) % 65_536 - 32_768);
  }
  if (kind === "STATE") {
    return (first, count) =>
      filled(dataType, count, (i) => Math.floor((first + i) / rate) % 2 ** 32);
  }
  return (first, count) => {
    const samples = new BigInt64Array(count);
    for (let i = 0; i < count; i++) samples[i] = BigInt(first + i);
    return samples;
  };
}

function filled(
  dataType: DataType,
  count: number,
  value: (i: number) => number,
): Samples {
  const samples = newSamples(dataType, count) as Float64Array;
  for (let i = 0; i < count; i++) samples[i] = value(i);
  return samples;
}

const noiseTables = new Map<number, Float64Array>();

/** Roughly normal noise: the sum of four uniform numbers, shared between channels by eight seeds. */
function noiseTable(seed: number): Float64Array {
  const slot = seed % 8;
  let table = noiseTables.get(slot);
  if (table) return table;
  table = new Float64Array(NOISE_SAMPLES);
  let state = slot + 1;
  for (let i = 0; i < NOISE_SAMPLES; i++) {
    let sum = -2;
    for (let k = 0; k < 4; k++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += state / 2 ** 32;
    }
    table[i] = sum;
  }
  noiseTables.set(slot, table);
  return table;
}

function seedOf(name: string): number {
  let seed = 0;
  for (let i = 0; i < name.length; i++) {
    seed = (Math.imul(seed, 31) + name.charCodeAt(i)) >>> 0;
  }
  return seed;
}

// The channels of the embedded source, and their samples as a function of time alone.
// Invariant: the samples of a block depend on channel and block index only, so anyone can recompute them.
import { newSamples } from "../arrow/arrow_types.ts";
import { type Channel, type DataType, topicOf } from "../channels/channel.ts";
import type { Samples } from "../channels/sample_arrays.ts";
import { STRAIN_GZIP_BASE64 } from "./strain.ts";

/** A channel, and how its samples are made. */
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
/** The most channels that Arrakis puts in one partition. */
const PARTITION_CHANNELS_MAX = 100;
const EXTRA_RATE = 2048;

/** Period of the noise, samples: too long to be seen in a plot, short enough for a table. */
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
  ["RAMP", "int8", [64]],
  ["RAMP", "uint16", [64]],
  ["STATE", "uint8", [16]],
  ["COUNT", "uint64", [16]],
];
const SLOW: readonly [Kind, DataType, readonly number[]][] = [
  ["SINE", "float32", [1, 16]],
  ["NOISE", "float64", [128]],
];
const TABLES = [
  { suffix: "QANAT", table: FAST, strideNs: FAST_STRIDE_NS },
  { suffix: "SLOW", table: SLOW, strideNs: SLOW_STRIDE_NS },
];
const TYPE_CODES: Record<DataType, string> = {
  int8: "I8",
  int16: "I16",
  int32: "I32",
  int64: "I64",
  uint8: "U8",
  uint16: "U16",
  uint32: "U32",
  uint64: "U64",
  float32: "F32",
  float64: "F64",
};

/** All channels of the embedded source; `extra` more of `extraRate` Hz for load tests. */
export async function embeddedChannels(
  extra: number = 0,
  extraRate: number = EXTRA_RATE,
): Promise<EmbeddedChannel[]> {
  const partitions = new PartitionAssigner();
  const noise = new NoiseTables();
  return [
    ...await strainChannels(partitions),
    ...tableChannels(partitions, noise),
    ...loadChannels(partitions, noise, extra, extraRate),
  ];
}

/** Puts channels into partitions as Arrakis does: by publisher, subsystem and type, up to 100 in each. */
class PartitionAssigner {
  /** Channels so far, by family. */
  readonly #counts = new Map<string, number>();

  channelOf(
    channel: Pick<
      Channel,
      "publisher" | "name" | "dataType" | "sampleRate" | "strideNs"
    >,
  ): Channel {
    const { publisher, name, dataType, strideNs } = channel;
    const code = TYPE_CODES[dataType];
    const subsystem = name.slice(3).split("-")[0]!;
    const family = `${publisher}_${subsystem}_${code}`;
    const count = this.#counts.get(family) ?? 0;
    this.#counts.set(family, count + 1);
    const number = Math.floor(count / PARTITION_CHANNELS_MAX);
    return {
      ...channel,
      partitionId: family + String(number).padStart(3, "0"),
      partitionIndex: count % PARTITION_CHANNELS_MAX,
      maxLatencyNs: strideNs === SLOW_STRIDE_NS
        ? 3_000_000_000n
        : 1_000_000_000n,
      replayId: null,
    };
  }
}

/** The strain of both observatories, which repeats every 32 s. */
async function strainChannels(
  partitions: PartitionAssigner,
): Promise<EmbeddedChannel[]> {
  return Object.entries(await unpackStrain()).map(([name, samples]) => ({
    channel: partitions.channelOf({
      publisher: `${name.slice(0, 2)}GWOSC`,
      name,
      dataType: samples instanceof Float64Array ? "float64" : "float32",
      sampleRate: STRAIN_RATE,
      strideNs: FAST_STRIDE_NS,
    }),
    samples: (first, count) => {
      const from = first % STRAIN_SAMPLES;
      return samples.slice(from, from + count);
    },
  }));
}

/** The channels of {@linkcode FAST} and {@linkcode SLOW}, for both observatories. */
function tableChannels(
  partitions: PartitionAssigner,
  noise: NoiseTables,
): EmbeddedChannel[] {
  const all: EmbeddedChannel[] = [];
  for (const site of ["H1", "L1"]) {
    for (const { suffix, table, strideNs } of TABLES) {
      for (const [kind, dataType, rates] of table) {
        for (const sampleRate of rates) {
          const code = TYPE_CODES[dataType];
          const name = `${site}:${suffix}-${kind}_${code}_${sampleRate}`;
          const publisher = site + suffix;
          const stated = { publisher, name, dataType, sampleRate, strideNs };
          const channel = partitions.channelOf(stated);
          all.push({ channel, samples: makerOf(kind, channel, noise) });
        }
      }
    }
  }
  return all;
}

/** Channels of noise for load tests. */
function loadChannels(
  partitions: PartitionAssigner,
  noise: NoiseTables,
  count: number,
  sampleRate: number,
): EmbeddedChannel[] {
  return Array.from({ length: count }, (_, i) => {
    const channel = partitions.channelOf({
      publisher: "H1LOAD",
      name: `H1:LOAD-NOISE_F32_${String(i).padStart(5, "0")}`,
      dataType: "float32",
      sampleRate,
      strideNs: FAST_STRIDE_NS,
    });
    return { channel, samples: makerOf("NOISE", channel, noise) };
  });
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

/** How the samples of a synthetic channel are made. */
function makerOf(
  kind: Kind,
  { name, dataType, sampleRate: rate }: Channel,
  noise: NoiseTables,
): EmbeddedChannel["samples"] {
  const filledBy =
    (period: number, value: (at: number) => number) =>
    (first: number, count: number) =>
      filled(dataType, { first, count, period }, value);
  switch (kind) {
    case "SINE": {
      // A tenth of the rate, but at most 20 Hz: a plot shows it as a wave at every zoom.
      const hertz = Math.min(rate / 10, 20);
      const period = rate * 10;
      return filledBy(
        period,
        (at) => Math.sin(2 * Math.PI * hertz * at / rate),
      );
    }
    case "NOISE": {
      const table = noise.of(seedOf(name));
      return filledBy(NOISE_SAMPLES, (at) => table[at]!);
    }
    case "RAMP":
      return filledBy(65_536, (at) => at - 32_768);
    case "STATE":
      return filledBy(2 ** 32 * rate, (at) => Math.floor(at / rate));
    case "COUNT": {
      // Unsigned ones are beyond int64 and beyond what a double holds.
      const base = dataType === "uint64" ? 2n ** 63n : 0n;
      return (first, count) => {
        const samples = newSamples(dataType, count) as BigInt64Array;
        for (let i = 0; i < count; i++) samples[i] = base + BigInt(first + i);
        return samples;
      };
    }
  }
}

/**
 * Samples number `first` and following, each the value at its number modulo `period`. Numbers are above 2³¹, where one
 * division for each sample would take most of the time.
 */
function filled(
  dataType: DataType,
  { first, count, period }: { first: number; count: number; period: number },
  value: (at: number) => number,
): Samples {
  const samples = newSamples(dataType, count) as Float64Array;
  let at = first % period;
  for (let i = 0; i < count; i++) {
    samples[i] = value(at);
    at++;
    if (at === period) at = 0;
  }
  return samples;
}

/** Roughly normal noise, the sum of four uniform numbers. Channels share eight tables. */
class NoiseTables {
  readonly #tables: Float64Array[] = [];

  of(seed: number): Float64Array {
    const index = seed % 8;
    return this.#tables[index] ??= noiseTable(index + 1);
  }
}

function noiseTable(seed: number): Float64Array {
  const table = new Float64Array(NOISE_SAMPLES);
  let state = seed;
  for (let i = 0; i < NOISE_SAMPLES; i++) {
    let sum = -2;
    for (let k = 0; k < 4; k++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += state / 2 ** 32;
    }
    table[i] = sum;
  }
  return table;
}

function seedOf(name: string): number {
  let seed = 0;
  for (let i = 0; i < name.length; i++) {
    seed = (Math.imul(seed, 31) + name.charCodeAt(i)) >>> 0;
  }
  return seed;
}

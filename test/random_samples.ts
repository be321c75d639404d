// Samples of any type from a seed, the extremes of the type among them.
import { type DataType, SAMPLE_BYTES } from "../src/channels/channel.ts";
import {
  is64Bit,
  SAMPLE_ARRAYS,
  type Samples,
} from "../src/channels/sample_arrays.ts";

import type { Random } from "./random.ts";

const FLOATS = [NaN, Infinity, -Infinity, -0, 0, 1, -1, 0.1, 5e-324, 1e21];

/** The least and the largest value of an integer type. */
export function limitsOf(dataType: DataType): readonly [bigint, bigint] {
  const bits = BigInt(8 * SAMPLE_BYTES[dataType]);
  return dataType.startsWith("u")
    ? [0n, 2n ** bits - 1n]
    : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
}

/** `count` samples: a third of them are extremes of the type, 0, 1 or values next to these; floats may be NaN or infinite. */
export function randomSamples(
  random: Random,
  dataType: DataType,
  count: number,
): Samples {
  const samples = new SAMPLE_ARRAYS[dataType](count);
  const bytes = new Uint8Array(samples.buffer);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  for (let i = 0; i < count; i++) {
    if (!random.once(3)) continue;
    if (dataType.startsWith("float")) samples[i] = random.of(FLOATS);
    else {
      const [least, most] = limitsOf(dataType);
      const of = [least, least + 1n, most, most - 1n, 0n, 1n, most / 2n + 1n];
      const value = random.of(of);
      samples[i] = is64Bit(dataType) ? value : Number(value);
    }
  }
  return samples;
}

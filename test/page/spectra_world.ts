// Samples for spectra and what scipy makes of them: cases that a unit test reads and an integration test computes.
import { PAIR_PARTS, planOf } from "../../src/page/spectral_options.js";
import { SampleRing } from "../../src/page/samples.js";
import { CONTENTS } from "../../src/page/spectral_contents.js";
import { SpectralMean } from "../../src/page/spectral_mean.js";
import { WINDOW_TITLES } from "../../src/page/spectral_windows.js";

export type Options = Parameters<typeof planOf>[0];
type Window = keyof typeof WINDOW_TITLES;

export const WINDOWS = Object.keys(WINDOW_TITLES) as Window[];

/** What scipy is asked for: segments of `size` samples, of a transform of `length`. */
export interface Case {
  readonly window: string;
  readonly size: number;
  readonly length: number;
  readonly average: string;
  readonly alpha: number;
}

/** By scipy: densities, the density between x and y, and coherence, at each frequency. */
export interface Expected {
  readonly case: Case;
  readonly xx: number[];
  readonly yy: number[];
  readonly re: number[];
  readonly im: number[];
  readonly coherence: number[];
}

/** The same pseudo-random numbers everywhere, -1 to 1, on a line that rises. */
export function noise(count: number, seed: number): Float64Array {
  const values = new Float64Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    values[i] = state / 2 ** 31 - 1 + 3 + i / count;
  }
  return values;
}

/** Two channels that have something in common: y is x, later and weaker, and noise of its own. */
export function pairOf(count: number): { x: Float64Array; y: Float64Array } {
  const x = noise(count, 1);
  const own = noise(count, 2);
  const y = own.map((v, i) => 0.3 * v - 2 * (x[i - 3] ?? 0) + 1e3);
  return { x, y };
}

export function ringOf(
  samples: Float64Array,
  { rate, first }: { rate: number; first: number },
): SampleRing {
  const seconds = (samples.length + 64) / rate;
  const ring = new SampleRing({ rate, seconds, kind: "float64" });
  ring.put(first, samples);
  return ring;
}

/** The average once nothing is left to compute. */
export function wholeOf(mean: SpectralMean, fromS: number, toS: number) {
  let result = mean.of(fromS, toS);
  while (!result.isWhole) result = mean.of(fromS, toS);
  return result;
}

/** The cases of these options, and the averages that the page computes for them of all of x and y. */
export function averagesOf(
  options: Options,
  { x, y, rate }: { x: Float64Array; y: Float64Array; rate: number },
) {
  const plan = planOf(options, rate);
  // Segments begin at whole multiples of their step, so this one begins with the first sample.
  const first = plan.step * 1000;
  const rings = [x, y].map((s) => ringOf(s, { rate, first }));
  const made = (some: SampleRing[]) => {
    const parts = some.length === 1 ? 1 : PAIR_PARTS;
    const mean = new SpectralMean(some, planOf(options, rate, parts));
    const toS = (first + x.length) / rate;
    // An exponential mean has those segments that were complete while it was asked for.
    const { average, size, step } = mean.plan;
    if (average === "exponential") {
      for (let end = first + size; end < first + x.length; end += step) {
        wholeOf(mean, 0, end / rate);
      }
    }
    const result = wholeOf(mean, 0, toS);
    const { bins } = mean;
    const part = (p: number) =>
      result.segment!.values.slice(p * bins, (p + 1) * bins);
    mean.close();
    /** What a plot of this kind draws in its first panel. */
    const drawn = (kind: keyof typeof CONTENTS) => {
      const { panels, take } = CONTENTS[kind];
      const values = Array.from(
        { length: panels },
        () => new Float64Array(bins),
      );
      take(result.segment!, bins, values);
      return values;
    };
    return { part, drawn, ...result };
  };
  const [one, other] = rings.map((ring) => made([ring!]));
  const isPair = options.average !== "median";
  const pair = isPair ? made([rings[0]!, rings[1]!]) : null;
  const alpha = 1 / plan.averages;
  const { window, size, length, average } = plan;
  return {
    case: { window, size, length, average, alpha } as Case,
    count: one!.count,
    xx: one!.part(0),
    yy: other!.part(0),
    pair,
  };
}

/**
 * Largest difference from the expected values, as a share of each, or of `sizes`: a part of a complex number is exact as a
 * share of its size.
 */
export function differenceOf(
  found: ArrayLike<number>,
  expected: readonly number[],
  sizes: readonly number[] = expected,
): number {
  if (found.length !== expected.length) return Infinity;
  let most = 0;
  // Without the mean of the samples, 0 Hz has nothing but rounding errors.
  for (let k = 1; k < expected.length; k++) {
    const difference = Math.abs(found[k]! - expected[k]!);
    if (difference > 0) most = Math.max(most, difference / Math.abs(sizes[k]!));
    else if (Number.isNaN(difference)) return NaN;
  }
  return most;
}

/** The same of the density between two channels. */
export function crossDifferenceOf(
  [re, im]: readonly ArrayLike<number>[],
  expected: { readonly re: number[]; readonly im: number[] },
): number {
  const sizes = expected.re.map((v, k) => Math.hypot(v, expected.im[k]!));
  return Math.max(
    differenceOf(re!, expected.re, sizes),
    differenceOf(im!, expected.im, sizes),
  );
}

/** What plots of two channels draw: differences of coherence and transfer function. */
export function pairDifferenceOf(
  drawn: ReturnType<typeof averagesOf>["pair"],
  wanted: Expected,
): number {
  const [coherence] = drawn!.drawn("coherence");
  const [magnitude, phase] = drawn!.drawn("transfer");
  const size = magnitude!.map((v) => 10 ** v);
  const re = size.map((v, k) => v * Math.cos(phase![k]! * Math.PI / 180));
  const im = size.map((v, k) => v * Math.sin(phase![k]! * Math.PI / 180));
  const transfer = {
    re: wanted.re.map((v, k) => v / wanted.xx[k]!),
    im: wanted.im.map((v, k) => v / wanted.xx[k]!),
  };
  return Math.max(
    differenceOf(coherence!, wanted.coherence),
    crossDifferenceOf([re, im], transfer),
  );
}

// Spectra against scipy's: windows, means, medians, exponential means, coherence, transfer functions; gaps and changes.
// test/integration/page_spectra_test.ts writes the expected values with QANAT_SPECTRA=write.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { SpectralMean } from "../../src/page/spectral_mean.js";
import { SegmentAverage } from "../../src/page/segment_average.js";
import { planOf } from "../../src/page/spectral_options.js";
import { Density } from "../../src/page/fft.js";
import {
  averagesOf,
  crossDifferenceOf,
  differenceOf,
  type Expected,
  noise,
  type Options,
  pairDifferenceOf,
  pairOf,
  ringOf,
  wholeOf,
} from "./spectra_world.ts";
import expected from "./spectra_expected.json" with { type: "json" };

const RELATIVE_MAX = 1e-6;
const RATE = 64;
const SEGMENT = { seconds: 0.5, averages: 3 };
const meanOf = (ring: ReturnType<typeof ringOf>, options: Options) =>
  new SpectralMean([ring], planOf(options, RATE));

describe("SpectralMean", () => {
  const { rate, count, cases } = expected as {
    rate: number;
    count: number;
    cases: (Expected & { options: Options })[];
  };
  const samples = { ...pairOf(count), rate };

  for (const wanted of cases) {
    const { window, size, average } = wanted.case;
    it(`is what scipy computes: ${window}, ${size} samples, ${average}`, () => {
      const found = averagesOf(wanted.options, samples);
      assert.deepEqual(found.case, wanted.case);
      assert.ok(differenceOf(found.xx, wanted.xx) < RELATIVE_MAX);
      assert.ok(differenceOf(found.yy, wanted.yy) < RELATIVE_MAX);
      if (!found.pair) return;
      const { part } = found.pair;
      assert.ok(differenceOf(part(0), wanted.xx) < RELATIVE_MAX);
      assert.ok(differenceOf(part(1), wanted.yy) < RELATIVE_MAX);
      const cross = [part(2), part(3)];
      assert.ok(crossDifferenceOf(cross, wanted) < RELATIVE_MAX);
      assert.ok(pairDifferenceOf(found.pair, wanted) < RELATIVE_MAX);
    });
  }

  /** Two seconds: three segments of 32 samples need 64, so there are more before. */
  const begun = (samples = noise(128, 3)) => {
    const ring = ringOf(samples, { rate: RATE, first: 6400 });
    return { ring, mean: meanOf(ring, SEGMENT) };
  };
  const at = (samples: number) => (6400 + samples) / RATE;

  it("leaves out a segment with missing samples, and counts it", () => {
    const samples = noise(128, 3);
    const { mean } = begun(samples);
    const whole = wholeOf(mean, 0, at(128));
    assert.equal(whole.count, 3);
    assert.equal(whole.left, 0);
    const version = mean.version;
    wholeOf(mean, 0, at(130));
    assert.equal(mean.version, version, "computed without a new segment");
    // The last three segments begin at 64, 80 and 96; only the second and the third contain this sample.
    const holed = samples.slice();
    holed[100] = NaN;
    const other = begun(holed).mean;
    const part = wholeOf(other, 0, at(128));
    assert.equal(part.count, 1);
    assert.equal(part.left, 2);
    // A hole before the first segment is no segment that was left out: it may still come.
    const late = samples.slice();
    late[70] = Infinity;
    const { count, left } = wholeOf(begun(late).mean, 0, at(128));
    assert.deepEqual([count, left], [2, 0]);
  });

  it("computes a segment again when its samples come", () => {
    const samples = noise(128, 3);
    const whole = wholeOf(begun(samples).mean, 0, at(128)).segment!.values;
    const holed = samples.slice();
    holed[100] = NaN;
    const { ring, mean } = begun(holed);
    wholeOf(mean, 0, at(128));
    ring.put(6500, samples.slice(100, 101));
    const then = wholeOf(mean, 0, at(128));
    assert.equal(then.count, 3);
    assert.deepEqual(then.segment!.values, whole);
    mean.close();
    assert.equal(ring.onChange.length, 0);
  });

  it("averages what is shown where no number is given", () => {
    const ring = ringOf(noise(128, 3), { rate: RATE, first: 6400 });
    const mean = meanOf(ring, { seconds: 0.5 });
    assert.equal(wholeOf(mean, at(0), at(128)).count, 7);
    assert.equal(wholeOf(mean, at(64), at(128)).count, 3);
    // A shorter span than a segment: the newest segment, which begins before it.
    assert.equal(wholeOf(mean, at(120), at(128)).count, 1);
    assert.equal(wholeOf(mean, at(0), at(20)).segment, null);
  });

  it("continues an exponential mean, and begins again when its samples change", () => {
    const options = { ...SEGMENT, average: "exponential" as const };
    const samples = noise(256, 3);
    const all = () => ringOf(samples, { rate: RATE, first: 6400 });
    const at256 = meanOf(all(), { ...options, averages: 256 });
    const steps = meanOf(all(), options);
    const first = wholeOf(steps, 0, at(64)).segment!.values.slice();
    for (let end = 72; end <= 256; end += 8) wholeOf(steps, 0, at(end));
    const then = wholeOf(steps, 0, at(256));
    assert.equal(then.count, 3);
    assert.notDeepEqual(then.segment!.values, first);
    // Of few segments it is their mean.
    const mean = meanOf(all(), { ...SEGMENT, averages: 15 });
    const found = wholeOf(at256, 0, at(256));
    assert.equal(found.count, 15);
    const wanted = [...wholeOf(mean, 0, at(256)).segment!.values];
    assert.ok(differenceOf(found.segment!.values, wanted) < 1e-12);
    // Back in time: from the segments there.
    assert.deepEqual(wholeOf(steps, 0, at(64)).segment!.values, first);
  });

  it("computes with values whose squares overflow or vanish", () => {
    const scales = [1e-290, 1, 1e290];
    const found = scales.map((scale) => {
      const { mean } = begun(noise(128, 3).map((v) => v * scale));
      const { values, exponents } = wholeOf(mean, 0, at(128)).segment!;
      return [...values].slice(1).map((v) =>
        Math.log10(v) - exponents[0]! * Math.log10(2) - 2 * Math.log10(scale)
      );
    });
    assert.ok(differenceOf(found[0]!, found[1]!) < 1e-6);
    assert.ok(differenceOf(found[2]!, found[1]!) < 1e-6);
    // Both in one average: the large one decides.
    const both = noise(128, 3).map((v, i) => i < 80 ? v * 1e-200 : v * 1e200);
    const { segment, count } = wholeOf(begun(both).mean, 0, at(128));
    assert.equal(count, 3);
    assert.ok(segment!.values.every((v) => Number.isFinite(v)));
  });

  it("stops when its time is over and continues", () => {
    let ms = 0;
    const segments: number[] = [];
    const average = new SegmentAverage({
      parts: 1,
      bins: 10_000,
      average: "mean",
      averages: 4,
      clock: () => ms,
      compute: (k, { values }) => {
        segments.push(k);
        values.fill(k);
        ms += 10;
        return true;
      },
    });
    const results = [];
    do {
      results.push(average.of(6, 9));
    } while (!results.at(-1)!.isWhole && results.length < 20);
    assert.deepEqual(segments, [9, 8, 7, 6]);
    assert.equal(results.at(-1)!.segment!.values[9999], 7.5);
    assert.deepEqual(results.map((r) => r.count), [0, 0, 0, 0, 4]);
  });
});

describe("Density", () => {
  it("of a spectrogram is that of one segment of a spectrum", () => {
    const samples = noise(64, 5);
    const density = new Density({ size: 64, rate: RATE, length: 128 });
    const found = density.of(samples);
    assert.equal(found.length, 65);
    const ring = ringOf(samples, { rate: RATE, first: 6400 });
    const mean = meanOf(ring, { seconds: 1, averages: 1 });
    const { values } = wholeOf(mean, 0, at64()).segment!;
    const halves = [...found].filter((_, k) => k % 2 === 0);
    assert.ok(differenceOf(values, halves) < 1e-9);
  });
  const at64 = () => (6400 + 64) / RATE;
});

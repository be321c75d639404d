// Options of spectra: in the address, as a user types them, and the segments and axes that follow.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { rangeTexts } from "../../src/page/colour_bar.js";
import { plotsOf, plotText } from "../../src/page/plot_spec.js";
import {
  checkedSpectral,
  planOf,
  plansOf,
  planText,
  reachFor,
  spectralOf,
  spectralText,
} from "../../src/page/spectral_options.js";
import {
  decadeEnds,
  decadeScale,
  linearScale,
} from "../../src/page/spectral_scales.js";
import {
  amplitudeUnit,
  powerUnit,
  ratioUnit,
} from "../../src/page/spectral_units.js";
import { decibelRange } from "../../src/page/spectrogram_palette.js";

const TYPED = {
  window: "hann",
  seconds: "",
  averages: "",
  average: "mean",
  frequency: "log",
  min: "",
  max: "",
};

describe("options of spectra", () => {
  it("come back out of the address, after any names", () => {
    const all = [
      { window: "flattop" as const, seconds: 0.25, averages: 32 },
      { average: "exponential" as const, linear: true as const },
      { average: "median" as const, min: 1e-24, max: 1e-20 },
    ];
    for (const spectral of all) {
      assert.deepEqual(
        spectralOf(spectralText(spectral).split(";").slice(1)),
        spectral,
      );
      for (const kind of ["spectrum", "spectrogram"] as const) {
        const plot = { kind, name: "A;window=hann,B", spectral };
        const text = plotText(plot).slice(kind.length + 1);
        assert.deepEqual(plotsOf(kind, text), [plot]);
      }
      const pair = {
        kind: "coherence" as const,
        name: "A,B",
        more: ["C"],
        spectral,
      };
      const text = plotText(pair);
      assert.match(text, /^coherence=A%2CB,C;/);
      assert.deepEqual(plotsOf("coherence", text.slice(10)), [pair]);
    }
    assert.equal(spectralText(undefined), "");
  });

  it("that mean nothing are left out", () => {
    const of = (text: string) => spectralOf(text.split(";"));
    assert.equal(of("window=pink;seconds=;averages=x;average=mode"), undefined);
    assert.equal(of("window=toString;seconds=61;averages=0"), undefined);
    assert.equal(of("averages=257;averages=1.5;min=2;max=1"), undefined);
    assert.equal(
      of("seconds=-1;min=1e301;frequency=log;window=hann"),
      undefined,
    );
    assert.deepEqual(of("min=-80;seconds=1e-3"), { min: -80, seconds: 1e-3 });
  });

  it("that a user types wrongly are explained", () => {
    const of = (typed: object, kind = "spectrum", rate = 4096) =>
      checkedSpectral({ ...TYPED, ...typed }, { kind, rate });
    assert.deepEqual(of({}), { options: undefined, wrong: "" });
    assert.match(of({ seconds: "two" }).wrong, /at most 60 s/);
    assert.match(of({ seconds: "5" }, "spectrum", 65_536).wrong, /at most 4 s/);
    assert.match(of({ averages: "1.5" }).wrong, /whole number from 1 to 256/);
    assert.match(of({ min: "3", max: "1" }).wrong, /below the upper end/);
    assert.match(of({ min: "-3" }).wrong, /above 0/);
    assert.deepEqual(of({ min: "-90", averages: "x" }, "spectrogram"), {
      options: { min: -90 },
      wrong: "",
    });
    const { options } = of({
      seconds: "0.5",
      averages: "8",
      window: "blackman",
    });
    assert.deepEqual(options, {
      window: "blackman",
      seconds: 0.5,
      averages: 8,
    });
  });
});

describe("planOf()", () => {
  it("has limits for what a plot computes and keeps", () => {
    const whole = planOf({}, 4096);
    assert.deepEqual([whole.size, whole.step, whole.averages], [
      4096,
      2048,
      16,
    ]);
    assert.equal(planOf({}, 16_384).size, 8192);
    assert.equal(planOf({}, 1).size, 16);
    const odd = planOf({ seconds: 0.1 }, 250);
    assert.deepEqual([odd.size, odd.length, odd.step], [25, 32, 13]);
    const large = planOf({ seconds: 60, averages: 256 }, 65_536);
    assert.equal(large.size, 2 ** 18);
    assert.ok(large.averages * (large.length / 2 + 1) <= 2 ** 21);
    const long = planOf({ seconds: 60, averages: 256 }, 16);
    assert.equal(long.averages, 3);
    assert.equal(planOf({ average: "median" }, 16, 4).average, "mean");
    assert.equal(planOf({ average: "median" }, 16).average, "median");
  });

  it("says how much has to be held", () => {
    assert.equal(reachFor({ kind: "series" }, [4096]), 0);
    assert.equal(reachFor({ kind: "spectrum" }, [4096]), 1);
    const spectral = { seconds: 2, averages: 10 };
    assert.equal(reachFor({ kind: "coherence", spectral }, [4096, 4096]), 11);
    const most = { seconds: 60, averages: 256 };
    const several = [4096, 16, 256];
    assert.ok(reachFor({ kind: "spectrum", spectral: most }, several) <= 120);
  });

  it("is the same length and number for all channels of a plot, within the memory of one", () => {
    const [fast, slow] = plansOf({}, [16_384, 4096]);
    assert.deepEqual([fast!.seconds, slow!.seconds], [0.5, 0.5]);
    assert.deepEqual(plansOf({}, [4096]), [planOf({}, 4096)]);
    const rates = Array.from({ length: 8 }, (_, i) => 16_384 / 2 ** (i % 3));
    const all = plansOf({ seconds: 2, averages: 256 }, rates);
    const values = all.map(({ averages, length }) =>
      averages * (length / 2 + 1)
    );
    assert.ok(values.reduce((sum, v) => sum + v) <= 2 ** 21);
    assert.equal(new Set(all.map(({ averages }) => averages)).size, 1);
    assert.equal(
      plansOf({ average: "median" }, [16, 16])[1]!.average,
      "median",
    );
    assert.equal(plansOf({ average: "median" }, [16], 4)[0]!.average, "mean");
  });

  it("is said in words", () => {
    const plan = planOf({ seconds: 0.25, averages: 16 }, 4096);
    const said = (count: number, left: number) =>
      planText(plan, { count, left });
    assert.equal(said(16, 0), "16 averages of 0.25 s, Hann");
    assert.equal(
      said(14, 2),
      "14 of 16 averages of 0.25 s, Hann; 2 left out: samples are missing or not finite",
    );
    assert.match(said(0, 0), /^waiting for 0.25 s without a gap/);
    const median = planOf({ average: "median", window: "flattop" }, 4096);
    assert.equal(
      planText(median, { count: 1, left: 0 }),
      "1 average of 1 s, flat top, median",
    );
  });
});

describe("axes of spectra", () => {
  it("have two labels or more, and the ends that are fixed", () => {
    assert.deepEqual(decadeEnds(-23.4, -19.2, {}), { low: -24, high: -19 });
    assert.deepEqual(decadeEnds(-40, -19.2, {}), { low: -25, high: -19 });
    assert.deepEqual(decadeEnds(-3, -3, { min: 1 }), { low: 0, high: 1 });
    assert.deepEqual(decadeEnds(-3, -3, { max: 1e-5 }), { low: -6, high: -5 });
    for (const [low, high] of [[-24, -19], [0.1, 0.2], [1.2, 2.5], [-6, 300]]) {
      for (let room = 2; room < 9; room++) {
        const ticks = decadeScale(low!, high!).ticks(room);
        assert.ok(ticks.length >= 2, `${low} ${high} ${room}`);
        assert.ok(ticks.every(({ at }) => at > -1e-6 && at < 1 + 1e-6));
        assert.ok(linearScale([-180, -90, 0, 90, 180]).ticks(room).length >= 2);
      }
    }
    assert.deepEqual(
      decadeScale(-22, -21).ticks(3).map(({ text }) => text),
      ["10⁻²²", "10⁻²¹"],
    );
    const labels = linearScale([-180, -90, 0, 90, 180]).ticks(5);
    assert.deepEqual(labels.map(({ text }) => text), [
      "−180",
      "−90",
      "0",
      "90",
      "180",
    ]);
  });

  it("have units", () => {
    assert.equal(amplitudeUnit({ unit: "strain" }), "strain/√Hz");
    assert.equal(amplitudeUnit({ unit: "m/s" }), "(m/s)/√Hz");
    assert.equal(amplitudeUnit({ unit: null }), "1/√Hz");
    assert.equal(powerUnit({ unit: "m/s" }), "(m/s)²/Hz");
    assert.equal(powerUnit({}), "1/Hz");
    assert.equal(ratioUnit({ unit: "V" }, { unit: "m" }), "m/V");
    assert.equal(ratioUnit({ unit: "V" }, {}), "1/V");
    assert.equal(ratioUnit({ unit: "V" }, { unit: "V" }), "");
  });
});

describe("the colours of a spectrogram", () => {
  it("reach over the densities, or to the ends that are fixed", () => {
    const some = Array.from({ length: 1000 }, (_, i) => i / 10 - 100);
    const range = decibelRange(some, {});
    assert.ok(Math.abs(range.ceiling) < 1 && range.floor > -71);
    assert.deepEqual(decibelRange(some, { floor: -50, ceiling: -20 }), {
      floor: -50,
      ceiling: -20,
    });
    const low = decibelRange(some, { ceiling: -200 });
    assert.ok(low.floor < low.ceiling);
    assert.ok(decibelRange(some, { floor: 50 }).ceiling > 50);
  });

  it("are explained by two labels and the unit", () => {
    assert.deepEqual(rangeTexts({ floor: -212.4, ceiling: -150.2 }, "m²/Hz"), {
      low: "−212",
      high: "−150 dB re 1 m²/Hz",
    });
    assert.deepEqual(rangeTexts({ floor: -0.04, ceiling: 3 }, "1/Hz"), {
      low: "0.0",
      high: "3.0 dB re 1/Hz",
    });
  });
});

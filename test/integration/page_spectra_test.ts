// Spectra of the page: the same as scipy's (welch, csd, coherence) for every window.
// QANAT_SPECTRA=write writes what scipy computes for test/page/spectra_test.ts, too.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import {
  averagesOf,
  crossDifferenceOf,
  differenceOf,
  type Expected,
  pairDifferenceOf,
  pairOf,
  WINDOWS,
} from "../page/spectra_world.ts";
import { PARTS, Process } from "./chain.ts";

const RELATIVE_MAX = 1e-6;
const STORED = new URL("../page/spectra_expected.json", import.meta.url);

type Options = Parameters<typeof averagesOf>[0];

const hasPython = canRun([PARTS.python]);

/** Each window with each average; segments of a power of two, and others. */
const ALL: Options[] = WINDOWS.flatMap((window) => [
  { window, seconds: 1, averages: 64 },
  { window, seconds: 0.7, averages: 64 },
  { window, seconds: 0.333, averages: 256, average: "median" as const },
  { window, seconds: 0.5, averages: 8, average: "exponential" as const },
]);
/** Few enough for a file. */
const SOME: Options[] = WINDOWS.map((window, i) => ({
  window,
  seconds: i % 2 === 0 ? 0.5 : 0.4,
  averages: i === 4 ? 4 : 64,
  ...(i === 3 ? { average: "median" as const } : {}),
  ...(i === 4 ? { average: "exponential" as const } : {}),
}));

async function scipy(rate: number, count: number, options: Options[]) {
  const samples = { ...pairOf(count), rate };
  const found = options.map((one) => averagesOf(one, samples));
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(
      file,
      JSON.stringify({
        rate,
        x: [...samples.x],
        y: [...samples.y],
        cases: found.map((one) => one.case),
      }),
    );
    const run = new Process("spectra.py", PARTS.python.program!, [
      "test/integration/python/spectra.py",
      file,
    ]);
    assert.equal(await run.ends(), 0, run.log);
    return { found, expected: JSON.parse(run.output) as Expected[] };
  } finally {
    await Deno.remove(file);
  }
}

describe("spectra", { ignore: !hasPython, skip: !hasPython }, () => {
  it("are those of scipy, for every window and average", async () => {
    const { found, expected } = await scipy(256, 4000, ALL);
    found.forEach((one, i) => {
      const wanted = expected[i]!;
      const what = JSON.stringify(wanted.case);
      const same = (values: ArrayLike<number>, name: keyof Expected) => {
        const by = differenceOf(values, wanted[name] as number[]);
        assert.ok(by < RELATIVE_MAX, `${what} ${name} differs by ${by}`);
      };
      same(one.xx, "xx");
      same(one.yy, "yy");
      if (!one.pair) return;
      const [xx, yy, re, im] = [0, 1, 2, 3].map(one.pair.part);
      same(xx!, "xx");
      same(yy!, "yy");
      const by = crossDifferenceOf([re!, im!], wanted);
      assert.ok(by < RELATIVE_MAX, `${what} between them differs by ${by}`);
      const drawn = pairDifferenceOf(one.pair, wanted);
      assert.ok(drawn < RELATIVE_MAX, `${what}, drawn, differs by ${drawn}`);
    });
    if (Deno.env.get("QANAT_SPECTRA") !== "write") return;
    const [rate, count] = [64, 200];
    const stored = await scipy(rate, count, SOME);
    const cases = stored.expected.map((one, i) => ({
      options: SOME[i],
      ...one,
    }));
    await Deno.writeTextFile(
      STORED,
      `${JSON.stringify({ rate, count, cases }, null, 2)}\n`,
    );
  });
});

// What a page of plots of every kind holds over a long time, while it is used now and then.
// Invariant: every figure is printed; it ends with success only if none grows, nothing is in the console, and the page
// draws enough frames.
import { median } from "../../scripts/versus/side.ts";
import { say, sleep } from "../../test/integration/chain.ts";
import {
  Bench,
  between,
  FRAMES_MIN,
  noise,
  type PageCounts,
} from "./browser.ts";
import { growthOf, type Point } from "./growth.ts";
import { BOUNDS, type Held, PageMemory } from "./page_memory.ts";

const STRAIN = "H1:GWOSC-4KHZ_R1_WHITENED";
const [A, B, C, D, E] = Array.from({ length: 5 }, (_, i) => noise(i));
/** Plots of every kind, and a trigger that waits for what never comes. */
const PLOTS = [
  `series=${A}`,
  `series=${B},${C}`,
  `series=${D};above=3;below=-3`,
  `series=${E};min=-5;max=5`,
  `series=${STRAIN}`,
  `spectrogram=${A}`,
  `spectrum=${A};averages=16`,
  `spectrum=${B};average=exponential;averages=16`,
  `coherence=${B},${C}`,
  `transfer=${B},${C}`,
];
const VIEW = `${PLOTS.join("&")}&trigger=${D};level=1000&span=10&columns=2`;
const NAMES = [A, B, C, D, E, STRAIN] as string[];
const HEIGHT_PX = 1600;
/** What a user does between two samples: pause, pan, zoom, cursors, dialogs, and back to live. */
const KEYS = [
  ...[" ", "ArrowLeft", "ArrowLeft", "+", "-", "m", "m"],
  ...["y", "Escape", "u", "Escape", "n", "Escape", "?", "Escape", "Home"],
];
const KEY_MS = 300;
/** Of all samples, so many are before the page is warm; two at least. */
const WARM_SHARE = 1 / 6;

interface Sample extends Held {
  readonly hours: number;
  readonly framesPerS: number;
  /** Of a frame, ms. */
  readonly cpuMs: number;
}

/** Resolves to whether nothing grew. `everyS`: between two samples. */
export async function benchMemory(
  { everyS, rate, seconds }: {
    readonly everyS: number;
    readonly rate: number;
    readonly seconds: number;
  },
): Promise<boolean> {
  const bench = await Bench.open({ channels: 5, rate, heightPx: HEIGHT_PX });
  try {
    const { page } = bench;
    await page.call("DOM.enable", {});
    await bench.show(VIEW, PLOTS.length, NAMES);
    const memory = new PageMemory(page);
    say(`| min | frames/s | CPU, ms | ${titles().join(" | ")} | console |`);
    const samples: Sample[] = [];
    const begunMs = performance.now();
    let before: PageCounts = await bench.counts();
    while (performance.now() - begunMs < seconds * 1000) {
      await sleep(everyS * 1000 - KEYS.length * KEY_MS);
      const now = await bench.counts();
      const { cpuMs, framesPerS } = between(before, now);
      const held = await memory.read();
      const hours = (performance.now() - begunMs) / 3_600_000;
      samples.push({ ...held, hours, framesPerS, cpuMs });
      say(lineOf(samples.at(-1)!, page.troubles.length));
      for (const key of KEYS) {
        await page.press(key);
        await sleep(KEY_MS);
      }
      before = await bench.counts();
    }
    return isFlat(samples, page.troubles);
  } finally {
    await bench.close();
  }
}

function keysOf(): (keyof Held)[] {
  return Object.keys(BOUNDS) as (keyof Held)[];
}

function titles(): string[] {
  return Object.values(BOUNDS).map(({ title, unit }) =>
    unit === "" ? title : `${title}, ${unit}`
  );
}

function lineOf(sample: Sample, troubles: number): string {
  const figures = keysOf().map((key) =>
    sample[key].toFixed(BOUNDS[key].unit === "" ? 0 : 2)
  );
  return `| ${(sample.hours * 60).toFixed(1)} | ${
    sample.framesPerS.toFixed(1)
  } | ${sample.cpuMs.toFixed(1)} | ${figures.join(" | ")} | ${troubles} |`;
}

/** Says how each figure grew, and what else was not as it must be. */
function isFlat(
  samples: readonly Sample[],
  troubles: readonly string[],
): boolean {
  const warm = samples.slice(
    Math.max(2, Math.round(samples.length * WARM_SHARE)),
  );
  let isGood = true;
  for (const key of keysOf()) {
    const { perHourMax, title, unit } = BOUNDS[key];
    const points: Point[] = warm.map(({ hours, ...s }) => ({
      hours,
      value: s[key],
    }));
    const { perHour, isTooMuch } = growthOf(points, BOUNDS[key]);
    const most = `${perHourMax}${unit === "" ? "" : ` ${unit}`}`;
    say(
      `${title}: ${perHour.toFixed(2)} an hour${
        isTooMuch ? `, MORE than ${most}` : `; it may grow by ${most}`
      }`,
    );
    if (isTooMuch) isGood = false;
  }
  const frames = samples.map((s) => s.framesPerS);
  const isSmooth = median(frames) > FRAMES_MIN;
  say(
    `frames/s: ${median(frames).toFixed(1)} in the median, ${
      Math.min(...frames).toFixed(1)
    } at least; ${
      isSmooth ? "above" : "NOT above"
    } ${FRAMES_MIN}; a frame takes ${
      median(samples.map((s) => s.cpuMs)).toFixed(1)
    } ms of CPU`,
  );
  for (const trouble of troubles) say(`in the console: ${trouble}`);
  return isGood && isSmooth && troubles.length === 0;
}

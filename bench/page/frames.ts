// Frames of a page of plots that scroll, as a share of those of an empty page in the same browser.
// Invariant: both are counted in one run: the empty page before and after the plots.
import { say, sleep } from "../../test/integration/chain.ts";
import { Bench, between, FRAMES_MIN, noise } from "./browser.ts";

const SPAN_S = 10;
/** Until the plots are full. */
const SETTLE_MS = 6000;
const EMPTY_S_MAX = 10;
const HEIGHT_PX = 2200;
/** A first visit shows data within so many seconds. */
const VISIT_S = 5;
const VISIT_MS_MAX = 60_000;

/** Frames that a page without anything draws in so many seconds, per second. */
function emptyFrames(seconds: number): string {
  return `new Promise((resolve) => {
    let frames = 0;
    let begunMs;
    const draw = (nowMs) => {
      begunMs ??= nowMs;
      const seconds = (nowMs - begunMs) / 1000;
      if (seconds >= ${seconds}) return resolve(frames / seconds);
      frames++;
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  })`;
}

/** Time until a first visit shows the chirp of the included strain, s. */
async function firstVisitS({ page, server }: Bench): Promise<number> {
  const begunMs = performance.now();
  await page.goto(`${server.url}/`);
  await page.until("globalThis.qanatPage?.closeUpS() > 0", VISIT_MS_MAX);
  return (performance.now() - begunMs) / 1000;
}

/** Resolves to whether the page drew enough frames, and showed a first visit its data soon. */
export async function benchFrames(
  { plots, rate, seconds }: {
    readonly plots: number;
    readonly rate: number;
    readonly seconds: number;
  },
): Promise<boolean> {
  const bench = await Bench.open({
    channels: plots,
    rate,
    heightPx: HEIGHT_PX,
  });
  try {
    const { page } = bench;
    const empty = emptyFrames(Math.min(seconds, EMPTY_S_MAX));
    const before = await page.evaluate(empty) as number;
    const visitS = await firstVisitS(bench);
    const isSoon = visitS < VISIT_S;
    say(
      `a first visit shows the chirp after ${visitS.toFixed(1)} s: ${
        isSoon ? "within" : "NOT within"
      } ${VISIT_S} s`,
    );
    await page.goto("about:blank");
    const names = Array.from({ length: plots }, (_, i) => noise(i));
    const series = names.map((name) => `series=${name}`).join("&");
    await bench.show(`${series}&span=${SPAN_S}`, plots, names);
    await sleep(SETTLE_MS);
    const from = await bench.counts();
    await sleep(seconds * 1000);
    const { drawMs, framesPerS, rowsPerS, cpuMs } = between(
      from,
      await bench.counts(),
    );
    await page.goto("about:blank");
    const after = await page.evaluate(empty) as number;
    const emptyPerS = (before + after) / 2;
    const isSmooth = framesPerS > FRAMES_MIN;
    say(
      `${plots} plots of ${rate} Hz, ${seconds} s: ${
        framesPerS.toFixed(1)
      } frames/s, ${(framesPerS / emptyPerS).toFixed(2)} of an empty page's ${
        emptyPerS.toFixed(1)
      }; a frame takes ${drawMs.toFixed(2)} ms to draw, ${
        cpuMs.toFixed(2)
      } ms of CPU with all other work of its thread; ${
        rowsPerS.toFixed(1)
      } rows/s; ${isSmooth ? "above" : "NOT above"} ${FRAMES_MIN} frames/s`,
    );
    for (const trouble of page.troubles) say(`in the console: ${trouble}`);
    return isSmooth && isSoon && page.troubles.length === 0;
  } finally {
    await bench.close();
  }
}

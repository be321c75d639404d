// What the page does while nothing new is to be seen: while it is paused, in a hidden tab, and while a span is read.
// Invariant: a plot shows the samples that it has, and marks those that it waits for; it draws only what has changed.
import { after, afterEach, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { canRun } from "../../scripts/optional_parts.ts";
import { BrowserPage } from "./browser_page.ts";
import { PARTS } from "./chain.ts";
import { type PageServer, servePage } from "./page_server.ts";

const NAME = "H1:QANAT-SINE_F32_256";
const PLOTS =
  `series=${NAME}&series=H1:QANAT-COUNT_U64_16&spectrogram=${NAME}&spectrum=${NAME}&span=4`;
const SOON_MS = 60_000;
const runnable = canRun([PARTS.chromium]);

/** Counts in `painted` how often anything is cleared or copied in a canvas. */
const COUNT_PAINTED = `{
  globalThis.painted = 0;
  const { prototype } = CanvasRenderingContext2D;
  for (const name of ["clearRect", "drawImage", "fillText"]) {
    const paint = prototype[name];
    prototype[name] = function (...args) {
      painted++;
      return paint.apply(this, args);
    };
  }
}`;

describe("the page, when nothing is new", {
  ignore: !runnable,
  skip: !runnable,
}, () => {
  let server: PageServer;
  let page: BrowserPage;
  const open: BrowserPage[] = [];

  before(async () => {
    server = await servePage();
  });
  after(() => server?.close());
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  const rows = () => page.evaluate("qanatPage.figures().rows");
  const frames = () => page.evaluate("qanatPage.figures().frames");
  /** Shows all samples of the span. */
  async function visit(): Promise<void> {
    page = await BrowserPage.open(PARTS.chromium.program!);
    open.push(page);
    await page.setViewport({ width: 1400, height: 1000 });
    await page.goto(`${server.url}/#${PLOTS}`);
    await page.until(
      `(() => {
        const series = qanatPage.series?.("${NAME}");
        if (!series || series.awaited.length > 0) return false;
        const { ring } = series;
        return ring.hasCome(ring.end - 4 * 256, ring.end);
      })()`,
      SOON_MS,
    );
  }

  it("draws nothing more of a paused view while rows come", async () => {
    await visit();
    await page.press(" ");
    await page.evaluate(COUNT_PAINTED);
    // It ends what it was about to draw (the axis, columns of the spectrogram, averages), and then draws nothing while 32
    // rows come.
    await page.until(
      `(() => {
        const { frames, rows } = qanatPage.figures();
        if (globalThis.since?.painted !== painted) globalThis.since = { frames, painted, rows };
        return rows > since.rows + 32 && frames > since.frames + 10;
      })()`,
      SOON_MS,
    );
    await page.evaluate("globalThis.painted = 0");
    // And it draws again.
    await page.press(" ");
    await page.until("painted > 0", SOON_MS);
    assert.deepEqual(page.troubles, []);
  });

  it("keeps what it has of a span that it goes to, and marks the rest until it is read", async () => {
    await visit();
    await page.press(" ");
    const state = `(() => {
      const { awaited, ring } = qanatPage.series("${NAME}");
      const { endS, spanS } = qanatPage.view();
      const from = Math.ceil((endS - spanS) * ring.rate);
      const to = Math.floor(endS * ring.rate);
      let count = 0;
      for (let i = from; i < to; i++) if (!Number.isNaN(ring.at(i))) count++;
      return { awaited: awaited.length, share: count / (to - from) };
    })()`;
    // At once after the key, before any answer: three quarters were on the screen. Of a longer span, half of it.
    for (const [key, least] of [["ArrowLeft", 0.7], ["-", 0.45]] as const) {
      const at = await page.evaluate(`(() => {
        const keydown = new KeyboardEvent("keydown", { key: "${key}", bubbles: true });
        document.body.dispatchEvent(keydown);
        return ${state};
      })()`) as { awaited: number; share: number };
      assert.equal(at.awaited, 1, key);
      assert.ok(at.share > least, `${key}: ${JSON.stringify(at)}`);
      await page.until(
        `${state}.awaited === 0 && ${state}.share > 0.99`,
        SOON_MS,
      );
    }
    assert.deepEqual(page.troubles, []);
  });

  it("draws no frame in a hidden tab, takes its rows, and shows them when it is seen again", async () => {
    await visit();
    const other = await page.openTab();
    open.push(other);
    await other.bringToFront();
    await page.until("document.hidden", SOON_MS);
    const [framesBefore, rowsBefore] = [await frames(), await rows()];
    await page.until(`qanatPage.figures().rows > ${rowsBefore} + 32`, SOON_MS);
    assert.ok(Number(await frames()) - Number(framesBefore) <= 1);
    await page.bringToFront();
    await page.until(
      `qanatPage.figures().frames > ${framesBefore} + 10`,
      SOON_MS,
    );
    const { gaps, lateS } = await page.evaluate(`(({ gaps, ring }) => ({
      gaps,
      lateS: qanatPage.edgeS() - ring.endS,
    }))(qanatPage.series("${NAME}"))`) as { gaps: unknown[]; lateS: number };
    assert.deepEqual(gaps, []);
    assert.ok(lateS < 5, `${lateS}`);
    assert.deepEqual([...page.troubles, ...other.troubles], []);
  });
});

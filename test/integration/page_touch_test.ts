// The page in Chromium by touch, and by the mouse where it moves the time: dragging, pinching, pressing, the size of targets.
// Invariant: fingers are DevTools' touch points on an emulated phone; nothing is in the console.
import { after, afterEach, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { canRun } from "../../scripts/optional_parts.ts";
import { BrowserPage } from "./browser_page.ts";
import { PARTS } from "./chain.ts";
import { type PageServer, servePage } from "./page_server.ts";
import { type Point, Touch } from "./touch.ts";

const NAME = "H1:QANAT-SINE_F32_256";
/** For a busy machine: what a test waits for is there at once otherwise. */
const SOON_MS = 120_000;
const TARGET_PX = 44;
const runnable = canRun([PARTS.chromium]);

interface View {
  readonly spanS: number;
  readonly endS: number | null;
  readonly cursors: readonly [number | null, number | null];
}

/** Selectors of all targets that are on the screen and smaller than a finger needs. */
const SMALL_TARGETS =
  `[...document.querySelectorAll("button, a, input, select, summary, [role=button]")]
  .map((e) => e.matches("input[type=checkbox], input[type=radio]") ? e.closest("label") ?? e : e)
  .filter((e) => e.checkVisibility({ visibilityProperty: true }))
  .map((e) => ({ e, box: e.getBoundingClientRect() }))
  .filter(({ box }) => box.width > 0 && (box.width < ${TARGET_PX} - 0.01 || box.height < ${TARGET_PX} - 0.01))
  .map(({ e, box }) => (e.getAttribute("aria-label") ?? (e.textContent || e.id || e.outerHTML)).slice(0, 60) + " " + box.width.toFixed(1) + "×" + box.height.toFixed(1))`;

describe("the page by touch", { ignore: !runnable, skip: !runnable }, () => {
  let server: PageServer;
  let page: BrowserPage;
  let touch: Touch;

  before(async () => {
    server = await servePage();
  });
  after(() => server?.close());
  afterEach(() => page?.close());

  async function visit(hash: string): Promise<void> {
    page = await BrowserPage.open(PARTS.chromium.program!);
    await page.setViewport({ width: 390, height: 844, mobile: true });
    touch = await Touch.on(page);
    await page.goto(`${server.url}/${hash}`);
    await page.until(
      `qanatPage.series?.("${NAME}")?.ring.end > 0 && document.getElementById("state").dataset.state === "live"`,
      SOON_MS,
    );
  }

  const view = () => page.evaluate("qanatPage.view()") as Promise<View>;

  /** A place in the first plot: shares of its width and height. */
  async function placeOf(share: number, high = 0.5): Promise<Point> {
    return await page.evaluate(`(() => {
      const over = document.querySelector(".plot .u-over");
      over.scrollIntoView({ block: "center" });
      const { left, top, width, height } = over.getBoundingClientRect();
      return { x: left + width * ${share}, y: top + height * ${high} };
    })()`) as Point;
  }

  it("drags the time with a finger, zooms with two, and a double tap is live again", async () => {
    await visit(`#series=${NAME}&span=8`);
    const from = await placeOf(0.3);
    const to = await placeOf(0.8);
    await touch.drag([from], [to]);
    await page.until("qanatPage.view().endS !== null", SOON_MS);
    const dragged = await view();
    const agoS = await page.evaluate(
      "Date.now() / 1000 - 315964782 - qanatPage.view().endS",
    ) as number;
    assert.equal(dragged.spanS, 8);
    // Half of the span, less the way until the drag is one.
    assert.ok(agoS > 3 && agoS < 8 + SOON_MS / 1000, `${agoS} s ago`);
    await page.until(
      `Number.isFinite(qanatPage.series("${NAME}").ring.at(Math.round((qanatPage.view().endS - 4) * 256)))`,
      SOON_MS,
    );
    // Two fingers that move apart: from a quarter of the width to half of it.
    const middle = await page.evaluate(
      "qanatPage.view().endS - qanatPage.view().spanS / 2",
    ) as number;
    await touch.drag(
      [await placeOf(0.375), await placeOf(0.625)],
      [await placeOf(0.25), await placeOf(0.75)],
    );
    const pinched = await view();
    assert.ok(Math.abs(pinched.spanS - 4) < 0.5, `${pinched.spanS}`);
    const middleNow = pinched.endS! - pinched.spanS / 2;
    assert.ok(Math.abs(middleNow - middle) < 0.3, `${middle} ${middleNow}`);
    const place = await placeOf(0.5);
    await touch.tap(place);
    await touch.tap(place);
    await page.until("qanatPage.view().endS === null", SOON_MS);
    assert.deepEqual(page.troubles, []);
  });

  it("leaves moves up and down to the browser, which scrolls", async () => {
    const plots = Array.from({ length: 4 }, () => `series=${NAME}`);
    await visit(
      `#${
        plots[0]
      }&spectrogram=${NAME}&spectrum=${NAME}&series=H1:QANAT-NOISE_F32_256&series=H1:QANAT-SINE_F32_16&span=8`,
    );
    await page.evaluate("scrollTo(0, 0)");
    const from = await page.evaluate(
      `(({ left, width, top, height }) => ({ x: left + width / 2, y: top + height * 0.8 }))(document.querySelectorAll(".plot .u-over")[1].getBoundingClientRect())`,
    ) as Point;
    await touch.drag([from], [{ x: from.x + 4, y: from.y - 300 }]);
    await page.until("scrollY > 100", SOON_MS);
    const { endS, spanS } = await view();
    assert.deepEqual([endS, spanS], [null, 8]);
    assert.deepEqual(page.troubles, []);
  });

  it("places cursors by long presses, and drags them", async () => {
    await visit(`#series=${NAME}&span=8`);
    // A tap leaves a line, which the cursor then replaces.
    const isHovered = `(() => {
      const line = document.querySelector(".plot .u-cursor-x");
      return line.getBoundingClientRect().left > line.parentNode.getBoundingClientRect().left;
    })()`;
    await touch.tap(await placeOf(0.5));
    await page.until(isHovered, SOON_MS);
    for (const [i, share] of [0.3, 0.7].entries()) {
      await touch.hold(
        await placeOf(share),
        () =>
          page.until(
            `qanatPage.view().cursors[${i}] !== null && !${isHovered}`,
            SOON_MS,
          ),
      );
    }
    await page.evaluate("document.getElementById('pause').click()");
    const shareOfA = async () => {
      const { endS, spanS, cursors } = await view();
      return 1 - (endS! - cursors[0]!) / spanS;
    };
    const before = await view();
    const at = await shareOfA();
    // A finger does not hit the line exactly.
    const held = await placeOf(at + 0.04);
    await touch.drag([held], [await placeOf(at + 0.2)]);
    const after = await view();
    assert.deepEqual(
      [after.endS, after.spanS, after.cursors[1]],
      [before.endS, before.spanS, before.cursors[1]],
    );
    assert.ok(Math.abs(await shareOfA() - at - 0.2) < 0.02);
    // Where there is no cursor, the time moves.
    await touch.drag([await placeOf(0.95)], [await placeOf(0.5)]);
    const { cursors, endS } = await view();
    assert.ok(endS === null || endS > after.endS! + 1, `${endS}`);
    assert.deepEqual(cursors, after.cursors);
    assert.deepEqual(page.troubles, []);
  });

  it("has no target that is smaller than a finger, in dialogs and the list as well", async () => {
    await visit(`#series=${NAME}&spectrogram=${NAME}&spectrum=${NAME}&span=8`);
    const check = async (what: string) => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.deepEqual(await page.evaluate(SMALL_TARGETS), [], what);
      const wide = await page.evaluate("document.documentElement.scrollWidth");
      assert.ok(Number(wide) <= 390, `${what}: ${wide} px wide`);
    };
    await check("the page");
    const rows = await page.evaluate(
      "new Set([...document.querySelectorAll('.bar button')].filter((b) => b.checkVisibility()).map((b) => Math.round(b.getBoundingClientRect().top))).size",
    );
    assert.ok(Number(rows) <= 2, `${rows} rows of buttons`);
    await touch.tapOn(".plot .more");
    await page.until(
      "document.querySelector('.plot .tools').checkVisibility()",
      SOON_MS,
    );
    await check("the buttons of a plot");
    await page.press("m");
    await check("cursors");
    for (const key of ["o", "/", "?", "c", "g", "y", "e", "i", "u", "l", "n"]) {
      await page.evaluate("document.activeElement.blur()");
      await page.press(key);
      await page.until(
        `${
          key === "o"
            ? "!document.getElementById('operator').hidden"
            : key === "/"
            ? "document.querySelector('.results button')"
            : "document.querySelector('dialog[open]')"
        }`,
        SOON_MS,
      );
      await check(`after '${key}'`);
      await page.evaluate("document.querySelector('dialog[open]')?.close()");
    }
    assert.deepEqual(page.troubles, []);
  });

  it("drags the time with the mouse: Shift, the middle button; Ctrl and the wheel zoom around the pointer", async () => {
    await visit(`#series=${NAME}&span=8`);
    await page.call("Emulation.setTouchEmulationEnabled", { enabled: false });
    await page.setViewport({ width: 1200, height: 800 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const [from, to] = [await placeOf(0.3), await placeOf(0.55)];
    const mouse = (type: string, { x, y }: Point, more: object) =>
      page.call("Input.dispatchMouseEvent", { type, x, y, ...more });
    const drag = async (more: object) => {
      await mouse("mousePressed", from, more);
      for (const share of [0.2, 0.6, 1]) {
        await mouse("mouseMoved", {
          x: from.x + (to.x - from.x) * share,
          y: from.y,
        }, more);
      }
      await mouse("mouseReleased", to, more);
    };
    await drag({ button: "left", buttons: 1, modifiers: 8 });
    await page.until("qanatPage.view().endS !== null", SOON_MS);
    const first = await view();
    assert.equal(first.spanS, 8);
    await drag({ button: "middle", buttons: 4 });
    const second = await view();
    assert.ok(
      Math.abs(first.endS! - second.endS! - 2) < 0.1,
      JSON.stringify({ first, second }),
    );
    // A time under the pointer stays there.
    const timeAt = ({ endS, spanS }: View) => endS! - spanS * (1 - 0.3);
    await mouse("mouseWheel", from, { deltaX: 0, deltaY: -40, modifiers: 2 });
    await page.until("qanatPage.view().spanS < 7", SOON_MS);
    const zoomed = await view();
    assert.ok(
      Math.abs(timeAt(zoomed) - timeAt(second)) < 0.02,
      JSON.stringify({ second, zoomed }),
    );
    // Without Shift a drag zooms, as before.
    await drag({ button: "left", buttons: 1 });
    await page.until(`qanatPage.view().spanS < ${zoomed.spanS / 2}`, SOON_MS);
    // And the heading has the time under the mouse after the zoom.
    await page.until(
      `Math.abs(Number(document.querySelector(".plot .u-cursor-x").getBoundingClientRect().left) - ${to.x}) < 3`,
      SOON_MS,
    );
    assert.deepEqual(page.troubles, []);
  });
});

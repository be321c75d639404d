// The layout of the page in Chromium: plots that fill the window, columns, and layouts in the browser and as files.
// Invariant: nothing in the console; no place among the plots is blank, and each column has a time axis of its own.
import { after, before, beforeEach, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import axe from "axe-core/axe.min.js" with { type: "text" };
import { Qanat } from "../../src/app.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { serve } from "../../src/http/server.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { configWith } from "../driven_source.ts";
import { BrowserPage } from "./browser_page.ts";
import { PARTS } from "./chain.ts";

/** For a busy machine: what a test waits for is there at once otherwise. */
const SOON_MS = 120_000;
const DESK = { width: 1500, height: 900 };
const PHONE = { width: 390, height: 844, mobile: true, scale: 2 };
const runnable = canRun([PARTS.chromium]);

const nameOf = (i: number) => `H1:LOAD-NOISE_F32_${String(i).padStart(5, "0")}`;

/** Addresses of so many plots, every third one a spectrum. */
function plotsOf(count: number): string {
  return Array.from(
    { length: count },
    (_, i) => `${i % 3 === 2 ? "spectrum" : "series"}=${nameOf(i)}`,
  ).join("&");
}

/** Where things are, once the page has drawn them twice. */
const GEOMETRY = `new Promise((resolve) =>
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const box = (e) => {
      const { left, right, top, bottom } = e.getBoundingClientRect();
      return { left, right, top, bottom };
    };
    const all = (selector) => [...document.querySelectorAll(selector)];
    resolve({
      scroll: document.documentElement.scrollHeight - innerHeight,
      wide: document.documentElement.scrollWidth - innerWidth,
      plots: all("#plots > .plot").map(box),
      canvases: all(".plot .canvas").map((e) => [e.clientWidth, e.clientHeight]),
      drawn: all(".plot .canvas canvas").map((e) => [e.clientWidth, e.clientHeight]),
      strips: all(".axis-strip").map(box),
    });
  }))
)`;

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

interface Geometry {
  readonly scroll: number;
  readonly wide: number;
  readonly plots: Box[];
  readonly canvases: [number, number][];
  readonly drawn: [number, number][];
  readonly strips: Box[];
}

/** Every column is full from its first plot to its time axis. */
function assertFull({ canvases, drawn, plots, strips }: Geometry): void {
  canvases.forEach(([width, height], i) => {
    const [x, y] = drawn[i]!;
    assert.ok(
      width - x <= 1 && height - y <= 1,
      `${x} × ${y} of ${width} × ${height}`,
    );
  });
  for (const strip of strips) {
    const own = plots.filter((p) => Math.abs(p.left - strip.left) <= 2);
    assert.ok(own.length > 0);
    let y = plots[0]!.top;
    for (const { bottom, right, top } of own) {
      assert.ok(Math.abs(top - y) <= 7, `${top} after ${y}`);
      assert.ok(Math.abs(right - strip.right) <= 2);
      y = bottom;
    }
    assert.ok(Math.abs(strip.top - y) <= 7, `axis at ${strip.top}, ${y}`);
  }
  const inColumns = plots.filter((p) =>
    strips.some((s) => Math.abs(p.left - s.left) <= 2)
  );
  assert.equal(inColumns.length, plots.length);
}

describe("the page's layout", { ignore: !runnable, skip: !runnable }, () => {
  let page: BrowserPage;
  let url: string;
  let stop: () => Promise<void>;

  before(async () => {
    const source = new EmbeddedSource({
      catalog: new Catalog(),
      nowGpsNs: () => nowGpsNs(),
      extraChannels: 30,
      extraRate: 256,
    });
    const qanat = new Qanat({
      config: configWith({ port: 0, drainMs: 500 }),
      source,
      log: jsonLogger(() => {}, "error"),
    });
    await qanat.start();
    const server = await serve(qanat);
    url = `http://127.0.0.1:${server.port}`;
    stop = async () => {
      qanat.drain();
      await server.close(500);
      await qanat.close();
    };
    page = await BrowserPage.open(PARTS.chromium.program!);
  });
  after(async () => {
    await page?.close();
    await stop?.();
  });
  beforeEach(async () => {
    page.troubles.length = 0;
    await page.setViewport(DESK);
  });

  async function visit(address: string, tab = page): Promise<void> {
    await tab.goto("about:blank");
    await tab.goto(`${url}/${address}`);
    await tab.until(
      "globalThis.qanatPage?.figures().frames > 2 && document.querySelector('.axis-strip')",
      SOON_MS,
    );
  }
  /** Once `check` passes. */
  async function geometryOnce(
    check: (found: Geometry) => void,
  ): Promise<Geometry> {
    const giveUpMs = performance.now() + SOON_MS;
    for (;;) {
      const found = await page.evaluate(GEOMETRY) as Geometry;
      try {
        check(found);
        return found;
      } catch (error) {
        if (performance.now() > giveUpMs) throw error;
      }
    }
  }
  /** Once every column is full. */
  const full = () => geometryOnce(assertFull);
  /** Once every column is full, and the window has all. */
  const fits = () =>
    geometryOnce((found) => {
      assertFull(found);
      assert.equal(found.scroll, 0);
    });
  const columns = (count: number) =>
    page.until(
      `document.querySelectorAll(".axis-strip").length === ${count}`,
      SOON_MS,
    );
  const hash = () => page.evaluate("location.hash") as Promise<string>;
  const text = (selector: string) =>
    page.evaluate(
      `document.querySelector(${
        JSON.stringify(selector)
      })?.textContent ?? null`,
    ) as Promise<string | null>;
  const clickText = (words: string) =>
    page.evaluate(
      `[...document.querySelectorAll("#layouts button")].find((b) => b.textContent === ${
        JSON.stringify(words)
      }).click()`,
    );
  /** Keys act on the page once the browser has taken the focus from the field. */
  const closeDialog = async () => {
    await clickText("×");
    await page.until("document.activeElement === document.body", SOON_MS);
  };
  const names = () =>
    page.evaluate(
      "[...document.querySelectorAll('#layouts .layouts b')].map((b) => b.textContent)",
    ) as Promise<string[]>;
  const setName = (name: string) =>
    page.evaluate(
      `document.getElementById("layout-name").value = ${JSON.stringify(name)}`,
    );

  it("has one row of buttons at 1280 px, also with a session and while it is paused", async () => {
    await page.setViewport({ width: 1280, height: 800 });
    await visit(`#series=${nameOf(0)}&span=8`);
    await page.press(" ");
    const rows = await page.evaluate(`{
      const session = document.getElementById("session");
      session.hidden = false;
      session.textContent = "Sign out";
      const places = [...document.querySelectorAll(".bar button, .bar select")]
        .map((one) => one.getBoundingClientRect());
      const { bottom } = document.querySelector(".bar").getBoundingClientRect();
      ({
        rows: new Set(places.map(({ y, height }) => Math.round(y + height / 2))).size,
        cut: places.filter(({ right, width }) => width === 0 || right > innerWidth).length,
        high: bottom < 60,
      });
    }`);
    assert.deepEqual(rows, { rows: 1, cut: 0, high: true });
    assert.deepEqual(page.troubles, []);
  });

  it("fills the window with few plots, in every number of columns, and scrolls with many", async () => {
    await visit(`#${plotsOf(1)}&span=4`);
    for (const count of [1, 2, 4, 5]) {
      for (const chosen of [1, 2, 3]) {
        await page.evaluate(
          `location.hash = "${plotsOf(count)}&span=4&columns=${chosen}"`,
        );
        await page.until(
          `document.querySelectorAll(".plot").length === ${count}`,
          SOON_MS,
        );
        await columns(Math.min(count, chosen));
        await fits();
      }
    }
    await page.evaluate(`location.hash = "${plotsOf(29)}&span=4&columns=2"`);
    await page.until(
      "document.querySelectorAll('.plot').length === 29",
      SOON_MS,
    );
    await geometryOnce(({ canvases, scroll }) => {
      assert.ok(scroll > 300, `${scroll}`);
      for (const [, height] of canvases) assert.ok(height >= 84);
    });
    // The close-up and the operator's view leave the plots what is left.
    await visit(`#closeup=${nameOf(0)}&${plotsOf(2)}&span=4`);
    await fits();
    assert.deepEqual(page.troubles, []);
  });

  it("has 1 to 4 columns by keys and by the list, one on a phone, and on a wall", async () => {
    await visit(`#${plotsOf(7)}&span=4`);
    await page.press("/");
    await page.press("Escape");
    await page.click("#find");
    for (const chosen of [2, 3, 4]) {
      await page.press("]");
      await columns(chosen);
      assert.match(await hash(), new RegExp(`&columns=${chosen}$`));
      await full();
    }
    await page.press("]");
    assert.match(await hash(), /&columns=4$/);
    await page.press("[");
    await columns(3);
    await page.evaluate(`(() => {
      const list = document.getElementById("columns");
      list.value = "2";
      list.dispatchEvent(new Event("change"));
    })()`);
    await columns(2);
    // By keys from plot to plot: from left to right, then down.
    const order = [];
    for (let i = 0; i < 7; i++) {
      await page.press("j");
      order.push(
        await page.evaluate(
          `[...document.querySelectorAll("#plots > .plot")].indexOf(document.activeElement)`,
        ),
      );
    }
    assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6]);
    const { plots } = await full();
    assert.ok(
      plots[1]!.left > plots[0]!.left && plots[1]!.top === plots[0]!.top,
    );
    assert.ok(
      plots[2]!.top > plots[0]!.top && plots[2]!.left === plots[0]!.left,
    );
    // The mouse in one column has its line at the same time in the other one.
    await page.hover(".plot .u-over", 40);
    const lines = await page.until(
      `(() => {
        const x = (i) => document.querySelectorAll(".plot")[i].querySelector(".u-cursor-x").style.transform;
        return x(0) !== "" && x(0) === x(1) && x(0) === x(3) ? x(0) : "";
      })()`,
      SOON_MS,
    );
    assert.match(String(lines), /translate\((?!-10px)/);
    await page.press("w");
    await page.until("document.body.matches('.wall')", SOON_MS);
    const wall = await fits();
    assert.equal(wall.strips.length, 2);
    await page.press("w");
    // A narrow window has room for fewer, and says so.
    await page.setViewport({ width: 800, height: 900 });
    await columns(2);
    await page.press("]");
    assert.equal(
      await text("#note"),
      "The window has room for 2 columns of plots",
    );
    await page.setViewport(PHONE);
    await columns(1);
    const isOneColumn = ({ plots, wide }: Geometry) => {
      assert.equal(wide, 0);
      assert.equal(new Set(plots.map(({ left }) => left)).size, 1);
    };
    await geometryOnce(isOneColumn);
    assert.deepEqual(page.troubles, []);
  });

  it("saves, replaces after a question, opens, renames and deletes layouts; Back undoes", async () => {
    await visit(`#${plotsOf(3)}&span=4&columns=2&theme=dark`);
    await page.press("l");
    await page.press("Enter");
    assert.equal(await text("#layout-wrong"), "A layout needs a name");
    await page.type("<img src=x onerror=alert(1)>");
    await page.press("Enter");
    assert.deepEqual(await names(), ["<img src=x onerror=alert(1)>"]);
    assert.equal(await page.evaluate("document.images.length"), 1);
    await setName("Noise");
    await page.press("Enter");
    await closeDialog();
    // Another view under the same name: the old one stays, until the user replaces it.
    await page.evaluate(`location.hash = "${plotsOf(1)}&span=8&theme=light"`);
    await page.until("qanatPage.view().spanS === 8", SOON_MS);
    await page.press("l");
    await setName("Noise");
    await page.press("Enter");
    assert.match(
      await text("#layouts .said") ?? "",
      /^There is a layout “Noise” already/,
    );
    await page.press("Enter");
    assert.equal(await text("#layouts .said"), "");
    assert.match(await text("#layouts li:nth-child(2)") ?? "", /3 plots/);
    await page.press("Enter");
    await clickText("Replace it");
    assert.match(await text("#layouts li:nth-child(2)") ?? "", /1 plot · 8 s/);
    // Renamed, deleted and brought back.
    await page.click("#layouts li:nth-child(2) [aria-label='Rename: Noise']");
    await page.type("Noise 2");
    await page.press("Enter");
    assert.equal((await names())[1], "Noise 2");
    await page.click("#layouts li:first-child [aria-label^='Delete']");
    assert.deepEqual(await names(), ["Noise 2"]);
    await page.press("Enter");
    assert.equal((await names()).length, 2);
    // The first one again: its plots and columns, and the theme that the user has now.
    await page.click("#layouts li:first-child .opener");
    await page.until(
      "document.querySelectorAll('.plot').length === 3 && qanatPage.view().columns === 2",
      SOON_MS,
    );
    assert.equal(await page.evaluate("qanatPage.view().theme"), "light");
    assert.match(await text("#note") ?? "", /^Layout “<img/);
    await page.evaluate("history.back()");
    await page.until("qanatPage.view().spanS === 8", SOON_MS);
    // One plot is removed with all plots, and comes back, too.
    await page.press("l");
    await clickText("Remove all plots");
    await page.until("!document.getElementById('empty').hidden", SOON_MS);
    await page.evaluate("history.back()");
    await page.until(
      "document.querySelectorAll('.plot').length === 1",
      SOON_MS,
    );
    assert.deepEqual(page.troubles, []);
  });

  it("keeps the time only where the user chooses so", async () => {
    await visit(`#${plotsOf(1)}&span=4`);
    await page.evaluate("localStorage.clear()");
    await page.press(" ");
    const endS = await page.until("qanatPage.view().endS", SOON_MS);
    const isOff = "document.getElementById('layout-time').disabled";
    await page.press("l");
    assert.equal(await page.evaluate(isOff), false);
    await page.type("Live");
    await page.press("Enter");
    await page.evaluate("document.getElementById('layout-time').click()");
    await setName("Then");
    await page.press("Enter");
    assert.match(
      await text("#layouts li:nth-child(2)") ?? "",
      /paused at \d{4}-\d\d-\d\d \d\d:/,
    );
    await page.click("#layouts li:first-child .opener");
    await page.until("qanatPage.view().endS === null", SOON_MS);
    await page.press("l");
    assert.equal(await page.evaluate(isOff), true);
    await page.click("#layouts li:nth-child(2) .opener");
    await page.until(`qanatPage.view().endS === ${endS}`, SOON_MS);
    assert.deepEqual(page.troubles, []);
  });

  it("loses nothing when two tabs save, and says what the browser refuses", async () => {
    await visit(`#${plotsOf(1)}&span=4`);
    await page.evaluate("localStorage.clear()");
    const other = await page.openTab();
    try {
      await visit(`#${plotsOf(2)}&span=4`, other);
      for (const [tab, name] of [[page, "one"], [other, "two"]] as const) {
        await tab.bringToFront();
        await tab.press("l");
        await tab.type(name);
      }
      await Promise.all(
        [page, other].map((tab) =>
          tab.evaluate(
            "document.querySelector('#layouts form').requestSubmit()",
          )
        ),
      );
      const shown =
        "[...document.querySelectorAll('#layouts .layouts b')].map((b) => b.textContent).join() === 'one,two'";
      for (const tab of [page, other]) await tab.until(shown, SOON_MS);
      assert.deepEqual(other.troubles, []);
    } finally {
      await other.close();
    }
    await page.bringToFront();
    await page.evaluate(`(() => {
      const [key] = Object.keys(localStorage);
      localStorage.setItem(key + "x", "{");
      for (let size = 4e6; size >= 1; size = Math.floor(size / 2)) {
        try {
          for (let i = 0; i < 9; i++) localStorage.setItem("full " + size + i, "x".repeat(size));
        } catch {}
      }
    })()`);
    await setName("three");
    await page.press("Enter");
    assert.match(await text("#layout-wrong") ?? "", /no room left for this/);
    assert.deepEqual(await names(), ["one", "two"]);
    assert.match(
      await text("#layouts") ?? "",
      /1 entry of this browser is not a layout/,
    );
    await clickText("Remove");
    assert.doesNotMatch(await text("#layouts") ?? "", /is not a layout/);
    await page.evaluate("localStorage.clear()");
    await page.evaluate(
      `Object.defineProperty(globalThis, "localStorage", { configurable: true, get: () => { throw new DOMException("no", "SecurityError") } }) === null`,
    );
    await closeDialog();
    await page.press("l");
    assert.match(
      await text("#layouts") ?? "",
      /not let the page keep anything/,
    );
    await page.type("x");
    await page.press("Enter");
    assert.match(
      await text("#layout-wrong") ?? "",
      /save the layout as a file/,
    );
    assert.deepEqual(page.troubles, []);
  });

  it("saves a layout as a file, opens it, and says what is wrong with another one", async () => {
    await visit(`#${plotsOf(3)}&span=4&columns=3`);
    await page.evaluate("localStorage.clear()");
    const folder = await Deno.makeTempDir({ prefix: "qanat-layouts-" });
    try {
      await page.downloadTo(folder);
      await page.press("l");
      await page.type("Three / noise");
      await clickText("Save as a file");
      const path = `${folder}/qanat-layout-Three-noise.json`;
      const giveUpMs = performance.now() + SOON_MS;
      let saved = "";
      while (saved === "") {
        saved = await Deno.readTextFile(path).catch(() => "");
        assert.ok(performance.now() < giveUpMs, "no file");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.deepEqual(JSON.parse(saved), {
        qanat_layouts: 1,
        layouts: [{
          name: "Three / noise",
          view: `${plotsOf(3)}&span=4&columns=3`,
        }],
      });
      const choose = (content: string) =>
        page.evaluate(`(() => {
          const chosen = new DataTransfer();
          chosen.items.add(new File([${JSON.stringify(content)}], "mine.json"));
          const field = document.getElementById("layout-file");
          field.files = chosen.files;
          field.dispatchEvent(new Event("change"));
        })()`);
      await choose(saved.replace('"qanat_layouts": 1', '"qanat_layouts": 2'));
      await page.until(
        "document.getElementById('layout-wrong').textContent === 'mine.json: it has version 2; this page reads version 1'",
        SOON_MS,
      );
      await closeDialog();
      await page.press("X");
      await page.until("!document.getElementById('empty').hidden", SOON_MS);
      await page.press("l");
      await choose(saved);
      await page.until(
        "document.querySelectorAll('.plot').length === 3 && qanatPage.view().columns === 3",
        SOON_MS,
      );
      // Several: listed, and saved in this browser where the name is new.
      await page.press("l");
      const several = JSON.parse(saved);
      several.layouts.push({ name: "B", view: "span=2" }, several.layouts[0]);
      await choose(JSON.stringify(several));
      await page.until(
        "[...document.querySelectorAll('#layouts h3')].at(-1).textContent === 'In mine.json'",
        SOON_MS,
      );
      await clickText("Save all in this browser");
      assert.equal(
        await text("#layouts .said"),
        "Saved 2 of 3 layouts; 1 not, since their names are taken",
      );
      assert.deepEqual((await names()).slice(0, 2), ["B", "Three / noise"]);
      assert.deepEqual(page.troubles, []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  it("is accessible in both themes: the dialog, and plots in columns", async () => {
    await visit(`#${plotsOf(5)}&span=4&columns=3`);
    for (const theme of ["light", "dark"] as const) {
      await page.setTheme(theme);
      for (const key of ["", "l"]) {
        if (key !== "") await page.press(key);
        await page.evaluate(axe);
        const found = await page.evaluate(
          `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
            violations.filter((v) => ["serious", "critical"].includes(v.impact))
              .map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).join("; ")))`,
        );
        assert.deepEqual(found, [], `${theme}, after '${key}'`);
      }
      await page.evaluate("document.querySelector('dialog[open]').close()");
    }
    assert.deepEqual(page.troubles, []);
  });
});

// Several channels in one plot of the page, in Chromium: put in, hidden, moved out, compared, downloaded; by keys and touch.
// Invariant: nothing in the console; the address holds what is shown.
import { after, afterEach, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import axe from "axe-core/axe.min.js" with { type: "text" };
import { Qanat } from "../../src/app.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { type HttpServer, serve } from "../../src/http/server.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { configWith } from "../driven_source.ts";
import { BrowserPage } from "./browser_page.ts";
import { PARTS } from "./chain.ts";
import { COPY_OF } from "./empty_plots.ts";
import { PlayedServer } from "./played_server.ts";

const H1 = "H1:GWOSC-4KHZ_R1_WHITENED";
const L1 = "L1:GWOSC-4KHZ_R1_WHITENED";
const FAST = "H1:QANAT-SINE_F32_16384";
const SLOW = "H1:QANAT-SINE_F32_16";
/** The chirp comes so many seconds into each loop of the embedded source. */
const LOOP_S = 32;
const CHIRP_S = 16.42;
/** For a busy machine: what a test waits for is there at once otherwise. */
const SOON_MS = 120_000;
const TOUCH_PX = 44;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const runnable = canRun([PARTS.chromium]);

describe("several channels in one plot", {
  ignore: !runnable,
  skip: !runnable,
}, () => {
  let qanat: Qanat;
  let server: HttpServer;
  let url: string;
  let page: BrowserPage;

  before(async () => {
    qanat = new Qanat({
      config: configWith({ port: 0, drainMs: 500 }),
      source: new EmbeddedSource({
        catalog: new Catalog(),
        nowGpsNs: () => nowGpsNs(),
        extraChannels: 0,
        extraRate: 16_384,
      }),
      log: jsonLogger(() => {}, "error"),
    });
    await qanat.start();
    server = await serve(qanat);
    url = `http://127.0.0.1:${server.port}`;
  });
  after(async () => {
    qanat.drain();
    await server.close(500);
    await qanat.close();
  });
  afterEach(() => page?.close());

  async function visit(address: string): Promise<void> {
    page = await BrowserPage.open(PARTS.chromium.program!);
    await page.setViewport({ width: 1400, height: 900 });
    await page.goto(address);
  }
  const hasRows = (...names: string[]) =>
    names.map((name) =>
      `qanatPage.series?.(${JSON.stringify(name)})?.ring.end > 0`
    ).join(" && ");
  const hash = () => page.evaluate("location.hash") as Promise<string>;
  const press = (label: string) =>
    page.evaluate(
      `document.querySelector('[aria-label="${label}"]').click()`,
    );
  /** All at once: each letter would be a search, and the last answer could take the focus from the list. */
  const find = (text: string) => page.call("Input.insertText", { text });
  const legend =
    "[...document.querySelectorAll('.legend li')].map((li) => li.querySelector('.name').textContent)";

  it("takes a channel by keys, hides it, gives it a plot of its own, and removes it", async () => {
    await visit(`${url}/#series=${H1};min=-9;max=9&series=${SLOW}&span=4`);
    await page.until(hasRows(H1, SLOW), SOON_MS);
    await page.press("v");
    assert.match(
      await page.evaluate(
        "document.querySelector('.target').dataset.name",
      ) as string,
      new RegExp(H1),
    );
    await find("sine 16384");
    const first = "document.querySelector('.results button')?.dataset.name";
    await page.until(`${first} === ${JSON.stringify(FAST)}`, SOON_MS);
    await page.press("ArrowDown");
    await page.press("Enter");
    await page.until(hasRows(FAST), SOON_MS);
    assert.equal(
      await hash(),
      `#series=${H1},${FAST};min=-9;max=9&series=${SLOW}&span=4&colours=1,3,2`,
    );
    assert.deepEqual(await page.evaluate(legend), [H1, FAST]);
    // Esc ends it: the focus is on the plot, and a picked channel gets a plot of its own.
    await page.press("Escape");
    await page.until(
      "document.activeElement.matches('.plot.overlay') && !document.querySelector('.target')",
      SOON_MS,
    );
    // Each has its value and colour; the value is that at the mouse.
    await page.hover(".plot .canvas", 100);
    await page.until(
      "[...document.querySelectorAll('.legend output')].every((o) => /\\d/.test(o.textContent)) && /^\\d\\d:/.test(document.querySelector('.plot .value').textContent)",
      SOON_MS,
    );
    await page.click(`.legend [data-name="${FAST}"] .name`);
    assert.match(await hash(), new RegExp(`${FAST};hide=2;min=-9`));
    const isShown =
      `document.querySelector('.legend [data-name="${FAST}"] .name').getAttribute("aria-pressed")`;
    assert.equal(await page.evaluate(isShown), "false");
    await page.click(`.legend [data-name="${FAST}"] .name`);
    assert.equal(await page.evaluate(isShown), "true");
    await press(`Move into a plot of its own: ${FAST}`);
    assert.equal(
      await hash(),
      `#series=${H1};min=-9;max=9&series=${FAST}&series=${SLOW}&span=4&colours=1,3,2`,
    );
    assert.ok(
      await page.evaluate("document.activeElement.matches('.plot')"),
    );
    // And by the button of another plot.
    await press(`Add a channel to this plot: ${SLOW}`);
    await page.evaluate(
      `document.querySelector('.results [data-name="${FAST}"]').click()`,
    );
    assert.match(await hash(), new RegExp(`series=${SLOW},${FAST}&span=4`));
    await press(`Remove from this plot: ${SLOW}`);
    // Its card stays, and the plot that was there already is shown once.
    assert.equal(
      await hash(),
      `#series=${H1};min=-9;max=9&series=${FAST}&span=4&colours=1,3`,
    );
    assert.deepEqual(page.troubles, []);
  });

  it("holds eight channels, and says so; an address with more has more plots", async () => {
    const names = ["F32", "F64"].flatMap((type) =>
      [16, 256, 2048, 16_384].map((rate) => `H1:QANAT-NOISE_${type}_${rate}`)
    );
    const known = await (await fetch(`${url}/v1/channels?match=.*&limit=100`))
      .json() as { channels: { name: string }[] };
    const eight = [
      ...new Set([
        ...names.filter((n) => known.channels.some((c) => c.name === n)),
        ...known.channels.map((c) => c.name),
      ]),
    ].filter((n) => n !== FAST).slice(0, 8);
    await visit(`${url}/#series=${eight.join(",")},${FAST}&span=2`);
    await page.until(
      `${
        hasRows(...eight, FAST)
      } && document.querySelectorAll(".plot").length === 2`,
      SOON_MS,
    );
    const colours = await page.evaluate(
      "[...document.querySelectorAll('.legend li')].map((li) => li.style.getPropertyValue('--plot-colour'))",
    ) as string[];
    assert.equal(new Set(colours).size, 8);
    await page.press("v");
    await find("sine 16384");
    await page.until(
      `document.querySelector('.results [data-name="${FAST}"]')`,
      SOON_MS,
    );
    await page.evaluate(
      `document.querySelector('.results [data-name="${FAST}"]').click()`,
    );
    await page.until(
      "document.getElementById('note').textContent.startsWith('A plot holds 8 channels at most')",
      SOON_MS,
    );
    assert.equal(
      await page.evaluate("qanatPage.view().plots[0].more.length"),
      7,
    );
    assert.deepEqual(page.troubles, []);
  });

  it("shows the delay between H1 and L1 by two cursors, and what each has there", async () => {
    const nowS = Number(nowGpsNs()) / 1e9;
    const chirpS = Math.floor((nowS - 3 - CHIRP_S) / LOOP_S) * LOOP_S + CHIRP_S;
    const endS = (chirpS + 0.05).toFixed(3);
    await visit(`${url}/#series=${H1},${L1}&span=0.1&end=${endS}`);
    // The times of the largest excursions, by the samples that the page has.
    const peaks = `(() => [["${H1}", 1], ["${L1}", -1]].map(([name, sign]) => {
      const { ring } = qanatPage.series(name) ?? {};
      let best = -Infinity, at = NaN;
      const first = Math.ceil((${endS} - 0.1) * (ring?.rate ?? 0));
      for (let i = first; i < ${endS} * (ring?.rate ?? 0); i++) {
        if (sign * ring.at(i) > best) [best, at] = [sign * ring.at(i), i / ring.rate];
      }
      return at;
    }))()`;
    // All of the span has come, so that no larger excursion comes later.
    await page.until(
      `${JSON.stringify([H1, L1])}.every((name) => {
        const { ring } = qanatPage.series?.(name) ?? {};
        return ring?.hasCome(Math.ceil((${endS} - 0.1) * ring.rate), Math.floor(${endS} * ring.rate));
      })`,
      SOON_MS,
    );
    const [h1S, l1S] = await page.evaluate(peaks) as [number, number];
    const width = await page.evaluate(
      "document.querySelector('.plot .u-over').clientWidth",
    ) as number;
    const place = async (key: string, gpsS: number) => {
      const x = (gpsS - (Number(endS) - 0.05)) / 0.1 * width;
      await page.hover(".plot .u-over", x);
      await page.press(key);
    };
    await place("a", h1S);
    await place("b", l1S);
    const pixelS = 0.1 / width;
    const said = await page.until(
      "document.getElementById('cursors').textContent.match(/Δt (-?[\\d.e-]+) s/)?.[1]",
      SOON_MS,
    );
    assert.ok(
      Math.abs(Number(said) - (l1S - h1S)) < 2.5 * pixelS,
      `${said} of ${l1S - h1S}`,
    );
    await page.until(
      "[...document.querySelectorAll('.between')].every((p) => p.textContent.includes('ΔY'))",
      SOON_MS,
    );
    const lines = await page.evaluate(
      "[...document.querySelectorAll('.between')].map((p) => p.textContent)",
    ) as string[];
    assert.equal(lines.length, 2);
    assert.ok(lines[0]!.startsWith(`${H1}: A `), lines[0]);
    assert.ok(lines[1]!.startsWith(`${L1}: A `), lines[1]);
    assert.deepEqual(page.troubles, []);
  });

  it("has all channels of the plot in the picture, the download and the text to copy", async () => {
    await visit(`${url}/#series=${H1},${SLOW},${FAST};hide=2&span=4`);
    await page.until(hasRows(H1, SLOW, FAST), SOON_MS);
    await wait(1500);
    await page.press(" ");
    const folder = await Deno.makeTempDir({ prefix: "qanat-overlay-" });
    try {
      await page.downloadTo(folder);
      await page.press("e");
      await page.evaluate(
        "[...document.querySelectorAll('#download button')].find((b) => b.textContent === 'SVG').click()",
      );
      let file: string | undefined;
      for (let i = 0; i < 100 && file === undefined; i++) {
        file = [...Deno.readDirSync(folder)].map((f) => f.name)
          .find((n) => n.endsWith(".svg"));
        await wait(100);
      }
      assert.match(file!, /_and_2_more-/);
      const svg = await Deno.readTextFile(`${folder}/${file}`);
      const strokes = [...svg.matchAll(/fill="none" stroke="(#\w+)"/g)]
        .map((m) => m[1]);
      assert.equal(new Set(strokes).size, 2, strokes.join(" "));
      assert.ok(
        svg.includes(`>${H1}</text>`) && svg.includes(`>${FAST}</text>`),
      );
      const labels = await page.evaluate(
        "[...document.querySelectorAll('#download .choice button')].map((b) => b.textContent)",
      ) as string[];
      for (const rate of ["16", "4,096", "16,384"]) {
        assert.ok(labels.includes(`CSV of ${rate} Hz`), labels.join(" "));
      }
      await page.evaluate("document.querySelector('dialog[open]').close()");
      await page.press("c");
      const text = await page.evaluate(
        "document.querySelector('#copy-as pre').textContent",
      ) as string;
      for (const name of [H1, SLOW, FAST]) {
        assert.ok(
          text.includes(name) || text.includes(encodeURIComponent(name)),
          text,
        );
      }
      assert.deepEqual(page.troubles, []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  /** How many pixels of the first plot have about this colour, from so far above its bottom on, px. */
  const coloured = (colour: string, fromPx = 0, toPx = 1e4) =>
    `(() => {
      ${COPY_OF}
      const canvas = document.querySelector(".plot canvas");
      const { width, height } = canvas;
      const first = Math.max(height - ${toPx}, 0);
      const { data } = copyOf(canvas).getImageData(70, first, width - 70, height - ${fromPx} - first);
      const [r, g, b] = ${
      JSON.stringify(colour)
    }.match(/\\w\\w/g).map((h) => parseInt(h, 16));
      let count = 0;
      for (let i = 0; i < data.length; i += 4) {
        if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 12) count++;
      }
      return count;
    })()`;
  const COLOURS = ["#0b6aa8", "#b8480e"];

  it("draws bins of each, and each one's missing data in a strip of its own", async () => {
    await visit(`${url}/#series=${H1},${SLOW}&span=20&save=1`);
    await page.setTheme("light");
    await page.until(
      `qanatPage.series?.("${SLOW}")?.trend === "1s" && ${hasRows(H1, SLOW)}`,
      SOON_MS,
    );
    for (const colour of COLOURS) {
      await page.until(`${coloured(colour)} > 50`, SOON_MS);
    }
    await page.until(
      "[...document.querySelectorAll('.legend output')].every((o) => o.textContent.includes('mean'))",
      SOON_MS,
    );
    assert.deepEqual(page.troubles, []);
    const played = new PlayedServer();
    try {
      await page.goto(`${played.url}/#series=X:SINE,X:NULL&span=8`);
      await page.until(hasRows("X:SINE", "X:NULL"), SOON_MS);
      // The lower strip is that of the second channel, which has no finite value.
      const gap = "#fdf1dc";
      await page.until(`${coloured(gap, 5, 19)} > 200`, SOON_MS);
      await page.until(`${coloured(gap, 21)} === 0`, SOON_MS);
      await page.until(
        "document.querySelector('.legend [data-name=\"X:NULL\"] output').textContent === 'null or not finite'",
        SOON_MS,
      );
      assert.ok(await page.evaluate(`${coloured(COLOURS[0]!)} > 50`));
    } finally {
      await played.close();
    }
  });

  it("is accessible, in both themes, and has targets for fingers on a phone", async () => {
    await visit(`${url}/#series=${H1},${L1};hide=2&series=${SLOW}&span=4&a=5`);
    await page.until(hasRows(H1, L1), SOON_MS);
    await page.press("v");
    for (const theme of ["light", "dark"] as const) {
      await page.setTheme(theme);
      await wait(700);
      await page.evaluate(axe);
      const found = await page.evaluate(
        `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
          violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ")).join("; ")))`,
      );
      assert.deepEqual(found, [], theme);
    }
    const phone = await page.openTab();
    await phone.call("Emulation.setTouchEmulationEnabled", { enabled: true });
    await phone.setViewport({ width: 390, height: 844, mobile: true });
    await phone.goto(`${url}/#series=${H1},${L1}&span=4`);
    await phone.until(hasRows(H1, L1), SOON_MS);
    const small = await phone.evaluate(
      `[...document.querySelectorAll(".legend button")].map((b) => b.getBoundingClientRect())
        .filter(({ width, height }) => width < ${TOUCH_PX} || height < ${TOUCH_PX}).length`,
    );
    assert.equal(small, 0);
    const wide = await phone.evaluate("document.documentElement.scrollWidth");
    assert.ok(Number(wide) <= 390, `${wide} CSS pixels wide`);
    await phone.click(`.legend [data-name="${L1}"] .name`);
    assert.match(
      await phone.evaluate("location.hash") as string,
      /;hide=2&span=4$/,
    );
    assert.deepEqual([...page.troubles, ...phone.troubles], []);
  });
});

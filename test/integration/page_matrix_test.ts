// The page with many plots, in windows of many sizes, with hostile values, without data and after outages.
// QANAT_SECONDS=600 (the long tier) has every number of plots in every window; without, each number and window once.
// Invariant: nothing in the console; no plot is empty without a reason; nothing is painted at a time that is not its own.
import { after, afterEach, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { Qanat } from "../../src/app.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { serve } from "../../src/http/server.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { configWith } from "../driven_source.ts";
import { BrowserPage, type Viewport } from "./browser_page.ts";
import { PARTS } from "./chain.ts";
import { COPY_OF, EMPTY } from "./empty_plots.ts";
import { HOSTILE, LOAD, PlayedServer } from "./played_server.ts";

/** For a busy machine: what a test waits for is there at once otherwise. */
const SOON_MS = 120_000;
const LOOK_AGAIN_MS = 200;
const RATE = 256;
const COUNTS = [1, 9, 20, 40];
const SIZES: readonly Viewport[] = [
  { width: 1440, height: 900 },
  { width: 1920, height: 1080 },
  { width: 1024, height: 700 },
  { width: 390, height: 844, mobile: true, scale: 2 },
];
const isLong = Number(Deno.env.get("QANAT_SECONDS") || "0") >= 600;
/** QANAT_MATRIX_PICTURES names a folder for pictures of what was tested. */
const PICTURES = Deno.env.get("QANAT_MATRIX_PICTURES");

const runnable = canRun([PARTS.chromium]);

describe("the page's matrix", { ignore: !runnable, skip: !runnable }, () => {
  let page: BrowserPage;
  let url: string;
  let stop: () => Promise<void>;

  before(async () => {
    const source = new EmbeddedSource({
      catalog: new Catalog(),
      nowGpsNs: () => nowGpsNs(),
      extraChannels: 40,
      extraRate: RATE,
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

  SIZES.forEach((size, i) => {
    // Other windows get other numbers: a phone the most.
    for (const count of isLong ? COUNTS : [COUNTS[i]!]) {
      const half = Math.floor(COUNTS.indexOf(count) / 2);
      const theme = (i + half) % 2 === 0 ? "light" : "dark";
      const name = `${count} plots at ${size.width} × ${size.height}, ${theme}`;
      it(name, async () => {
        await page.setViewport(size);
        await page.setTheme(theme);
        await page.goto("about:blank");
        const plots = Array.from({ length: count }, (_, k) => {
          const kind = ["spectrogram", "series", "spectrum"][k % 3];
          const channel = `H1:LOAD-NOISE_F32_${String(k).padStart(5, "0")}`;
          return `${count === 1 ? "spectrogram" : kind}=${channel}`;
        });
        await page.goto(`${url}/#${plots.join("&")}&span=8`);
        await page.until(
          `document.querySelectorAll(".plot").length === ${count}`,
          SOON_MS,
        );
        await seen(page);
        // The lower ones, too.
        await page.evaluate("scrollTo(0, document.body.scrollHeight)");
        await seen(page);
        // The status is in sight wherever the page has scrolled to.
        const top = await page.evaluate(
          "document.getElementById('state').getBoundingClientRect().top",
        ) as number;
        assert.ok(top >= 0 && top < size.height / 3, `status at ${top}`);
        await picture(page, name);
        assert.deepEqual(page.troubles, []);
      });
    }
  });
});

describe("the page, played to", { ignore: !runnable, skip: !runnable }, () => {
  let page: BrowserPage;
  let server: PlayedServer;

  before(async () => {
    page = await BrowserPage.open(PARTS.chromium.program!);
  });
  after(() => page?.close());
  afterEach(async () => {
    await page.goto("about:blank");
    await server.close();
    page.troubles.length = 0;
  });

  async function visit(plots: readonly string[], rest = "span=8") {
    server = new PlayedServer();
    await page.setViewport({ width: 1200, height: 1700 });
    await page.goto(`${server.url}/#${plots.join("&")}&${rest}`);
    await page.until(`${isLive} && qanatPage.figures().rows > 4`, SOON_MS);
  }
  const isLive = "document.getElementById('state').dataset.state === 'live'";
  const text = (id: string) =>
    page.evaluate(`document.getElementById("${id}").textContent`);
  const failed = (name: string) =>
    `document.querySelector('[data-name="${name}"] .refusal').textContent.startsWith("This plot failed")`;

  for (const kind of ["series", "spectrogram", "spectrum"]) {
    it(`draws a ${kind} of every value`, async () => {
      await visit(HOSTILE.map((name) => `${kind}=${name}`));
      await seen(page);
      await picture(page, `hostile-${kind}`);
      assert.deepEqual(page.troubles, []);
    });
  }

  it("draws bins of every value, infinite ones among them", async () => {
    const finite = HOSTILE.filter((name) => name !== "X:NULL");
    await visit(finite.map((name) => `series=${name}`), "span=20&save=1");
    await seen(page);
    const bin = await page.evaluate(
      `((s) => String(Object.values(s.binAt(s.ring.end - 1))))(qanatPage.series("X:INFINITE"))`,
    );
    assert.match(String(bin), /^-0\.\d+,Infinity,NaN$/);
    await picture(page, "hostile-bins");
    assert.deepEqual(page.troubles, []);
  });

  for (const rest of ["span=8", "span=20&save=1"]) {
    it(`draws integers apart that are one double, with all their digits, ${rest}`, async () => {
      await visit(["series=X:NEXT"], rest);
      await seen(page);
      const readout = rest === "span=8"
        ? /^1,152,921,504,606,846,97[678]( \+ 0 … [12])?$/
        : /^1,152,921,504,606,846,976 \+ 0 … 2$/;
      await page.until(
        `${readout}.test(document.querySelector("output.value").textContent)`,
        SOON_MS,
      );
      const share = await page.evaluate(COLOURED_HEIGHT) as number;
      assert.ok(share > 0.6, `${share} of the height`);
      await picture(page, `next-${rest}`);
      assert.deepEqual(page.troubles, []);
    });
  }

  it("leaves no column of a spectrogram blank where some samples are not finite", async () => {
    await visit(["spectrogram=X:INFINITE"]);
    await page.until(
      `qanatPage.series("X:INFINITE").ring.hasCome(
        Math.floor((qanatPage.edgeS() - 9) * 64),
        Math.floor((qanatPage.edgeS() - 2) * 64))`,
      SOON_MS,
    );
    await page.until(`${BLANK_COLUMNS} === 0`, SOON_MS);
    await picture(page, "part-time-infinite");
    assert.deepEqual(page.troubles, []);
  });

  it("continues without a channel that was removed, and says so in its card", async () => {
    await visit(["series=X:SINE", "spectrogram=X:NEAR", "series=X:ZERO"]);
    await seen(page);
    server.down();
    server.gone.add("X:SINE");
    server.isUp = true;
    await page.until(
      `document.querySelector('[data-name="X:SINE"] .refusal').textContent.includes("There is no channel 'X:SINE'")`,
      SOON_MS,
    );
    await page.until(
      `qanatPage.edgeS() - qanatPage.series("X:ZERO").ring.endS < 2`,
      SOON_MS,
    );
    await seen(page);
    // The others have lost nothing by it.
    const missing = await page.evaluate(
      `(({ ring }) => {
        let missing = 0;
        for (let i = ring.end - 4 * ring.rate; i < ring.end; i++) {
          if (Number.isNaN(ring.at(i))) missing++;
        }
        return missing;
      })(qanatPage.series("X:ZERO"))`,
    );
    assert.equal(missing, 0);
    await page.until(
      "document.getElementById('age').textContent.includes('1 of 3 channels')",
      SOON_MS,
    );
    await picture(page, "gone");
  });

  it("keeps a plot's failure in its own card, and continues when it can", async () => {
    await visit(["series=X:SINE", "spectrogram=X:SINE", "series=X:CONSTANT"]);
    await page.evaluate(
      `qanatPage.series("X:CONSTANT").ring.extremes = () => { throw new Error("on purpose") }`,
    );
    await page.until(failed("X:CONSTANT"), SOON_MS);
    const rows = await page.evaluate("qanatPage.figures().frames") as number;
    await page.until(`qanatPage.figures().frames > ${rows + 3}`, SOON_MS);
    await seen(page);
    assert.equal(await page.evaluate(failed("X:SINE")), false);
    assert.match(page.troubles.join(), /on purpose/);
    await page.evaluate(`delete qanatPage.series("X:CONSTANT").ring.extremes`);
    await page.until(`!${failed("X:CONSTANT")}`, SOON_MS);
    await seen(page);
  });

  it("says that no data come, and paints no column where none came", async () => {
    await visit(["series=X:SINE", "spectrogram=X:SINE"]);
    await seen(page);
    assert.equal(await page.evaluate("document.title"), "Qanat");
    server.sends = false;
    await page.until(
      `/^for \\d+ s \\(1 of 1 channel\\)$/.test(document.getElementById("age").textContent)`,
      SOON_MS,
    );
    assert.equal(await text("state"), "no data");
    assert.match(
      await page.evaluate("document.title") as string,
      /^no data for \d+ s \(1 of 1 channel\) – Qanat$/,
    );
    await page.until(
      `qanatPage.edgeS() - qanatPage.series("X:SINE").ring.endS > 6`,
      SOON_MS,
    );
    await picture(page, "silence");
    const violet = await page.evaluate(COLUMNS_BEHIND) as number;
    assert.equal(violet, 0);
    server.sends = true;
    await page.until(`${isLive} && document.title === "Qanat"`, SOON_MS);
    assert.deepEqual(page.troubles, []);
  });

  it("reads all again that an outage of 20 s has missed", async () => {
    await visit(LOAD.map((name) => `series=${name}`), "span=36");
    await page.until("qanatPage.figures().rows > 4", SOON_MS);
    const fromS = await page.evaluate(
      `qanatPage.series("${LOAD[0]}").ring.endS`,
    );
    server.down();
    await page.until(
      "document.getElementById('state').dataset.state === 'waiting' && document.title === 'connection lost – Qanat'",
      SOON_MS,
    );
    await page.until(
      `qanatPage.edgeS() - qanatPage.series("${LOAD[0]}").ring.endS > 20`,
      2 * SOON_MS,
    );
    assert.match(await text("age") as string, /^no data for \d+ s \(20 of 20 /);
    await picture(page, "outage");
    server.isUp = true;
    await page.until(isLive, SOON_MS);
    for (const name of [LOAD[0], LOAD.at(-1)]) {
      const missing = await page.until(
        `(() => {
          const { ring, gaps } = qanatPage.series("${name}");
          if (ring.endS < qanatPage.edgeS() - 2) return null;
          const first = Math.round(${fromS} * ring.rate);
          let missing = 0;
          for (let i = first; i < ring.end; i++) if (Number.isNaN(ring.at(i))) missing++;
          return { missing, gaps };
        })()`,
        SOON_MS,
      );
      assert.deepEqual(missing, { missing: 0, gaps: [] });
    }
  });
});

/** The share of a time series' height in which something is drawn in colour. */
const COLOURED_HEIGHT = `(() => {
  ${COPY_OF}
  const canvas = document.querySelector('[data-kind=series] canvas');
  const { width, height } = canvas;
  const left = Math.round(70 * devicePixelRatio);
  const { data } = copyOf(canvas).getImageData(left, 0, width - left, height);
  let rows = 0;
  for (let y = 0; y < height; y++) {
    let coloured = 0;
    for (let x = 0; x < width - left; x++) {
      const i = 4 * (y * (width - left) + x);
      const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
      if (data[i + 3] > 60 && Math.max(r, g, b) - Math.min(r, g, b) > 40) coloured++;
    }
    if (coloured > 5) rows++;
  }
  return rows / height;
})()`;

/** Columns of a spectrogram in which nothing is drawn, up to two seconds before the newest. */
const BLANK_COLUMNS = `(() => {
  ${COPY_OF}
  const canvas = document.querySelector('[data-kind=spectrogram] canvas');
  const right = canvas.width - 14 * devicePixelRatio;
  const left = Math.ceil(70 * devicePixelRatio);
  const width = Math.floor((right - left) * (1 - 2 / qanatPage.view().spanS));
  const y = Math.round(canvas.height / 3);
  const { data } = copyOf(canvas).getImageData(left, y, width, 1);
  let blank = 0;
  for (let x = 0; x < width; x++) if (data[4 * x + 3] < 100) blank++;
  return blank;
})()`;

/** Pixels of a spectrogram's colours to the right of what has come. */
const COLUMNS_BEHIND = `(() => {
  ${COPY_OF}
  const canvas = document.querySelector('[data-kind=spectrogram] canvas');
  const { ring } = qanatPage.series("X:SINE");
  const { spanS } = qanatPage.view();
  // Of the plot itself, without axes and the bar of colours.
  const area = canvas.closest(".uplot").querySelector(".u-over").getBoundingClientRect();
  const whole = canvas.getBoundingClientRect();
  const [left, right, top, bottom] = [area.left - whole.left, area.right - whole.left, area.top - whole.top, area.bottom - whole.top]
    .map((px) => px * devicePixelRatio);
  const missingS = qanatPage.edgeS() - ring.endS;
  const x = Math.ceil(right - (right - left) * missingS / spanS) + 2;
  const { data } = copyOf(canvas).getImageData(x, Math.ceil(top) + 1, Math.floor(right) - x - 2, Math.floor(bottom - top) - 2);
  let found = 0;
  // Hatching is light and warm: its blue is never above its red by much.
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] > 0 && (data[i + 2] > data[i] + 10 || data[i] + data[i + 1] + data[i + 2] < 60)) found++;
  }
  return found;
})()`;

/** Waits until every plot in sight shows something. */
async function seen(page: BrowserPage): Promise<void> {
  const giveUpMs = performance.now() + SOON_MS;
  for (;;) {
    const empty = await page.evaluate(EMPTY) as string[];
    if (empty.length === 0) return;
    assert.ok(performance.now() < giveUpMs, `empty: ${empty.join("; ")}`);
    // Reading pixels takes the time in which the page draws them.
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

async function picture(page: BrowserPage, name: string): Promise<void> {
  if (!PICTURES) return;
  const file = `${PICTURES}/${name.replaceAll(/[^\w-]+/g, "_")}.png`;
  await Deno.writeFile(file, await page.screenshot());
}

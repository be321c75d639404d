// The page in Chromium, as people use it: first visit, search, pause, sharing, a server that dies, tabs, load, axe.
// Invariant: nothing in the console of any tab, except while its server is away. QANAT_SCREENSHOTS=1 renews docs/img.
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
import { launchQanat, PARTS } from "./chain.ts";

const H1 = "H1:GWOSC-4KHZ_R1_WHITENED";
const LOAD_PLOTS = 20;
const LOAD_RATE = 16_384;
/** Rows of a channel that come while the page is watched. */
const LOAD_ROWS = 128;
const FRAMES_MIN = 10;
const LOAD_MS = 120_000;
/** Counts in `made` what the page makes from then on, by kind: arrays of numbers, images, canvases. */
const COUNT_MADE = `{
  globalThis.made = {};
  const count = (name) => (made[name] = (made[name] ?? 0) + 1);
  for (const name of ["Float32Array", "Float64Array", "Uint8Array", "ImageData"]) {
    globalThis[name] = new Proxy(globalThis[name], {
      construct: (target, args) => {
        count(name);
        return Reflect.construct(target, args);
      },
    });
  }
  const create = document.createElement;
  document.createElement = function (name, ...rest) {
    if (name === "canvas") count(name);
    return create.call(this, name, ...rest);
  };
}`;
/** What may stay in the heap after a collection, in addition to the rings that are full from the start. */
const GROWTH_BYTES_MAX = 6 * 1024 * 1024;
/** For a busy machine: what a test waits for is there at once otherwise. */
const SOON_MS = 120_000;
const IMAGES = new URL("../../docs/img/", import.meta.url);

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const runnable = canRun([PARTS.chromium]);

interface Server {
  readonly url: string;
  readonly qanat: Qanat;
  close(): Promise<void>;
}

async function startServer(
  options: { extraChannels?: number; basePath?: string } = {},
): Promise<Server> {
  const source = new EmbeddedSource({
    catalog: new Catalog(),
    nowGpsNs: () => nowGpsNs(),
    extraChannels: options.extraChannels ?? 0,
    extraRate: LOAD_RATE,
  });
  const { basePath = "" } = options;
  const config = configWith({ port: 0, drainMs: 500, basePath });
  const qanat = new Qanat({
    config,
    source,
    log: jsonLogger(() => {}, "error"),
  });
  await qanat.start();
  const server: HttpServer = await serve(qanat);
  return {
    url: `http://127.0.0.1:${server.port}${basePath}`,
    qanat,
    close: async () => {
      qanat.drain();
      await server.close(500);
      await qanat.close();
    },
  };
}

describe("the page", { ignore: !runnable, skip: !runnable }, () => {
  let server: Server;
  let page: BrowserPage;
  const open: BrowserPage[] = [];

  before(async () => {
    server = await startServer();
  });
  after(() => server?.close());
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  async function visit(address: string): Promise<BrowserPage> {
    page = await BrowserPage.open(PARTS.chromium.program!);
    open.push(page);
    await page.setViewport({ width: 1400, height: 1000 });
    await page.goto(address);
    return page;
  }

  async function tab(address: string): Promise<BrowserPage> {
    const other = await page.openTab();
    open.push(other);
    await other.setViewport({ width: 1400, height: 1000 });
    await other.goto(address);
    return other;
  }

  const isLive = "document.getElementById('state').dataset.state === 'live'";
  const canvas = "document.querySelector('.plot canvas').toDataURL()";
  const rowsOf = (name: string) =>
    `qanatPage.series(${JSON.stringify(name)})?.ring.end > 0`;

  it("calls a channel silent no longer once its data come", async () => {
    const { channelStates } = server.qanat;
    const { isLive } = channelStates;
    channelStates.isLive = () => false;
    try {
      await visit(`${server.url}/#series=${H1}`);
      const facts =
        `document.querySelector('button[data-name="${H1}"] small')?.textContent`;
      await page.until(`${facts}?.includes("Hz")`, SOON_MS);
      await page.until(`!${facts}.includes("silent")`, SOON_MS);
      const silent = "document.querySelectorAll('small[data-silent]').length";
      assert.ok(await page.evaluate(silent) as number > 0);
    } finally {
      channelStates.isLive = isLive;
    }
  });

  it("shows the chirp moving at a first visit", async () => {
    await visit(`${server.url}/`);
    // The chirp's peak is among the samples, inside of what is shown, and drawn closer, too.
    await page.until(
      `(() => {
        const ring = qanatPage.series?.("${H1}")?.ring;
        const s = qanatPage.closeUpS?.();
        if (!ring || !s || !(s > qanatPage.edgeS() - qanatPage.view().spanS)) return false;
        const peak = ring.extremes(Math.round((s - 0.1) * ring.rate), Math.round((s + 0.1) * ring.rate));
        return peak !== null && peak.max > 2 && peak.min < -2;
      })()`,
      SOON_MS,
    );
    const look =
      `({ image: ${canvas}, s: qanatPage.closeUpS(), x: qanatPage.edgeS() - qanatPage.closeUpS() })`;
    const seen = () =>
      page.evaluate(look) as Promise<{ image: string; s: number; x: number }>;
    let first = await seen();
    let then = first;
    // The next chirp may come into view just now, and the close-up is of that one then.
    for (let i = 0; i < 2 && !(then.s === first.s && then.x > first.x); i++) {
      first = await seen();
      await page.until(`${canvas} !== ${JSON.stringify(first.image)}`, SOON_MS);
      then = await seen();
    }
    assert.ok(then.s === first.s && then.x > first.x, "it does not move");
    // The lines of the close-up fill its half second: the range was once left at 0 to 100 s.
    const range = await page.evaluate("qanatPage.closeUpRangeS()");
    assert.deepEqual(range, [-0.25, 0.25]);
    assert.match(
      await page.evaluate(
        "document.getElementById('meters').textContent",
      ) as string,
      /16 rows\/s, latency -?\d+ ms ±\d+|no row yet|^$/,
    );
    assert.deepEqual(page.troubles, []);
  });

  /** The first plot once it has shown the same for half a second on end. */
  async function restingCanvas(): Promise<unknown> {
    const giveUpMs = performance.now() + SOON_MS;
    for (;;) {
      const before = await page.evaluate(canvas);
      await wait(500);
      if (await page.evaluate(canvas) === before) return before;
      assert.ok(performance.now() < giveUpMs, "it moves while paused");
    }
  }

  it("finds as one types, picks, pauses, shares the address and continues", async () => {
    await visit(`${server.url}/#span=5`);
    await page.press("/");
    await page.type("sine 16384");
    await page.until(
      "document.querySelectorAll('.results [data-name]').length === 2",
      SOON_MS,
    );
    await page.press("ArrowDown");
    await page.press("Enter");
    const name = "H1:QANAT-SINE_F32_16384";
    await page.until(`${rowsOf(name)} && ${isLive}`, SOON_MS);
    assert.match(
      await page.evaluate("location.hash") as string,
      /^#series=H1:QANAT-SINE_F32_16384&span=5$/,
    );
    await page.press("Escape");
    await page.evaluate("document.activeElement.blur()");
    await wait(2000);
    await page.press(" ");
    await page.until("qanatPage.view().endS !== null", SOON_MS);
    // What was on its way at the pause may still arrive and be drawn; then nothing moves.
    const edge = await page.evaluate("qanatPage.edgeS()");
    const still = await restingCanvas();
    assert.equal(await page.evaluate("qanatPage.edgeS()"), edge);
    await page.hover(".plot .canvas", 100);
    await page.until(
      "/^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} /.test(document.querySelector('.plot output').textContent)",
      SOON_MS,
    );
    // A colleague opens the same address and sees the same.
    const address = await page.evaluate("location.href") as string;
    const other = await tab(address);
    const peaks = `(() => {
      const { endS, spanS } = qanatPage.view();
      const { ring } = qanatPage.series("${name}");
      const at = (s) => Math.round(s * ring.rate);
      let sum = 0, count = 0;
      for (let i = at(endS - spanS + 1); i < at(endS - 0.2); i++) {
        if (Number.isNaN(ring.at(i))) return null;
        sum += Math.abs(ring.at(i)) * (i % 97);
        count++;
      }
      return sum + " " + count;
    })()`;
    const seen = await page.evaluate(peaks);
    assert.equal(
      await other.until(`qanatPage.series?.("${name}") && ${peaks}`, SOON_MS),
      seen,
    );
    await page.bringToFront();
    // Zoom by dragging, then back to live.
    await page.drag(".plot .u-over", -100, 100);
    await page.until("qanatPage.view().spanS < 3", SOON_MS);
    await page.press("Home");
    await page.until(
      `qanatPage.view().endS === null && ${isLive} && ${canvas} !== ${
        JSON.stringify(still)
      }`,
      SOON_MS,
    );
    assert.deepEqual([...page.troubles, ...other.troubles], []);
  });

  it("goes to a time, plays from it, and Back undoes each change of the time", async () => {
    await visit(`${server.url}/#series=${H1}&span=4`);
    await page.until(`${rowsOf(H1)} && ${isLive}`, SOON_MS);
    const field = "document.getElementById('go-to-time')";
    await page.press("g");
    await page.type("yesterday evening");
    await page.press("Enter");
    await page.until(
      "document.getElementById('go-to-wrong').textContent.startsWith('This is not a time')",
      SOON_MS,
    );
    await page.evaluate(`${field}.select()`);
    await page.type("-20");
    await page.press("Enter");
    const isShown = (shift: number) =>
      `(() => {
        const { endS, spanS } = qanatPage.view();
        const ring = qanatPage.series("${H1}")?.ring;
        return endS !== null && Number.isFinite(ring?.at(Math.round((endS - spanS / 2 + ${shift}) * ring.rate)));
      })()`;
    await page.until(`${isShown(0)} && ${isShown(1.9)}`, SOON_MS);
    const agoS = await page.evaluate(
      "document.querySelector('dialog[open]') ? null : Date.now() / 1000 - 315964782 - qanatPage.view().endS",
    ) as number;
    assert.ok(agoS > 17 && agoS < 20 + SOON_MS / 1000, `${agoS} s ago`);
    await wait(1100);
    const edge = "qanatPage.edgeS()";
    const startS = await page.evaluate(edge) as number;
    await page.press("p");
    await page.until(
      `${edge} > ${startS} + 1.5 && document.getElementById("state").textContent.startsWith("playing ×1")`,
      SOON_MS,
    );
    assert.match(await page.evaluate("location.hash") as string, /&play=1$/);
    await wait(1100);
    await page.press(" ");
    await page.until("qanatPage.view().speed === null", SOON_MS);
    const pausedS = await page.evaluate("qanatPage.view().endS") as number;
    assert.ok(pausedS > startS + 1.5, `${pausedS} ${startS}`);
    // All that was played is still there, without a hole.
    assert.ok(await page.evaluate(`${isShown(-1.9)} && ${isShown(1.9)}`));
    await page.evaluate("history.back()");
    await page.until("qanatPage.view().speed === 1", SOON_MS);
    await page.evaluate("history.back()");
    await page.until(
      `qanatPage.view().speed === null && qanatPage.view().endS === ${startS}`,
      SOON_MS,
    );
    await page.evaluate("history.back()");
    await page.until(`qanatPage.view().endS === null && ${isLive}`, SOON_MS);
    // Played as fast as it goes, it reaches the newest time, and is live.
    await page.evaluate(
      `location.hash = "series=${H1}&span=4&end=" + (${edge} - 15).toFixed(3) + "&play=10"`,
    );
    await page.until("qanatPage.view().speed === 10", SOON_MS);
    await page.until(`qanatPage.view().endS === null && ${isLive}`, SOON_MS);
    assert.deepEqual(page.troubles, []);
  });

  it("sets a plot's Y axis: fixed, locked as shown, logarithmic, from an offset", async () => {
    const name = "H1:QANAT-COUNT_I64_16";
    await visit(
      `${server.url}/#series=${H1};min=-2;max=3&series=${name}&span=4`,
    );
    await page.until(`${rowsOf(name)} && ${isLive}`, SOON_MS);
    const plots = () => page.evaluate("qanatPage.view().plots");
    const set = (id: string, value: string) =>
      page.evaluate(`document.getElementById("${id}").value = "${value}"`);
    assert.deepEqual(await plots(), [
      { kind: "series", name: H1, y: { min: -2, max: 3 } },
      { kind: "series", name },
    ]);
    await page.press("y");
    await set("y-min", "5");
    await page.press("Enter");
    await page.until(
      "document.querySelector('#y-axis .wrong').textContent === 'The lower end has to be below the upper end'",
      SOON_MS,
    );
    await set("y-min", "0.5");
    await page.evaluate("document.getElementById('y-log').click()");
    await page.press("Enter");
    await page.until(
      `location.hash.startsWith("#series=${H1};y=log;min=0.5;max=3&")`,
      SOON_MS,
    );
    // The other plot, by its button: locked as it is now, so it runs out of the plot.
    await page.evaluate(
      `document.querySelector('[aria-label="Set the Y axis: ${name}"]').click()`,
    );
    await page.evaluate(
      "[...document.querySelectorAll('#y-axis button')].find((b) => b.textContent === 'Lock as shown').click()",
    );
    const [, locked] = await plots() as { y: { min: number; max: number } }[];
    assert.ok(locked!.y.min < locked!.y.max, JSON.stringify(locked));
    await page.evaluate(
      `document.querySelector('[aria-label="Set the Y axis: ${name}"]').click()`,
    );
    assert.equal(
      Number(await page.evaluate("document.getElementById('y-min').value")),
      locked!.y.min,
    );
    await page.evaluate(
      "[...document.querySelectorAll('#y-axis button')].find((b) => b.textContent === 'Automatic').click()",
    );
    assert.deepEqual((await plots() as unknown[])[1], { kind: "series", name });
    assert.deepEqual(page.troubles, []);
  });

  it("measures between two cursors what the server has there", async () => {
    await visit(`${server.url}/#series=${H1}&spectrogram=${H1}&span=4`);
    await page.until(`${rowsOf(H1)} && ${isLive}`, SOON_MS);
    await wait(2000);
    await page.press(" ");
    await page.press("m");
    await page.until(
      "document.querySelector('.between').textContent.includes('rms')",
      SOON_MS,
    );
    // By the mouse: A begins at a third of the plot and is dragged to the left; the view does not zoom.
    const [a0] = await page.evaluate("qanatPage.view().cursors") as number[];
    const at = await page.evaluate(
      `(() => {
        const { endS, spanS, cursors } = qanatPage.view();
        const { width } = document.querySelector(".plot .u-over").getBoundingClientRect();
        return (cursors[0] - (endS - spanS / 2)) / spanS * width;
      })()`,
    ) as number;
    // The line under the mouse, and the values there, would cover the cursor that is dragged.
    const hovered = `[...document.querySelectorAll(".plot .u-cursor-x")].filter(
      (line) => line.getBoundingClientRect().left > line.parentNode.getBoundingClientRect().left
    ).length`;
    await page.hover(".plot .u-over", at);
    assert.equal(await page.evaluate(hovered), 2);
    await page.drag(".plot .u-over", at, at - 80, async () => {
      assert.equal(await page.evaluate(hovered), 0);
    });
    const [a, b] = await page.evaluate("qanatPage.view().cursors") as number[];
    assert.ok(a! < a0! - 0.1, `${a0} ${a}`);
    assert.equal(await page.evaluate("qanatPage.view().spanS"), 4);
    // By keys: B.
    await page.press("b");
    await page.press(">");
    const [, b1] = await page.evaluate("qanatPage.view().cursors") as number[];
    assert.notEqual(b1, b);
    assert.match(
      await page.evaluate("location.hash") as string,
      /&a=[\d.]+&b=[\d.]+$/,
    );
    await wait(1200);
    const response = await fetch(
      `${server.url}/v1/events?channels=${H1}&start=${
        (a! - 1).toFixed(6)
      }&end=${(b1! + 1).toFixed(6)}`,
    );
    const rows = (await response.text()).split("\n\n")
      .filter((event) =>
        /^data: \{"time/m.test(event) && !/^event:/m.test(event)
      )
      .map((event) => JSON.parse(event.match(/^data: (.*)$/m)![1]!));
    const samples: number[] = [];
    for (const { time, channels } of rows) {
      (channels[H1] as number[]).forEach((value, i) => {
        const s = Number(BigInt(time) / 1000n) / 1e6 + i / 4096;
        // The newest sample at A counts.
        if (s > a! - 1 / 4096 + 1e-7 && s <= b1! + 1e-7) {
          samples.push(Math.fround(value));
        }
      });
    }
    const mean = samples.reduce((sum, v) => sum + v, 0) / samples.length;
    const rms = Math.sqrt(
      samples.reduce((sum, v) => sum + v * v, 0) / samples.length,
    );
    const text = await page.evaluate(
      "document.querySelector('.between').textContent",
    ) as string;
    const figure = (name: string) =>
      Number(text.match(new RegExp(`${name} (-?[\\d.e-]+)`))![1]);
    for (
      const [name, value] of [
        ["min", Math.min(...samples)],
        ["max", Math.max(...samples)],
        ["mean", mean],
        ["rms", rms],
        ["peak-to-peak", Math.max(...samples) - Math.min(...samples)],
      ] as const
    ) {
      const isSame =
        Math.abs(figure(name) - value) <= 2e-5 * Math.abs(value) + 1e-12;
      assert.ok(isSame, `${name}: ${value} of the server; ${text}`);
    }
    assert.ok(
      text.endsWith(` · ${samples.length.toLocaleString("en")} samples`),
      text,
    );
    await page.press("m");
    await page.until("document.getElementById('cursors').hidden", SOON_MS);
    assert.deepEqual(page.troubles, []);
  });

  it("downloads what is shown: Arrow, CSV, Parquet, and pictures of plots", async () => {
    const names = [
      "H1:QANAT-SINE_F32_256",
      "H1:QANAT-NOISE_F32_256",
      "H1:QANAT-COUNT_U64_16",
    ];
    const address = names.map((name) => `series=${name}`).join("&");
    await visit(`${server.url}/#${address}&spectrum=${names[1]}&span=4`);
    await page.until(`${rowsOf(names[0]!)} && ${isLive}`, SOON_MS);
    await wait(1500);
    await page.press(" ");
    const folder = await Deno.makeTempDir({ prefix: "qanat-download-" });
    try {
      await page.downloadTo(folder);
      await page.press("e");
      const press = (text: string) =>
        page.evaluate(
          `[...document.querySelectorAll("#download button")].find((b) => b.textContent === "${text}").click()`,
        );
      const file = async (ending: string): Promise<string> => {
        const giveUpMs = performance.now() + SOON_MS;
        for (;;) {
          for (const { name } of Deno.readDirSync(folder)) {
            if (name.endsWith(ending)) return `${folder}/${name}`;
          }
          const wrong = await page.evaluate(
            "document.querySelector('#download .wrong').textContent",
          );
          assert.equal(wrong, "");
          assert.ok(performance.now() < giveUpMs, `no file *${ending}`);
          await wait(100);
        }
      };
      await press("Parquet of 256 Hz");
      const parquet = await file(".parquet");
      assert.match(
        parquet,
        /\/H1-QANAT-SINE_F32_256_and_1_more-\d+-\d\.parquet$/,
      );
      await press("CSV of 16 Hz");
      const csv = await Deno.readTextFile(await file(".csv"));
      assert.match(csv, /^time,gps_ns,H1:QANAT-COUNT_U64_16,/);
      assert.ok(csv.split("\n").length > 60, csv.slice(0, 200));
      await press("Arrow");
      assert.ok((await Deno.stat(await file(".arrows"))).size > 4000);
      // Of the first plot.
      await press("PNG");
      const png = await Deno.readFile(await file(".png"));
      assert.deepEqual(
        [...png.slice(1, 4)],
        [..."PNG"].map((c) => c.charCodeAt(0)),
      );
      await press("SVG");
      const svg = await Deno.readTextFile(await file(".svg"));
      assert.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
      assert.match(svg, />H1:QANAT-SINE_F32_256<\/text>/);
      assert.ok(
        !svg.includes("<image") && svg.match(/L[\d.]+ /g)!.length > 100,
      );
      if (canRun([PARTS.python])) {
        const { endS, spanS } = await page.evaluate("qanatPage.view()") as {
          endS: number;
          spanS: number;
        };
        const span = `start=${(endS - spanS).toFixed(6)}&end=${
          endS.toFixed(6)
        }`;
        const pair = names.slice(0, 2);
        const { success, stdout, stderr } = await new Deno.Command(
          PARTS.python.program!,
          {
            args: [
              "test/integration/python/parquet_file.py",
              parquet,
              `${server.url}/v1/arrow?channels=${pair.join(",")}&${span}`,
              ...pair,
            ],
          },
        ).output();
        const text = new TextDecoder().decode(success ? stdout : stderr);
        assert.ok(success && Number(text) > 1000, text);
      }
      assert.deepEqual(page.troubles, []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  it("shows one plot in full screen, a wall display, and no plot, which Back undoes", async () => {
    const address = Array.from(
      { length: 8 },
      (_, i) =>
        `series=H1:QANAT-${i < 4 ? "SINE" : "NOISE"}_F32_${
          [16, 256, 2048, 16384][i % 4]
        }`,
    );
    await visit(`${server.url}/#${address.join("&")}&span=4`);
    await page.until(
      `${isLive} && document.querySelectorAll(".plot").length === 8`,
      SOON_MS,
    );
    const colours = await page.evaluate(
      "[...document.querySelectorAll('.plot')].map((p) => p.style.getPropertyValue('--plot-colour'))",
    ) as string[];
    assert.equal(new Set(colours).size, 8, colours.join(" "));
    await page.press("j");
    await page.press("f");
    await page.until(
      "document.fullscreenElement?.matches('.plot') && document.fullscreenElement.querySelector('canvas').clientHeight > innerHeight / 2",
      SOON_MS,
    );
    await page.press("f");
    await page.until(
      "!document.fullscreenElement && document.querySelector('.plot canvas').clientHeight < 200",
      SOON_MS,
    );
    const controls =
      "[...document.querySelectorAll('.bar button')].filter((b) => b.checkVisibility()).length";
    await page.press("w");
    await page.until(
      `${controls} === 0 && /&wall=1$/.test(location.hash)`,
      SOON_MS,
    );
    await page.press("Escape");
    await page.until(`${controls} > 0`, SOON_MS);
    await wait(1100);
    await page.press("X");
    await page.until("!document.getElementById('empty').hidden", SOON_MS);
    await page.evaluate("history.back()");
    await page.until(
      "document.querySelectorAll('.plot').length === 8",
      SOON_MS,
    );
    assert.deepEqual(page.troubles, []);
  });

  it("says what is wrong: an unknown channel, a bad expression", async () => {
    await visit(`${server.url}/#series=H1:QANAT-SINE_F32_17&span=5`);
    await page.until(
      "document.querySelector('.refusal')?.textContent.includes('near: H1:QANAT-SINE_F32_16')",
      SOON_MS,
    );
    await page.press("/");
    await page.type("H1:(");
    await page.until(
      "document.querySelector('.found').textContent.includes('match is not a valid expression')",
      SOON_MS,
    );
    // A name that is none is no fault; the browser reports the refused expression as one.
    assert.deepEqual(page.troubles.filter((t) => !t.includes("400")), []);
  });

  it("shares one stream between tabs, by base path as well", async () => {
    const based = await startServer({ basePath: "/data" });
    try {
      await visit(`${based.url}/`);
      await page.until(isLive, SOON_MS);
      const other = await tab(`${based.url}/#series=L1:QANAT-SINE_F32_256`);
      await other.until(rowsOf("L1:QANAT-SINE_F32_256"), SOON_MS);
      // Histories are streams too, for as long as they are read.
      const endMs = performance.now() + SOON_MS;
      let clients = 0;
      while (performance.now() < endMs) {
        const text = await (await fetch(`${based.url}/metrics`)).text();
        clients = Number(text.match(/^qanat_clients (\d+)/m)![1]);
        if (clients === 1) break;
        await wait(100);
      }
      assert.equal(clients, 1);
      const before = await page.evaluate("qanatPage.figures().rows") as number;
      await page.until(`qanatPage.figures().rows > ${before + 16}`, SOON_MS);
      assert.deepEqual([...page.troubles, ...other.troubles], []);
    } finally {
      for (const one of open.splice(0).reverse()) await one.close();
      await based.close();
    }
  });

  it("shows the last hour as bins, and bins of a second where data are to be saved", async () => {
    await visit(`${server.url}/#series=${H1}&spectrum=${H1}&span=36`);
    await page.until(`${rowsOf(H1)} && ${isLive}`, SOON_MS);
    await page.press("h");
    await page.until(
      `qanatPage.series("${H1}")?.trend === "10s" && ${
        rowsOf(H1)
      } && ${isLive}`,
      2 * SOON_MS,
    );
    const gap = await page.until(
      `qanatPage.series("${H1}").gaps.find((g) => g.reason === "too-many-samples")`,
      2 * SOON_MS,
    ) as { fromS: number; toS: number };
    assert.ok(gap.toS - gap.fromS > 1800, JSON.stringify(gap));
    // The server has no trend of the time before it began, but samples: they are there as bins.
    const madeOf = await page.evaluate(
      `(({ ring }) => ring.at(Math.round(${gap.toS} * ring.rate) + 1))(qanatPage.series("${H1}"))`,
    );
    assert.ok(Number.isFinite(madeOf), `${madeOf}`);
    assert.match(await page.evaluate("location.hash") as string, /span=3600/);
    const spectrum =
      "document.querySelector('[data-kind=spectrum] .refusal').textContent";
    assert.match(await page.evaluate(spectrum) as string, /needs samples/);
    const image = await page.evaluate(canvas);
    await page.until(`${canvas} !== ${JSON.stringify(image)}`, SOON_MS);
    // The same short span as before, with as little as can be.
    await page.evaluate(
      `location.hash = "series=${H1}&series=L1:QANAT-SINE_F32_16384&span=36&save=1"`,
    );
    await page.until(
      `qanatPage.series("${H1}")?.trend === "1s" && ${rowsOf(H1)} && ${
        rowsOf("L1:QANAT-SINE_F32_16384")
      } && ${isLive}`,
      SOON_MS,
    );
    await wait(2000);
    const series = await page.evaluate(
      `(({ ring, low, high }) => {
        const i = ring.end - 1;
        return { bins: qanatPage.figures().rows, min: low.at(i), mean: ring.at(i), max: high.at(i) };
      })(qanatPage.series("${H1}"))`,
    ) as { bins: number; min: number; mean: number; max: number };
    assert.ok(series.min < series.mean && series.mean < series.max);
    const text = await (await fetch(`${server.url}/metrics`)).text();
    assert.equal(Number(text.match(/^qanat_clients (\d+)/m)![1]), 1);
    await page.until(`qanatPage.figures().rows > ${series.bins}`, SOON_MS);
    // And samples again.
    await page.press("s");
    await page.until(
      `qanatPage.series("${H1}")?.trend === null && ${rowsOf(H1)} && ${isLive}`,
      SOON_MS,
    );
    assert.match(await page.evaluate("location.hash") as string, /save=0/);
    assert.deepEqual(page.troubles, []);
  });

  it("continues automatically after its server was killed, with the gap drawn", async () => {
    const first = launchQanat([]);
    await first.qanat.answers(`${first.url}/readyz`);
    await visit(`${first.url}/#series=${H1}&span=20`);
    await page.until(`${isLive} && ${rowsOf(H1)}`, SOON_MS);
    await wait(1500);
    await first.qanat.kill9();
    await page.until(
      "document.getElementById('state').textContent.startsWith('connection lost')",
      SOON_MS,
    );
    await wait(4000);
    // Only a second is read back, so that something is lost.
    const second = launchQanat(["--resume-window-ms=1000"], first.port);
    try {
      await page.until(isLive, 2 * SOON_MS);
      const gap = await page.until(
        `qanatPage.series("${H1}").gaps.find((g) => g.reason === "retention")`,
        SOON_MS,
      ) as { fromS: number; toS: number };
      assert.ok(gap.toS - gap.fromS > 1, JSON.stringify(gap));
      await page.until(
        "/, \\d+ reconnect/.test(document.getElementById('meters').textContent)",
        SOON_MS,
      );
      await page.until(
        `qanatPage.series("${H1}").ring.endS > ${gap.toS + 0.2}`,
        SOON_MS,
      );
      await keep("gap", page);
    } finally {
      await second.qanat.stop();
    }
  });

  it(`scrolls ${LOAD_PLOTS} plots of ${LOAD_RATE} Hz in the same memory, without a new array`, async () => {
    const loaded = await startServer({ extraChannels: LOAD_PLOTS });
    try {
      const names = Array.from(
        { length: LOAD_PLOTS },
        (_, i) => `series=H1:LOAD-NOISE_F32_${String(i).padStart(5, "0")}`,
      );
      await visit(`${loaded.url}/#${names.join("&")}&span=10`);
      await page.setViewport({ width: 1400, height: 2200 });
      await page.until(
        "[...document.querySelectorAll('.plot')].length === 20",
        SOON_MS,
      );
      await page.until(rowsOf("H1:LOAD-NOISE_F32_00019"), SOON_MS);
      const figures = () =>
        page.evaluate("qanatPage.figures()") as Promise<
          { frames: number; rows: number }
        >;
      const goOn = async (): Promise<void> => {
        const { frames, rows } = await figures();
        await page.until(
          `qanatPage.figures().rows >= ${rows + LOAD_ROWS} &&
           qanatPage.figures().frames > ${frames + FRAMES_MIN}`,
          LOAD_MS,
        );
      };
      const nodes = "document.querySelectorAll('*').length";
      await goOn();
      await page.evaluate(COUNT_MADE);
      const heapBefore = await page.heapBytes();
      const nodesBefore = await page.evaluate(nodes);
      await goOn();
      const heapAfter = await page.heapBytes();
      assert.ok(
        heapAfter - heapBefore < GROWTH_BYTES_MAX,
        `heap ${heapBefore} to ${heapAfter}`,
      );
      assert.deepEqual(await page.evaluate("made"), {});
      assert.equal(await page.evaluate(nodes), nodesBefore);
      const gaps = await page.evaluate(
        `qanatPage.series("H1:LOAD-NOISE_F32_00000").gaps`,
      ) as { reason: string }[];
      assert.deepEqual(gaps.filter((g) => g.reason !== "page-slow"), []);
      assert.deepEqual(page.troubles, []);
    } finally {
      for (const one of open.splice(0).reverse()) await one.close();
      await loaded.close();
    }
  });

  it("is accessible: axe finds nothing serious, in both themes, with everything open", async () => {
    await visit(`${server.url}/`);
    await page.until(isLive, SOON_MS);
    for (const theme of ["light", "dark"] as const) {
      await page.setTheme(theme);
      for (const key of ["", "o", "?", "c", "g", "y", "e"]) {
        if (key !== "") await page.press(key);
        await wait(700);
        await page.evaluate(axe);
        const found = await page.evaluate(
          `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
            violations.filter((v) => ["serious", "critical"].includes(v.impact))
              .map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).join("; ")))`,
        );
        assert.deepEqual(found, [], `${theme}, after '${key}'`);
        await page.evaluate("document.querySelector('dialog[open]')?.close()");
      }
      await page.press("o");
    }
    assert.deepEqual(page.troubles, []);
  });

  it("looks well: light, dark, on a phone, the operator's view", async () => {
    await visit(`${server.url}/`);
    await page.setViewport({ width: 1280, height: 1080 });
    await page.until("qanatPage.closeUpS() > 0", SOON_MS);
    await wait(4000);
    await keep("page-light", page);
    await page.setTheme("dark");
    await wait(1000);
    await page.press("o");
    await wait(8000);
    await keep("page-operator", page);
    await page.press("o");
    const phone = await page.openTab();
    open.push(phone);
    await phone.setTheme("light");
    await phone.setViewport({
      width: 390,
      height: 844,
      mobile: true,
      scale: 2,
    });
    await phone.goto(`${server.url}/`);
    await wait(4000);
    await keep("page-phone", phone);
    const width = await phone.evaluate("document.documentElement.scrollWidth");
    assert.ok(Number(width) <= 390, `${width} CSS pixels wide`);
    assert.deepEqual([...page.troubles, ...phone.troubles], []);
  });
});

/** A picture for docs/img, when they are to be renewed. */
async function keep(name: string, page: BrowserPage): Promise<void> {
  const image = await page.screenshot("jpeg");
  assert.ok(image.byteLength > 10_000 && image.byteLength < 300_000);
  if (Deno.env.get("QANAT_SCREENSHOTS") !== "1") return;
  await Deno.mkdir(IMAGES, { recursive: true });
  await Deno.writeFile(new URL(`${name}.jpg`, IMAGES), image);
}

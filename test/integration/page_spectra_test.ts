// Spectra of the page: the same as scipy's (welch, csd, coherence) for every window; in Chromium with their titles, units,
// settings by keyboard, a reference, a bar of colours, coherence and transfer function of two channels.
// QANAT_SPECTRA=write writes what scipy computes for test/page/spectra_test.ts, too.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import axe from "axe-core/axe.min.js" with { type: "text" };
import { Qanat } from "../../src/app.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { type HttpServer, serve } from "../../src/http/server.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";
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
import { configWith } from "../driven_source.ts";
import { BrowserPage } from "./browser_page.ts";
import { PARTS, Process } from "./chain.ts";

const RELATIVE_MAX = 1e-6;
const STORED = new URL("../page/spectra_expected.json", import.meta.url);

type Options = Parameters<typeof averagesOf>[0];

const H1 = "H1:GWOSC-4KHZ_R1_WHITENED";
const L1 = "L1:GWOSC-4KHZ_R1_WHITENED";
/** For a busy machine: what a test waits for is there at once otherwise. */
const SOON_MS = 120_000;

const hasChromium = canRun([PARTS.chromium]);
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

describe("spectra in Chromium", {
  ignore: !hasChromium,
  skip: !hasChromium,
}, () => {
  let qanat: Qanat;
  let server: HttpServer;
  let page: BrowserPage;

  before(async () => {
    qanat = new Qanat({
      config: configWith({ port: 0, drainMs: 500 }),
      source: new EmbeddedSource({
        catalog: new Catalog(),
        nowGpsNs: () => nowGpsNs(),
      }),
      log: jsonLogger(() => {}, "error"),
    });
    await qanat.start();
    server = await serve(qanat);
    page = await BrowserPage.open(PARTS.chromium.program!);
    await page.setViewport({ width: 1300, height: 1000 });
  });
  after(async () => {
    await page?.close();
    qanat?.drain();
    await server?.close(500);
    await qanat?.close();
  });

  async function visit(hash: string): Promise<void> {
    await page.goto("about:blank");
    await page.goto(`http://127.0.0.1:${server.port}/#${hash}`);
  }

  const label = (kind: string) =>
    `document.querySelector('[data-kind="${kind}"] .canvas')?.ariaLabel ?? ""`;
  const says = (kind: string, text: string) =>
    page.until(
      `(${label(kind)}).includes(${JSON.stringify(text)})`,
      SOON_MS,
    );
  const set = (id: string, value: string) =>
    page.evaluate(
      `document.getElementById("${id}").value = ${JSON.stringify(value)}`,
    );

  it("have titles and units, a bar of colours, and say what is averaged", async () => {
    await visit(`spectrum=${H1}&spectrogram=${H1};min=-80;max=-30&span=12`);
    await says("spectrum", "16 averages of 1 s, Hann");
    await says(
      "spectrum",
      "Amplitude spectral density (1/√Hz) over Frequency (Hz)",
    );
    await says("spectrogram", "colours from −80 to −30 dB re 1/Hz");
    const value = await page.evaluate(
      `document.querySelector('[data-kind="spectrum"] output').textContent`,
    );
    assert.equal(value, "16 averages of 1 s, Hann");
    await page.hover('[data-kind="spectrum"] .u-over');
    await page.until(
      `/^[\\d.]+ Hz: \\d\\.\\d\\de[+-]\\d+ 1\\/√Hz · 16 av/.test(document.querySelector('[data-kind="spectrum"] output').textContent)`,
      SOON_MS,
    );
    assert.deepEqual(page.troubles, []);
  });

  it("are set by keyboard, and the address keeps it", async () => {
    await visit(`spectrum=${H1}&series=${L1}&span=12`);
    await says("spectrum", "averages of 1 s, Hann");
    await page.press("n");
    await page.until(
      "document.activeElement.id === 'spectra-window'",
      SOON_MS,
    );
    await set("spectra-seconds", "two");
    await page.press("Enter");
    await page.evaluate(
      "document.querySelector('#spectra form').requestSubmit()",
    );
    await page.until(
      "document.querySelector('#spectra .wrong').textContent.startsWith('A segment takes')",
      SOON_MS,
    );
    await set("spectra-window", "flattop");
    await set("spectra-average", "median");
    await page.evaluate("document.getElementById('spectra-seconds').focus()");
    await page.evaluate("document.getElementById('spectra-seconds').select()");
    await page.type("0.5");
    await page.evaluate("document.getElementById('spectra-averages').focus()");
    await page.type("8");
    await page.press("Enter");
    await page.until(
      `location.hash.startsWith("#spectrum=${H1};window=flattop;seconds=0.5;averages=8;average=median&")`,
      SOON_MS,
    );
    await says("spectrum", "8 averages of 0.5 s, flat top, median");
    assert.deepEqual(page.troubles, []);
  });

  it("of several channels share a plot: a legend, one averaging for all, and eight at most", async () => {
    const fast = "H1:QANAT-NOISE_F32_16384";
    await visit(`series=${H1},${L1},${fast};hide=2&span=12`);
    const add = '[data-kind="series"] [title="Add its spectrum"]';
    await page.until(`document.querySelector('${add}')`, SOON_MS);
    await page.click(add);
    await page.until(
      `location.hash.includes("&spectrum=${H1},${fast}&")`,
      SOON_MS,
    );
    // The shortest of what each would have alone.
    await says("spectrum", "averages of 0.5 s, Hann");
    const plot = '[data-kind="spectrum"]';
    const legend = (name: string) => `${plot} .legend li[data-name="${name}"]`;
    await page.hover(`${plot} .u-over`);
    for (const name of [H1, fast]) {
      await page.until(
        `/^\\d\\.\\d\\de[+-]\\d+ 1\\/√Hz$/.test(document.querySelector(${
          JSON.stringify(`${legend(name)} output`)
        }).textContent)`,
        SOON_MS,
      );
    }
    assert.match(
      await page.evaluate(
        `document.querySelector('${plot} header output').textContent`,
      ) as string,
      /^[\d.]+ Hz · \d+ averages of 0.5 s, Hann$/,
    );
    await page.evaluate(`document.querySelector('${plot}').focus()`);
    await page.press("r");
    await says("spectrum", "Thin lines: ");
    await page.click(`${legend(fast)} .name`);
    await page.until(
      `location.hash.includes("&spectrum=${H1},${fast};hide=2&")`,
      SOON_MS,
    );
    const rates = [16, 256, 2048, 16_384];
    const names = [
      H1,
      L1,
      "H1:QANAT-NOISE_F64_16",
      "H1:QANAT-NOISE_F64_512",
      "H1:QANAT-NOISE_F64_4096",
      ...rates.map((rate) => `H1:QANAT-NOISE_F32_${rate}`),
    ];
    await visit(`spectrum=${names.join(",")}&span=12`);
    await page.until(
      "document.querySelectorAll('[data-kind=spectrum]').length === 2",
      SOON_MS,
    );
    assert.deepEqual(page.troubles, []);
  });

  it("keep a reference until it is removed, whatever else changes", async () => {
    await visit(`spectrum=${H1};seconds=0.5&span=12`);
    await says("spectrum", "16 averages of 0.5 s, Hann");
    await page.press("r");
    await says("spectrum", "Thin line: ");
    const first = await page.evaluate(label("spectrum")) as string;
    const [, time] = first.match(/Thin line: (\d\d:\d\d:\d\d) UTC, 16 av/)!;
    // It stays when the plot and its settings change.
    await page.press("t");
    await page.press("n");
    await set("spectra-window", "blackman");
    await page.evaluate(
      "document.querySelector('#spectra form').requestSubmit()",
    );
    await says("spectrum", "Blackman; Thin line: ");
    await page.press("t");
    await says(
      "spectrum",
      `Thin line: ${time} UTC, 16 averages of 0.5 s, Hann`,
    );
    await page.press("r");
    await page.until(
      `!(${label("spectrum")}).includes("Thin line")`,
      SOON_MS,
    );
    assert.deepEqual(page.troubles, []);
  });

  it("of two channels: coherence and transfer function", async () => {
    await visit(`spectrum=${H1};averages=12&series=${L1}&span=12`);
    await says("spectrum", "12 averages of 1 s");
    for (const text of ["Coherence", "Transfer function"]) {
      await page.press("n");
      await page.evaluate(
        `[...document.querySelectorAll('#spectra section button')].find((b) => b.textContent === "${text}").click()`,
      );
    }
    await page.until(
      `location.hash.startsWith("#spectrum=${H1};averages=12&transfer=${H1},${L1};averages=12&coherence=${H1},${L1};averages=12&series=${L1}")`,
      SOON_MS,
    );
    await says("coherence", "Coherence over Frequency (Hz), 12 averages");
    await says("transfer", "Magnitude, Phase (°) over Frequency (Hz), 12");
    await page.hover('[data-kind="coherence"] .u-over');
    await page.until(
      `/Hz: coherence [01]\\.\\d{3} · 12 av/.test(document.querySelector('[data-kind="coherence"] output').textContent)`,
      SOON_MS,
    );
    await page.evaluate(axe);
    const found = await page.evaluate(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html]))",
    );
    assert.deepEqual(found, []);
    // A plot of two channels takes what is typed at that moment, and what is wrong is said.
    await visit(`spectrum=${H1}&series=${L1}&span=12`);
    await says("spectrum", "averages of 1 s");
    const coherence =
      `[...document.querySelectorAll('#spectra section button')].find((b) => b.textContent === "Coherence").click()`;
    await page.press("n");
    await set("spectra-seconds", "0.5");
    await set("spectra-averages", "many");
    await page.evaluate(coherence);
    await page.until(
      "document.querySelector('#spectra .wrong').textContent.startsWith('The number of averages')",
      SOON_MS,
    );
    await set("spectra-averages", "20");
    await page.evaluate(coherence);
    await says("coherence", "20 averages of 0.5 s");
    await says("spectrum", "averages of 1 s");
    // Another rate has no coherence with this one, and a single channel none at all.
    await visit(
      `coherence=${H1},H1:QANAT-NOISE_F32_16384&transfer=${H1}&span=12`,
    );
    const refusal = (kind: string) =>
      `document.querySelector('[data-kind="${kind}"] .refusal')?.textContent`;
    await page.until(
      `${refusal("coherence")}?.includes("the same sample rate") && ${
        refusal("transfer")
      } === "It needs two channels"`,
      SOON_MS,
    );
    assert.deepEqual(page.troubles, []);
  });
});

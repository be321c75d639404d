// The ten tasks of docs/page-tasks.md, done as a user does them: by mouse, keyboard and fingers, through controls that are
// found by what they are called. Invariant: nothing is in the console; waits are for what the page shows, never for times.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { BrowserPage } from "./browser_page.ts";
import { PARTS } from "./chain.ts";
import { Hands } from "./hands.ts";
import { type PageServer, servePage } from "./page_server.ts";
import { SilentSource } from "./silent_source.ts";
import { Touch } from "./touch.ts";

/** A machine that runs other suites, too, needs some of it. */
const SOON_MS = 120_000;
/** Longer than a bin of ten seconds. */
const BIN_MS = 180_000;
const RAMP = "H1:QANAT-RAMP_I8_64";
const SILENT_TOPIC = "arrakis-H1QANAT_QANAT_F64000";
const runnable = canRun([PARTS.chromium]);

describe("ten tasks on the page", {
  ignore: !runnable,
  skip: !runnable,
}, () => {
  let source: SilentSource;
  let server: PageServer;
  let folder: string;
  let page: BrowserPage;
  let hands: Hands;

  before(async () => {
    source = new SilentSource({
      catalog: new Catalog(),
      nowGpsNs: () => nowGpsNs(),
    });
    server = await servePage({ source, trendMatch: ".*WHITENED" });
    folder = await Deno.makeTempDir({ prefix: "qanat-tasks-" });
  });
  after(async () => {
    await server?.close();
    if (folder) await Deno.remove(folder, { recursive: true });
  });
  before(async () => {
    page = await BrowserPage.open(PARTS.chromium.program!);
    await page.setViewport({ width: 1280, height: 800 });
    await page.downloadTo(folder);
    hands = new Hands(page);
  });
  after(() => page?.close());

  async function visit(hash: string): Promise<void> {
    await page.goto("about:blank");
    await page.goto(`${server.url}/${hash}`);
  }
  const shows: Hands["sees"] = (...what) => hands.sees(...what);
  const isLive = () => shows("#state", /^live$/);
  const spanIs = (text: string) => hands.seesSpan(text);

  async function pick(words: string, name: string): Promise<void> {
    await hands.fill("Name: words, or a regular expression", words);
    await hands.click(name);
  }

  /** The name of a file that was downloaded. */
  async function file(ending: RegExp): Promise<string> {
    const endMs = performance.now() + SOON_MS;
    while (performance.now() < endMs) {
      for await (const { name } of Deno.readDir(folder)) {
        if (ending.test(name)) return name;
      }
    }
    throw new Error(`No file like ${ending} was downloaded`);
  }

  it("1 and 2: finds the loudest channel of the last hour, sends a link, downloads 10 s around it", async () => {
    await visit("");
    await isLive();
    await hands.press("h");
    await spanIs("1 h");
    await hands.fill("Name: words, or a regular expression", "whitened");
    await shows(".found", /^2 channels$/);
    // The server has just started: the first bin is recorded when its ten seconds are over.
    const endMs = performance.now() + BIN_MS;
    for (;;) {
      await hands.click("Loudest");
      const said = await shows("#loudest p", /^(Largest|Nothing)/);
      if (said.startsWith("Largest")) break;
      assert.ok(performance.now() < endMs, said);
      await hands.press("Escape");
    }
    // Another one is clicked while the first one is read.
    const name = await page.evaluate(`(() => {
      const [one, other] = document.querySelectorAll("#loudest li button");
      one.click();
      other.click();
      return other.firstChild.textContent;
    })()`) as string;
    await spanIs("1 s");
    await hands.click("Copy as");
    await hands.click("Link");
    const link = await shows("#copy-as pre", /^http/);
    assert.match(link, /\/#series=.*&span=1&end=\d+/);
    // As the colleague opens it.
    await page.goto("about:blank");
    await page.goto(link);
    await shows("#state", /^paused$/);
    await shows("#plots .plot", new RegExp(name));
    await spanIs("1 s");

    await hands.choose("Time that is shown", "10 s");
    await spanIs("10 s");
    await hands.click("Download");
    await shows("#download .hint", /^all samples of 2 channels/);
    await hands.click("Parquet");
    await shows("#download", /\.parquet: [\d,]+ lines/);
    await file(/\.parquet$/);
    assert.deepEqual(page.troubles, []);
  });

  it("3: overlays H1 and L1, reads the delay between them and the rms", async () => {
    await visit("#span=10");
    await pick("H1 whitened", "H1:GWOSC-4KHZ_R1_WHITENED");
    await isLive();
    await hands.click("Add a channel to this plot");
    await pick("L1 whitened", "L1:GWOSC-4KHZ_R1_WHITENED");
    await shows(".plot", /2 channels/);
    await hands.click("Pause");
    await hands.drag(
      await hands.placeIn(0, 0.5),
      await hands.placeIn(0, 0.6),
    );
    await hands.seesSpan(2);
    await hands.click("Cursors");
    await shows("#cursors", /Δt 0\.33/);
    await hands.drag(
      await hands.placeIn(0, 1 / 3),
      await hands.placeIn(0, 0.5),
    );
    await hands.drag(
      await hands.placeIn(0, 2 / 3),
      await hands.placeIn(0, 0.51),
    );
    await shows("#cursors", /Δt 0\.0[01]\d+ s · 1\/Δt/);
    await shows(".plot", /rms [\d.]+.*rms [\d.]+/s);
    assert.deepEqual(page.troubles, []);
  });

  it("4: holds the view when a channel exceeds 3", async () => {
    await visit("#span=5");
    await pick("ramp I8", RAMP);
    await isLive();
    await hands.click("Set limits or a trigger");
    await hands.fill("Level", "3");
    await hands.click("Arm");
    await shows("#trigger", /armed: .* rises above 3|triggered/);
    await shows(
      "#trigger",
      /held by trigger: H1:QANAT-RAMP_I8_64 rose above 3 at/,
    );
    await shows("#state", /^paused$/);
    assert.deepEqual(page.troubles, []);
  });

  it("5: finds which channel has stopped, and since when; what is older than the server keeps", async () => {
    await visit("#span=10");
    await pick("sine 16", "H1:QANAT-SINE_F32_16");
    await hands.click("H1:QANAT-SINE_F64_16");
    await isLive();
    source.silence(SILENT_TOPIC);
    await shows(
      "#age",
      /^for \d+ s \(1 of 2 channels: H1:QANAT-SINE_F64_16\)$/,
    );
    assert.match(
      await page.evaluate("document.title") as string,
      /^no data for .* H1:QANAT-SINE_F64_16/,
    );
    source.resume();
    await isLive();
    await hands.click("Pause");
    await hands.moveTo(await hands.placeIn(1, 0.85));
    await page.until(
      `[...document.querySelectorAll(".plot output")].some((e) => /gap: did not arrive in time/.test(e.textContent))`,
      SOON_MS,
    );
    await hands.click("Go to");
    await shows("#go-to", /Samples are available from/);
    await hands.fill("Time", "-2h");
    await hands.click("Show");
    await hands.moveTo(await hands.placeIn(1, 0.5));
    await shows(".plot output", /gap: older than the server keeps/);
    assert.deepEqual(page.troubles, []);
  });

  it("6 and 7: compares spectra, keeps a reference, and sees a coherence with averages of choice", async () => {
    await visit("#span=20");
    await pick("H1 strain", "H1:GWOSC-4KHZ_R1_STRAIN");
    await pick("L1 strain", "L1:GWOSC-4KHZ_R1_STRAIN");
    await isLive();
    await hands.click("Add its spectrum");
    await hands.click("Add its spectrum: L1");
    await shows(".plot output", /averages of 1 s, Hann/);
    await page.until(
      `document.querySelectorAll('[data-kind="spectrum"]').length === 2`,
      SOON_MS,
    );
    await hands.moveTo(await hands.placeIn(1, 0.5));
    await shows('[data-kind="spectrum"] output', /^[\d.]+ Hz: \S+ 1\/√Hz/);
    await hands.click("Set window and averages");
    await hands.click("Keep as reference");
    await shows("#note", /kept as a reference/);

    await hands.click("Set window and averages");
    await hands.fill("Length of a segment, s", "0.5");
    await hands.fill("Averages, half overlapping", "20");
    await hands.click("Coherence");
    await shows('[data-kind="coherence"] output', /20 averages of 0.5 s/);
    assert.deepEqual(page.troubles, []);
  });

  it("8: puts 6 channels in 2 columns, saves the layout, clears all, opens it again, takes it as a file", async () => {
    await visit("#span=20");
    await hands.fill("Name: words, or a regular expression", "H1 sine");
    await shows(".found", /^9 channels$/);
    for (
      const end of [
        "F32_16",
        "F32_16384",
        "F32_2048",
        "F32_256",
        "F64_16",
        "F64_4096",
      ]
    ) {
      const name = `H1:QANAT-SINE_${end}`;
      await hands.click(name);
      await shows('[aria-pressed="true"]', new RegExp(`^${name}`));
    }
    await hands.choose("Columns of plots", "▥ 2");
    const plots = (count: number) =>
      page.until(
        `document.querySelectorAll("#plots .plot").length === ${count}`,
        SOON_MS,
      );
    await plots(6);
    await hands.click("Layouts");
    await hands.fill("Name for what is shown now", "sines");
    await hands.click("Save");
    await shows("#layouts", /6 plots · 2 columns/);
    await hands.click("Remove all plots");
    await plots(0);
    await hands.click("Layouts");
    await hands.click("sines");
    await plots(6);
    await hands.click("Layouts");
    await hands.click("Save as a file");
    assert.equal(
      await file(/^qanat-layout.*\.json$/),
      "qanat-layout-sines.json",
    );
    assert.deepEqual(page.troubles, []);
  });

  it("9: sets a limit, and the tab's title says when it is crossed", async () => {
    await visit("#span=10");
    await pick("ramp I8", RAMP);
    await isLive();
    await hands.click("Set limits or a trigger");
    await hands.fill("Upper limit", "100");
    await hands.click("Apply");
    await page.until("/^▲ 1 beyond limits/.test(document.title)", SOON_MS);
    await page.until("/^△ 1 was beyond limits/.test(document.title)", SOON_MS);
    await shows(".plot", /was above 100 at/);
    assert.deepEqual(page.troubles, []);
  });

  it("10: on a phone, goes back 30 min, zooms with two fingers, reads a value, is live again", async () => {
    await page.setViewport({ width: 390, height: 844, mobile: true });
    const touch = await Touch.on(page);
    await visit("#series=H1:GWOSC-4KHZ_R1_WHITENED&span=36");
    await isLive();
    await touch.tap(await hands.find("Go to"));
    await shows("#go-to", /Samples are available from/);
    await page.type("-30m");
    await touch.tap(await hands.find("Show"));
    await shows("#state", /^paused$/);
    await touch.drag(
      [await hands.placeIn(0, 0.375), await hands.placeIn(0, 0.625)],
      [await hands.placeIn(0, 0.125), await hands.placeIn(0, 0.875)],
    );
    await hands.seesSpan(20);
    const place = await hands.placeIn(0, 0.5);
    await touch.hold(place, () => shows("#cursors", /^A \d\d:\d\d/));
    await shows(".plot", /A -?\d/);
    // In sight, wherever the row of buttons was scrolled to.
    await touch.tap(await hands.find("Resume"));
    await isLive();
    assert.deepEqual(page.troubles, []);
  });
});

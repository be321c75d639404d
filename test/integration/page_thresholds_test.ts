// Limits and the trigger of the page, in Chromium: set by keys, said in the plot, the title and once for screen readers; the
// view holds at the very sample that /v1/data shows.
// Invariant: nothing in the console; the address holds what is set.
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
import { PlayedServer } from "./played_server.ts";

/** -128 to 127 in 4 s, again and again. */
const RAMP = "H1:QANAT-RAMP_I8_64";
const SINE = "H1:QANAT-SINE_F32_16384";
/** Each sample is 2^63 and its number since the GPS epoch. */
const COUNT = "H1:QANAT-COUNT_U64_16";
const COUNT_RATE = 16n;
/** So long after now a level is that a count will exceed. */
const AHEAD_MS = 8000;
/** The page announces changes of limits no more often. */
const ANNOUNCE_MS = 5000;
/** For a busy machine: what a test waits for is there at once otherwise. */
const SOON_MS = 120_000;
const TOUCH_PX = 44;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const runnable = canRun([PARTS.chromium]);

interface Held {
  readonly state: string;
  /** Of the event, GPS ns. */
  readonly timeNs: string;
  readonly endS: number;
  readonly spanS: number;
}

describe("limits and triggers of the page", {
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
  const text = (selector: string) =>
    `document.querySelector(${JSON.stringify(selector)}).textContent`;
  const hash = () => page.evaluate("location.hash") as Promise<string>;
  const held = () =>
    page.evaluate(`(() => {
      const { event, state } = qanatPage.trigger();
      const { endS, spanS } = qanatPage.view();
      return { state, timeNs: String(event?.timeNs), endS, spanS };
    })()`) as Promise<Held>;
  /** Fills the open dialog's fields, and arms the trigger. */
  const arm = async (fields: Record<string, string>) => {
    await page.until("document.getElementById('limits').open", SOON_MS);
    await page.evaluate(`{
      for (const [name, value] of Object.entries(${JSON.stringify(fields)})) {
        document.getElementById("trigger-" + name).value = value;
      }
      document.getElementById("trigger-level").form.requestSubmit();
    }`);
    await page.until(`!document.getElementById("trigger").hidden`, SOON_MS);
  };
  /** Samples around a time, by /v1/data. */
  async function around(name: string, timeNs: bigint) {
    const start = (timeNs - 1_000_000_000n) / 1_000_000_000n;
    const fields = new URLSearchParams({
      channels: name,
      start: String(start),
      duration: "3",
      format: "ndjson",
    });
    const answer = await fetch(`${url}/v1/data?${fields}`);
    assert.equal(answer.status, 200);
    return (await answer.text()).trim().split("\n")
      .map((line) => JSON.parse(line)).filter((line) => line.channels)
      .map((line) => ({
        timeNs: BigInt(line.gps_ns),
        value: line.channels[name] as number | string,
      }));
  }

  it("are set by a key, said in the plot, the title and once for screen readers, and acknowledged", async () => {
    await visit(`${url}/#series=${RAMP}&span=10`);
    await page.until(`qanatPage.series?.("${RAMP}")?.ring.end > 0`, SOON_MS);
    const begunMs = performance.now();
    await page.evaluate(`{
      globalThis.said = [];
      new MutationObserver(() => said.push(${text("#said")}))
        .observe(document.getElementById("said"), { childList: true });
    }`);
    await page.press("u");
    await page.until("document.getElementById('limits').open", SOON_MS);
    await page.type("90");
    await page.press("Enter");
    assert.equal(await hash(), `#series=${RAMP};above=90&span=10`);
    await page.until("document.title.startsWith('▲ 1 beyond limits')", SOON_MS);
    await page.until(
      `/^▲ above 90 since \\d\\d:\\d\\d:\\d\\d/.test(${text(".plot .limits")})`,
      SOON_MS,
    );
    await page.until(
      "document.title.startsWith('△ 1 was beyond limits')",
      SOON_MS,
    );
    await page.until(
      `/^△ was above 90 at \\d\\d:\\d\\d:\\d\\d/.test(${
        text(".plot .limits")
      })`,
      SOON_MS,
    );
    await wait(1000);
    const said = await page.evaluate("said") as string[];
    // Seldom enough to be heard, however long the machine took so far.
    const most = 3 + (performance.now() - begunMs) / ANNOUNCE_MS;
    assert.ok(said.length >= 1 && said.length <= most, said.join("\n"));
    assert.match(said[0]!, /: (was )?above 90 /);
    await page.press("Escape");
    await page.until(`/^[✓▲]/.test(${text(".plot .limits")})`, SOON_MS);
    // Paused, the plot says what is in view; 10 s have the ramp's top two times.
    await page.press(" ");
    await page.until(
      `${text(".plot .limits")}.includes("in view: above 90 · live: ")`,
      SOON_MS,
    );
    assert.deepEqual(page.troubles, []);
  });

  it("hold the view at the sample at which an integer that no double holds exceeds the level", async () => {
    await visit(`${url}/#series=${COUNT}&span=4`);
    await page.until(`qanatPage.series?.("${COUNT}")?.ring.end > 0`, SOON_MS);
    // A busy machine may arm it only after the count has exceeded the level.
    let level = 0n;
    for (let aheadMs = AHEAD_MS, isArmed = false; !isArmed; aheadMs *= 2) {
      const soonNs = nowGpsNs() + BigInt(aheadMs) * 1_000_000n;
      level = 2n ** 63n + soonNs * COUNT_RATE / 1_000_000_000n;
      await page.press("u");
      await arm({ level: String(level), pre: "25" });
      isArmed = nowGpsNs() < soonNs;
    }
    await page.until(
      `${text("#trigger")}.startsWith("held by trigger: ")`,
      SOON_MS,
    );
    const { endS, spanS, timeNs } = await held();
    const samples = await around(COUNT, BigInt(timeNs));
    const at = samples.findIndex(({ value }) => BigInt(value) > level);
    assert.equal(String(samples[at]!.timeNs), timeNs);
    assert.equal(BigInt(samples[at]!.value), level + 1n);
    // A quarter of the view is before the event.
    const eventS = Number(BigInt(timeNs) / 1000n) / 1e6;
    assert.ok(
      Math.abs(endS - spanS * 0.75 - eventS) < 2e-6,
      `${endS} ${eventS}`,
    );
    // All of it is there, also what came after the event.
    await page.until(
      `(() => {
        const { ring } = qanatPage.series("${COUNT}");
        return ring.hasCome(Math.ceil(${
        endS - spanS
      } * ring.rate), Math.floor(${endS} * ring.rate));
      })()`,
      SOON_MS,
    );
    assert.match(await hash(), new RegExp(`&end=${endS}&trigger=`));
    assert.deepEqual(page.troubles, []);
  });

  it("fire at the sample of a fast channel, again when armed again, and not when stopped", async () => {
    await visit(`${url}/#series=${SINE}&span=1`);
    await page.until(`qanatPage.series?.("${SINE}")?.ring.end > 0`, SOON_MS);
    await page.press("u");
    await arm({ level: "0.5", edge: "falling", pre: "50" });
    const isHeld = `${
      text("#trigger")
    }.startsWith("held by trigger: ${SINE} fell below 0.5 at ")`;
    let before = 0n;
    for (const round of [1, 2]) {
      await page.until(isHeld, SOON_MS);
      const { timeNs } = await held();
      const eventNs = BigInt(timeNs);
      assert.ok(eventNs > before, `round ${round}`);
      before = eventNs;
      const samples = await around(SINE, eventNs);
      const at = samples.findIndex((sample) => sample.timeNs === eventNs);
      const [last, first] = [samples[at - 1]!, samples[at]!];
      assert.ok(Number(last.value) >= 0.5, JSON.stringify(last.value));
      assert.ok(Number(first.value) < 0.5, JSON.stringify(first.value));
      if (round === 2) break;
      await page.evaluate(
        "[...document.querySelectorAll('#trigger button')].find((b) => b.textContent === 'Rearm').click()",
      );
      await page.until(`!${isHeld}`, SOON_MS);
    }
    assert.match(
      await hash(),
      new RegExp(`trigger=${SINE};level=0.5;edge=falling;pre=0.5;mode=single`),
    );
    await page.press(" ");
    await page.until(`${text("#trigger")}.includes("not armed")`, SOON_MS);
    await page.evaluate(
      "[...document.querySelectorAll('#trigger button')].find((b) => b.textContent === 'Stop').click()",
    );
    await page.until(
      `${text("#trigger")}.startsWith("trigger stopped: ")`,
      SOON_MS,
    );
    await wait(1500);
    assert.equal(await page.evaluate("qanatPage.view().endS"), null);
    // A colleague who opens the address has it stopped, too.
    assert.match(await hash(), /;mode=single;stopped=1/);
    await page.evaluate("globalThis.isBefore = true; location.reload()");
    await page.until(
      `!globalThis.isBefore && document.readyState === "complete" && ${
        text("#trigger")
      }.startsWith("trigger stopped: ")`,
      SOON_MS,
    );
    await page.click('#trigger [aria-label="Remove the trigger"]');
    assert.doesNotMatch(await hash(), /trigger/);
    assert.deepEqual(page.troubles, []);
  });

  it("show one event after another where the trigger repeats, and decide by bins in the data saver", async () => {
    await visit(
      `${url}/#series=${RAMP};above=1000&span=2&trigger=${RAMP};level=100;mode=repeat;holdoff=1`,
    );
    await page.until("qanatPage.trigger?.().state === 'held'", SOON_MS);
    const first = await held();
    const steps = await page.evaluate("history.length");
    // The ramp rises above 100 every 4 s.
    await page.until(
      `qanatPage.trigger().state === "held" && qanatPage.view().endS > ${first.endS}`,
      SOON_MS,
    );
    const next = await held();
    const apart = Number(BigInt(next.timeNs) - BigInt(first.timeNs)) / 4e9;
    assert.ok(Number.isInteger(apart) && apart >= 1, `${apart}`);
    // However many events it shows, Back goes to what was there before the first.
    assert.equal(await page.evaluate("history.length"), steps);
    // The same page with another address would not be loaded again.
    await page.goto("about:blank");
    await page.goto(
      `${url}/#series=${RAMP};above=100&span=20&save=1&trigger=${RAMP};level=100;pre=0.9`,
    );
    await page.until(`${text("#trigger")}.includes("by bins of 1 s")`, SOON_MS);
    await page.until("document.title.includes('beyond limits')", SOON_MS);
    await page.until("qanatPage.trigger().state === 'held'", SOON_MS);
    assert.match(
      await page.evaluate(text("#trigger")) as string,
      /\(in the 1 s from then\)/,
    );
    assert.deepEqual(page.troubles, []);
  });

  it("say that there are no data, and never that these are within limits", async () => {
    const played = new PlayedServer();
    try {
      await visit(
        `${played.url}/#series=X:NULL;above=1&series=X:SINE;above=9;below=-9&span=8&trigger=X:NONE;level=1`,
      );
      const all =
        "[...document.querySelectorAll('.plot .limits')].map((p) => p.textContent)";
      await page.until(
        `${all}[0]?.startsWith("? no number yet, so limits are not checked")`,
        SOON_MS,
      );
      await page.until(`${all}[1]?.startsWith("✓ within limits")`, SOON_MS);
      await page.until(
        `${
          text("#trigger")
        }.startsWith("armed: X:NONE rises above 1") && /no data|no channel/.test(${
          text("#trigger .detail")
        })`,
        SOON_MS,
      );
    } finally {
      await played.close();
    }
  });

  it("are accessible, in both themes, and have targets for fingers on a phone", async () => {
    await visit(
      `${url}/#series=${RAMP};above=-1000&series=${RAMP},${SINE};above=500;below=-500&series=${SINE};below=500&span=4&trigger=${SINE};level=0`,
    );
    await page.until("qanatPage.trigger?.().state === 'held'", SOON_MS);
    // A sign points to where the samples are.
    await page.until(
      `/^▼ in view: below 500 · live: below 500 since/.test([...document.querySelectorAll(".plot .limits")][2].textContent)`,
      SOON_MS,
    );
    await page.until("document.title.startsWith('▲▼ 2 beyond')", SOON_MS);
    const isAccessible = async (what: string) => {
      await page.evaluate(axe);
      const found = await page.evaluate(
        `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
          violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ")).join("; ")))`,
      );
      assert.deepEqual(found, [], what);
    };
    for (const theme of ["light", "dark"] as const) {
      await page.setTheme(theme);
      await wait(700);
      await isAccessible(theme);
      await page.press("u");
      await page.until("document.getElementById('limits').open", SOON_MS);
      await isAccessible(`${theme}, dialog`);
      await page.evaluate("document.getElementById('limits').close()");
    }
    const phone = await page.openTab();
    await phone.call("Emulation.setTouchEmulationEnabled", { enabled: true });
    await phone.setViewport({ width: 390, height: 844, mobile: true });
    await phone.goto(await page.evaluate("location.href") as string);
    await phone.until("qanatPage.trigger?.().state === 'stopped'", SOON_MS);
    await phone.until(
      "!document.querySelector('.limits button').hidden",
      SOON_MS,
    );
    const small = await phone.evaluate(
      `[...document.querySelectorAll(".limits button, #trigger button")].filter((b) => !b.hidden && b.checkVisibility())
        .map((b) => b.getBoundingClientRect())
        .filter(({ width, height }) => width < ${TOUCH_PX} || height < ${TOUCH_PX}).length`,
    );
    assert.equal(small, 0);
    const wide = await phone.evaluate("document.documentElement.scrollWidth");
    assert.ok(Number(wide) <= 390, `${wide} CSS pixels wide`);
    assert.deepEqual([...page.troubles, ...phone.troubles], []);
  });
});

// Signing in on the page, in Chromium and Firefox: panel, plots, a token that expires while rows come, signing out.
// Invariant: what is shown has no row missing or twice after a new token, and the token stays nowhere in the browser.
import { after, afterEach, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import axe from "axe-core/axe.min.js" with { type: "text" };
import { Qanat } from "../../src/app.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { honoApp } from "../../src/http/routes/hono_app.ts";
import { serve } from "../../src/http/server.ts";
import { PAGE_FILES } from "../../src/page/page_files.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { type TokenAccess, tokenAccess } from "../auth/token_access.ts";
import { configWith, silent } from "../driven_source.ts";
import { BrowserPage } from "./browser_page.ts";
import { PARTS } from "./chain.ts";
import { firefoxReports } from "./firefox_page.ts";

const COUNT = "H1:QANAT-COUNT_I64_16";
const QANAT_JS = "./qanat.js";
const STRIDE_NS = 62_500_000n;
const SINE = "H1:QANAT-SINE_F32_16";
const SOON_MS = 20_000;
const PICTURES = Deno.env.get("QANAT_MATRIX_PICTURES");

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Guarded extends TokenAccess {
  readonly url: string;
  /** What the clock that sessions expire by is ahead. */
  aheadMs: number;
  /** Rows that clients were sent. */
  rows(): number;
  close(): Promise<void>;
}

/** A server that takes the tokens `t-alice` (all channels) and `t-bob` (one channel). `script`: runs in the page, too. */
async function guardedServer(script = ""): Promise<Guarded> {
  const catalog = new Catalog();
  const clock = { aheadMs: 0 };
  const tokens = await tokenAccess(catalog, {
    alice: {},
    bob: { match: COUNT },
  }, { unixMs: () => Date.now() + clock.aheadMs });
  const qanat = new Qanat({
    config: configWith({ port: 0, drainMs: 500 }),
    source: new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() }),
    log: silent,
    access: tokens.access,
  });
  await qanat.start();
  const server = script === "" ? await serve(qanat) : scripted(qanat, script);
  return Object.assign(clock, {
    ...tokens,
    rows: () => qanat.hub.figures.counters.framesSent,
    url: `http://127.0.0.1:${server.port}`,
    close: async () => {
      qanat.drain();
      await server.close(500);
      await qanat.close();
    },
  });
}

/** Serves an instance whose page runs a script, which its Content-Security-Policy does not allow. */
function scripted(qanat: Qanat, script: string) {
  const app = honoApp(qanat, { addressOf: () => "", alreadySent: null });
  const { text, type } = PAGE_FILES.get("page.html")!;
  const page = text.replace(
    "</body>",
    () => `<script type="module">${script}</script></body>`,
  );
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(
    options,
    (request) =>
      new URL(request.url).pathname === "/"
        ? new Response(page, { headers: { "content-type": type } })
        : app.fetch(request),
  );
  return { port: server.addr.port, close: () => server.shutdown() };
}

/** In the page: notes the rows and gaps of the counter, which come by the connection that the plots use. */
const WATCH = `import("${QANAT_JS}").then(({ openStream }) => {
  globalThis.seen = { times: [], gaps: [] };
  openStream({
    channels: [{ name: "${COUNT}", strideNs: 62_500_000n, sampleRate: 16 }],
    onRow: ({ timeNs }) => void seen.times.push(String(timeNs)),
    onGap: ({ reason }) => void seen.gaps.push(reason),
  });
})`;

/** Steps between rows that are no stride: rows that are missing or came twice. */
function irregular(times: readonly string[]): bigint[] {
  return times.slice(1)
    .map((time, i) => BigInt(time) - BigInt(times[i]!))
    .filter((step) => step !== STRIDE_NS);
}

const isOpen = "document.getElementById('sign-in').open";
const isLive = "document.getElementById('state').dataset.state === 'live'";

const chromium = canRun([PARTS.chromium]);

describe(
  "signing in on the page",
  { ignore: !chromium, skip: !chromium },
  () => {
    let server: Guarded;
    let page: BrowserPage;
    const open: BrowserPage[] = [];

    before(async () => {
      server = await guardedServer();
    });
    after(() => server?.close());
    afterEach(async () => {
      server.owners.alice = {};
      server.changed();
      for (const one of open.splice(0).reverse()) await one.close();
    });

    async function visit(address: string): Promise<void> {
      page = await BrowserPage.open(PARTS.chromium.program!);
      open.push(page);
      await page.setViewport({ width: 1400, height: 1000 });
      await page.goto(address);
    }

    async function signIn(token: string): Promise<void> {
      await page.until(isOpen, SOON_MS);
      await page.type(token);
      await page.press("Enter");
    }

    const says = (id: string) =>
      `document.getElementById(${JSON.stringify(id)}).textContent`;

    it("opens by itself, takes a token by keyboard alone, and the page shows what its address says", async () => {
      await visit(`${server.url}/#series=${COUNT}&span=8`);
      await page.until(isOpen, SOON_MS);
      assert.equal(
        await page.evaluate("document.activeElement.id"),
        "sign-in-token",
      );
      assert.match(String(await page.evaluate(says("sign-in-why"))), /token/);
      await signIn("t-wrong");
      await page.until(`${says("sign-in-wrong")} !== ""`, SOON_MS);
      assert.equal(await page.evaluate(isOpen), true);
      await signIn(" Bearer t-alice ");
      await page.until(`!${isOpen} && ${isLive}`, SOON_MS);
      await page.until(`qanatPage.series("${COUNT}")?.ring.end > 20`, SOON_MS);
      assert.equal(await page.evaluate(says("session")), "Sign out");
      assert.match(
        String(await page.evaluate("document.getElementById('session').title")),
        /^Signed in as token:alice, until /,
      );
      assert.match(String(await page.evaluate("location.hash")), /span=8/);
    });

    it("keeps the token nowhere that a script or a reader of the address can find it", async () => {
      await visit(`${server.url}/#series=${COUNT}`);
      await signIn("t-alice");
      await page.until(`!${isOpen} && ${isLive}`, SOON_MS);
      const kept = await page.evaluate(`JSON.stringify([
      { ...localStorage }, { ...sessionStorage }, document.cookie, location.href,
      document.documentElement.outerHTML, [...document.querySelectorAll("input")].map((i) => i.value),
    ])`) as string;
      assert.ok(!kept.includes("t-alice"), kept.slice(0, 300));
      assert.ok(!kept.includes("qanat-session"));
    });

    it("again when the token has expired meanwhile: no row is lost, twice or a gap", async () => {
      server.owners.alice = { expiresMs: Date.now() + 6000 };
      await visit(`${server.url}/#series=${COUNT}&series=${SINE}&span=60`);
      await signIn("t-alice");
      await page.until(`!${isOpen} && ${isLive}`, SOON_MS);
      await page.evaluate(WATCH);
      await page.until("seen.times.length > 10", SOON_MS);
      await page.until(isOpen, SOON_MS);
      assert.match(
        String(await page.evaluate(says("sign-in-why"))),
        /^Your session has ended/,
      );
      await page.until(`${says("state")} === "not signed in"`, SOON_MS);
      const before = await page.evaluate("seen.times.length") as number;
      // Rows that the page has to catch up with.
      await wait(3000);
      server.owners.alice = {};
      await signIn("t-alice");
      await page.until(`!${isOpen} && ${isLive}`, SOON_MS);
      await page.until(`seen.times.length > ${before} + 16 * 6`, SOON_MS);
      const { times, gaps } = await page.evaluate("seen") as {
        times: string[];
        gaps: string[];
      };
      assert.deepEqual(irregular(times), []);
      assert.deepEqual(gaps, []);
      assert.deepEqual(
        await page.evaluate(`qanatPage.series("${COUNT}").gaps`),
        [],
      );
    });

    it("may be put off, stays closed then, and the button opens it again", async () => {
      await visit(`${server.url}/#series=${COUNT}`);
      await page.until(isOpen, SOON_MS);
      for (const type of ["keyDown", "keyUp"]) {
        const escape = { key: "Escape", windowsVirtualKeyCode: 27 };
        await page.call("Input.dispatchKeyEvent", { type, ...escape });
      }
      await page.until(`!${isOpen}`, SOON_MS);
      await wait(2500);
      assert.equal(await page.evaluate(isOpen), false);
      assert.equal(await page.evaluate(says("session")), "Sign in");
      await page.click("#session");
      await signIn("t-bob");
      await page.until(`!${isOpen} && ${isLive}`, SOON_MS);
    });

    it("in one tab is enough for all of them", async () => {
      await visit(`${server.url}/#series=${COUNT}`);
      const other = await page.openTab();
      open.push(other);
      await other.goto(`${server.url}/#series=${COUNT}`);
      await other.until(isOpen, SOON_MS);
      await page.bringToFront();
      await signIn("t-alice");
      await page.until(`!${isOpen} && ${isLive}`, SOON_MS);
      await other.bringToFront();
      await other.until(`!${isOpen} && ${isLive}`, SOON_MS);
    });

    it("out ends the streams, shows nothing more in any tab, and asks again", async () => {
      await visit(`${server.url}/#series=${COUNT}`);
      await signIn("t-alice");
      await page.until(`!${isOpen} && ${isLive}`, SOON_MS);
      const other = await page.openTab();
      open.push(other);
      await other.goto(`${server.url}/#series=${COUNT}`);
      await other.until(isLive, SOON_MS);
      await page.bringToFront();
      await page.click("#session");
      await page.until(
        `document.getElementById("sign-in")?.open && !qanatPage.series("${COUNT}")`,
        SOON_MS,
      );
      await other.until(
        `document.getElementById("sign-in")?.open && !qanatPage.series("${COUNT}")`,
        SOON_MS,
      );
      const status = await page.evaluate(
        "fetch('v1/channels').then((r) => r.status)",
      );
      assert.equal(status, 401);
    });

    it("shows the channels of its owner: the finder searches again, and others do not exist", async () => {
      await visit(`${server.url}/#series=${COUNT}`);
      await page.until(isOpen, SOON_MS);
      await signIn("t-bob");
      await page.until(`!${isOpen}`, SOON_MS);
      await page.until(
        `document.querySelectorAll("#finder .results [data-name]").length === 1`,
        SOON_MS,
      );
    });

    it("is accessible and looks well: light, dark, on a phone", async () => {
      await visit(`${server.url}/#series=${COUNT}`);
      await page.until(isOpen, SOON_MS);
      for (const theme of ["light", "dark"] as const) {
        await page.setTheme(theme);
        await signIn("t-wrong");
        await page.until(`${says("sign-in-wrong")} !== ""`, SOON_MS);
        await page.evaluate(axe);
        const found = await page.evaluate(
          `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
          violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).join("; ")))`,
        );
        assert.deepEqual(found, [], theme);
        await keep(`sign-in-${theme}`, page);
      }
      await page.setViewport({
        width: 390,
        height: 844,
        mobile: true,
        scale: 2,
      });
      // The page is laid out again after the size has changed, not at once.
      await page.until("document.documentElement.scrollWidth <= 390", SOON_MS);
      await keep("sign-in-phone", page);
    });
  },
);

/** Pictures to look at, in the folder of QANAT_MATRIX_PICTURES. */
async function keep(name: string, page: BrowserPage): Promise<void> {
  const image = await page.screenshot();
  if (PICTURES) await Deno.writeFile(`${PICTURES}/${name}.png`, image);
}

const firefox = canRun([PARTS.firefox]);

/** In the page: signs in, and again after the token has expired; reports what was seen. */
const FIREFOX_SCRIPT = `
const errors = [];
addEventListener("error", ({ message }) => errors.push(message));
addEventListener("unhandledrejection", ({ reason }) => errors.push(String(reason)));
const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (isSo) => { while (!isSo()) await soon(50); };
const dialog = () => document.getElementById("sign-in");
const why = [];
const signIn = async () => {
  await until(() => dialog()?.open);
  why.push(document.getElementById("sign-in-why").textContent);
  await soon(1000);
  document.getElementById("sign-in-token").value = "t-alice";
  dialog().querySelector("form").requestSubmit();
  await until(() => !dialog().open);
};
await signIn();
await ${WATCH};
await until(() => seen.times.length > 10);
await signIn();
const before = seen.times.length;
await until(() => seen.times.length > before + 60);
fetch("http://127.0.0.1:" + new URLSearchParams(location.search).get("report"), {
  method: "POST",
  mode: "no-cors",
  body: JSON.stringify({ errors, why, ...seen, cookie: document.cookie, session: document.getElementById("session").textContent }),
});`;

describe("signing in on the page in Firefox", {
  ignore: !firefox,
  skip: !firefox,
}, () => {
  it("and again after the session has expired loses no row", async () => {
    const server = await guardedServer(FIREFOX_SCRIPT);
    const timer = setInterval(() => {
      if (server.rows() < 80) return;
      server.aheadMs = 13 * 3_600_000;
      clearInterval(timer);
    }, 100);
    try {
      const start = `<!doctype html><meta charset="utf-8"><title>Qanat</title>
<script>location.href = ${
        JSON.stringify(server.url)
      } + "/?report=" + location.port + "#series=${COUNT}";</script>`;
      const report = await firefoxReports(
        PARTS.firefox.program!,
        () => new Response(start, { headers: { "content-type": "text/html" } }),
      ) as Record<string, string[]>;
      assert.deepEqual(report.errors, []);
      assert.match(report.why![0]!, /^This server needs a token/);
      assert.match(report.why![1]!, /^The session has expired; sign in again/);
      const { times, gaps } = report as { times: string[]; gaps: string[] };
      assert.deepEqual(irregular(times), []);
      assert.deepEqual(gaps, []);
      assert.equal(report.cookie, "");
      assert.equal(report.session, "Sign out");
    } finally {
      clearInterval(timer);
      await server.close();
    }
  });
});

// A page of which a file does not load: it names the file and offers to reload, and the rest continues.
import { after, afterEach, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { canRun } from "../../scripts/optional_parts.ts";
import { BrowserPage } from "./browser_page.ts";
import { PARTS } from "./chain.ts";
import { type PageServer, servePage } from "./page_server.ts";

const NAME = "H1:QANAT-SINE_F32_256";
const SOON_MS = 60_000;
const runnable = canRun([PARTS.chromium]);

describe("a page of which a file does not load", {
  ignore: !runnable,
  skip: !runnable,
}, () => {
  let server: PageServer;
  let page: BrowserPage;
  let proxy: Deno.HttpServer<Deno.NetAddr>;
  /** The file that fails, and what is sent instead; null: none fails. */
  let failing: { file: string; answer: (text: string) => Response } | null;

  before(async () => {
    server = await servePage();
    proxy = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      async (request) => {
        const { pathname, search } = new URL(request.url);
        const answer = await fetch(`${server.url}${pathname}${search}`, {
          method: request.method,
          headers: { accept: request.headers.get("accept") ?? "*/*" },
        }).catch(() => new Response("the browser has closed it"));
        const now = failing;
        return now !== null && pathname === `/page/${now.file}`
          ? now.answer(await answer.text())
          : answer;
      },
    );
    page = await BrowserPage.open(PARTS.chromium.program!);
  });
  after(async () => {
    await page?.close();
    await proxy?.shutdown();
    await server?.close();
  });
  afterEach(() => page.goto("about:blank"));

  const visit = () =>
    page.goto(`http://127.0.0.1:${proxy.addr.port}/#series=${NAME}&span=4`);
  const alert = "document.querySelector('.top [role=alert]')";
  const refuse = () => new Response("busy", { status: 503 });
  const isLive = "document.getElementById('state')?.textContent === 'live'";

  it("names it, and loads when the user presses Reload", async () => {
    failing = { file: "fft.js", answer: refuse };
    await visit();
    await page.until(`${alert}?.textContent`, SOON_MS);
    assert.equal(
      await page.evaluate(`${alert}.textContent`),
      "A file of the page did not load: page/fft.js (the server answered 503). Reload the page: Reload",
    );
    assert.equal(
      await page.evaluate("document.getElementById('state').textContent"),
      "not loaded",
    );
    assert.match(
      await page.evaluate("document.title") as string,
      /^Not loaded/,
    );
    failing = null;
    await page.click(".top [role=alert] button");
    await page.until(isLive, SOON_MS);
    assert.equal(await page.evaluate(alert), null);
  });

  it("names a file that was cut, and one that has an error", async () => {
    const type = { headers: { "content-type": "text/javascript" } };
    for (
      const answer of [
        (text: string) => new Response(text.slice(0, text.length / 2), type),
        (text: string) => new Response(`throw new Error("odd");${text}`, type),
      ]
    ) {
      failing = { file: "fft.js", answer };
      await visit();
      await page.until(`${alert}?.textContent`, SOON_MS);
      assert.match(
        await page.evaluate(`${alert}.textContent`) as string,
        /^(page\/fft\.js.* did not load|The page failed: odd)\. Reload the page:/,
      );
      await page.goto("about:blank");
    }
  });

  it("continues without a style, and without its worker", async () => {
    failing = { file: "touch.css", answer: refuse };
    await visit();
    await page.until(isLive, SOON_MS);
    assert.match(
      await page.evaluate(`${alert}.textContent`) as string,
      /: page\/touch\.css \(the server answered 503\)/,
    );
    await page.goto("about:blank");
    failing = { file: "hub_worker.js", answer: refuse };
    await visit();
    await page.until(isLive, SOON_MS);
    assert.equal(await page.evaluate(alert), null);
  });
});

// The live plot of the Python package: a real kernel runs a notebook, and what the notebook has saved runs in Chromium as
// anywidget runs it. Invariant: no token is in the saved notebook.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { tokenWith } from "../auth/auth_world.ts";
import { BrowserPage } from "./browser_page.ts";
import {
  freePort,
  launchQanat,
  metric,
  PARTS,
  Process,
  sleep,
} from "./chain.ts";
import script from "./notebook_page.js" with { type: "text" };

const SINE = "H1:QANAT-SINE_F32_16";
const STRAIN = "H1:GWOSC-4KHZ_R1_WHITENED";
const SOON_MS = 60_000;
const OUTAGE_MS = 3000;
const README = new URL("../../clients/python/README.md", import.meta.url);
const STATES = "application/vnd.jupyter.widget-state+json";

const isLive = "plot.state === 'live'";
const isDrawn = "plot.drawn.every(({ line }) => line > 200)";

/** The traits of a widget, as the browser gets them. */
interface State {
  readonly url: string;
  readonly _esm: string;
  readonly _credential: string;
}

const runnable = canRun([PARTS.jupyter, PARTS.chromium]);

describe("the plot in a notebook", {
  ignore: !runnable,
  skip: !runnable,
}, () => {
  const { token, entry } = tokenWith("reader");
  const processes: Process[] = [];
  let directory: string;
  let pages: Deno.HttpServer<Deno.NetAddr>;
  let origin: string;
  let page: BrowserPage;
  let openUrl: string;
  let guardedUrl: string;
  /** Of the README's plot, and of one with a token. */
  let plain: State;
  let guarded: State;
  let notebook: string;
  let answers: unknown[];

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-jupyter-" });
    pages = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () =>
        new Response(
          `<!doctype html><title>notebook</title><body><script type="module">${script}</script>`,
          { headers: { "content-type": "text/html" } },
        ),
    );
    origin = `http://127.0.0.1:${pages.addr.port}`;
    const file = `${directory}/tokens.json`;
    await Deno.writeTextFile(file, JSON.stringify({ tokens: [entry] }));
    await Deno.writeTextFile(`${directory}/token`, token);
    const cors = `--cors-origin=${origin}`;
    const auth = ["--auth=tokens", `--auth-token-file=${file}`];
    const [one, other, tab] = await Promise.all([
      start([cors]),
      start([cors, ...auth]),
      BrowserPage.open(PARTS.chromium.program!),
    ]);
    [openUrl, guardedUrl, page] = [one, other, tab];
    await runNotebook();
  });
  after(async () => {
    await page?.close();
    await pages?.shutdown();
    for (const one of processes) await one.stop();
    if (directory) await Deno.remove(directory, { recursive: true });
  });
  afterEach(() => page.evaluate("globalThis.plot?.close()"));

  async function start(settings: string[]): Promise<string> {
    const { qanat, url } = launchQanat(settings);
    processes.push(qanat);
    await qanat.answers(`${url}/readyz`);
    return url;
  }

  async function runNotebook(): Promise<void> {
    const readme = await Deno.readTextFile(README);
    const [, lines] = /## In a notebook[\s\S]*?```python\n([\s\S]*?)```/
      .exec(readme)!;
    assert.equal(lines!.trim().split("\n").length, 2);
    const cells = [
      'import sys; sys.path.insert(0, "clients/python/src")',
      lines!.trim().replace("http://127.0.0.1:8080", openUrl),
      `LivePlot(["${SINE}"], url="${guardedUrl}", token=open("${directory}/token").read())`,
    ];
    await Deno.writeTextFile(
      `${directory}/cells.json`,
      JSON.stringify(cells),
    );
    const out = `${directory}/out.ipynb`;
    const run = new Process("notebook.py", PARTS.jupyter.program!, [
      "test/integration/python/notebook.py",
      `${directory}/cells.json`,
      out,
    ]);
    assert.equal(await run.ends(), 0, run.log);
    ({ answers } = JSON.parse(run.output.trim().split("\n").at(-1)!));
    notebook = await Deno.readTextFile(out);
    const { state } = JSON.parse(notebook).metadata.widgets[STATES];
    const states = Object.values(state as Record<string, { state: State }>)
      .map((model) => model.state).filter((one) => "_esm" in one);
    plain = states.find(({ url }) => url === openUrl)!;
    guarded = states.find(({ url }) => url === guardedUrl)!;
  }

  /** Shows a plot in a new page. */
  async function show(state: object, answer: object = {}): Promise<void> {
    await page.goto(`${origin}/`);
    await page.until("globalThis.isReady", SOON_MS);
    await page.evaluate(`answer = ${JSON.stringify(answer)}`);
    await page.evaluate(`openPlot(${JSON.stringify(state)})`);
  }

  const says = (text: string) =>
    page.until(`plot.text.includes(${JSON.stringify(text)})`, SOON_MS);

  async function clientsAre(count: number): Promise<void> {
    const giveUpMs = Date.now() + SOON_MS;
    while (await metric(openUrl, "qanat_clients") !== count) {
      assert.ok(Date.now() < giveUpMs, `never ${count} clients`);
      await sleep(50);
    }
  }

  it("takes two lines, and draws the newest seconds at once", async () => {
    await show(plain);
    await page.until(`${isLive} && ${isDrawn}`, SOON_MS);
    assert.deepEqual(page.troubles, []);
  });

  it("frees its stream when it is removed, and while it is paused", async () => {
    await clientsAre(0);
    await show({ ...plain, channels: [SINE, STRAIN] });
    await page.until(`${isLive} && ${isDrawn}`, SOON_MS);
    await clientsAre(1);
    await page.click("button");
    await says("Resume");
    await clientsAre(0);
    assert.ok(await page.evaluate(isDrawn), "nothing is drawn any more");
    await page.click("button");
    await page.until(`${isLive} && ${isDrawn}`, SOON_MS);
    await clientsAre(1);
    await page.evaluate("plot.close()");
    await clientsAre(0);
    assert.equal(await page.evaluate("plot.text"), "");
  });

  it("shows long spans by bins, and follows what the kernel sets", async () => {
    await show({ ...plain, seconds: 600 });
    await page.until(`${isLive} && plot.drawn[0].line > 5`, SOON_MS);
    await page.evaluate(
      `plot.model.set("channels", ${JSON.stringify([STRAIN, SINE])})`,
    );
    await page.evaluate(`plot.model.set("seconds", 5)`);
    await page.until(`plot.drawn.length === 2 && ${isDrawn}`, SOON_MS);
  });

  it("names a wrong channel and what is near, and shows the others", async () => {
    await show({ ...plain, channels: [SINE, "H1:QANAT-SINE_F32_15"] });
    await says("There is no channel 'H1:QANAT-SINE_F32_15'; near: ");
    await page.until("plot.drawn[0].line > 200", SOON_MS);
  });

  it("says which --cors-origin a server needs that refuses it", async () => {
    const url = await start([]);
    await show({ ...plain, url });
    await says(`start it with --cors-origin ${origin}`);
  });

  it("says that the server is away, continues by itself, and hatches the gap", async () => {
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    // The gap stays in sight for as long as a busy machine takes.
    await show({ ...plain, url, seconds: 60 });
    await says(`There is no answer from ${url}/`);
    // The rest of an outage of more than a second becomes a gap.
    const settings = [`--cors-origin=${origin}`, "--resume-window-ms=1000"];
    const first = launchQanat(settings, port).qanat;
    processes.push(first);
    await page.until(`${isLive} && ${isDrawn}`, SOON_MS);
    assert.equal(await page.evaluate("plot.text.includes('gap of')"), false);
    await first.kill9();
    await says(`There is no answer from ${url}/`);
    await sleep(OUTAGE_MS);
    processes.push(launchQanat(settings, port).qanat);
    await page.until(`${isLive} && plot.text.includes("gap of")`, SOON_MS);
    await page.until("plot.drawn[0].hatched > 200", SOON_MS);
  });

  it("gets its token from the kernel before each request, and never saves it", async () => {
    assert.ok(!notebook.includes(token));
    assert.notEqual(guarded._credential, "");
    assert.equal(plain._credential, "");
    assert.deepEqual(answers, [
      { kind: "token", number: 7, token: "" },
      { kind: "token", number: 7, token },
    ]);
    await show(guarded, { error: "there is no file 'token'" });
    await says("there is no file 'token'");
    await page.evaluate(`answer = { token: "not-a-token" }`);
    await says("it must be a token that begins with 'qanat_'");
    await page.evaluate(`answer = ${JSON.stringify({ token })}`);
    await page.until(`${isLive} && ${isDrawn}`, SOON_MS);
    assert.ok(
      !(await page.evaluate("document.documentElement.outerHTML") as string)
        .includes(token),
    );
  });

  it("shares one connection with plots that have the same token", async () => {
    const state = { ...plain, _credential: "a" };
    await show(state, { token });
    await page.until(isLive, SOON_MS);
    await page.evaluate(`openPlot(${JSON.stringify(state)}, false)`);
    await page.until(`${isLive} && ${isDrawn}`, SOON_MS);
    await clientsAre(1);
    await page.evaluate("document.body.replaceChildren()");
  });

  it("says how to give a token where the server asks for one", async () => {
    await show({ ...plain, url: guardedUrl });
    await says("give LivePlot token= or token_file=");
  });
});

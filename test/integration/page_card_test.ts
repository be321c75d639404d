// The page in Chromium: cards of channels, words for what is not there, what stays in sight, keys, and axe over all dialogs.
// Invariant: nothing in the console; axe finds nothing at all, of any severity.
import { after, afterEach, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import axe from "axe-core/axe.min.js" with { type: "text" };
import { canRun } from "../../scripts/optional_parts.ts";
import { BrowserPage } from "./browser_page.ts";
import { PARTS } from "./chain.ts";
import { type PageServer, servePage } from "./page_server.ts";

const NAME = "H1:QANAT-SINE_F32_256";
/** For a busy machine: what a test waits for is there at once otherwise. */
const SOON_MS = 120_000;
const runnable = canRun([PARTS.chromium]);

describe("the page's cards and words", {
  ignore: !runnable,
  skip: !runnable,
}, () => {
  let server: PageServer;
  let page: BrowserPage;

  before(async () => {
    server = await servePage();
  });
  after(() => server?.close());
  afterEach(() => page?.close());

  async function visit(hash: string, width = 1200): Promise<void> {
    page = await BrowserPage.open(PARTS.chromium.program!);
    await page.setViewport({ width, height: 800 });
    await page.goto(`${server.url}/${hash}`);
    await page.until("globalThis.qanatPage?.figures().frames > 2", SOON_MS);
  }

  const isLive = `qanatPage.series("${NAME}")?.ring.end > 0`;
  const text = (selector: string) =>
    page.evaluate(
      `document.querySelector(${JSON.stringify(selector)}).innerText`,
    ) as Promise<string>;
  const escape = async () => {
    for (const type of ["keyDown", "keyUp"]) {
      await page.call("Input.dispatchKeyEvent", {
        type,
        key: "Escape",
        code: "Escape",
        windowsVirtualKeyCode: 27,
      });
    }
    await page.until("!document.querySelector('dialog[open]')", SOON_MS);
  };

  it("show what is known of a channel, and how old its newest data are; Esc closes them", async () => {
    await visit(`#series=${NAME}&series=H1:QANAT-NONE&span=8`);
    await page.until(isLive, SOON_MS);
    await page.press("j");
    await page.press("i");
    await page.until(
      "/ ago$/m.test(document.getElementById('channel').innerText)",
      SOON_MS,
    );
    const card = await text("#channel");
    for (
      const part of [
        NAME,
        "256 Hz",
        "float32",
        "62.5 ms in each message",
        "H1QANAT",
        "Samples\nfrom ",
      ]
    ) assert.ok(card.includes(part), `${part}: ${card}`);
    const href = await page.evaluate(
      "document.querySelector('#channel a').href",
    ) as string;
    const channel = await (await fetch(href)).json();
    assert.equal(channel.name, NAME);
    await escape();
    assert.equal(
      await page.evaluate("document.activeElement.dataset.name"),
      NAME,
    );
    // A channel that the server does not know, by its button.
    await page.evaluate(
      "document.querySelector('[data-card=\"H1:QANAT-NONE\"]').focus()",
    );
    await page.press("Enter");
    await page.until(
      "document.getElementById('channel').innerText.includes('There is no channel')",
      SOON_MS,
    );
    await escape();
    assert.equal(
      await page.evaluate("document.activeElement.dataset.card"),
      "H1:QANAT-NONE",
    );
    // A channel without a plot, of the list.
    await page.press("/");
    await page.type("noise 2048");
    await page.until(
      "document.querySelector('.results [data-name]')?.dataset.name.endsWith('NOISE_F32_2048')",
      SOON_MS,
    );
    await page.press("ArrowDown");
    await page.press("i");
    await page.until(
      "/2,048 Hz[^]* ago$/m.test(document.getElementById('channel').innerText)",
      SOON_MS,
    );
    await escape();
    assert.deepEqual(page.troubles, []);
  });

  it("say so where a time has not come yet, and a plot without samples shows no figures", async () => {
    await visit(`#series=${NAME}&span=4`);
    await page.until(isLive, SOON_MS);
    await page.evaluate(
      `location.hash = "series=${NAME}&spectrogram=${NAME}&span=10&end=" + (qanatPage.edgeS() + 3600).toFixed(1)`,
    );
    const gaps = `qanatPage.series("${NAME}").gaps`;
    await page.until(`${gaps}.some((g) => g.reason === "not-yet")`, SOON_MS);
    await page.hover(".plot .canvas", 100);
    await page.until(
      "document.querySelector('.plot output').textContent.includes('this time has not come yet')",
      SOON_MS,
    );
    // A span that comes is read once it has.
    await page.evaluate(
      `location.hash = "series=${NAME}&span=10&end=" + (qanatPage.view().endS - 3600 + 15).toFixed(1)`,
    );
    await page.until(
      `!${gaps}.some((g) => g.reason === "not-yet") && Number.isFinite(qanatPage.series("${NAME}").ring.at(Math.round((qanatPage.view().endS - 1) * 256)))`,
      2 * SOON_MS,
    );
    await page.evaluate(
      `location.hash = "series=${NAME}&spectrum=${NAME}&span=4"`,
    );
    const figure = "document.querySelector('[data-kind=spectrum] output')";
    await page.until(`/averages? of/.test(${figure}.textContent)`, SOON_MS);
    await page.press("h");
    await page.until(
      `document.querySelector('[data-kind=spectrum] .refusal').textContent !== "" && ${figure}.textContent === ""`,
      SOON_MS,
    );
    assert.deepEqual(page.troubles, []);
  });

  it("show the same time at the mouse as in the heading, after a zoom and while the plot moves", async () => {
    await visit(`#series=${NAME}&spectrogram=${NAME}&span=8`);
    await page.until(isLive, SOON_MS);
    await page.press(" ");
    await page.drag(".plot .u-over", -100, 150);
    await page.until("qanatPage.view().spanS < 8", SOON_MS);
    // Both plots have the line at the same place, and the heading has the time of that place.
    const agree = `(() => {
      const overs = [...document.querySelectorAll(".plot .u-over")];
      const lines = overs.map((o) => o.querySelector(".u-cursor-x").getBoundingClientRect().left);
      const { left, width } = overs[0].getBoundingClientRect();
      const { endS, spanS } = qanatPage.view();
      const s = endS - spanS * (1 - (lines[0] - left) / width);
      const shown = document.querySelector(".plot output").textContent.slice(0, 12);
      const [h, m, sec] = shown.split(":").map(Number);
      const day = (s + 315964782) % 86400;
      return Math.abs(lines[0] - lines[1]) < 1.5 && Math.abs(day - (h * 3600 + m * 60 + sec)) < spanS / width * 2 + 0.001;
    })()`;
    await page.until(agree, SOON_MS);
    await page.press("+");
    await page.until(agree, SOON_MS);
    assert.deepEqual(page.troubles, []);
  });

  it("keep the status, the operator's view and the whole date in sight at every width", async () => {
    const plots = Array.from(
      { length: 8 },
      (_, i) =>
        `series=H1:QANAT-${i < 4 ? "SINE" : "NOISE"}_F32_${
          [16, 256, 2048, 16384][i % 4]
        }`,
    );
    await visit(`#${plots.join("&")}&span=8&operator=1`);
    for (const width of [320, 390, 700, 900, 1200, 2200]) {
      await page.setViewport({ width, height: 800 });
      await page.evaluate("scrollTo(0, 0)");
      await page.evaluate("scrollTo(0, 600)");
      await page.until("scrollY > 100", SOON_MS);
      await page.until(
        `(() => {
          const box = (selector) => document.querySelector(selector).getBoundingClientRect();
          const [status, operator, note, head] = [".status", "#operator", ".axis-note", ".top"].map(box);
          return status.top >= 0 && status.bottom <= innerHeight &&
            operator.top >= head.bottom - 1 && operator.top < innerHeight / 2 &&
            note.bottom <= innerHeight && note.left >= 0 && document.querySelector(".axis-note").scrollWidth <= 64;
        })()`,
        SOON_MS,
      );
    }
    assert.deepEqual(page.troubles, []);
  });

  it("are reached by Tab, as is everything that can be clicked", async () => {
    await visit(`#series=${NAME}&spectrum=${NAME}&span=8&operator=1&a=1&b=2`);
    await page.until("document.querySelector('.results button')", SOON_MS);
    await page.evaluate(
      "document.body.focus(); globalThis.reached = new Set()",
    );
    const missing =
      `[...document.querySelectorAll("a[href], button, input, select, .plot")]
      .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && !reached.has(e))
      .map((e) => e.getAttribute("aria-label") ?? e.textContent)`;
    for (let i = 0; i < 400; i++) {
      for (const type of ["rawKeyDown", "keyUp"]) {
        await page.call("Input.dispatchKeyEvent", {
          type,
          key: "Tab",
          code: "Tab",
          windowsVirtualKeyCode: 9,
        });
      }
      const isNew = await page.evaluate(
        "(({ size }) => reached.add(document.activeElement).size > size)(reached)",
      );
      if (!isNew && i > 50) break;
    }
    assert.deepEqual(await page.evaluate(missing), []);
  });

  it("have a key for every function: each one of the help does something", async () => {
    await visit(`#series=${NAME}&span=8`);
    await page.until(isLive, SOON_MS);
    await page.press("?");
    const all = await page.evaluate(
      "[...document.querySelectorAll('#help kbd')].map((k) => k.textContent)",
    ) as string[];
    await page.evaluate("document.getElementById('help').close()");
    const names: Record<string, string> = {
      space: " ",
      "←": "ArrowLeft",
      "→": "ArrowRight",
    };
    // Paused, three plots, cursors, a plot in the middle that has the focus: there is something to do for each key.
    const endS = (await page.evaluate("qanatPage.edgeS()") as number - 30)
      .toFixed(1);
    const start =
      `series=${NAME}&series=H1:QANAT-NOISE_F32_256&spectrogram=${NAME}&span=8&end=${endS}&a=${
        Number(endS) - 5
      }&b=${Number(endS) - 3}`;
    const state =
      `JSON.stringify([location.hash, document.querySelector("dialog[open]")?.id, document.activeElement.outerHTML.slice(0, 300),
      document.fullscreenElement?.tagName, document.getElementById("note").textContent, document.getElementById("operator").hidden,
      document.body.className, qanatPage.view().endS, [...document.querySelectorAll(".plot")].map((p) => p.dataset.kind + p.dataset.name)])`;
    for (const shown of all.filter((key) => key !== "Escape")) {
      await page.evaluate(`location.hash = ${JSON.stringify(start)}`);
      await page.until(
        `qanatPage.view().endS === ${endS} && document.querySelectorAll(".plot").length === 3 && !document.fullscreenElement`,
        SOON_MS,
      );
      await page.evaluate("document.querySelectorAll('.plot')[1].focus()");
      const before = await page.evaluate(state);
      await page.press(names[shown] ?? shown);
      await page.until(`${state} !== ${JSON.stringify(before)}`, SOON_MS).catch(
        () => assert.fail(`'${shown}' does nothing`),
      );
      await page.evaluate(
        "document.querySelector('dialog[open]')?.close(); document.exitFullscreen().catch(() => {})",
      );
      await page.evaluate("document.activeElement.blur()");
    }
  });

  it("are accessible: axe finds nothing, in both themes, in every dialog and state", async () => {
    await visit(
      `#series=${NAME}&spectrogram=${NAME}&spectrum=${NAME}&series=H1:NONE&span=8`,
    );
    await page.until(isLive, SOON_MS);
    for (const theme of ["light", "dark"] as const) {
      await page.setTheme(theme);
      for (
        const key of [
          "",
          "m",
          " ",
          "o",
          "h",
          "?",
          "c",
          "g",
          "y",
          "e",
          "i",
          "u",
          "l",
          "n",
          "w",
        ]
      ) {
        if (key !== "") await page.press(key);
        await new Promise((resolve) => setTimeout(resolve, 700));
        await page.evaluate(axe);
        const found = await page.evaluate(
          `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
            violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).join("; ")))`,
        );
        assert.deepEqual(found, [], `${theme}, after '${key}'`);
        await page.evaluate("document.querySelector('dialog[open]')?.close()");
      }
      await page.evaluate(
        `location.hash = "series=${NAME}&spectrogram=${NAME}&spectrum=${NAME}&series=H1:NONE&span=8"`,
      );
    }
    assert.deepEqual(page.troubles, []);
  });
});

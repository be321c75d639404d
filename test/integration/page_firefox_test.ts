// The page in Firefox: it reads, and draws every kind of plot of every value.
// Invariant: nothing drives the browser: a script in the page reports what it finds.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { PARTS } from "./chain.ts";
import { EMPTY } from "./empty_plots.ts";
import { firefoxReports } from "./firefox_page.ts";
import { HOSTILE, PlayedServer } from "./played_server.ts";

const runnable = canRun([PARTS.firefox]);

/** Scrolls down while every plot in sight shows something, waits 30 s at most, and reports what did not, and all errors. */
const SCRIPT = `
const errors = [];
addEventListener("error", ({ message }) => errors.push(message));
addEventListener("unhandledrejection", ({ reason }) => errors.push(String(reason)));
const { error } = console;
console.error = (...all) => { errors.push(all.join(" ")); error(...all); };
const begunMs = performance.now();
let empty = ["nothing"];
const look = () => {
  if (globalThis.qanatPage?.figures().rows > 4) empty = ${EMPTY};
  const before = scrollY;
  if (empty.length === 0) scrollBy(0, innerHeight / 2);
  const isOver = empty.length === 0 && scrollY === before;
  if (!isOver && performance.now() - begunMs < 30_000) {
    return setTimeout(look, 200);
  }
  const { frames } = qanatPage.figures();
  const report = { errors, empty, frames, isOver, scrollY, title: document.title };
  use().then((used) => send({ ...report, ...used }), (error) => send({ ...report, errors: [...errors, String(error)] }));
};
const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Cursors, another time, panning, and Back. */
const use = async () => {
  scrollTo(0, 0);
  press("m");
  await wait(1500);
  const betweens = [...document.querySelectorAll(".between")].filter((p) => !p.hidden).length;
  const apart = document.getElementById("cursors").textContent;
  press("g");
  document.getElementById("go-to-time").value = "-5";
  document.querySelector("#go-to form").requestSubmit();
  await wait(1500);
  const wentS = qanatPage.view().endS;
  press("ArrowLeft");
  const pannedS = qanatPage.view().endS;
  await wait(500);
  history.back();
  await wait(1000);
  const backS = qanatPage.view().endS;
  return { betweens, apart, wentS, pannedS, backS, ...drag(), ...await overlay(), ...await layout(), ...await trigger() };
};
/** A limit, and a trigger that holds the view. */
const trigger = async () => {
  location.hash = "series=X:SINE;above=0.5&span=4&trigger=X:SINE;level=0.9";
  for (let i = 0; i < 60 && qanatPage.trigger().state !== "held"; i++) await wait(250);
  await wait(500);
  return {
    held: document.getElementById("trigger").textContent,
    limits: document.querySelector(".plot .limits").textContent,
  };
};
/** Several channels in one plot. */
const overlay = async () => {
  location.hash = "series=X:SINE,X:NEAR,X:NULL&series=X:ZERO&span=8";
  await wait(3000);
  const legend = [...document.querySelectorAll(".legend li output")].map((o) => o.textContent);
  document.querySelector(".legend li .name").click();
  document.querySelector('[aria-label="Move into a plot of its own: X:NULL"]').click();
  await wait(1000);
  return { legend, hash: location.hash, overlayEmpty: ${EMPTY} };
};
/** A finger drags a quarter of the span, and the wheel zooms. */
const drag = () => {
  const over = document.querySelector(".plot .u-over");
  const { left, top, width } = over.getBoundingClientRect();
  // A pointer that a script makes cannot be captured.
  over.setPointerCapture = () => {};
  const touch = (type, x) =>
    over.dispatchEvent(new PointerEvent(type, { pointerId: 7, pointerType: "touch", clientX: left + x, clientY: top + 20, cancelable: true }));
  touch("pointerdown", 40);
  touch("pointermove", 60);
  touch("pointermove", 60 + width / 4);
  touch("pointerup", 60 + width / 4);
  const draggedS = qanatPage.view().endS;
  over.dispatchEvent(new WheelEvent("wheel", { ctrlKey: true, deltaY: -30, clientX: left + width / 2, cancelable: true }));
  return { draggedS, zoomedS: qanatPage.view().spanS };
};
/** Columns, and a layout that is saved. */
const layout = async () => {
  press("]");
  await wait(1000);
  const strips = document.querySelectorAll(".axis-strip").length;
  const lefts = [...document.querySelectorAll(".plot")].map((plot) => plot.getBoundingClientRect().left);
  press("l");
  document.getElementById("layout-name").value = "Two";
  document.querySelector("#layouts form").requestSubmit();
  const layouts = document.querySelector("#layouts .layouts").textContent;
  document.getElementById("layouts").close();
  return { strips, columns: new Set(lefts).size, layouts };
};
const send = (report) => {
  fetch("http://127.0.0.1:" + new URLSearchParams(location.search).get("report"), {
    method: "POST",
    mode: "no-cors",
    body: JSON.stringify(report),
  });
};
look();`;

describe("the page in Firefox", { ignore: !runnable, skip: !runnable }, () => {
  it("draws a series, a spectrogram and a spectrum of every value", async () => {
    const server = new PlayedServer(SCRIPT);
    try {
      const plots = HOSTILE.flatMap((name) =>
        ["series", "spectrogram", "spectrum"].map((kind) => `${kind}=${name}`)
      );
      const report = await firefoxReports(
        PARTS.firefox.program!,
        () =>
          new Response(
            `<!doctype html><meta charset="utf-8"><title>Qanat</title>
<script>location.href = ${
              JSON.stringify(server.url)
            } + "/?report=" + location.port +
  ${JSON.stringify(`#${plots.join("&")}&span=8`)};</script>`,
            { headers: { "content-type": "text/html" } },
          ),
      ) as Record<string, unknown>;
      assert.deepEqual([report.errors, report.empty], [[], []]);
      assert.ok(report.isOver && Number(report.scrollY) > 1000);
      assert.ok(Number(report.frames) > 10, `${report.frames} frames`);
      assert.equal(report.title, "Qanat");
      assert.ok(Number(report.betweens) > 0, `${report.betweens}`);
      assert.match(
        String(report.apart),
        /^A .* · Δt 2\.66667 s · 1\/Δt 0\.375 Hz/,
      );
      const { wentS, pannedS, backS } = report as Record<string, number>;
      assert.ok(Math.abs(wentS! - pannedS! - 2) < 1e-3, `${wentS} ${pannedS}`);
      assert.equal(backS, wentS);
      assert.deepEqual(
        (report.legend as string[]).map((text) => text !== ""),
        [true, true, true],
      );
      assert.equal(
        report.hash,
        "#series=X:SINE,X:NEAR;hide=1&series=X:NULL&series=X:ZERO&span=8",
      );
      assert.deepEqual(report.overlayEmpty, []);
      assert.deepEqual([report.strips, report.columns], [2, 2]);
      assert.match(
        String(report.layouts),
        /^Two\d+ plots · 2 columns · 8 s/,
      );
      assert.match(
        String(report.held),
        /^held by trigger: X:SINE rose above 0\.9 at \d\d:\d\d:\d\d\.\d/,
      );
      assert.match(
        String(report.limits),
        /^[▲△?] in view: above 0\.5 · live: /,
      );
      const { draggedS, zoomedS } = report as Record<string, number>;
      assert.ok(Math.abs(backS! - draggedS! - 2) < 1e-3, `${draggedS}`);
      assert.ok(Math.abs(zoomedS! - 8 * Math.exp(-0.3)) < 1e-3, `${zoomedS}`);
    } finally {
      await server.close();
    }
  });
});

// The page in Firefox: it reads, draws every kind of plot of every value, and does what users do.
// Invariant: nothing drives the browser: a script in the page reports what it finds.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { PARTS } from "./chain.ts";
import { EMPTY } from "./empty_plots.ts";
import { firefoxReports } from "./firefox_page.ts";
import { HOSTILE, PlayedServer } from "./played_server.ts";

const runnable = canRun([PARTS.firefox]);

/** Scrolls down while every plot in sight shows something, for two minutes at most; reports what did not, and errors. */
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
  if (!isOver && performance.now() - begunMs < 120_000) {
    return setTimeout(look, 200);
  }
  const { frames } = qanatPage.figures();
  const report = { errors, empty, frames, isOver, scrollY, title: document.title };
  use().then((used) => send({ ...report, ...used }), (error) => send({ ...report, errors: [...errors, String(error)] }));
};
const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
/** Waits until it gives something, and returns that. */
const until = async (get) => {
  const giveUpMs = performance.now() + 180_000;
  for (;;) {
    const value = get();
    if (value) return value;
    if (performance.now() > giveUpMs) throw new Error("not so within three minutes: " + get);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};
/** A change of the time that is a step of its own for the browser's Back. */
const apart = () => new Promise((resolve) => setTimeout(resolve, 1100));
/** Nothing of the plots in sight is empty. */
const allShown = () => until(() => ${EMPTY}.length === 0);
const textOf = (selector) => document.querySelector(selector)?.textContent ?? "";
/** Cursors, another time, panning, Back, and what each function below does. */
const use = async () => {
  scrollTo(0, 0);
  press("m");
  const betweens = await until(() => [...document.querySelectorAll(".between")].filter((p) => !p.hidden).length);
  const cursors = await until(() => textOf("#cursors"));
  press("g");
  document.getElementById("go-to-time").value = "-5";
  document.querySelector("#go-to form").requestSubmit();
  const wentS = await until(() => qanatPage.view().endS);
  await apart();
  press("ArrowLeft");
  const pannedS = qanatPage.view().endS;
  history.back();
  await until(() => qanatPage.view().endS !== pannedS);
  const backS = qanatPage.view().endS;
  return { betweens, cursors, wentS, pannedS, backS, ...drag(), ...await overlay(), ...await layout(), ...await spectra(), ...await trigger() };
};
/** A spectrum and a spectrogram with their settings, and a reference. */
const spectra = async () => {
  location.hash = "spectrum=X:SINE;window=flattop;seconds=0.5&spectrogram=X:SINE;min=-60;max=0&span=8";
  const label = (kind) => document.querySelector('[data-kind="' + kind + '"] .canvas')?.getAttribute("aria-label") ?? "";
  await until(() => /\\d averages of 0.5 s/.test(label("spectrum")));
  await allShown();
  document.querySelector('[data-kind="spectrum"]').focus();
  press("r");
  await until(() => label("spectrum").includes("Thin line: "));
  location.hash = location.hash.replace("flattop", "hann");
  await until(() => /Hann.*Thin line: /.test(label("spectrum")));
  await allShown();
  const labels = Object.fromEntries(["spectrum", "spectrogram"].map((kind) => [kind, label(kind)]));
  document.querySelector('[data-kind="spectrum"]').focus();
  press("r");
  await until(() => !label("spectrum").includes("Thin line"));
  return { labels };
};
/** A limit, and a trigger that holds the view. */
const trigger = async () => {
  location.hash = "series=X:SINE;above=0.5&span=4&trigger=X:SINE;level=0.9";
  await until(() => qanatPage.trigger()?.state === "held");
  const held = await until(() => /^held by /.test(textOf("#trigger")) && textOf("#trigger"));
  const limits = await until(() => /in view: /.test(textOf(".plot .limits")) && textOf(".plot .limits"));
  return { held, limits };
};
/** Several channels in one plot. */
const overlay = async () => {
  location.hash = "series=X:SINE,X:NEAR,X:NULL&series=X:ZERO&span=8";
  const legend = await until(() => {
    const texts = [...document.querySelectorAll(".legend li output")].map((o) => o.textContent);
    return texts.length === 3 && texts.every((text) => text !== "") && texts;
  });
  document.querySelector(".legend li .name").click();
  document.querySelector('[aria-label="Move into a plot of its own: X:NULL"]').click();
  const hash = await until(() => location.hash.includes("hide=1&series=X:NULL&") && location.hash);
  await allShown();
  return { legend, hash };
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
  const strips = await until(() => document.querySelectorAll(".axis-strip").length === 2 && 2);
  const columns = await until(() => {
    const lefts = [...document.querySelectorAll(".plot")].map((plot) => plot.getBoundingClientRect().left);
    return new Set(lefts).size === 2 && 2;
  });
  press("l");
  document.getElementById("layout-name").value = "Two";
  document.querySelector("#layouts form").requestSubmit();
  const layouts = await until(() => textOf("#layouts .layouts"));
  document.getElementById("layouts").close();
  return { strips, columns, layouts };
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
  it("draws a series, a spectrogram and a spectrum of every value, and does what keys, a finger and dialogs ask for", async () => {
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
        String(report.cursors),
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
      assert.deepEqual([report.strips, report.columns], [2, 2]);
      assert.match(
        String(report.layouts),
        /^Two\d+ plots · 2 columns · 8 s/,
      );
      const { spectrum, spectrogram } = report.labels as Record<string, string>;
      for (
        const part of [
          /Amplitude spectral density \(1\/√Hz\) over Frequency \(Hz\)/,
          /\d averages of 0\.5 s, Hann/,
          /Thin line: \d\d:\d\d:\d\d UTC, \d+ averages of 0\.5 s, flat top/,
        ]
      ) assert.match(spectrum!, part);
      assert.match(spectrogram!, /colours from −60 to 0 dB/);
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

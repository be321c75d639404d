// A part of a cycle, held until the next time round: GW150914 in the embedded source, or whatever repeats.
// Invariant: what is shown is the newest whole occurrence that was received.
import uPlot from "uplot";
import { gpsNow, timeText } from "./clock.js";
import { el } from "./dom.js";
import { originFor } from "./int64_samples.js";
import { Spectrogram } from "./spectrogram.js";
import { AXIS_LEFT_PX, AXIS_SPACE_PX, roomOf } from "./time_axis.js";
import { ValueScale } from "./value_scale.js";

const NOTHING = { onZoom: () => {}, onReset: () => {}, onHover: () => {} };

export class CloseUpPanel {
  /** @type {import("./view.js").CloseUp} */
  #closeUp;
  #look;
  #feed;
  #lines;
  #picture;
  #note = el("p", { class: "closeup-note" });
  #boxes;
  #shownS = NaN;
  #scale = new ValueScale();
  #version = "";
  /** Middle of what is shown, GPS s; NaN before the first. */
  get shownS() {
    return this.#shownS;
  }

  /**
   * @param {HTMLElement} parent
   * @param {import("./view.js").CloseUp} closeUp
   * @param {{ look: () => import("./time_plot.js").Look, feed: import("./feed.js").Feed, onClose: () => void, onLook: (fromS: number, toS: number) => void }} options
   */
  constructor(parent, closeUp, { look, feed, onClose, onLook }) {
    this.#closeUp = closeUp;
    this.#look = look;
    this.#feed = feed;
    const lines = el("div", {
      class: "closeup-plot waiting",
      role: "img",
      "aria-label": `Close-up of ${closeUp.names.join(" and ")}`,
    });
    const picture = el("div", {
      class: "closeup-plot waiting",
      role: "img",
      "aria-label": `Spectrogram of ${closeUp.name}, close-up`,
    });
    this.#boxes = [lines, picture];
    const isWave = closeUp.names[0]?.includes("GWOSC") && closeUp.everyS === 32;
    parent.replaceChildren(
      el(
        "header",
        {},
        el("h2", { textContent: isWave ? "GW150914, close up" : "Close-up" }),
        this.#note,
        el(
          "span",
          { class: "group" },
          el("button", {
            type: "button",
            textContent: "Look",
            title: "Pause the plots on this moment",
            onclick: () => {
              const { widthS } = this.#closeUp;
              if (!Number.isNaN(this.#shownS)) {
                onLook(this.#shownS - widthS, this.#shownS + widthS);
              }
            },
          }),
          el("button", {
            type: "button",
            class: "icon",
            textContent: "×",
            title: "Close the close-up",
            "aria-label": "Close the close-up",
            onclick: onClose,
          }),
        ),
      ),
      el("div", { class: "closeup-plots" }, lines, picture),
    );
    const stroke = () => look().colours.muted;
    const grid = { stroke: () => look().colours.grid, width: 1 };
    const font = "11px system-ui, sans-serif";
    this.#lines = new uPlot(
      {
        width: 300,
        height: 190,
        padding: [6, 14, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: { auto: false, range: [0, 1] } },
        axes: [
          {
            stroke,
            grid,
            font,
            size: 26,
            ticks: { show: false },
            values: (_u, splits) =>
              splits.map((s) => `${Number(s.toFixed(3))} s`),
          },
          {
            stroke,
            grid,
            font,
            size: AXIS_LEFT_PX,
            gap: 4,
            ticks: { show: false },
            splits: (u) =>
              this.#scale.ticks(roomOf(u, AXIS_SPACE_PX)).map((t) => t.at),
            values: (u) =>
              this.#scale.ticks(roomOf(u, AXIS_SPACE_PX)).map((t) => t.text),
          },
        ],
        series: [
          {},
          ...closeUp.names.map((name) => ({
            label: name,
            width: 1.5,
            stroke: () => look().colour(name),
            points: { show: false },
          })),
        ],
      },
      [[0], ...closeUp.names.map(() => [null])],
      lines,
    );
    this.#picture = new Spectrogram(picture, look, {
      ...NOTHING,
      highShare: 0.125,
      octaves: 5,
      hopMin: 4,
      windowS: 1 / 16,
      rangeDb: 26,
    });
    this.resize();
  }

  resize() {
    const [lines, picture] = this.#boxes;
    this.#lines.setSize({
      width: Math.max(lines.clientWidth, 120),
      height: 190,
    });
    this.#picture.resize(Math.max(picture.clientWidth, 120), 190);
    this.#version = "";
  }

  /** @param {string} look changes with the theme */
  draw(look) {
    const { names, everyS, atS, widthS } = this.#closeUp;
    const all = names.map((name) => this.#feed.series.get(name));
    const first = all[0];
    if (!first || first.ring.end === 0) return;
    const half = widthS / 2;
    const margin = 0.04;
    const newestS = Math.min(...all.map((s) => s?.ring.endS ?? Infinity));
    let middleS =
      Math.floor((newestS - half - margin - atS) / everyS) * everyS + atS;
    const oldestS = first.ring.endS - first.ring.capacity / first.ring.rate;
    const has = first.ring.extremes(
      Math.round((middleS - half) * first.ring.rate),
      Math.round((middleS + half) * first.ring.rate),
    );
    // Held samples and the past may be on their way.
    if (middleS - half < oldestS || !has) {
      if (Number.isNaN(this.#shownS)) {
        this.#say("waiting for it to come round");
      }
      middleS = NaN;
    }
    if (!Number.isNaN(middleS)) {
      // Its samples may still be coming in: from the past, or of the other channels.
      const there = all.map((series) => {
        const { ring } = series ?? {};
        if (!ring) return "";
        const first = Math.round((middleS - half) * ring.rate);
        const last = Math.round((middleS + half) * ring.rate);
        return `${ring.at(first)} ${ring.at(last)}`;
      });
      const key = `${middleS} ${look} ${there.join(" ")}`;
      if (key !== this.#version) {
        this.#version = key;
        this.#shownS = middleS;
        for (const box of this.#boxes) box.classList.remove("waiting");
        this.#drawLines(middleS, half);
      }
      this.#picture.use(first);
      this.#picture.draw(middleS - half, middleS + half, key);
      const agoS = Math.max(0, gpsNow() - middleS);
      const { time } = this.#look();
      const when = time === "gps"
        ? `GPS ${timeText(middleS, "gps", 2)}`
        : `${timeText(middleS, "utc", 2)} UTC`;
      this.#say(`${when}, ${agoS.toFixed(0)} s ago · every ${everyS} s`);
    }
  }

  close() {
    this.#lines.destroy();
    this.#picture.close();
  }

  /**
   * @param {number} middleS
   * @param {number} half
   */
  #drawLines(middleS, half) {
    const { names } = this.#closeUp;
    const rings = names.map((name) => this.#feed.series.get(name)?.ring);
    const rate = rings[0]?.rate ?? 1;
    const first = Math.round((middleS - half) * rate);
    const count = Math.round(2 * half * rate);
    /** @type {number[]} */
    const x = [];
    for (let i = 0; i <= count; i++) x.push((first + i) / rate - middleS);
    const read = (/** @type {number} */ origin) =>
      rings.map((ring) =>
        x.map((s) =>
          ring?.at(Math.round((middleS + s) * ring.rate), origin) ?? NaN
        )
      );
    let values = read(0);
    let { low, high } = finiteRangeOf(values.flat());
    const origin = rings.some((ring) => ring?.isInt64)
      ? originFor(low, high, 0)
      : 0;
    if (origin !== 0) {
      values = read(origin);
      ({ low, high } = finiteRangeOf(values.flat()));
    }
    if (low <= high) this.#scale.fit(low, high, origin);
    const y = values.map((some) =>
      some.map((v) => Number.isNaN(v) ? null : this.#scale.share(v))
    );
    this.#lines.batch(() => {
      this.#lines.setData([x, ...y]);
      this.#lines.redraw(true, true);
    });
  }

  /** @param {string} text */
  #say(text) {
    if (this.#note.textContent !== text) this.#note.textContent = text;
  }
}

/** @param {number[]} values */
function finiteRangeOf(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

// The two cursors A and B: how keys and buttons move them, and the line that says where they are and how far apart.
import { timeText } from "./clock.js";
import { el } from "./dom.js";
import { valueText } from "./axis_text.js";

/** @typedef {0 | 1} Which cursor A or B */
/** @typedef {readonly [number | null, number | null]} Times GPS s; null where a cursor is not placed */
/** @typedef {{ cursors: Times, spanS: number, edgeS: number, hoverS: number | null, pixels: number, time: "utc" | "gps" }} Shown */

const NAMES = ["A", "B"];
/** Where cursors are placed when they are switched on, as shares of the span. */
const SHARES = [1 / 3, 2 / 3];

export class Cursors {
  #element;
  #shown;
  #onMove;
  /** The cursor that was moved last. @type {Which} */
  #last = 0;
  #text = el("span", { class: "number" });

  /**
   * @param {HTMLElement} element
   * @param {{ shown: () => Shown, onMove: (cursors: Times) => void }} options
   */
  constructor(element, { shown, onMove }) {
    this.#element = element;
    this.#shown = shown;
    this.#onMove = onMove;
    element.replaceChildren(
      this.#text,
      el("button", {
        type: "button",
        class: "icon",
        textContent: "×",
        title: "Remove the cursors (m)",
        "aria-label": "Remove the cursors",
        onclick: () => onMove([null, null]),
      }),
    );
  }

  /** Places both, or removes them. */
  toggle() {
    const { cursors, edgeS, spanS } = this.#shown();
    const isOn = cursors.some((s) => s !== null);
    const [a, b] = SHARES.map((share) => edgeS - spanS * (1 - share));
    this.#onMove(isOn ? [null, null] : [rounded(a), rounded(b)]);
  }

  /** Places one at the mouse, or in the middle. @param {Which} which */
  place(which) {
    const { edgeS, hoverS, spanS } = this.#shown();
    this.moveTo(which, hoverS ?? edgeS - spanS / 2);
  }

  /**
   * @param {Which} which
   * @param {number} gpsS
   */
  moveTo(which, gpsS) {
    const [a, b] = this.#shown().cursors;
    this.#last = which;
    const at = rounded(gpsS);
    this.#onMove(which === 0 ? [at, b] : [a, at]);
  }

  /** Moves the cursor that was moved last. @param {number} pixels */
  nudge(pixels) {
    const shown = this.#shown();
    const at = shown.cursors[this.#last];
    if (at === null) return this.place(this.#last);
    this.moveTo(this.#last, at + pixels * shown.spanS / shown.pixels);
  }

  /** Writes where they are. */
  say() {
    const { cursors, pixels, spanS, time } = this.#shown();
    const isOn = cursors.some((s) => s !== null);
    if (this.#element.hidden === isOn) this.#element.hidden = !isOn;
    if (!isOn) return;
    const text = textOf(cursors, { pixelS: spanS / pixels, time });
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }
}

/**
 * @param {Times} cursors
 * @param {{ pixelS: number, time: "utc" | "gps" }} options pixelS: seconds of a pixel
 */
export function textOf(cursors, { pixelS, time }) {
  // As exact as the mouse is, in whole decimals; the address has microseconds.
  const digits = Math.min(Math.max(Math.ceil(-Math.log10(pixelS)), 0), 6);
  const parts = cursors.flatMap((s, i) =>
    s === null ? [] : [`${NAMES[i]} ${timeText(s, time, digits)}`]
  );
  const [a, b] = cursors;
  if (a !== null && b !== null) {
    const apart = rounded(b - a);
    parts.push(`Δt ${valueText(apart)} s`);
    if (apart !== 0) parts.push(`1/Δt ${valueText(1 / Math.abs(apart))} Hz`);
  }
  return parts.join(" · ");
}

/** To microseconds, which keeps the address short. @param {number} gpsS */
function rounded(gpsS) {
  return Number(gpsS.toFixed(6));
}

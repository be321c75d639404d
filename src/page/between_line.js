// The line of a plot that says what one of its channels has between the cursors.
// Invariant: it is computed when the cursors move, and at most once a second while rows come.
import { betweenText } from "./between.js";
import { el } from "./dom.js";

const AGAIN_MS = 1000;

export class BetweenLine {
  element = el("p", { class: "between number", hidden: true });
  #label;
  #at = " ";
  #version = "";
  #saidMs = 0;

  /** @param {string} [label] which channel, where the plot has several */
  constructor(label = "") {
    this.#label = label;
  }

  /**
   * @param {import("./series.js").Series} series
   * @param {import("./cursors.js").Times} cursors
   * @param {string} version changes when samples may have come
   */
  say(series, cursors, version) {
    const at = cursors.join(" ");
    const nowMs = performance.now();
    const isDue = this.#version !== version && nowMs - this.#saidMs > AGAIN_MS;
    if (this.#at === at && !isDue) return;
    this.#at = at;
    this.#version = version;
    this.#saidMs = nowMs;
    const between = betweenText(series, cursors);
    const text = this.#label && between
      ? `${this.#label}: ${between}`
      : between;
    this.element.hidden = text === "";
    if (this.element.textContent !== text) this.element.textContent = text;
  }
}

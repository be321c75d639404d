// The close-up: a short part of a signal that repeats, held until it comes again (GW150914 in the embedded source).
// Invariant: it shows the newest occurrence that was received as a whole.
import { gpsNow, timeText } from "./clock.js";
import { CloseUpLines } from "./close_up_lines.js";
import { el } from "./dom.js";
import { Spectrogram } from "./spectrogram.js";

/** Samples that must have come after the end of what is shown, s. */
const MARGIN_S = 0.04;
const NOTHING = {
  onZoom: () => {},
  onReset: () => {},
  onHover: () => {},
  onCursor: () => {},
  slide: null,
};

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
  #version = "";
  /** Middle of what is shown, GPS s; NaN before the first. */
  get shownS() {
    return this.#shownS;
  }

  /** Range of the time axis of the lines, s. */
  get rangeS() {
    return this.#lines.rangeS;
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
    const [lines, picture] = [
      plotBox(`Close-up of ${closeUp.names.join(" and ")}`),
      plotBox(`Spectrogram of ${closeUp.name}, close-up`),
    ];
    this.#boxes = [lines, picture];
    parent.replaceChildren(
      this.#header({ onClose, onLook }),
      el("div", { class: "closeup-plots" }, lines, picture),
    );
    this.#lines = new CloseUpLines(lines, look, closeUp.names);
    this.#picture = new Spectrogram(picture, look, {
      ...NOTHING,
      highShare: 0.125,
      octaves: 5,
      hopMin: 4,
      windowS: 1 / 16,
      rangeDb: 26,
      hasBar: false,
    });
    this.resize();
  }

  /** @param {{ onClose: () => void, onLook: (fromS: number, toS: number) => void }} events */
  #header({ onClose, onLook }) {
    const { names, everyS, widthS } = this.#closeUp;
    const isWave = names[0]?.includes("GWOSC") && everyS === 32;
    return el(
      "header",
      {},
      el("h2", { textContent: isWave ? "GW150914, close up" : "Close-up" }),
      this.#note,
      el(
        "span",
        { class: "group" },
        el("button", {
          type: "button",
          textContent: "Zoom here",
          title: "Pause the plots on this moment",
          onclick: () => {
            if (Number.isNaN(this.#shownS)) return;
            onLook(this.#shownS - widthS, this.#shownS + widthS);
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
    );
  }

  resize() {
    const [lines, picture] = this.#boxes;
    this.#lines.resize(Math.max(lines.clientWidth, 120));
    this.#picture.resize(Math.max(picture.clientWidth, 120), 190);
    this.#version = "";
  }

  /** @param {string} look changes with the theme */
  draw(look) {
    const { names, widthS } = this.#closeUp;
    const all = names.map((name) => this.#feed.series.get(name));
    const first = all[0];
    if (!first || first.ring.end === 0) return;
    const half = widthS / 2;
    const middleS = this.#newestOf(all, half);
    if (middleS === null) {
      if (Number.isNaN(this.#shownS)) this.#say("waiting for the next time");
      return;
    }
    // Samples of it may still come: of history, or of the other channels.
    const there = all.map((series) => {
      const { ring } = series ?? {};
      if (!ring) return "";
      const from = Math.round((middleS - half) * ring.rate);
      const to = Math.round((middleS + half) * ring.rate);
      return `${ring.at(from)} ${ring.at(to)}`;
    });
    const key = `${middleS} ${look} ${there.join(" ")}`;
    if (key !== this.#version) {
      this.#version = key;
      this.#shownS = middleS;
      for (const box of this.#boxes) box.classList.remove("waiting");
      this.#lines.draw(all.map((series) => series?.ring), middleS, half);
    }
    this.#picture.use(first);
    this.#picture.draw(middleS - half, middleS + half, key);
    this.#sayWhen(middleS);
  }

  /**
   * Middle of the newest occurrence that all channels have whole, GPS s; null when there is none.
   * @param {(import("./series.js").Series | undefined)[]} all
   * @param {number} half
   */
  #newestOf(all, half) {
    const { everyS, atS } = this.#closeUp;
    const first = /** @type {import("./series.js").Series} */ (all[0]);
    const { ring } = first;
    const newestS = Math.min(...all.map((s) => s?.ring.endS ?? Infinity));
    const middleS =
      Math.floor((newestS - half - MARGIN_S - atS) / everyS) * everyS + atS;
    const oldestS = ring.endS - ring.capacity / ring.rate;
    if (middleS - half < oldestS) return null;
    const from = Math.round((middleS - half) * ring.rate);
    const to = Math.round((middleS + half) * ring.rate);
    return ring.extremes(from, to) ? middleS : null;
  }

  /** @param {number} middleS */
  #sayWhen(middleS) {
    const agoS = Math.max(0, gpsNow() - middleS);
    const { time } = this.#look();
    const when = time === "gps"
      ? `GPS ${timeText(middleS, "gps", 2)}`
      : `${timeText(middleS, "utc", 2)} UTC`;
    const { everyS } = this.#closeUp;
    this.#say(`${when}, ${agoS.toFixed(0)} s ago · every ${everyS} s`);
  }

  close() {
    this.#lines.close();
    this.#picture.close();
  }

  /** @param {string} text */
  #say(text) {
    if (this.#note.textContent !== text) this.#note.textContent = text;
  }
}

/** @param {string} label */
function plotBox(label) {
  return el("div", {
    class: "closeup-plot waiting",
    role: "img",
    "aria-label": label,
  });
}

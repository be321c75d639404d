// The dialog "Go to a time": shows a time that the user types, or plays from it; and says since when there are data.
import { fullTimeText, gpsNow } from "./clock.js";
import { el } from "./dom.js";
import { SPEEDS } from "./playback.js";
import { timeOfInput } from "./time_input.js";
import { spanText } from "./trend_choice.js";
import { namesOf } from "./view.js";

/** @typedef {import("./qanat.d.ts").Trend} Trend */
/** The part of the page that is needed here. @typedef {{ channels: { has(name: string): boolean }, edgeS: number, trend: Trend | null, view: import("./view.js").View }} Shown */

const HINT =
  "GPS seconds; a date and time in UTC; a time of day in UTC; or a time before now, such as -90s, -15m, -2h, -1d.";
const EXAMPLES = "-2h, 1126259462.4, 2015-09-14 09:50:45, 09:50";
/** So many channels are asked for their oldest data. */
const ASKED_MAX = 8;

export class GoTo {
  /** How fast the user plays. */
  speed = 1;
  #dialog;
  #get;
  #page;
  #onGo;
  #onPlay;
  #field = el("input", {
    id: "go-to-time",
    type: "text",
    autocomplete: "off",
    spellcheck: false,
    placeholder: "-2h",
    "aria-describedby": "go-to-hint go-to-since go-to-wrong",
  });
  #since = el("p", { id: "go-to-since", class: "hint", role: "status" });
  #wrong = el("p", { id: "go-to-wrong", class: "wrong", role: "alert" });

  /**
   * @param {HTMLDialogElement} dialog
   * @param {{ get: (path: string) => Promise<Response>, page: Shown, onGo: (gpsS: number) => void,
   *   onPlay: (edgeS: number, speed: number) => void }} options onGo: shows a time; onPlay: plays with a time at the
   *   right edge
   */
  constructor(dialog, { get, page, onGo, onPlay }) {
    this.#dialog = dialog;
    this.#get = get;
    this.#page = page;
    this.#onGo = onGo;
    this.#onPlay = onPlay;
    dialog.replaceChildren(
      el(
        "header",
        {},
        el("h2", { id: "go-to-title", textContent: "Go to a time" }),
        el("button", {
          type: "button",
          class: "icon",
          textContent: "×",
          "aria-label": "Close",
          onclick: () => dialog.close(),
        }),
      ),
      el(
        "form",
        { onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
        el("label", { htmlFor: "go-to-time", textContent: "Time" }),
        this.#field,
        el("p", { id: "go-to-hint", class: "hint", textContent: HINT }),
        this.#since,
        this.#wrong,
        this.#choice(),
      ),
    );
  }

  open() {
    const { edgeS, view: { endS, spanS, time } } = this.#page;
    this.#wrong.textContent = "";
    // What is in the middle, to send it or to change a digit.
    this.#field.value = endS === null
      ? ""
      : fullTimeText(edgeS - spanS / 2, time);
    this.#dialog.showModal();
    this.#field.focus();
    this.#field.select();
    this.#askSince();
  }

  #choice() {
    const speeds = el(
      "select",
      {
        id: "go-to-speed",
        onchange: () => (this.speed = Number(speeds.value)),
      },
      ...SPEEDS.map((speed) => new Option(`×${speed}`, String(speed))),
    );
    speeds.value = String(this.speed);
    return el(
      "p",
      { class: "choice" },
      el("button", { type: "submit", class: "primary", textContent: "Show" }),
      el("button", {
        type: "button",
        textContent: "Play from there",
        onclick: () => this.#take(true),
      }),
      el("label", {}, "Speed", speeds),
    );
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    this.#take(false);
  }

  /** @param {boolean} plays */
  #take(plays) {
    const gpsS = timeOfInput(this.#field.value);
    const nowS = gpsNow();
    const wrong = gpsS === null
      ? `This is not a time. Examples: ${EXAMPLES}`
      : gpsS < 0
      ? "That is before GPS time 0, 1980-01-06 00:00:00 UTC, the earliest time"
      : gpsS > nowS
      ? `This time has not come yet: it is ${
        spanText(Math.ceil(gpsS - nowS))
      } ahead`
      : "";
    this.#wrong.textContent = wrong;
    if (gpsS === null || wrong !== "") return this.#field.focus();
    this.#dialog.close();
    if (plays) this.#onPlay(gpsS, this.speed);
    else this.#onGo(gpsS);
  }

  /** Says since when all channels of the view have data. */
  async #askSince() {
    const { channels, trend, view } = this.#page;
    const names = namesOf(view).filter((name) => channels.has(name));
    const { time } = view;
    this.#since.textContent = "";
    if (names.length === 0) return;
    const answers = await Promise.all(
      names.slice(0, ASKED_MAX).map((name) => this.#sinceOf(name, trend)),
    );
    const known = answers.filter((s) => s !== null);
    if (known.length === 0) return;
    const what = trend ? "Trends are" : "Samples are";
    const text = fullTimeText(Math.max(...known), time);
    const unit = time === "utc" ? "UTC" : "GPS";
    this.#since.textContent = `${what} available from ${text} ${unit}`;
  }

  /**
   * GPS s; null where the server does not know.
   * @param {string} name
   * @param {Trend | null} trend
   */
  async #sinceOf(name, trend) {
    try {
      const response = await this.#get(
        `v1/channels/${encodeURIComponent(name)}`,
      );
      if (!response.ok) return null;
      const { available_from_ns, trends_from_ns } = await response.json();
      const ns = trend ? trends_from_ns[trend] : available_from_ns;
      return ns ? Number(BigInt(ns)) / 1e9 : null;
    } catch {
      // The streams report that the server does not answer.
      return null;
    }
  }
}

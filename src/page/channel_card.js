// The card of a channel: what the server knows about it, and how old its newest data are.
// Invariant: the channel is read only while its card is open; a channel that the server does not know is not requested.
import { fullTimeText, gpsNow } from "./clock.js";
import { cardOf, newestText } from "./channel_facts.js";
import { el } from "./dom.js";
import { openStream } from "./qanat.js";
import { printable } from "./quoting.js";

/** @typedef {import("./channel_facts.js").Described} Described */
/**
 * @typedef {object} Options
 * @property {(path: string) => Promise<Response>} get
 * @property {import("./channel_book.js").ChannelBook} channels
 * @property {() => "utc" | "gps"} time
 */

const AGE_MS = 250;

export class ChannelCard {
  #dialog;
  #options;
  #newest = el("dd", { class: "number" });
  /** @type {{ close(): void } | null} */
  #stream = null;
  /** End of the newest row, GPS s; NaN before the first. */
  #newestS = NaN;
  /** @type {import("./qanat.d.ts").StreamState | null} */
  #state = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** Grows with each card, so that a late answer is not shown in another. */
  #opened = 0;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {Options} options
   */
  constructor(dialog, options) {
    this.#dialog = dialog;
    this.#options = options;
    dialog.addEventListener("close", () => this.#end());
  }

  /** @param {string} name */
  async open(name) {
    this.#end();
    const opened = ++this.#opened;
    this.#show(name, [el("p", { textContent: "Reading …" })]);
    this.#dialog.showModal();
    const { body, channel } = await this.#bodyOf(name);
    if (opened !== this.#opened || !this.#dialog.open) return;
    if (channel) this.#follow(channel);
    this.#show(name, body);
  }

  /**
   * @param {string} name
   * @param {Node[]} body
   */
  #show(name, body) {
    this.#dialog.replaceChildren(
      el(
        "header",
        {},
        el("h2", { id: "channel-title", textContent: printable(name) }),
        el("button", {
          type: "button",
          class: "icon",
          textContent: "×",
          "aria-label": "Close",
          onclick: () => this.#dialog.close(),
        }),
      ),
      ...body,
    );
    this.#dialog.querySelector("button")?.focus();
  }

  /**
   * @param {string} name
   * @returns {Promise<{ body: Node[], channel?: Described }>} without a channel, the body says why
   */
  async #bodyOf(name) {
    const { channels, get } = this.#options;
    await channels.learn([name]);
    if (!channels.has(name)) {
      const why = channels.whyUnknown(name) || "The server does not answer";
      return { body: [el("p", { class: "wrong", textContent: why })] };
    }
    const path = `v1/channels/${encodeURIComponent(name)}`;
    /** @type {Described} */
    let channel;
    try {
      const response = await get(path);
      if (!response.ok) throw new Error(`it answers ${response.status}`);
      channel = await response.json();
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      const text = `The server does not describe this channel now: ${message}`;
      return { body: [el("p", { class: "wrong", textContent: text })] };
    }
    return { body: [this.#list(channel, path)], channel };
  }

  /**
   * @param {Described} channel
   * @param {string} path of the same as JSON
   */
  #list(channel, path) {
    const { time } = this.#options;
    const timeText = (/** @type {number} */ gpsS) =>
      `${fullTimeText(gpsS, time())} ${time() === "utc" ? "UTC" : "GPS"}`;
    return el(
      "dl",
      {},
      ...cardOf(channel, timeText).flatMap(([word, text]) => [
        el("dt", { textContent: word }),
        el("dd", { textContent: text }),
      ]),
      el("dt", { textContent: "Newest data" }),
      this.#newest,
      el("dt", { textContent: "As JSON" }),
      el("dd", {}, el("a", { href: path, textContent: path })),
    );
  }

  /** @param {Described} channel */
  #follow({ name, sample_rate: sampleRate, stride_ns: strideNs }) {
    this.#end();
    this.#newest.textContent = "";
    this.#stream = openStream({
      channels: [{ name, strideNs, sampleRate }],
      onRow: ({ timeNs, channels, strideNs }) => {
        if (!channels[name]) return;
        this.#newestS = Number(timeNs + BigInt(strideNs)) / 1e9;
      },
      onState: (state) => (this.#state = state),
    });
    const beganS = gpsNow();
    this.#timer = setInterval(() => this.#say(beganS), AGE_MS);
  }

  /** @param {number} beganS */
  #say(beganS) {
    const time = this.#options.time();
    const text = newestText({
      newestS: this.#newestS,
      beganS,
      nowS: gpsNow(),
      state: this.#state,
      time,
    });
    if (this.#newest.textContent !== text) this.#newest.textContent = text;
  }

  #end() {
    clearInterval(this.#timer);
    this.#stream?.close();
    this.#stream = null;
    this.#newestS = NaN;
    this.#state = null;
  }
}

/** The name of the channel that a key means: of the list's entry or the plot that has the focus, else of the first plot. */
export function focusedName() {
  const { activeElement } = document;
  const places = [
    activeElement?.closest("li"),
    activeElement?.closest(".plot"),
    document.querySelector(".plot"),
  ];
  const buttons = places.map((place) => place?.querySelector("[data-card]"));
  const button = buttons.find((found) => found instanceof HTMLElement);
  return /** @type {HTMLElement | undefined} */ (button)?.dataset.card;
}

/** A button that opens the card; a click on it is noticed by the document. @param {string} name of the channel */
export function cardButton(name) {
  return el("button", {
    type: "button",
    class: "card",
    textContent: "i",
    title: "About this channel (i)",
    "aria-label": `About this channel: ${printable(name)}`,
    "data-card": name,
  });
}

// Finds channels while the user types. The server searches, so the number of channels costs the page nothing.
// Invariant: only the answer to the newest search is shown.
import { cardButton } from "./channel_card.js";
import { aboutText, unitText } from "./channel_note.js";
import { el } from "./dom.js";
import { problemOf } from "./event_stream.js";
import { DATA_TYPES } from "./rows.js";

/** @typedef {import("./series.js").Channel} Channel */

/** From this width of the window on the finder is open from the start. */
export const WIDE_PX = 1100;
const LIMIT = 200;
const TYPING_MS = 120;

export class Finder {
  #parent;
  #input = el("input", {
    type: "search",
    placeholder: "strain  or  H1:.*_16384",
    autocomplete: "off",
    spellcheck: false,
  });
  #isExpression = el("input", { type: "checkbox" });
  #type = el(
    "select",
    {},
    el("option", { value: "", textContent: "any" }),
    ...DATA_TYPES.map((t) => el("option", { value: t, textContent: t })),
  );
  #publisher = el("input", {
    placeholder: "any",
    autocomplete: "off",
    spellcheck: false,
  });
  #min = el("input", {
    type: "number",
    min: "0",
    step: "any",
    placeholder: "0",
    inputMode: "decimal",
  });
  #max = el("input", {
    type: "number",
    min: "0",
    step: "any",
    placeholder: "any",
    inputMode: "decimal",
  });
  #list = el("ul", { class: "results" });
  #found = el("p", { class: "found", role: "status" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #question = new AbortController();
  /** By silent channel: when its data last came, as this page saw it first. @type {Map<string, number>} */
  #dataMs = new Map();
  /** @type {(name: string) => boolean} */
  #isPicked;
  #get;

  /**
   * @param {HTMLElement} parent
   * @param {{ get: typeof fetch, onPick: (channel: Channel) => void, isPicked: (name: string) => boolean }} options
   */
  constructor(parent, { get, onPick, isPicked }) {
    this.#parent = parent;
    this.#get = get;
    this.#isPicked = isPicked;
    const label = (
      /** @type {string} */ text,
      /** @type {HTMLElement} */ field,
      kind = "",
    ) => el("label", { class: kind }, text, field);
    const form = el(
      "form",
      {
        onsubmit: (/** @type {Event} */ event) => event.preventDefault(),
        oninput: () => this.#soon(),
      },
      label("Name: words, or a regular expression", this.#input, "wide"),
      label("Type", this.#type),
      label("Publisher", this.#publisher),
      label("Rate from, Hz", this.#min),
      label("to, Hz", this.#max),
      el(
        "label",
        { class: "wide" },
        el(
          "span",
          {},
          this.#isExpression,
          " Regular expression, from the start of the name",
        ),
      ),
    );
    parent.append(form, this.#found, this.#list);
    /** @type {Map<string, Channel>} */
    const channels = new Map();
    this.channels = channels;
    this.#list.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement} */ (event.target).closest(
        "button",
      );
      const channel = channels.get(button?.dataset.name ?? "");
      if (channel) onPick(channel);
      this.mark();
    });
    this.#list.addEventListener("keydown", (event) => this.#move(event));
    this.#input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "Enter") {
        this.#list.querySelector("button")?.focus();
        if (event.key === "ArrowDown") event.preventDefault();
      }
    });
  }

  get isOpen() {
    return !this.#parent.hidden;
  }

  /** @param {boolean} isOpen */
  show(isOpen) {
    this.#parent.hidden = !isOpen;
    if (isOpen && this.#list.childElementCount === 0) this.#ask();
  }

  /** Searches again where it is open: the user may read other channels now. */
  again() {
    if (this.isOpen) this.#ask();
  }

  focus() {
    this.#input.focus();
    this.#input.select();
  }

  /** Marks the channels that are picked. */
  mark() {
    const all = this.#list.querySelectorAll("button[data-name]");
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (all)) {
      button.setAttribute(
        "aria-pressed",
        String(this.#isPicked(button.dataset.name ?? "")),
      );
    }
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const item = /** @type {HTMLElement} */ (event.target).closest("li");
    const next = event.key === "ArrowDown"
      ? item?.nextElementSibling
      : item?.previousElementSibling;
    if (next) next.querySelector("button")?.focus();
    else if (event.key === "ArrowUp") this.#input.focus();
  }

  #soon() {
    // Until the answer is there, the list is that of other words.
    this.#list.setAttribute("aria-busy", "true");
    this.#question.abort();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), TYPING_MS);
  }

  #query() {
    const query = new URLSearchParams();
    const text = this.#input.value.trim();
    if (text !== "") {
      query.set(
        "match",
        this.#isExpression.checked ? text : expressionOf(text),
      );
    }
    if (this.#type.value) query.set("type", this.#type.value);
    if (this.#publisher.value.trim()) {
      query.set("publisher", this.#publisher.value.trim());
    }
    if (this.#min.value) query.set("min_rate", this.#min.value);
    if (this.#max.value) query.set("max_rate", this.#max.value);
    return query;
  }

  async #ask() {
    this.#question.abort();
    const question = this.#question = new AbortController();
    const query = this.#query();
    try {
      const [counted, listed] = await Promise.all([
        this.#get(`v1/channels/count?${query}`, { signal: question.signal }),
        this.#get(`v1/channels?${query}&limit=${LIMIT}`, {
          signal: question.signal,
        }),
      ]);
      if (!listed.ok) {
        const { detail } = await problemOf(listed);
        if (question.signal.aborted) return;
        this.#found.textContent = detail;
        return this.#list.replaceChildren();
      }
      const { count } = counted.ok ? await counted.json() : { count: NaN };
      const { channels } = await listed.json();
      if (question.signal.aborted) return;
      this.#fill(channels, count);
    } catch (error) {
      if (question.signal.aborted) return;
      this.#found.textContent = `The server does not answer: ${
        /** @type {Error} */ (error).message
      }`;
    } finally {
      if (!question.signal.aborted) this.#list.removeAttribute("aria-busy");
    }
  }

  /**
   * @param {Channel[]} channels
   * @param {number} count
   */
  #fill(channels, count) {
    this.channels.clear();
    for (const channel of channels) this.channels.set(channel.name, channel);
    this.#found.textContent = count > channels.length
      ? `${
        count.toLocaleString("en")
      } channels, the first ${channels.length} are listed: type on`
      : `${channels.length} channel${channels.length === 1 ? "" : "s"}`;
    this.#list.replaceChildren(...channels.map((c) =>
      el(
        "li",
        {},
        el(
          "button",
          {
            type: "button",
            "data-name": c.name,
            "aria-pressed": "false",
            title: aboutText(c),
          },
          c.name,
          el("small", {
            textContent: factsText(c),
            "data-silent": c.live === false,
          }),
          c.description
            ? el("small", { class: "about", textContent: c.description })
            : null,
        ),
        cardButton(c.name),
      )
    ));
    this.#list.scrollTop = 0;
    this.#dataMs.clear();
    this.mark();
  }

  /**
   * Call it a few times a second: a channel that was silent when it was listed may have data by now.
   * @param {ReadonlyMap<string, { dataMs: number }>} series those that this page reads
   */
  heard(series) {
    for (const facts of this.#list.querySelectorAll("small[data-silent]")) {
      const name = facts.closest("button")?.dataset.name ?? "";
      const channel = this.channels.get(name);
      const dataMs = series.get(name)?.dataMs;
      if (!channel || dataMs === undefined) continue;
      const firstMs = this.#dataMs.get(name) ?? dataMs;
      this.#dataMs.set(name, firstMs);
      if (dataMs === firstMs) continue;
      facts.textContent = factsText({ ...channel, live: true });
      facts.removeAttribute("data-silent");
    }
  }
}

/** @param {Channel} channel */
function factsText(channel) {
  const { data_type, sample_rate, publisher, live } = channel;
  const unit = channel.unit ? ` ·${unitText(channel)}` : "";
  return `${data_type} · ${
    sample_rate.toLocaleString("en")
  } Hz${unit} · ${publisher}${live === false ? " · silent" : ""}`;
}

/** An expression for words in this order anywhere in a name, in any case; text with special characters is one already. @param {string} text */
export function expressionOf(text) {
  if (/[\\^$*+?()[\]{}|]/.test(text)) return text;
  const words = text.split(/\s+/).map((w) => w.replace(/[.]/g, "\\."));
  return `(?i).*${words.join(".*")}.*`;
}

// The dialog "Copy as": the view as a link, a command or a program, to paste elsewhere.
import { textsOf } from "./copy_texts.js";
import { el } from "./dom.js";

/** @typedef {import("./copy_texts.js").Shown & { hash: string }} Shown hash: the address of what is shown at this moment */

export class CopyAs {
  #dialog;
  #shown;
  #kind = "curl";
  /** @type {Record<string, string>} */
  #texts = {};
  #code = el("pre", { tabIndex: 0, "aria-label": "Text to copy" });
  #said = el("span", { role: "status" });
  #tabs = el("div", {
    class: "tabs",
    role: "group",
    "aria-label": "Copy as",
  });

  /**
   * @param {HTMLDialogElement} dialog
   * @param {() => Shown} shown
   */
  constructor(dialog, shown) {
    this.#dialog = dialog;
    this.#shown = shown;
  }

  open() {
    const shown = this.#shown();
    const base = new URL("./", location.href.split("#")[0]).href;
    const link = new URL(`#${shown.hash}`, location.href).href;
    this.#texts = { Link: link, ...textsOf(shown, base) };
    const kinds = Object.keys(this.#texts);
    this.#tabs.replaceChildren(...kinds.map((kind) =>
      el("button", {
        type: "button",
        textContent: kind,
        "aria-pressed": "false",
        onclick: () => this.#choose(kind),
      })
    ));
    const title = shown.live ? "What is live now, as" : "What is shown, as";
    this.#dialog.replaceChildren(
      this.#header(title),
      ...(shown.names.length === 0
        ? [el("p", { textContent: "Pick a channel first." })]
        : [this.#tabs, this.#code, this.#copyLine()]),
    );
    if (shown.names.length > 0) this.#choose(this.#kind);
    this.#dialog.showModal();
  }

  /** @param {string} title */
  #header(title) {
    return el(
      "header",
      {},
      el("h2", { id: "copy-title", textContent: title }),
      el("button", {
        type: "button",
        class: "icon",
        textContent: "×",
        "aria-label": "Close",
        onclick: () => this.#dialog.close(),
      }),
    );
  }

  #copyLine() {
    const button = el("button", {
      type: "button",
      class: "primary",
      textContent: "Copy",
      onclick: () => this.#copy(),
    });
    return el("p", {}, button, " ", this.#said);
  }

  /** @param {string} kind */
  #choose(kind) {
    this.#kind = kind;
    this.#code.textContent = this.#texts[kind];
    this.#said.textContent = "";
    for (const tab of this.#tabs.children) {
      tab.setAttribute("aria-pressed", String(tab.textContent === kind));
    }
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#texts[this.#kind]);
      this.#said.textContent = "copied";
    } catch {
      // Without https a browser has no clipboard: the text is selected, for Ctrl+C.
      getSelection()?.selectAllChildren(this.#code);
      this.#said.textContent = "selected: copy it with Ctrl+C";
    }
  }
}

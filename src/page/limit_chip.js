// What a plot's heading says about its limits: a sign and words, and a button that acknowledges what was beyond.
// Invariant: text is written only when it differs, so that nothing is said twice.
import { el } from "./dom.js";

export class LimitChip {
  #text = el("span", {});
  #button;
  element;

  constructor() {
    this.#button = el("button", {
      type: "button",
      textContent: "OK",
      title: "Acknowledge (Esc)",
      hidden: true,
    });
    this.element = el(
      "p",
      { class: "limits", hidden: true },
      this.#text,
      this.#button,
    );
  }

  /** @param {() => void} onAcknowledge */
  set onAcknowledge(onAcknowledge) {
    this.#button.onclick = onAcknowledge;
  }

  /**
   * @param {import("./limit_words.js").Said | null} said null: the plot has no limits
   * @param {string} name of the plot
   */
  say(said, name) {
    if (this.element.hidden !== (said === null)) {
      this.element.hidden = said === null;
    }
    const { canAcknowledge = false, kind = "within", sign = "", text = "" } =
      said ?? {};
    this.element.dataset.kind = kind;
    this.#button.setAttribute(
      "aria-label",
      `OK: acknowledge the limits of ${name}`,
    );
    const words = text === "" ? "" : `${sign} ${text}`;
    if (this.#text.textContent !== words) this.#text.textContent = words;
    if (this.#button.hidden === canAcknowledge) {
      this.#button.hidden = !canAcknowledge;
    }
  }
}

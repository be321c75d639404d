// The line of the page's head that says what the trigger does, with its buttons.
// Invariant: the announced part is written only when it differs.
import { el } from "./dom.js";

/** @typedef {"rearm" | "show" | "stop" | "remove"} TriggerAct */

export class TriggerBar {
  #element;
  #text = el("span", { role: "status" });
  #detail = el("span", { class: "number detail" });
  /** @type {Record<"rearm" | "show" | "stop", HTMLButtonElement>} */
  #buttons;

  /**
   * @param {HTMLElement} element
   * @param {(act: TriggerAct) => void} onAct
   */
  constructor(element, onAct) {
    this.#element = element;
    /** @param {string} text @param {string} title @param {TriggerAct} act */
    const button = (text, title, act) =>
      el("button", {
        type: "button",
        textContent: text,
        title,
        onclick: () => onAct(act),
      });
    this.#buttons = {
      rearm: button("Rearm", "Go live, and wait for the next event", "rearm"),
      show: button("Show", "Show the event", "show"),
      stop: button("Stop", "Do not wait for events", "stop"),
    };
    const { rearm, show, stop } = this.#buttons;
    element.replaceChildren(
      this.#text,
      this.#detail,
      rearm,
      show,
      stop,
      el("button", {
        type: "button",
        class: "icon",
        textContent: "×",
        title: "Remove the trigger",
        "aria-label": "Remove the trigger",
        onclick: () => onAct("remove"),
      }),
    );
  }

  /**
   * @param {import("./trigger_words.js").TriggerSaid} said
   * @param {import("./trigger.js").TriggerState} state
   */
  say({ buttons, detail, text }, state) {
    if (this.#element.hidden !== (text === "")) {
      this.#element.hidden = text === "";
    }
    if (this.#element.dataset.state !== state) {
      this.#element.dataset.state = state;
    }
    if (this.#text.textContent !== text) this.#text.textContent = text;
    if (this.#detail.textContent !== detail) this.#detail.textContent = detail;
    for (const name of /** @type {const} */ (["rearm", "show", "stop"])) {
      const isHidden = !buttons.includes(name);
      const button = this.#buttons[name];
      if (button.hidden !== isHidden) button.hidden = isHidden;
    }
  }
}

// The place of the close-up on the page.
// Invariant: its panel is made again only when the view has another close-up.
import { CloseUpPanel } from "./close_up.js";

export class CloseUpPlace {
  /** @type {CloseUpPanel | null} */
  panel = null;
  #element;
  #options;
  #key = "null";

  /**
   * @param {HTMLElement} element
   * @param {ConstructorParameters<typeof CloseUpPanel>[2]} options
   */
  constructor(element, options) {
    this.#element = element;
    this.#options = options;
  }

  /** @param {import("./view.js").CloseUp | null} closeUp */
  show(closeUp) {
    this.#element.hidden = closeUp === null;
    const key = JSON.stringify(closeUp);
    if (key === this.#key) return;
    this.#key = key;
    this.panel?.close();
    this.panel = closeUp &&
      new CloseUpPanel(this.#element, closeUp, this.#options);
  }
}

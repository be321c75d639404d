// Keeps the view in the address. A change of the time, or the removal of several plots, is a step that Back undoes.
import { hashOf } from "./view.js";

/** Changes of the time within this time are one step. */
const ONE_STEP_MS = 1000;

export class Address {
  /** When the time last changed, by performance.now(). */
  #movedMs = -Infinity;

  /**
   * @param {import("./view.js").View} before
   * @param {import("./view.js").View} view
   */
  keep(before, view) {
    const isMove = before.endS !== view.endS || before.spanS !== view.spanS ||
      before.speed !== view.speed ||
      before.plots.length > view.plots.length + 1;
    const nowMs = performance.now();
    const isStep = isMove && nowMs - this.#movedMs > ONE_STEP_MS;
    if (isMove) this.#movedMs = nowMs;
    const address = `#${hashOf(view)}`;
    if (!isStep) return history.replaceState(null, "", address);
    // The address of a first visit does not hold the view.
    history.replaceState(null, "", `#${hashOf(before)}`);
    history.pushState(null, "", address);
  }
}

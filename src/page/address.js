// Keeps the view in the address. A change of the time is a step that Back undoes, and so is what calls step().
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
      before.speed !== view.speed;
    const nowMs = performance.now();
    const isStep = isMove && nowMs - this.#movedMs > ONE_STEP_MS;
    if (isMove) this.#movedMs = nowMs;
    if (isStep) return step(before, view);
    history.replaceState(null, "", `#${hashOf(view)}`);
  }
}

/**
 * A step from one view to another, which Back undoes.
 * @param {import("./view.js").View} before
 * @param {import("./view.js").View} view
 */
export function step(before, view) {
  // The address of a first visit does not hold the view.
  history.replaceState(null, "", `#${hashOf(before)}`);
  history.pushState(null, "", `#${hashOf(view)}`);
}

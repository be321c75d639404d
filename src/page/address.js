// Keeps the view in the address. A change of the time by the user is a step that Back undoes, and so is what calls step().
// What the page then changes by itself (events of a trigger one after another, the end of playing) belongs to that step.
// Invariant: a drag, which changes the view with each picture, does not change the address more often than browsers allow.
import { hashOf } from "./view.js";

/** Changes of the time within this time are one step. */
const ONE_STEP_MS = 1000;
/** Browsers allow 100 to 200 changes in 10 s: so many at once, and one more each so many ms. */
const AT_ONCE = 40;
const EACH_MS = 200;

/** @typedef {import("./view.js").View} View */
/** A change of the address. @typedef {(state: null, title: string, url: string) => void} Change */

export class Address {
  /** When the time last changed. */
  #movedMs = -Infinity;
  /** Changes of the address that are allowed now. */
  #allowed = AT_ONCE;
  #allowedMs = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #history;
  #now;

  /** @param {{ history?: { pushState: Change, replaceState: Change }, now?: () => number }} [options] for tests */
  constructor(
    { history = globalThis.history, now = () => performance.now() } = {},
  ) {
    this.#history = history;
    this.#now = now;
  }

  /**
   * @param {View} before
   * @param {View} view
   * @param {{ isSameStep?: boolean }} [options] isSameStep: Back undoes it together with the step before
   */
  keep(before, view, { isSameStep = false } = {}) {
    const isMove = before.endS !== view.endS || before.spanS !== view.spanS ||
      before.speed !== view.speed;
    const nowMs = this.#now();
    const isUsers = isMove && !isSameStep;
    const isStep = isUsers && nowMs - this.#movedMs > ONE_STEP_MS;
    if (isUsers) this.#movedMs = nowMs;
    clearTimeout(this.#timer);
    if (isStep) return step(before, view, this.#history);
    this.#replace(view);
  }

  /** Now, or a moment later where there were many changes. @param {View} view */
  #replace(view) {
    const nowMs = this.#now();
    const more = (nowMs - this.#allowedMs) / EACH_MS;
    this.#allowed = Math.min(this.#allowed + more, AT_ONCE);
    this.#allowedMs = nowMs;
    if (this.#allowed < 1) {
      this.#timer = setTimeout(() => this.#replace(view), EACH_MS);
      return;
    }
    this.#allowed--;
    this.#history.replaceState(null, "", `#${hashOf(view)}`);
  }
}

/**
 * A step from one view to another, which Back undoes.
 * @param {import("./view.js").View} before
 * @param {import("./view.js").View} view
 * @param {{ pushState: Change, replaceState: Change }} [to] for tests
 */
export function step(before, view, to = history) {
  // The address of a first visit does not hold the view.
  to.replaceState(null, "", `#${hashOf(before)}`);
  to.pushState(null, "", `#${hashOf(view)}`);
}

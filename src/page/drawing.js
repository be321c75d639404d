// Draws the page once for each picture of the screen.
// Invariant: an error in one part of the page is shown once, and the other parts are drawn.
import { pendingText } from "./pending_text.js";

/** @typedef {import("./page.js").Page} Page */

/** Time between pictures for users who prefer less motion. */
const CALM_MS = 250;
/** How quickly the right edge follows the delay of the streams, as a share for each picture. */
const DELAY_SHARE = 0.03;
/** Other errors than so many are not shown. */
const ERRORS_MAX = 20;
/** A live span of bins moves in so many steps, about half a pixel each; it is not drawn in between. */
const STEPS = 2000;

export class Drawing {
  frames = 0;
  /** Time that drawing took, all pictures together. */
  drawMs = 0;
  #page;
  #drawnMs = 0;
  #calm = matchMedia("(prefers-reduced-motion: reduce)");
  /** Errors that were shown. @type {Set<string>} */
  #shown = new Set();

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
  }

  begin() {
    requestAnimationFrame((nowMs) => this.#frame(nowMs));
  }

  /** @param {number} nowMs */
  #frame(nowMs) {
    this.begin();
    if (this.#calm.matches && nowMs - this.#drawnMs < CALM_MS) return;
    this.#drawnMs = nowMs;
    const begun = performance.now();
    const { axis, closeUp, feed, playback, plots, themeCount, view } =
      this.#page;
    playback?.advance(nowMs);
    feed.delayS += (feed.targetDelayS() - feed.delayS) * DELAY_SHARE;
    const { fromS, toS } = this.#span();
    const look = `${themeCount} ${view.time}`;
    this.#drawPlots(fromS, toS);
    if (plots.size > 0) {
      this.#attempt("time axis", () => axis.draw(fromS, toS, look));
    }
    this.#attempt("close-up", () => closeUp?.draw(look));
    this.frames++;
    this.drawMs += performance.now() - begun;
  }

  #span() {
    const { edgeS, trend, view } = this.#page;
    const stepS = trend && view.endS === null ? view.spanS / STEPS : 0;
    const toS = stepS > 0 ? Math.floor(edgeS / stepS) * stepS : edgeS;
    return { fromS: toS - view.spanS, toS };
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   */
  #drawPlots(fromS, toS) {
    const { channels, feed, hoverS, isSaving, plots, themeCount, view } =
      this.#page;
    const cursors = view.cursors.join(" ");
    const { edgeS } = this.#page;
    const now = {
      fromS,
      toS,
      version: `${feed.version} ${themeCount} ${view.time} ${cursors}`,
      hoverS,
      cursors: view.cursors,
      saves: isSaving,
      pendingOf: (/** @type {import("./series.js").Series} */ series) =>
        view.endS === null ? pendingText(series, edgeS) : "",
      whyUnknown: (/** @type {string} */ name) => channels.whyUnknown(name),
    };
    plots.draw((card) => card.draw(feed.series, now));
  }

  /**
   * @param {string} name
   * @param {() => void} paint
   */
  #attempt(name, paint) {
    try {
      paint();
    } catch (error) {
      const text = `The ${name} failed: ${
        /** @type {Error} */ (error).message
      }`;
      if (this.#shown.has(text) || this.#shown.size >= ERRORS_MAX) return;
      this.#shown.add(text);
      // deno-lint-ignore no-console -- with its stack, for developers
      console.error(text, error);
      this.#page.status.note(text);
    }
  }
}

// Whether the samples that a paused plot shows are beyond its limits.
// Invariant: computed when the span or its samples have changed, not for each picture.
import { sideWords } from "./limit_words.js";

/** @typedef {import("./crossings.js").Limits} Limits */
/** @typedef {import("./series.js").Series} Series */

const AGAIN_MS = 1000;

export class LimitSpan {
  #key = "";
  #saidMs = -Infinity;
  #text = "";
  /** @type {Series["ring"] | null} */
  #ring = null;
  #hasChanged = false;
  /** Ends what follows the samples. */
  #end = () => {};

  /**
   * @param {Series} series
   * @param {{ limits: Limits, fromS: number, toS: number, nowMs: number }} options
   */
  words(series, { limits, fromS, toS, nowMs }) {
    this.#follow(series.ring);
    const key = `${fromS} ${toS} ${limits.above} ${limits.below}`;
    const isDue = this.#hasChanged && nowMs - this.#saidMs >= AGAIN_MS;
    if (key === this.#key && !isDue) return this.#text;
    this.#key = key;
    this.#saidMs = nowMs;
    this.#hasChanged = false;
    this.#text = spanWords(series, { limits, fromS, toS });
    return this.#text;
  }

  /** Notes changes of these samples. @param {Series["ring"]} ring */
  #follow(ring) {
    if (ring === this.#ring) return;
    this.#ring = ring;
    this.#hasChanged = true;
    this.#key = "";
    this.#end();
    this.#end = ring.listen(() => (this.#hasChanged = true));
  }

  /** Keeps no samples any more. */
  close() {
    this.#end();
    this.#ring = null;
  }
}

/**
 * @param {Series} series
 * @param {{ limits: Limits, fromS: number, toS: number }} options GPS s
 */
export function spanWords(series, { limits, fromS, toS }) {
  const { high, low, ring } = series;
  // The line of the sample before the left edge runs into the plot.
  const from = ring.numberAt(fromS);
  const to = ring.numberAt(toS) + 1;
  const lows = (low ?? ring).exactExtremes(from, to);
  const highs = (high ?? ring).exactExtremes(from, to);
  const { above = Infinity, below = -Infinity } = limits;
  const isPart = !ring.hasCome(from, to - 1);
  const parts = [
    ...(highs && highs.max > above ? [sideWords(limits, 1)] : []),
    ...(lows && lows.min < below ? [sideWords(limits, -1)] : []),
  ];
  if (parts.length > 0) return parts.join(" and ");
  if (!lows || !highs) return "no data";
  return isPart ? "within limits, but a part is missing" : "within limits";
}

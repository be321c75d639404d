// Which times were checked, as spans with the sides of their first and last sample; what is between them was not checked.
// Invariant: spans are in order and neither touch nor overlap; there are at most SPANS_MAX.

/** @typedef {import("./levels.js").Side} Side */
/** @typedef {{ from: number, to: number, first: Side, last: Side }} Span from, to: GPS µs */

/** More gaps than this are counted, but can no longer be filled. */
const SPANS_MAX = 64;

export class CheckedSpans {
  /** @type {Span[]} */
  #all = [];
  /** Time that was not checked, before the first span. [µs] */
  #lostUs = 0;
  /** Nothing before this is checked any more. [GPS µs] */
  #floor = -Infinity;

  /**
   * Whether all of a span was checked, or is too old to be.
   * @param {number} from
   * @param {number} to
   */
  has(from, to) {
    if (to <= this.#floor) return true;
    for (let i = this.#all.length - 1; i >= 0; i--) {
      const span = this.#all[i];
      if (span.from <= from) return span.to >= to;
    }
    return false;
  }

  /**
   * Adds a span, merged with those that it touches.
   * @param {Span} added a side that is not known is NaN
   */
  add(added) {
    const all = this.#all;
    let { from, to, first, last } = added;
    let at = all.length;
    while (at > 0 && all[at - 1].to >= from) at--;
    let behind = at;
    while (behind < all.length && all[behind].from <= to) {
      const span = all[behind++];
      if (span.from < from || Number.isNaN(first)) first = span.first;
      if (span.to > to || Number.isNaN(last)) last = span.last;
      from = Math.min(from, span.from);
      to = Math.max(to, span.to);
    }
    all.splice(at, behind - at, { from, to, first, last });
    if (all.length <= SPANS_MAX) return;
    this.#lostUs += all[1].from - all[0].to;
    this.#floor = all[1].from;
    all.shift();
  }

  /**
   * The newest sample before a time: its side, and whether nothing is between.
   * @param {number} from
   * @returns {{ side: Side, isAdjacent: boolean }}
   */
  before(from) {
    for (let i = this.#all.length - 1; i >= 0; i--) {
      const { last, to } = this.#all[i];
      if (to <= from) return { side: last, isAdjacent: to === from };
    }
    return { side: NaN, isAdjacent: false };
  }

  /** The side of the sample at a time, if a span begins there. @param {number} to @returns {Side} */
  after(to) {
    return this.#all.find(({ from }) => from === to)?.first ?? NaN;
  }

  /** End of the newest span, GPS µs; -Infinity without one. */
  get end() {
    return this.#all.at(-1)?.to ?? -Infinity;
  }

  /** Time between the first and the newest span that was not checked, µs. */
  get missingUs() {
    let us = this.#lostUs;
    for (let i = 1; i < this.#all.length; i++) {
      us += this.#all[i].from - this.#all[i - 1].to;
    }
    return us;
  }

  /** Forgets what is missing so far. */
  forgetMissing() {
    const newest = this.#all.at(-1);
    if (!newest) return;
    this.#all = [newest];
    this.#lostUs = 0;
    this.#floor = newest.from;
  }
}

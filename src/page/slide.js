// Moves the time that is shown with fingers, the mouse or its wheel: the times that were taken stay under the pointers.
// Invariant: while it moves, the page draws what it has; history is read once it rests or ends.
import { live, pause, slideTo } from "./navigation.js";

/** @typedef {import("./view.js").View} View */
/**
 * The page's part that is needed here.
 * @typedef {object} Slid
 * @property {View} view
 * @property {number} edgeS newest time that is shown, GPS s
 * @property {{ newestS: number, series: ReadonlyMap<string, import("./series.js").Series> }} feed
 * @property {(move: import("./navigation.js").Move) => void} go
 * @property {(changes: Partial<View>) => void} slide draws another span of what is there
 */

/** Without a move for this time, what is shown is read. */
const REST_MS = 250;
/** Two fingers that are nearer to each other count as being so far apart, as a share of the width. */
const APART_MIN = 0.05;

/**
 * The span in which times are at their places.
 * @param {readonly number[]} times GPS s; one, or two
 * @param {readonly number[]} shares places of the times, as shares of the width
 * @param {number} spanS s, of one time
 */
export function spanUnder([first, second], [x, y], spanS) {
  let seconds = spanS;
  if (second !== undefined && y !== undefined) {
    const apart = Math.max(Math.abs(y - x), APART_MIN);
    seconds = Math.abs(second - first) / apart;
  }
  const fromS = first - x * seconds;
  return { fromS, toS: fromS + seconds };
}

/**
 * The time at a place; null without one.
 * @param {number | null} share of the width
 * @param {number} edgeS GPS s at the right edge
 * @param {number} spanS
 */
export function timeAt(share, edgeS, spanS) {
  return share === null ? null : edgeS - spanS * (1 - share);
}

export class Slide {
  #page;
  /** Times that were taken, GPS s. @type {readonly number[]} */
  #times = [];
  /** The span when they were taken, s. */
  #spanS = 1;
  /** Whether pointers hold the times. */
  #isHeld = false;
  /** Whether what is shown ends with the newest time. */
  #isNewest = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {Slid} page */
  constructor(page) {
    this.#page = page;
  }

  /** Takes the times under one pointer or two, until end(). @param {readonly number[]} shares of the width */
  grab(shares) {
    this.#take(shares);
    this.#isHeld = true;
  }

  /** Moves the pointers that grab() was given. @param {readonly number[]} shares */
  drag(shares) {
    const { newestS } = this.#page.feed;
    const span = spanUnder(this.#times, shares, this.#spanS);
    this.#isNewest = span.toS >= newestS;
    this.#page.slide(slideTo(span, newestS));
    const { edgeS, view } = this.#page;
    this.#want({ fromS: edgeS - view.spanS, toS: edgeS });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#read(), REST_MS);
  }

  /** The drag is over. At the newest time the page is live again. */
  end() {
    this.#isHeld = false;
    this.#read();
  }

  /** A span so many times as long, around a place. @param {number} share @param {number} factor */
  zoom(share, factor) {
    this.#take([share]);
    this.#spanS *= factor;
    this.drag([share]);
  }

  /** Later by a share of the span; earlier where it is negative. @param {number} share */
  pan(share) {
    this.#take([0]);
    this.drag([-share]);
  }

  /** @param {readonly number[]} shares */
  #take(shares) {
    const page = this.#page;
    const { edgeS, view } = page;
    if (view.endS === null || view.speed !== null) {
      this.#isNewest = view.endS === null;
      page.go(pause(view, edgeS));
    }
    this.#spanS = view.spanS;
    this.#times = shares.map((share) => edgeS - view.spanS * (1 - share));
  }

  /** Plots mark what they do not have of a span. @param {{ fromS: number, toS: number } | null} span */
  #want(span) {
    for (const series of this.#page.feed.series.values()) series.want(span);
  }

  #read() {
    clearTimeout(this.#timer);
    this.#want(null);
    const { view } = this.#page;
    if (view.endS === null) return;
    const isLive = this.#isNewest && !this.#isHeld;
    this.#page.go(isLive ? live(view) : { changes: {}, isHere: false });
  }
}

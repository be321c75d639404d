// Gestures on plots over time. A finger drags the time, two zoom, a double tap returns to live, a long press places a cursor;
// the mouse drags the time with Shift or its middle button, and its wheel zooms with Ctrl.
// Invariant: there is one gesture at a time, and none with a pointer that drags a cursor. One finger that moves up or down
// is the browser's, which scrolls the page.

import { leaveHover } from "./cursor_lines.js";

/** @typedef {import("./cursors.js").Times} Times */
/** @typedef {import("./cursors.js").Which} Which */
/** @typedef {{ slide: import("./slide.js").Slide, cursors: () => Times, onCursor: (which: Which, gpsS: number) => void, onReset: () => void }} Options */

/** A finger that moves less than this presses or taps. */
const STILL_PX = 8;
const LONG_PRESS_MS = 500;
const DOUBLE_TAP_MS = 350;
/** Between the two taps. */
const DOUBLE_TAP_PX = 30;
const LINE_PX = 16;
/** More of one turn of the wheel does not count. */
const WHEEL_MAX_PX = 50;
const ZOOM_PER_PX = 0.01;

/** @param {import("uplot")} u @param {Options} options */
export function listenToGestures(u, options) {
  const gestures = new Gestures(u, options);
  const { over } = u;
  over.style.touchAction = "pan-y";
  over.addEventListener("pointerdown", (event) => gestures.down(event));
  over.addEventListener("pointermove", (event) => gestures.move(event));
  over.addEventListener("pointerup", (event) => gestures.up(event));
  over.addEventListener("pointercancel", (event) => gestures.up(event));
  // The browser scrolls no more once a gesture has begun.
  over.addEventListener("touchmove", (event) => {
    if (gestures.isOn && event.cancelable) event.preventDefault();
  }, { passive: false });
  over.addEventListener("contextmenu", (event) => {
    if (gestures.isPressed) event.preventDefault();
  });
  // uPlot begins to zoom, and the browser to scroll or select, with this event.
  over.addEventListener("mousedown", (event) => {
    if (!gestures.isOn) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true });
  over.addEventListener("wheel", (event) => gestures.wheel(event), {
    passive: false,
  });
}

class Gestures {
  #u;
  #options;
  /** Where each pointer is, px from the left, in the order in which they came. @type {Map<number, number>} */
  #at = new Map();
  /** What the pointers do. @type {"nothing" | "slide" | "cursor"} */
  #mode = "nothing";
  /** Where the first finger touched. */
  #begun = { x: 0, y: 0 };
  #tapped = { x: 0, ms: -Infinity };
  /** @type {Which} */
  #which = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {import("uplot")} u @param {Options} options */
  constructor(u, options) {
    this.#u = u;
    this.#options = options;
  }

  get isOn() {
    return this.#mode !== "nothing";
  }

  /** Whether a finger is down. */
  get isPressed() {
    return this.#at.size > 0;
  }

  /** @param {PointerEvent} event */
  down(event) {
    // It drags a cursor.
    if (event.defaultPrevented) return;
    if (event.pointerType === "mouse") {
      const isPan = event.button === 1 ||
        (event.button === 0 && event.shiftKey);
      if (isPan) this.#u.over.setPointerCapture(event.pointerId);
      if (!isPan) return;
    }
    if (this.#at.size >= 2 || this.#mode === "cursor") return;
    this.#at.set(event.pointerId, this.#xOf(event));
    if (event.pointerType === "mouse" || this.#at.size === 2) this.#grab();
    else this.#press(event);
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (!this.#at.has(event.pointerId)) return;
    const x = this.#xOf(event);
    this.#at.set(event.pointerId, x);
    if (this.#mode === "slide") {
      return this.#options.slide.drag(this.#shares());
    }
    if (this.#mode === "cursor") return this.#moveCursor(x);
    const dx = Math.abs(x - this.#begun.x);
    const dy = Math.abs(event.clientY - this.#begun.y);
    if (Math.max(dx, dy) < STILL_PX) return;
    clearTimeout(this.#timer);
    if (dx > dy) this.#grab();
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (!this.#at.delete(event.pointerId)) return;
    clearTimeout(this.#timer);
    if (this.#mode === "slide") {
      if (this.#at.size > 0) return this.#grab();
      this.#options.slide.end();
    } else if (this.#mode === "nothing" && event.type === "pointerup") {
      this.#tap(event);
    }
    if (this.#at.size === 0) this.#mode = "nothing";
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    const isSideways = Math.abs(dx) > Math.abs(dy);
    if (!event.ctrlKey && !isSideways) return;
    event.preventDefault();
    const { slide } = this.#options;
    if (!event.ctrlKey) return slide.pan(dx / this.#width);
    const px = Math.min(Math.max(dy, -WHEEL_MAX_PX), WHEEL_MAX_PX);
    slide.zoom(this.#xOf(event) / this.#width, Math.exp(px * ZOOM_PER_PX));
  }

  /** A finger touches: it may stay, tap, or move. @param {PointerEvent} event */
  #press(event) {
    const x = this.#xOf(event);
    this.#begun = { x, y: event.clientY };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#mode = "cursor";
      // Of a tap before it.
      leaveHover(this.#u);
      this.#which = this.#cursorFor(x);
      this.#moveCursor(x);
    }, LONG_PRESS_MS);
  }

  /** @param {PointerEvent} event */
  #tap(event) {
    const x = this.#xOf(event);
    // When the finger touched: a busy page may notice two taps together that were far apart.
    const ms = event.timeStamp;
    const isSecond = ms - this.#tapped.ms < DOUBLE_TAP_MS &&
      Math.abs(x - this.#tapped.x) < DOUBLE_TAP_PX;
    this.#tapped = { x, ms: isSecond ? -Infinity : ms };
    if (isSecond) this.#options.onReset();
  }

  #grab() {
    clearTimeout(this.#timer);
    this.#mode = "slide";
    this.#options.slide.grab(this.#shares());
  }

  /** The cursor that a long press moves: one that is not placed, or the nearer one. @param {number} x */
  #cursorFor(x) {
    const [a, b] = this.#options.cursors().map((s) =>
      s === null ? null : Math.abs(this.#u.valToPos(s, "x") - x)
    );
    if (a === null) return 0;
    return b === null || b < a ? 1 : 0;
  }

  /** @param {number} x */
  #moveCursor(x) {
    this.#options.onCursor(this.#which, this.#u.posToVal(x, "x"));
  }

  #shares() {
    return [...this.#at.values()].map((x) => x / this.#width);
  }

  get #width() {
    return Math.max(this.#u.over.clientWidth, 1);
  }

  /** @param {{ clientX: number }} event */
  #xOf({ clientX }) {
    return clientX - this.#u.over.getBoundingClientRect().left;
  }
}

// The cursors in plots over time: two lines with their names, which the mouse or a finger drags.
// Invariant: a drag that begins next to a cursor moves it, and does not zoom.

/** @typedef {import("./cursors.js").Times} Times */
/** @typedef {import("./cursors.js").Which} Which */

/** So near to a cursor it is taken, px; a finger is less exact. */
const NEAR_PX = 6;
const NEAR_TOUCH_PX = 22;
const NAMES = ["A", "B"];

/**
 * @param {import("uplot")} u
 * @param {Times} cursors
 * @param {import("./dom.js").Colours} colours
 */
export function paintCursors(u, cursors, colours) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const ratio = devicePixelRatio;
  const { min: fromS = 0, max: toS = 1 } = u.scales.x;
  cursors.forEach((s, i) => {
    if (s === null || s < fromS || s > toS) return;
    const x = Math.round(left + (s - fromS) / (toS - fromS) * width);
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colours.text;
    ctx.lineWidth = ratio;
    if (i === 1) ctx.setLineDash([4 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x + ratio / 2, top);
    ctx.lineTo(x + ratio / 2, top + height);
    // Light around dark, so that it is seen on a spectrogram, too.
    ctx.save();
    ctx.strokeStyle = colours.back;
    ctx.globalAlpha = 0.6;
    ctx.lineWidth = 3 * ratio;
    ctx.setLineDash([]);
    ctx.stroke();
    ctx.restore();
    ctx.stroke();
    ctx.fillRect(x, top, 14 * ratio, 14 * ratio);
    ctx.fillStyle = colours.back;
    ctx.font = `bold ${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(NAMES[i], x + 7 * ratio, top + 7.5 * ratio);
    ctx.restore();
  });
}

/** Removes the line under the mouse, and the values there, from all plots, until the mouse moves again. @param {import("uplot")} u */
export function leaveHover(u) {
  /** The types leave out the third argument, which moves the lines of the other plots. */
  const set =
    /** @type {(at: { left: number, top: number }, fires: boolean, publishes: boolean) => void} */ (u
      .setCursor);
  set({ left: -10, top: -10 }, true, true);
}

/**
 * Lets the cursors of a plot be dragged. The line under the mouse would cover the one that is dragged.
 * @param {import("uplot")} u
 * @param {{ cursors: () => Times, onCursor: (which: Which, gpsS: number) => void }} options
 */
export function dragCursors(u, { cursors, onCursor }) {
  const { over } = u;
  /** @type {Which | null} */
  let held = null;
  const xOf = (/** @type {PointerEvent} */ event) =>
    event.clientX - over.getBoundingClientRect().left;
  const nearest = (/** @type {PointerEvent} */ event) => {
    const room = event.pointerType === "touch" ? NEAR_TOUCH_PX : NEAR_PX;
    const x = xOf(event);
    const away = cursors().map((s) =>
      s === null ? Infinity : Math.abs(u.valToPos(s, "x") - x)
    );
    const which = /** @type {Which} */ (away[1] < away[0] ? 1 : 0);
    return away[which] <= room ? which : null;
  };
  over.addEventListener("pointerdown", (event) => {
    held = nearest(event);
    if (held === null) return;
    over.setPointerCapture(event.pointerId);
    event.preventDefault();
    leaveHover(u);
  });
  over.addEventListener("pointermove", (event) => {
    if (held !== null) return onCursor(held, u.posToVal(xOf(event), "x"));
    over.style.cursor = nearest(event) === null ? "" : "ew-resize";
  });
  for (const end of ["pointerup", "pointercancel"]) {
    over.addEventListener(end, () => (held = null));
  }
  // uPlot begins to zoom with mousedown, and moves its line with mousemove; some browsers send them after a prevented
  // pointerdown, too.
  for (const type of ["mousedown", "mousemove"]) {
    over.addEventListener(type, (event) => {
      if (held !== null) event.stopImmediatePropagation();
    }, { capture: true });
  }
}

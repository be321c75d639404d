// Hatching: spans without data in plots over time, with the reason.
// Invariant: a span is hatched at its own time only.

import { gapWords } from "./gap_words.js";

/** Why samples that have come are not drawn. */
export const NOT_FINITE = "null or not finite";
/** Narrower spans are filled: hatching would not be visible. */
const HATCHED_MIN_PX = 3;
/** Height of the strip of one of several channels: a line of text. */
const STRIP_PX = 16;

/** @typedef {import("./series.js").Series} Series */
/** @typedef {{ ctx: CanvasRenderingContext2D, bbox: { left: number, top: number, width: number, height: number } }} Area a uPlot */

/**
 * The strip at the bottom of a plot in which one of several channels is hatched, so that no channel covers another.
 * @param {Area} u
 * @param {number} i which channel, from the top
 * @param {number} count
 * @returns {Area}
 */
export function stripOf({ ctx, bbox }, i, count) {
  const { left, top, width, height: whole } = bbox;
  const height = Math.min(STRIP_PX * devicePixelRatio, whole / count);
  const first = top + whole - (count - i) * height;
  return { ctx, bbox: { left, top: first, width, height } };
}

/**
 * Hatches the time from the newest sample to the right edge.
 * @param {Area} u
 * @param {Series} series
 * @param {{ pending: string, fromS: number, toS: number, colours: import("./dom.js").Colours }} options pending: the reason; empty: nothing is missing
 */
export function paintPending(u, { ring }, { pending, ...options }) {
  const { fromS, toS } = options;
  if (pending === "" || ring.endS >= toS) return;
  const sinceS = Math.max(ring.endS, fromS);
  paintGaps(u, [{ fromS: sinceS, toS, reason: pending }], options);
}

/**
 * Spans whose samples have come and cannot be drawn.
 * @param {{ first: number, last: number, perS: number, lead?: number }} columns numbers of the first and the last;
 *   lead: which part of a column is before its time
 * @param {(k: number) => boolean} isHole
 */
export function holesOf({ first, last, perS, lead = 0 }, isHole) {
  /** @type {import("./series.js").Span[]} */
  const holes = [];
  let begun = -1;
  for (let k = first; k <= last + 1; k++) {
    const isIn = k <= last && isHole(k);
    if (isIn && begun < 0) begun = k;
    if (isIn || begun < 0) continue;
    const [fromS, toS] = [(begun - lead) / perS, (k - lead) / perS];
    holes.push({ fromS, toS, reason: NOT_FINITE });
    begun = -1;
  }
  return holes;
}

/**
 * Hatches spans, and writes the reason where there is room.
 * @param {Area} u
 * @param {readonly { fromS: number, toS: number, reason: string }[]} gaps
 * @param {{ fromS: number, toS: number, colours: import("./dom.js").Colours, aroundS?: number }} options
 *   aroundS: this time before and after a span is hatched, too
 */
export function paintGaps(u, gaps, { fromS, toS, colours, aroundS = 0 }) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const perS = width / (toS - fromS);
  const ratio = devicePixelRatio;
  for (const { reason, ...span } of gaps) {
    const gap = { fromS: span.fromS - aroundS, toS: span.toS + aroundS };
    if (gap.toS <= fromS || gap.fromS >= toS) continue;
    const x0 = left + Math.max(0, (gap.fromS - fromS) * perS);
    const x1 = left + Math.min(width, (gap.toS - fromS) * perS);
    const wide = Math.max(x1 - x0, ratio);
    ctx.fillStyle = colours.gap;
    ctx.fillRect(x0, top, wide, height);
    if (wide < HATCHED_MIN_PX * ratio) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(x0, top, wide, height);
    ctx.clip();
    ctx.strokeStyle = colours.gapText;
    ctx.globalAlpha = 0.35;
    ctx.lineWidth = ratio;
    ctx.beginPath();
    for (let x = x0 - height; x < x1; x += 8 * ratio) {
      ctx.moveTo(x, top + height);
      ctx.lineTo(x + height, top);
    }
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    const words = gapWords(reason);
    const text = ctx.measureText(words).width;
    if (text + 8 * ratio < wide) {
      const y = top + height / 2;
      ctx.fillStyle = colours.back;
      ctx.fillRect(
        (x0 + x1 - text) / 2 - 4 * ratio,
        y - 8 * ratio,
        text + 8 * ratio,
        16 * ratio,
      );
      ctx.fillStyle = colours.gapText;
      ctx.fillText(words, (x0 + x1) / 2, y);
    }
    ctx.restore();
  }
}

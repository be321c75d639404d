// The bar that says which densities the colours of a spectrogram stand for, above the picture.
// Invariant: it has a label at each end, and the unit.
import { PALETTE } from "./spectrogram_palette.js";

/** Room above the picture, px. */
export const BAR_ROOM_PX = 20;
const BAR_PX = { width: 120, height: 8 };
const GAP_PX = 5;
const TEXT_PX = 11;

/** @typedef {{ floor: number, ceiling: number }} Range dB */

/** @param {Range} range @param {string} unit of the densities */
export function rangeTexts({ floor, ceiling }, unit) {
  const digits = ceiling - floor < 10 ? 1 : 0;
  const text = (/** @type {number} */ v) =>
    v.toFixed(digits).replace(/^-(0(\.0)?)$/, "$1").replace("-", "−");
  const reference = unit.startsWith("1/") ? unit : `1 ${unit}`;
  return { low: text(floor), high: `${text(ceiling)} dB re ${reference}` };
}

/**
 * @param {import("./hatching.js").Area} u
 * @param {{ range: Range, unit: string, note: string, colours: import("./dom.js").Colours }} options
 *   note: is written to the left of the bar where there is room
 */
export function paintColourBar(u, { range, unit, note, colours }) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const { low, high } = rangeTexts(range, unit);
  ctx.save();
  ctx.font = `${TEXT_PX * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "middle";
  ctx.fillStyle = colours.muted;
  const y = bbox.top - BAR_ROOM_PX / 2 * ratio;
  const right = bbox.left + bbox.width;
  ctx.textAlign = "right";
  ctx.fillText(high, right, y);
  const end = right - ctx.measureText(high).width - GAP_PX * ratio;
  const begin = end - BAR_PX.width * ratio;
  ctx.fillText(low, begin - GAP_PX * ratio, y);
  const left = begin - ctx.measureText(low).width - 2 * GAP_PX * ratio;
  ctx.textAlign = "left";
  if (bbox.left + ctx.measureText(note).width < left) {
    ctx.fillText(note, bbox.left, y);
  }
  const gradient = ctx.createLinearGradient(begin, 0, end, 0);
  for (let i = 0; i <= 16; i++) {
    const c = 3 * Math.min(i * 16, 255);
    const [r, g, b] = PALETTE.subarray(c, c + 3);
    gradient.addColorStop(i / 16, `rgb(${r} ${g} ${b})`);
  }
  const tall = BAR_PX.height * ratio;
  ctx.fillStyle = gradient;
  ctx.fillRect(begin, y - tall / 2, end - begin, tall);
  ctx.strokeStyle = colours.muted;
  ctx.lineWidth = ratio / 2;
  ctx.strokeRect(begin, y - tall / 2, end - begin, tall);
  ctx.restore();
}

// The limits of a plot and the level of a trigger as lines with labels; beyond a limit the plot is tinted.
// Invariant: a line that the axis does not reach is an arrow at that edge, so that no limit is invisible.
import { levelFrom, levelWords } from "./levels.js";

/** @typedef {import("./levels.js").Level} Level */
/** @typedef {{ limits: import("./crossings.js").Limits, level?: Level | undefined, origin: number, colours: import("./dom.js").Colours }} Lines */

/** The level of the trigger, on its channel, and its event. @typedef {{ name: string, level: Level | undefined, eventS: number | null }} Mark */

const TINT_ALPHA = 0.12;
const LABEL_PX = 15;

/**
 * @param {import("uplot")} u
 * @param {{ share: (value: number) => number }} scale
 * @param {Lines} lines level: of a trigger on this channel; origin: subtracted from all values of the scale
 */
export function paintLimits(u, scale, { limits, level, origin, colours }) {
  const { above, below } = limits;
  const shareOf = (/** @type {Level} */ some) =>
    scale.share(levelFrom(some, origin));
  if (above !== undefined) {
    paintZone(u, Math.min(Math.max(shareOf(above), 0), 1), 1, colours);
    paintLine(u, shareOf(above), {
      text: `limit ${levelWords(above)}`,
      colour: colours.bad,
      colours,
      dash: [6, 3],
      isUnder: false,
    });
  }
  if (below !== undefined) {
    paintZone(u, 0, Math.min(Math.max(shareOf(below), 0), 1), colours);
    paintLine(u, shareOf(below), {
      text: `limit ${levelWords(below)}`,
      colour: colours.bad,
      colours,
      dash: [6, 3],
      isUnder: true,
    });
  }
  if (level === undefined) return;
  paintLine(u, shareOf(level), {
    text: `trigger ${levelWords(level)}`,
    colour: colours.text,
    colours,
    dash: [2, 3],
    isUnder: false,
    isLeft: true,
  });
}

/**
 * Tints a part of the height.
 * @param {import("uplot")} u
 * @param {number} from share of the height
 * @param {number} to
 * @param {import("./dom.js").Colours} colours
 */
function paintZone(u, from, to, colours) {
  if (to <= from) return;
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  ctx.save();
  ctx.globalAlpha = TINT_ALPHA;
  ctx.fillStyle = colours.bad;
  ctx.fillRect(left, top + height * (1 - to), width, height * (to - from));
  ctx.restore();
}

/**
 * @param {import("uplot")} u
 * @param {number} share of the height; outside of 0 to 1 it is drawn as an arrow
 * @param {{ text: string, colour: string, colours: import("./dom.js").Colours, dash: number[], isUnder: boolean, isLeft?: boolean }} options
 *   isUnder: the label is under the line; isLeft: it is near the left edge
 */
function paintLine(u, share, options) {
  if (Number.isNaN(share)) return;
  const { colour, colours, dash, isLeft = false, isUnder, text } = options;
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const ratio = devicePixelRatio;
  const isOutside = share < 0 || share > 1;
  const words = share > 1 ? `↑ ${text}` : share < 0 ? `↓ ${text}` : text;
  const y = Math.round(top + height * (1 - Math.min(Math.max(share, 0), 1)));
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = ratio;
  if (!isOutside) {
    ctx.setLineDash(dash.map((px) => px * ratio));
    ctx.beginPath();
    ctx.moveTo(left, y + ratio / 2);
    ctx.lineTo(left + width, y + ratio / 2);
    ctx.stroke();
  }
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const wide = ctx.measureText(words).width + 8 * ratio;
  const tall = LABEL_PX * ratio;
  const x = isLeft ? left + width * 0.25 : left + width - wide - 4 * ratio;
  const wanted = isUnder ? y + ratio : y - tall - ratio;
  const at = Math.min(Math.max(wanted, top), top + height - tall);
  ctx.fillStyle = colours.back;
  ctx.globalAlpha = 0.85;
  ctx.fillRect(x, at, wide, tall);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colour;
  ctx.fillText(words, x + 4 * ratio, at + tall / 2 + ratio / 2);
  ctx.restore();
}

/** The level to draw in a plot of these channels. @param {Mark} trigger @param {readonly string[]} names */
export function levelOn({ level, name }, names) {
  return names.includes(name) ? level : undefined;
}

/**
 * A line at the event of the trigger.
 * @param {import("uplot")} u
 * @param {number | null} eventS GPS s
 * @param {import("./dom.js").Colours} colours
 */
export function paintEvent(u, eventS, colours) {
  const { min: fromS = 0, max: toS = 1 } = u.scales.x;
  if (eventS === null || eventS < fromS || eventS > toS) return;
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const ratio = devicePixelRatio;
  const x = Math.round(left + (eventS - fromS) / (toS - fromS) * width);
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colours.bad;
  ctx.lineWidth = ratio;
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(x + ratio / 2, top);
  ctx.lineTo(x + ratio / 2, top + height);
  ctx.stroke();
  ctx.fillRect(x, top + height - 14 * ratio, 14 * ratio, 14 * ratio);
  ctx.fillStyle = colours.back;
  ctx.font = `bold ${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText("T", x + 7 * ratio, top + height - 6.5 * ratio);
  ctx.restore();
}

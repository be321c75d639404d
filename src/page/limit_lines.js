// The limits of a plot and the level of a trigger as lines with labels; beyond a limit the plot is tinted. On a canvas, or
// for an SVG.
// Invariant: a line that the axis does not reach is an arrow at that edge, so that no limit is invisible.
import { levelFrom, levelWords } from "./levels.js";

/** @typedef {import("./levels.js").Level} Level */
/** @typedef {{ limits: import("./crossings.js").Limits, level?: Level | undefined, origin: number, colours: import("./dom.js").Colours }} Lines */

/** A line as all pictures draw it; share: of the height, outside of 0 to 1 it is an arrow at that edge; zone: the shares that are tinted. @typedef {{ kind: "limit" | "trigger", share: number, text: string, isUnder: boolean, zone: [number, number] | null }} LevelLine */
/** The level of the trigger, on its channel, and its event. @typedef {{ name: string, level: Level | undefined, eventS: number | null }} Mark */

const TINT_ALPHA = 0.12;
const LABEL_PX = 15;
/** Where the label of a trigger's level begins, as a share of the width: those of limits are at the right edge. */
const TRIGGER_AT = 0.25;

/**
 * The lines of a plot.
 * @param {{ share: (value: number) => number }} scale
 * @param {Omit<Lines, "colours">} lines level: of a trigger on this channel; origin: subtracted from all values of the scale
 */
export function levelLines(scale, { limits, level, origin }) {
  /** @type {LevelLine[]} */
  const lines = [];
  /** @param {LevelLine["kind"]} kind @param {Level | undefined} at @param {1 | -1 | 0} side of it that is tinted */
  const add = (kind, at, side) => {
    if (at === undefined) return;
    const share = scale.share(levelFrom(at, origin));
    if (Number.isNaN(share)) return;
    const words = `${kind} ${levelWords(at)}`;
    const edge = Math.min(Math.max(share, 0), 1);
    lines.push({
      kind,
      share,
      text: share > 1 ? `↑ ${words}` : share < 0 ? `↓ ${words}` : words,
      isUnder: side < 0,
      zone: side > 0 ? [edge, 1] : side < 0 ? [0, edge] : null,
    });
  };
  add("limit", limits.above, 1);
  add("limit", limits.below, -1);
  add("trigger", level, 0);
  return lines;
}

/**
 * @param {import("uplot")} u
 * @param {{ share: (value: number) => number }} scale
 * @param {Lines} lines
 */
export function paintLimits(u, scale, { colours, ...lines }) {
  for (const line of levelLines(scale, lines)) {
    if (line.zone) paintZone(u, ...line.zone, colours);
    paintLine(u, line, colours);
  }
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
 * @param {LevelLine} line
 * @param {import("./dom.js").Colours} colours
 */
function paintLine(u, { isUnder, kind, share, text }, colours) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const ratio = devicePixelRatio;
  const { colour, dash } = styleOf(kind, colours);
  const isOutside = share < 0 || share > 1;
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
  const wide = ctx.measureText(text).width + 8 * ratio;
  const tall = LABEL_PX * ratio;
  const x = kind === "trigger"
    ? left + width * TRIGGER_AT
    : left + width - wide - 4 * ratio;
  const wanted = isUnder ? y + ratio : y - tall - ratio;
  const at = Math.min(Math.max(wanted, top), top + height - tall);
  ctx.fillStyle = colours.back;
  ctx.globalAlpha = 0.85;
  ctx.fillRect(x, at, wide, tall);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colour;
  ctx.fillText(text, x + 4 * ratio, at + tall / 2 + ratio / 2);
  ctx.restore();
}

/** @param {LevelLine["kind"]} kind @param {import("./dom.js").Colours} colours */
function styleOf(kind, colours) {
  return kind === "limit"
    ? { colour: colours.bad, dash: [6, 3] }
    : { colour: colours.text, dash: [2, 3] };
}

/**
 * The same lines for an SVG.
 * @param {readonly LevelLine[]} lines
 * @param {{ colours: import("./dom.js").Colours, left: number, width: number, height: number, at: number }} box at: top of the data, px
 */
export function limitsSvg(lines, { colours, left, width, height, at }) {
  return lines.flatMap(({ isUnder, kind, share, text, zone }) => {
    const { colour, dash } = styleOf(kind, colours);
    const yOf = (/** @type {number} */ s) => rounded(at + height * (1 - s));
    const y = yOf(Math.min(Math.max(share, 0), 1));
    const wanted = isUnder ? y + LABEL_PX - 3 : y - 4;
    const textY = Math.min(
      Math.max(wanted, at + LABEL_PX - 3),
      at + height - 4,
    );
    const [x, anchor] = kind === "trigger"
      ? [left + width * TRIGGER_AT, "start"]
      : [left + width - 4, "end"];
    return [
      ...zone && zone[1] > zone[0]
        ? [
          `<rect x="${left}" y="${yOf(zone[1])}" width="${width}" height="${
            rounded(height * (zone[1] - zone[0]))
          }" fill="${colour}" fill-opacity="${TINT_ALPHA}"/>`,
        ]
        : [],
      ...share < 0 || share > 1 ? [] : [
        `<path d="M${left} ${y}h${width}" stroke="${colour}" stroke-dasharray="${
          dash.join(" ")
        }"/>`,
      ],
      `<text x="${x}" y="${textY}" text-anchor="${anchor}" fill="${colour}" stroke="${colours.back}" stroke-width="3" paint-order="stroke">${text}</text>`,
    ];
  });
}

/** @param {number} px */
function rounded(px) {
  return Number(px.toFixed(2));
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

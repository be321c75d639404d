// Draws one channel on a canvas: values over time, spans without data hatched with the reason, labels at both axes.
// Invariant: it draws what the columns hold, and nothing between two columns where a sample is missing.

/** @typedef {import("./columns.js").Columns} Columns */
/** @typedef {import("./columns.js").Span} Span */
/**
 * @typedef {object} Picture
 * @property {number} fromS
 * @property {number} toS
 * @property {string} colour of the line
 * @property {string} ink of text and grid
 * @property {Span[]} gaps
 * @property {number} utcS UTC at the time 0, s
 * @property {boolean} hasTimes labels at the time axis
 */
/** @typedef {{ left: number, top: number, width: number, height: number }} Area px of the screen */

const LEFT_PX = 66;
const RIGHT_PX = 8;
const TOP_PX = 6;
/** Height of the labels at the time axis. */
export const TIMES_PX = 20;
const GAP_COLOUR = "#c77700";
const TIME_STEPS_S = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600],
  ...[1800, 3600, 7200, 14_400, 21_600],
];

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Columns} columns
 * @param {Picture} picture
 */
export function drawChannel(canvas, columns, picture) {
  const ratio = globalThis.devicePixelRatio || 1;
  const { clientWidth, clientHeight } = canvas;
  const ctx = canvas.getContext("2d");
  if (!ctx || clientWidth <= LEFT_PX + RIGHT_PX) return;
  canvas.width = Math.round(clientWidth * ratio);
  canvas.height = Math.round(clientHeight * ratio);
  ctx.scale(ratio, ratio);
  ctx.font = "11px system-ui, sans-serif";
  const area = {
    left: LEFT_PX,
    top: TOP_PX,
    width: clientWidth - LEFT_PX - RIGHT_PX,
    height: clientHeight - TOP_PX - (picture.hasTimes ? TIMES_PX : 4),
  };
  const values = valuesOf(columns, picture);
  drawTimes(ctx, area, picture);
  if (values) drawValues(ctx, area, values, picture.ink);
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.left, area.top, area.width, area.height);
  ctx.clip();
  for (const gap of picture.gaps) hatch(ctx, area, gap, picture);
  if (values) drawLine(ctx, area, values, { columns, ...picture });
  ctx.restore();
}

/**
 * The values at the lower and the upper edge; null without samples.
 * @param {Columns} columns
 * @param {{ fromS: number, toS: number }} span
 */
export function valuesOf(columns, { fromS, toS }) {
  let low = Infinity;
  let high = -Infinity;
  columns.forEach(fromS, toS, (_timeS, least, most) => {
    if (least < low) low = least;
    if (most > high) high = most;
  });
  if (low > high) return null;
  const margin = high > low
    ? (high / 2 - low / 2) * 0.16
    : Math.abs(low) * 0.1 || 1;
  return {
    low: Math.max(low - margin, -Number.MAX_VALUE),
    high: Math.min(high + margin, Number.MAX_VALUE),
  };
}

/**
 * Where a value is between the lower edge (0) and the upper one (1). Halves, since the difference of two doubles may
 * exceed a double.
 * @param {number} value
 * @param {{ low: number, high: number }} values
 */
function shareOf(value, { low, high }) {
  return (value / 2 - low / 2) / (high / 2 - low / 2);
}

/**
 * Round values between two others, at most about `count`, and as text.
 * @param {{ low: number, high: number }} values
 * @param {number} count
 */
export function ticksOf({ low, high }, count) {
  const raw = (high / 2 - low / 2) * (2 / count);
  const decade = 10 ** Math.floor(Math.log10(raw));
  const step = decade * ([1, 2, 5].find((m) => m * decade >= raw) ?? 10);
  if (!(step > 0) || !Number.isFinite(step)) return [];
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) {
    // So many steps that counting them takes more digits than a double has.
    if (ticks.length > 2 * count) break;
    ticks.push({ value: k * step, text: valueText(k * step, step) });
  }
  return ticks;
}

/**
 * @param {number} value
 * @param {number} step between two values that must differ as text
 */
function valueText(value, step) {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || step < 1e-4)) {
    const digits = Math.log10(size / step);
    return value.toExponential(Math.min(Math.max(Math.round(digits), 0), 12));
  }
  return value.toFixed(Math.max(Math.ceil(-Math.log10(step) - 1e-9), 0));
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Area} area
 * @param {{ low: number, high: number }} values
 * @param {string} ink
 */
function drawValues(ctx, area, values, ink) {
  ctx.fillStyle = ink;
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const { value, text } of ticksOf(values, area.height / 28)) {
    const y = Math.round(
      area.top + area.height * (1 - shareOf(value, values)),
    );
    ctx.globalAlpha = 0.15;
    ctx.fillRect(area.left, y, area.width, 1);
    ctx.globalAlpha = 0.8;
    ctx.fillText(text, area.left - 6, y, LEFT_PX - 8);
  }
  ctx.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Area} area
 * @param {Picture} picture
 */
function drawTimes(ctx, area, { fromS, toS, utcS, ink, hasTimes }) {
  const perS = area.width / (toS - fromS);
  const step = TIME_STEPS_S.find((s) => s * perS >= 80) ?? 43_200;
  ctx.fillStyle = ink;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  const first = Math.ceil((fromS + utcS) / step);
  for (let k = first; k * step - utcS <= toS; k++) {
    const x = Math.round(area.left + (k * step - utcS - fromS) * perS);
    ctx.globalAlpha = 0.15;
    ctx.fillRect(x, area.top, 1, area.height);
    ctx.globalAlpha = 0.8;
    const iso = new Date(Math.round(k * step * 1000)).toISOString();
    const text = iso.slice(11, step < 1 ? 21 : 19);
    const half = ctx.measureText(text).width / 2;
    const isInside = x - half > area.left - LEFT_PX &&
      x + half < area.left + area.width + RIGHT_PX;
    if (hasTimes && isInside) {
      ctx.fillText(text, x, area.top + area.height + 5);
    }
  }
  ctx.globalAlpha = 1;
}

/**
 * Hatches a span without data, and writes the reason where there is room.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Area} area
 * @param {Span} gap
 * @param {Picture} picture
 */
function hatch(ctx, { left, top, width, height }, gap, { fromS, toS }) {
  if (gap.toS <= fromS || gap.fromS >= toS) return;
  const perS = width / (toS - fromS);
  const x0 = left + Math.max(0, (gap.fromS - fromS) * perS);
  const x1 = left + Math.min(width, (gap.toS - fromS) * perS);
  const wide = Math.max(x1 - x0, 1);
  ctx.save();
  ctx.beginPath();
  ctx.rect(x0, top, wide, height);
  ctx.clip();
  ctx.fillStyle = ctx.strokeStyle = GAP_COLOUR;
  ctx.globalAlpha = 0.18;
  ctx.fillRect(x0, top, wide, height);
  ctx.globalAlpha = 0.5;
  ctx.beginPath();
  for (let x = x0 - height; x < x1; x += 8) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.stroke();
  if (ctx.measureText(gap.reason).width + 8 < wide) {
    ctx.globalAlpha = 1;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(gap.reason, (x0 + x1) / 2, top + height / 2);
  }
  ctx.restore();
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Area} area
 * @param {{ low: number, high: number }} values
 * @param {Picture & { columns: Columns }} picture
 */
function drawLine(ctx, area, values, { columns, fromS, toS, colour }) {
  const perS = area.width / (toS - fromS);
  /** @param {number} value */
  const yOf = (value) => area.top + area.height * (1 - shareOf(value, values));
  let lastS = -Infinity;
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.25;
  ctx.lineJoin = "round";
  ctx.lineCap = "round";
  ctx.beginPath();
  columns.forEach(fromS, toS, (timeS, least, most) => {
    const x = area.left + (timeS - fromS) * perS;
    if (columns.isJoined(timeS - lastS)) ctx.lineTo(x, yOf(least));
    else ctx.moveTo(x, yOf(least));
    // A single sample is a dot.
    ctx.lineTo(x, yOf(most));
    lastS = timeS;
  });
  ctx.stroke();
}

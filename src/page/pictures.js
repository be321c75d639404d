// Pictures of a plot: its title, what is drawn, and the times below, as PNG or as SVG.
// Invariant: in an SVG, texts are texts, samples over time are lines, and missing data are hatched with their reason; other
// plots are a picture in it.
import { unitText } from "./channel_note.js";
import { ticksOf } from "./time_axis.js";
import { dateText, timeText } from "./clock.js";
import { gapWords } from "./gap_words.js";
import { limitsSvg } from "./limit_lines.js";

/** fromS, toS: NaN for a plot of frequencies. @typedef {{ title: string, colours: import("./dom.js").Colours, colour: (name: string) => string, fromS: number, toS: number, time: "utc" | "gps" }} Frame */
/**
 * @typedef {object} Picture
 * @property {HTMLCanvasElement} canvas
 * @property {{ left: number, top: number, width: number, height: number }} bbox of the data in the canvas, pixels of the display
 * @property {{ name: string, unit: string, path: string }[]} [lines] the data of each channel that is shown as lines, in
 *   thousandths of the bbox; without, the canvas is put into an SVG
 * @property {readonly { name: string, unit: string }[]} [names] of several channels in a plot that has no `lines`
 * @property {import("./value_scale.js").Tick[]} [ticks] of the vertical axis
 * @property {string} [axis] its title
 * @property {readonly import("./series.js").Span[]} [gaps] missing data
 * @property {readonly import("./limit_lines.js").LevelLine[]} [levels] limits, and the level of a trigger
 */

const HEAD_PX = 26;
const FOOT_PX = 34;
/** A time nearer to the right edge than half of it would be cut off. */
const LABEL_PX = 40;
/** Between the titles of several channels. */
const TITLE_PX = 18;
const FONT = "system-ui, sans-serif";
/** A narrower gap has its reason in its title only. */
const GAP_TEXT_PX = 120;

/**
 * @param {Picture} picture
 * @param {Frame} frame
 * @returns {Promise<Blob>}
 */
export function pngOf({ canvas, bbox, lines, names }, frame) {
  const ratio = devicePixelRatio;
  const whole = document.createElement("canvas");
  const titles = titlesOf(lines ?? names, frame);
  const head = headPx(titles);
  whole.width = canvas.width;
  whole.height = canvas.height + (head + FOOT_PX) * ratio;
  const ctx = /** @type {CanvasRenderingContext2D} */ (whole.getContext("2d"));
  const { colours } = frame;
  ctx.fillStyle = colours.back;
  ctx.fillRect(0, 0, whole.width, whole.height);
  ctx.drawImage(canvas, 0, head * ratio);
  ctx.font = `600 ${14 * ratio}px ${FONT}`;
  titles.forEach(({ text, colour }, i) => {
    ctx.fillStyle = colour;
    ctx.fillText(text, 12 * ratio, (18 + i * TITLE_PX) * ratio);
  });
  ctx.fillStyle = colours.muted;
  ctx.font = `${11 * ratio}px ${FONT}`;
  ctx.textAlign = "center";
  const y = head * ratio + canvas.height + 14 * ratio;
  for (const { at, text } of timesOf(frame, bbox.width / ratio)) {
    ctx.fillText(text, bbox.left + at * bbox.width, y);
  }
  ctx.textAlign = "left";
  ctx.fillText(unitOf(frame), bbox.left, y + 15 * ratio);
  return new Promise((resolve, reject) =>
    whole.toBlob((blob) =>
      blob ? resolve(blob) : reject(new Error("the browser made no picture"))
    )
  );
}

/**
 * @param {Picture} picture
 * @param {Frame} frame
 */
export function svgOf(picture, frame) {
  const { canvas, bbox, lines, names } = picture;
  const ratio = devicePixelRatio;
  const [left, top, width, height] = [
    bbox.left,
    bbox.top,
    bbox.width,
    bbox.height,
  ].map((px) => px / ratio);
  const [wide, high] = [canvas.width / ratio, canvas.height / ratio];
  const { colours } = frame;
  const titles = titlesOf(lines ?? names, frame);
  const head = headPx(titles);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${wide}" height="${
      high + head + FOOT_PX
    }" font-family="${FONT}" font-size="11">`,
    `<rect width="100%" height="100%" fill="${colours.back}"/>`,
    ...titles.map((title, i) =>
      `<text x="12" y="${
        18 + i * TITLE_PX
      }" font-size="14" font-weight="600" fill="${title.colour}">${
        escaped(title.text)
      }</text>`
    ),
  ];
  if (lines === undefined) {
    parts.push(
      `<image y="${head}" width="${wide}" height="${high}" href="${canvas.toDataURL()}"/>`,
    );
  } else {
    const box = { left, width, height, at: head + top };
    parts.push(...dataOf({ ...picture, lines }, frame, box));
  }
  const y = head + high + 14;
  for (const tick of timesOf(frame, width)) {
    parts.push(
      `<text x="${
        left + tick.at * width
      }" y="${y}" text-anchor="middle" fill="${colours.muted}">${tick.text}</text>`,
    );
  }
  parts.push(
    `<text x="${left}" y="${y + 15}" fill="${colours.muted}">${
      unitOf(frame)
    }</text></svg>`,
  );
  return new Blob([parts.join("\n")], { type: "image/svg+xml" });
}

/**
 * Gaps, the vertical axis, the lines of all channels, and limits, from back to front.
 * @param {Picture & { lines: NonNullable<Picture["lines"]> }} picture
 * @param {Frame} frame
 * @param {{ left: number, width: number, height: number, at: number }} box px
 */
function dataOf(
  { axis, gaps = [], levels = [], lines, ticks = [] },
  frame,
  box,
) {
  const { colour, colours } = frame;
  const { left, width, height, at } = box;
  return [
    ...gapsOf(gaps, frame, box),
    ...axisOf({ ticks, axis, colours, ...box }),
    `<svg x="${left}" y="${at}" width="${width}" height="${height}" viewBox="0 0 1000 1000" preserveAspectRatio="none">`,
    ...lines.map(({ name, path }) =>
      `<path d="${path}" fill="none" stroke="${
        colour(name)
      }" stroke-width="1.25" stroke-linejoin="round" vector-effect="non-scaling-stroke"/>`
    ),
    "</svg>",
    ...limitsSvg(levels, { colours, ...box }),
  ];
}

/**
 * The title; of several channels the name of each in its colour, with its unit.
 * @param {Picture["names"]} lines
 * @param {Frame} frame
 */
function titlesOf(lines = [], { colour, colours, title }) {
  return lines.length < 2
    ? [{ text: title, colour: colours.text }]
    : lines.map(({ name, unit }) => ({
      text: `${name}${unitText({ unit })}`,
      colour: colour(name),
    }));
}

/** @param {readonly unknown[]} titles */
function headPx(titles) {
  return HEAD_PX + (titles.length - 1) * TITLE_PX;
}

/**
 * Missing data, hatched, each with its reason.
 * @param {readonly import("./series.js").Span[]} gaps
 * @param {Frame} frame
 * @param {{ left: number, width: number, height: number, at: number }} box px
 */
function gapsOf(gaps, { fromS, toS, colours }, { left, width, height, at }) {
  const shown = gaps.filter((gap) => gap.toS > fromS && gap.fromS < toS);
  if (shown.length === 0) return [];
  const perS = width / (toS - fromS);
  const hatch =
    `<pattern id="gap" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="${colours.gap}"/><path d="M0 8L8 0" stroke="${colours.gapText}" stroke-opacity="0.35"/></pattern>`;
  const parts = shown.map((gap) => {
    const x = left + Math.max(gap.fromS - fromS, 0) * perS;
    const wide = left + Math.min(gap.toS - fromS, toS - fromS) * perS - x;
    const words = escaped(gapWords(gap.reason));
    const text = wide < GAP_TEXT_PX
      ? ""
      : `<text x="${x + wide / 2}" y="${
        at + height / 2
      }" text-anchor="middle" fill="${colours.gapText}">${words}</text>`;
    return `<g><title>${words}</title><rect x="${x}" y="${at}" width="${
      Math.max(wide, 1)
    }" height="${height}" fill="url(#gap)"/>${text}</g>`;
  });
  return [hatch, ...parts];
}

/**
 * The vertical axis: lines, labels, and its title.
 * @param {{ ticks: import("./value_scale.js").Tick[], axis: string | undefined, colours: import("./dom.js").Colours, left: number, width: number, height: number, at: number }} options
 *   at: top of the data, px
 */
function axisOf({ ticks, axis, colours, left, width, height, at }) {
  const parts = [];
  for (const tick of ticks) {
    const y = at + height * (1 - tick.at);
    parts.push(
      `<path d="M${left} ${y}h${width}" stroke="${colours.grid}"/>`,
      `<text x="${left - 4}" y="${
        y + 4
      }" text-anchor="end" fill="${colours.muted}">${
        escaped(tick.text)
      }</text>`,
    );
  }
  if (axis) {
    parts.push(
      `<text x="${left + 4}" y="${at + 12}" fill="${colours.muted}">${
        escaped(axis)
      }</text>`,
    );
  }
  return parts;
}

/**
 * @param {Frame} frame
 * @param {number} width px
 */
function timesOf({ fromS, toS, time }, width) {
  if (Number.isNaN(fromS)) return [];
  const { ticks, step } = ticksOf(fromS, toS, { count: width / 110, time });
  const digits = step >= 1 ? 0 : Math.ceil(-Math.log10(step) - 1e-9);
  return ticks.map((s) => ({
    at: (s - fromS) / (toS - fromS),
    text: timeText(s, time, digits),
  })).filter(({ at }) => at * width <= width - LABEL_PX / 2);
}

/** @param {Frame} frame */
function unitOf({ toS, time }) {
  if (Number.isNaN(toS)) return "";
  return time === "gps" ? "GPS s" : `${dateText(toS)} UTC`;
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

// What a plot's limits say, in words, with a sign: the colour never says it alone.
import { valueText } from "./axis_text.js";
import { timeText } from "./clock.js";
import { levelWords } from "./levels.js";

/** @typedef {import("./crossings.js").Limits} Limits */
/** @typedef {import("./limit_state.js").Judged} Judged */
/** @typedef {import("./limit_state.js").LimitKind} LimitKind */
/**
 * What a plot says.
 * @typedef {object} Said
 * @property {LimitKind} kind
 * @property {string} sign such as ▲; ▲▼ where one channel is above its limit, and another below
 * @property {string} text
 * @property {boolean} canAcknowledge something was beyond, or was not received
 */

/** The sign of each state: of what is above a limit, and of what is below. @type {Readonly<Record<LimitKind, readonly [string, string]>>} */
const SIGNS = {
  beyond: ["▲", "▼"],
  was: ["△", "▽"],
  silent: ["?", "?"],
  none: ["?", "?"],
  within: ["✓", "✓"],
};
/** The state that a plot of several channels shows: the first of these. */
const WORST_FIRST = /** @type {const} */ ([
  "beyond",
  "silent",
  "none",
  "was",
  "within",
]);

/** Such as `above 3`. @param {Limits} limits @param {import("./levels.js").Side} side */
export function sideWords({ above, below }, side) {
  const level = side > 0 ? above : below;
  return `${side > 0 ? "above" : "below"} ${levelWords(level ?? NaN)}`;
}

/** Such as `-3 … 3`, or `below 3`. @param {Limits} limits */
export function limitsWords({ above, below }) {
  if (below === undefined) return `below ${levelWords(above ?? NaN)}`;
  if (above === undefined) return `above ${levelWords(below)}`;
  return `${levelWords(below)} … ${levelWords(above)}`;
}

/**
 * @param {Judged} judged
 * @param {{ limits: Limits, time: "utc" | "gps" }} options
 * @returns {string}
 */
export function judgedWords(judged, { limits, time }) {
  const { dataS, firstS, hasRows, kind, lastS, missingS, side, sinceS } =
    judged;
  const at = (/** @type {number} */ s) => timeText(Math.floor(s), time);
  const missing = missingS > 0
    ? `; ${valueText(Number(missingS.toPrecision(2)))} s not received`
    : "";
  if (kind === "none") return "no data yet, so limits are not checked";
  if (kind === "beyond") {
    return `${sideWords(limits, side)} since ${at(sinceS)}${missing}`;
  }
  const [first, last] = [at(firstS || 0), at(lastS || 0)];
  const was = `was ${sideWords(limits, side)} at ${first}${
    first === last ? "" : `, last at ${last}`
  }`;
  if (kind === "was") return was + missing;
  if (kind === "within") return `within limits${missing}`;
  const before = Number.isNaN(firstS) ? "" : `; ${was}`;
  const since = isFinite(dataS) ? ` since ${at(dataS)}` : " yet";
  const what = hasRows ? "no number" : "no data";
  return `${what}${since}, so limits are not checked${before}`;
}

/**
 * The signs of a state, each once, that of above first.
 * @param {LimitKind} kind
 * @param {(sign: string) => boolean} isSaid
 */
function signsOf(kind, isSaid) {
  return [...new Set(SIGNS[kind])].filter(isSaid).join("");
}

/**
 * The state of a plot, from those of its channels.
 * @param {{ name: string, judged: Judged }[]} all
 * @param {{ limits: Limits, time: "utc" | "gps" }} options
 * @returns {Said}
 */
export function plotSaid(all, options) {
  const kind =
    WORST_FIRST.find((k) => all.some(({ judged }) => judged.kind === k)) ??
      "none";
  const some = all.filter(({ judged }) => judged.kind === kind);
  const names = (/** @type {string} */ name) =>
    all.length > 1 ? `${name} ` : "";
  const signs = some.map(({ judged }) => SIGNS[kind][judged.side < 0 ? 1 : 0]);
  const texts = some.map(({ judged, name }) =>
    `${names(name)}${judgedWords(judged, options)}`
  );
  const canAcknowledge = all.some(({ judged }) =>
    !Number.isNaN(judged.firstS) || judged.missingS > 0
  );
  return {
    kind,
    sign: signsOf(kind, (sign) => signs.includes(sign)),
    text: [...new Set(texts)].join("; "),
    canAcknowledge,
  };
}

/**
 * What the title of the tab begins with; empty while no plot is or was beyond its limits.
 * @param {readonly Pick<Said, "kind" | "sign">[]} plots
 */
export function titleMark(plots) {
  const words = /** @type {const} */ ([["beyond", ""], ["was", "was "]]);
  for (const [kind, was] of words) {
    const some = plots.filter((plot) => plot.kind === kind);
    if (some.length === 0) continue;
    const sign = signsOf(kind, (one) => some.some((p) => p.sign.includes(one)));
    return `${sign} ${some.length} ${was}beyond limits`;
  }
  return "";
}

// A trigger as its user sets it, as a field of the address, and in words.
// Invariant: triggerOf(triggerText(spec)) is the spec.
import { levelOf, levelText, levelWords } from "./levels.js";
import { escaped, unescaped } from "./plot_spec.js";

/** @typedef {import("./levels.js").Level} Level */
/** @typedef {import("./levels.js").Side} Side */
/** @typedef {import("./crossings.js").Edge} Edge */
/**
 * @typedef {object} TriggerSpec
 * @property {string} name of its channel
 * @property {Level} level NaN where the address gives none: then it cannot be armed
 * @property {Edge} edge
 * @property {number} pre share of the span that is shown before the event, 0 to 1
 * @property {boolean} repeats whether later events move the view, too
 * @property {number} holdoffS after an event, other events do not move the view for so long; of one that repeats
 * @property {true} [isStopped] it waits for no event until it is armed again
 */

export const EDGES = /** @type {const} */ (["rising", "falling", "either"]);
export const PRE = 0.2;
export const HOLDOFF_S = 5;
export const HOLDOFF_MAX_S = 86_400;
const MODES = ["single", "repeat"];

/** What follows `trigger=` in the address. @param {TriggerSpec} spec */
export function triggerText(spec) {
  const { edge, holdoffS, isStopped, level, name, pre, repeats } = spec;
  const mode = MODES[Number(repeats)];
  return `${escaped(name)};level=${
    levelText(level)
  };edge=${edge};pre=${pre};mode=${mode}${
    repeats ? `;holdoff=${holdoffS}` : ""
  }${isStopped ? ";stopped=1" : ""}`;
}

/**
 * The trigger of an address; null without a channel.
 * @param {string} text what follows `trigger=`
 * @returns {TriggerSpec | null}
 */
export function triggerOf(text) {
  const [name, ...options] = text.split(";").map(unescaped);
  if (name === "") return null;
  const fields = new Map(options.map((option) => {
    const [key, value = ""] = option.split("=");
    return [key, value];
  }));
  const number = (
    /** @type {string} */ key,
    /** @type {number} */ max,
    /** @type {number} */ otherwise,
  ) => {
    const text = (fields.get(key) ?? "").trim();
    const value = text === "" ? NaN : Number(text);
    return value >= 0 && value <= max ? value : otherwise;
  };
  const repeats = fields.get("mode") === "repeat";
  return {
    name,
    level: levelOf(fields.get("level") ?? "") ?? NaN,
    edge: EDGES.find((e) => e === fields.get("edge")) ?? "rising",
    pre: number("pre", 1, PRE),
    repeats,
    holdoffS: repeats ? number("holdoff", HOLDOFF_MAX_S, HOLDOFF_S) : HOLDOFF_S,
    ...(fields.get("stopped") === "1"
      ? { isStopped: /** @type {const} */ (true) }
      : {}),
  };
}

/** As it is armed. @param {TriggerSpec} spec @returns {TriggerSpec} */
export function armed({ isStopped: _, ...spec }) {
  return spec;
}

/** As it is stopped. @param {TriggerSpec} spec @returns {TriggerSpec} */
export function stopped(spec) {
  return { ...spec, isStopped: true };
}

/** Such as `H1:A rises above 3`. @param {TriggerSpec} spec */
export function waitsFor({ edge, level, name }) {
  const verb = {
    rising: "rises above",
    falling: "falls below",
    either: "crosses",
  };
  return `${name} ${verb[edge]} ${levelWords(level)}`;
}

/** Such as `H1:A rose above 3`. @param {TriggerSpec} spec @param {Side} side of the event */
export function happened({ level, name }, side) {
  return `${name} ${side > 0 ? "rose above" : "fell below"} ${
    levelWords(level)
  }`;
}

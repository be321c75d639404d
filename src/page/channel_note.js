// What the operator of the server has noted about a channel, as text.
import { valueText } from "./axis_text.js";

/** @typedef {{ unit?: string | null, description?: string | null, range?: readonly [number, number] | null }} Noted */

/** The channel's unit behind a blank; empty where none is known. @param {Noted} channel */
export function unitText({ unit }) {
  return unit ? ` ${unit}` : "";
}

/** Description and usual range for a tooltip; empty where neither is known. @param {Noted} channel */
export function aboutText(channel) {
  const { description, range } = channel;
  const usual = range
    ? `usually ${valueText(range[0])} … ${valueText(range[1])}${
      unitText(channel)
    }`
    : "";
  return [description ?? "", usual].filter((text) => text !== "").join("; ");
}

/**
 * The title of a vertical axis: the unit, and the value that the labels are added to.
 * @param {Noted} channel
 * @param {string} base empty where the labels are whole values
 */
export function axisTitle({ unit }, base) {
  const from = base === "" ? "" : `from ${base}`;
  return [unit ?? "", from].filter((text) => text !== "").join(", ");
}

// What the page says of its trigger, and which of its buttons it needs.
// Invariant: what is announced changes with the state only; what changes with time is a detail, which is not announced.
import { timeText } from "./clock.js";
import { silentAfterS } from "./data_age.js";
import { happened, waitsFor } from "./trigger_spec.js";

/** @typedef {import("./trigger.js").Trigger} Trigger */
/** @typedef {{ text: string, detail: string, buttons: ("rearm" | "show" | "stop")[] }} TriggerSaid */
/**
 * @typedef {object} Around
 * @property {"utc" | "gps"} time
 * @property {number} spanS
 * @property {boolean} isLive
 * @property {number} nowS GPS s
 * @property {number} strideS of its channel's rows or bins
 * @property {number} rate of its channel, Hz; of bins, bins per second
 * @property {boolean} hasBins
 * @property {string} unknown why there is no such channel; empty where there is one
 */

const DIGITS_MAX = 6;

/** @param {Trigger} trigger @param {Around} around @returns {TriggerSaid} */
export function triggerSaid(trigger, around) {
  const { ignored, spec, state } = trigger;
  if (!spec) return { text: "", detail: "", buttons: [] };
  if (state === "wrong") {
    return {
      text: `trigger not armed: the address gives no level for ${spec.name}`,
      detail: "",
      buttons: [],
    };
  }
  const what = eventWords(trigger, around);
  const next = spec.repeats ? "; armed for the next" : "";
  const count = ignored > 0
    ? `${ignored.toLocaleString("en")} more too soon after it`
    : "";
  const until = timeText(trigger.dueS(around.spanS), around.time);
  if (state === "armed") {
    return {
      text: `armed: ${waitsFor(spec)}`,
      detail: armedDetail(trigger, around),
      buttons: ["stop"],
    };
  }
  if (state === "collecting") {
    return {
      text: `triggered: ${what}; data after it until ${until}`,
      detail: count,
      buttons: ["rearm", "stop"],
    };
  }
  if (state === "held") {
    return {
      text: `held by trigger: ${what}${next}`,
      detail: count,
      buttons: ["rearm", "stop"],
    };
  }
  if (state === "happened") {
    return {
      text: `triggered: ${what}, which the view does not show${
        next || "; not armed"
      }`,
      detail: count,
      buttons: ["show", "rearm", "stop"],
    };
  }
  return {
    text: `trigger stopped: ${waitsFor(spec)}`,
    detail: "",
    buttons: ["rearm"],
  };
}

/** @param {Trigger} trigger @param {Around} around */
function eventWords({ event, eventS, spec }, { rate, time }) {
  if (!event || !spec || eventS === null) return "";
  const digits = Math.min(
    Math.ceil(Math.log10(Math.max(rate, 1))) + 1,
    DIGITS_MAX,
  );
  const how = event.binS > 0
    ? ` (in the ${event.binS} s from then)`
    : event.isAfterGap
    ? " or in the missing data before it"
    : "";
  const at = timeText(eventS, time, digits);
  return `${happened(spec, event.side)} at ${at}${how}`;
}

/** @param {Trigger} trigger @param {Around} around */
function armedDetail({ dataS, side, spec }, around) {
  const { hasBins, isLive, nowS, strideS, unknown } = around;
  const edge = spec?.edge;
  const lateS = nowS - dataS;
  const parts = [];
  if (unknown !== "") parts.push(unknown);
  else if (dataS === -Infinity) parts.push("no data yet");
  else if (lateS > silentAfterS(strideS) + strideS) {
    parts.push(`no data for ${Math.floor(lateS)} s`);
  }
  if (edge === "rising" && side > 0) {
    parts.push("it is above now, so it has to fall first");
  } else if (edge === "falling" && side < 0) {
    parts.push("it is below now, so it has to rise first");
  }
  if (hasBins) parts.push(`by bins of ${strideS} s`);
  if (!isLive) parts.push("the view is paused, so an event does not move it");
  return parts.join("; ");
}

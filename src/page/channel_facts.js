// What a channel's card says, as pairs of a word and a text.
import { valueText } from "./axis_text.js";
import { unitText } from "./channel_note.js";
import { fullTimeText } from "./clock.js";

/**
 * A channel as `/v1/channels/{name}` describes it.
 * @typedef {import("./series.js").Channel & { max_latency_ns: number, available_from_ns: string | null, trends_from_ns: Record<string, string | null> }} Described
 */

const NOT_NOTED = "not noted by the operator";
/** True of channels that are always recorded, before their first bin, and of those that are recorded while they are read. */
const NO_TRENDS =
  "none now; recording begins, at the latest, when a plot shows a long span";

/** Seconds with a unit that is easy to read. @param {number} seconds */
export function secondsText(seconds) {
  const value = (/** @type {number} */ n) =>
    valueText(Number(n.toPrecision(4)));
  if (seconds < 1) return `${value(seconds * 1000)} ms`;
  if (seconds < 120) return `${value(seconds)} s`;
  if (seconds < 7200) return `${value(seconds / 60)} min`;
  if (seconds < 172_800) return `${value(seconds / 3600)} h`;
  return `${value(seconds / 86_400)} d`;
}

/**
 * @param {Described} channel
 * @param {(gpsS: number) => string} timeText
 * @returns {[string, string][]}
 */
export function cardOf(channel, timeText) {
  const { data_type, description, publisher, range, sample_rate, unit } =
    channel;
  const since = (/** @type {string | null} */ ns, /** @type {string} */ none) =>
    ns === null ? none : `from ${timeText(Number(BigInt(ns)) / 1e9)}`;
  const recorded = Object.entries(channel.trends_from_ns)
    .filter(([, ns]) => ns !== null);
  /** @type {[string, string][]} */
  const trends = recorded.map(([bin, ns]) => [
    `Bins of ${bin.replace("s", " s")}`,
    since(ns, ""),
  ]);
  if (trends.length === 0) trends.push(["Trends", NO_TRENDS]);
  return [
    ["Description", description ?? NOT_NOTED],
    ["Unit", unit ?? NOT_NOTED],
    [
      "Usual range",
      range
        ? `${valueText(range[0])} … ${valueText(range[1])}${unitText(channel)}`
        : NOT_NOTED,
    ],
    ["Publisher", publisher],
    ["Sample rate", `${sample_rate.toLocaleString("en")} Hz`],
    ["Type", data_type],
    ["Stride", `${secondsText(channel.stride_ns / 1e9)} in each message`],
    ["State", channel.live === false ? "silent: no new data" : "live"],
    [
      "Samples",
      since(channel.available_from_ns, "none are known to be available now"),
    ],
    ...trends,
  ];
}

/**
 * The newest data and their age.
 * @param {{ newestS: number, beganS: number, nowS: number, state: import("./qanat.d.ts").StreamState | null, time: "utc" | "gps" }} now
 *   newestS: end of the newest row, GPS s, or NaN; beganS: since when it was waited for
 */
export function newestText({ newestS, beganS, nowS, state, time }) {
  if (!Number.isNaN(newestS)) {
    const unit = time === "utc" ? "UTC" : "GPS";
    const ago = secondsText(
      Math.max(Math.round((nowS - newestS) * 10) / 10, 0),
    );
    return `${fullTimeText(newestS, time)} ${unit}, ${ago} ago`;
  }
  if (state?.state === "refused") {
    return `refused: ${state.detail ?? state.reason ?? "?"}`;
  }
  if (state?.state === "waiting") return "connection lost, trying again";
  const waitedS = Math.floor(nowS - beganS);
  return waitedS < 2
    ? "waiting"
    : `no data received for ${secondsText(waitedS)}, since this card is open`;
}

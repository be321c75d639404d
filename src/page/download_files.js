// The files that the shown span can be downloaded as: Arrow of all channels; CSV and Parquet for each sample rate.
// Invariant: a file has exactly the channels and the span that its label says.
import { requestOf } from "./copy_texts.js";

/** @typedef {import("./series.js").Channel} Channel */
/** @typedef {import("./qanat.d.ts").Trend} Trend */
/** @typedef {{ channels: readonly Channel[], fromS: number, toS: number, trend: Trend | null }} Span what is shown */

/**
 * @typedef {object} Download
 * @property {"arrow" | "csv" | "parquet"} kind
 * @property {string} label
 * @property {string} name of the file
 * @property {readonly Channel[]} channels
 * @property {import("./copy_texts.js").Request | null} request null: the page writes the file itself
 */

const ENDINGS = { arrow: "arrows", csv: "csv", parquet: "parquet" };

/**
 * @param {Span} span
 * @param {string} base where the server is, with a slash at its end
 * @returns {Download[]}
 */
export function downloadsOf(span, base) {
  const { channels, fromS, toS, trend } = span;
  if (channels.length === 0) return [];
  const fields = {
    start: fromS.toFixed(6),
    end: toS.toFixed(6),
    ...(trend ? { trend } : {}),
  };
  /** @param {string} route @param {readonly Channel[]} some @param {Record<string, string>} more */
  const requestFor = (route, some, more) =>
    requestOf(`${base}${route}`, some.map(({ name }) => name), {
      ...fields,
      ...more,
    });
  /** @type {Download[]} */
  const all = [{
    kind: "arrow",
    label: "Arrow",
    name: fileName(channels, span, "arrow"),
    channels,
    request: requestFor("v1/arrow", channels, {}),
  }];
  const groups = groupsOf(channels, trend);
  for (const some of groups) {
    const rate = some[0].sample_rate.toLocaleString("en");
    const which = groups.length > 1 ? ` of ${rate} Hz` : "";
    all.push({
      kind: "csv",
      label: `CSV${which}`,
      name: fileName(some, span, "csv"),
      channels: some,
      request: requestFor("v1/data", some, { format: "csv" }),
    }, {
      kind: "parquet",
      label: `Parquet${which}`,
      name: fileName(some, span, "parquet"),
      channels: some,
      request: null,
    });
  }
  return all;
}

/**
 * Channels whose samples have a line in common: those of one sample rate; all where bins are shown.
 * @param {readonly Channel[]} channels
 * @param {Trend | null} trend
 */
function groupsOf(channels, trend) {
  if (trend) return [channels];
  /** @type {Map<number, Channel[]>} */
  const groups = new Map();
  for (const channel of channels) {
    const group = groups.get(channel.sample_rate);
    if (group) group.push(channel);
    else groups.set(channel.sample_rate, [channel]);
  }
  return [...groups.values()];
}

/**
 * As files of frames are named: what, GPS second, seconds. The span is within the seconds.
 * @param {readonly Channel[]} channels
 * @param {Pick<Span, "fromS" | "toS" | "trend">} span
 * @param {keyof typeof ENDINGS} kind
 */
export function fileName(channels, { fromS, toS, trend }, kind) {
  const first = channels[0].name.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 80);
  const more = channels.length > 1 ? `_and_${channels.length - 1}_more` : "";
  const from = Math.floor(fromS);
  const bins = trend ? `_trend-${trend}` : "";
  return `${first}${more}${bins}-${from}-${Math.ceil(toS) - from}.${
    ENDINGS[kind]
  }`;
}

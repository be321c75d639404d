// Fills spans of which no trend was recorded with bins of their samples, which the server has in its history.
// Invariant: it reads no more than SAMPLES_MAX samples; the hatching of what it leaves out says where they are.
import { SampleBins } from "./sample_bins.js";
import { requestOf } from "./series.js";
import { BIN_S } from "./trend_choice.js";

/** @typedef {import("./qanat.d.ts").Trend} Trend */
/** @typedef {import("./series.js").Series} Series */
/** @typedef {import("./series.js").Span} Span */
/** @typedef {{ fromS: number, toS: number }} Part */

/** Most samples that are read, of all channels together. */
const SAMPLES_MAX = 1_000_000;
/** Most rows of one request: each costs the server and the page some time, however few samples it has. */
const ROWS_MAX = 5000;
const NOT_RECORDED = "not-recorded";
/** A reason of this page only: samples may be there, but they are too many. */
const TOO_MANY = "too-many-samples";
const EPSILON_S = 1e-6;

/**
 * Resolves when all has come, or was refused.
 * @param {Series[]} all of bins
 * @param {Part & { trend: Trend }} span GPS s, which was read before
 * @param {{ read: (options: any) => Promise<import("./qanat.d.ts").StreamState>, signal: AbortSignal, onChange: () => void }} options
 *   read: as `readRange`
 */
export async function fillUnrecorded(all, span, options) {
  const { onChange, signal } = options;
  for (const { read, some } of requestsFor(all, span)) {
    if (signal.aborted) return;
    const marks = some.map(({ series }) => {
      cut(series, read);
      return series.markAwaited(read.fromS, read.toS);
    });
    onChange();
    const isSent = await readBins(some.map((s) => s.series), read, options);
    for (const remove of marks) remove();
    if (signal.aborted) return;
    for (const { fromS, series } of some) {
      const left = { fromS, toS: read.fromS };
      if (!isSent) series.addGap({ ...read, reason: NOT_RECORDED });
      else if (left.fromS < left.toS) {
        cut(series, left);
        series.addGap({ ...left, reason: TOO_MANY });
      }
    }
    onChange();
  }
}

/**
 * What is to be read: of each channel the newest part for which there is room, slow channels first. fromS: where its gap
 * begins.
 * @param {Series[]} all
 * @param {Part & { trend: Trend }} span
 */
function requestsFor(all, { fromS, toS, trend }) {
  const binS = BIN_S[trend];
  const lacking = all.flatMap((series) => {
    const gaps = series.gaps.filter((gap) =>
      gap.reason === NOT_RECORDED && gap.fromS < toS && gap.toS > fromS
    );
    // A gap begins with the bin in which the span begins.
    const first = Math.min(...gaps.map((gap) => gap.fromS));
    const begin = Math.max(fromS - binS, first);
    const end = Math.min(toS, Math.max(...gaps.map((gap) => gap.toS)));
    return begin < end ? [{ series, begin, end }] : [];
  });
  lacking.sort((a, b) =>
    a.series.channel.sample_rate - b.series.channel.sample_rate
  );
  /** @type {Map<string, { read: Part, some: { series: Series, fromS: number }[] }>} */
  const requests = new Map();
  for (const { begin, end, series } of lacking) {
    const { sample_rate: rate, stride_ns: strideNs } = series.channel;
    const mostS = Math.min(
      SAMPLES_MAX / lacking.length / rate,
      ROWS_MAX * strideNs / 1e9,
    );
    const sinceS = end - Math.floor(mostS / binS) * binS;
    const read = {
      fromS: Math.max(Math.floor(begin / binS) * binS, sinceS),
      toS: end,
    };
    if (read.fromS >= end) continue;
    const key = `${read.fromS} ${end}`;
    const request = requests.get(key) ?? { read, some: [] };
    request.some.push({ series, fromS: begin });
    requests.set(key, request);
  }
  return requests.values();
}

/**
 * Resolves to whether the server sent it.
 * @param {Series[]} all
 * @param {Part} part
 * @param {Parameters<typeof fillUnrecorded>[2]} options
 */
async function readBins(all, part, { onChange, read, signal }) {
  const bins = all.map((series) => new SampleBins(series));
  const outcome = await read({
    ...requestOf(all, part, onChange),
    signal,
    onRow: (/** @type {import("./qanat.d.ts").Row} */ row) => {
      for (const one of bins) one.take(row);
      onChange();
    },
  });
  for (const one of bins) one.end();
  return outcome.state !== "refused";
}

/** Takes a span out of the gaps of what was not recorded. @param {Series} series @param {Part} part */
function cut(series, { fromS, toS }) {
  series.gaps = series.gaps.flatMap((gap) => {
    const isIn = gap.reason === NOT_RECORDED && gap.fromS < toS &&
      gap.toS > fromS;
    if (!isIn) return [gap];
    return [{ ...gap, toS: fromS }, { ...gap, fromS: toS }]
      .filter((rest) => rest.toS - rest.fromS > EPSILON_S);
  });
}

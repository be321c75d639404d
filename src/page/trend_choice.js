// Chooses whether a view is drawn from rows or from the bins of a trend.
// Invariant: the bins are the shortest that are at least a pixel wide and a whole multiple of each channel's stride.

/** @typedef {import("./qanat.d.ts").Trend} Trend */

/** Seconds of a bin. @type {Readonly<Record<Trend, number>>} */
export const BIN_S = { "1s": 1, "10s": 10, "60s": 60 };
const TRENDS = /** @type {const} */ (["1s", "10s", "60s"]);
/** Longer spans are drawn from bins: otherwise the server would read, and the page would hold, every sample. */
export const ROWS_SPAN_MAX_S = 120;

/**
 * @param {{ spanS: number, pixels: number, saves: boolean, strides: number[] }} view strides of its channels, ns
 * @returns {Trend | null} null: rows
 */
export function trendOf({ spanS, pixels, saves, strides }) {
  if (spanS <= ROWS_SPAN_MAX_S && !saves) return null;
  const whole = TRENDS.filter((trend) =>
    strides.every((ns) => (BIN_S[trend] * 1e9) % ns === 0)
  );
  const fits = whole.find((trend) => spanS / BIN_S[trend] <= pixels);
  return fits ?? whole.at(-1) ?? "60s";
}

/**
 * Whether the browser reports that data are expensive or slow.
 * @param {{ saveData?: boolean, effectiveType?: string } | undefined} connection navigator.connection, where there is one
 */
export function isDataExpensive(connection) {
  return connection?.saveData === true ||
    ["slow-2g", "2g", "3g"].includes(connection?.effectiveType ?? "");
}

/**
 * What the data saver does, when it was switched.
 * @param {boolean} isOn
 * @param {boolean} isChosen by the user; otherwise by what the browser reports
 */
export function saverText(isOn, isChosen) {
  if (!isOn) return "The data saver is off: plots show every sample";
  const why = isChosen
    ? ""
    : ", because the browser reports a slow or metered connection";
  return `The data saver is on${why}: plots show the smallest, mean and largest value of each second (s turns it off)`;
}

/** A span in seconds, minutes or hours. @param {number} seconds */
export function spanText(seconds) {
  const [size, unit] = seconds >= 3600 && seconds % 3600 === 0
    ? [3600, "h"]
    : seconds >= 120 && seconds % 60 === 0
    ? [60, "min"]
    : [1, "s"];
  return `${Number((seconds / size).toPrecision(4))} ${unit}`;
}

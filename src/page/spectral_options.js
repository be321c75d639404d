// What a plot's user has chosen for spectra, as the options after its name in the address, and the segments that follow.
// Invariant: spectralOf(spectralText(options)) is the options.
import { powerOfTwo } from "./fft.js";
import { WINDOW_TITLES } from "./spectral_windows.js";

/**
 * @typedef {object} SpectralOptions
 * @property {import("./spectral_windows.js").WindowName} [window] without it Hann
 * @property {number} [seconds] length of a segment; without it about 1 s, at most 8,192 samples
 * @property {number} [averages] how many segments are averaged; without it those of the shown span, at most 16
 * @property {"median" | "exponential"} [average] without it the mean
 * @property {true} [linear] a linear axis of frequencies
 * @property {number} [min] lower end of the axis of values, or of the colours in dB; without it the values decide
 * @property {number} [max] upper end
 */
/**
 * @typedef {object} SegmentPlan
 * @property {number} size samples of a segment
 * @property {number} length of its transform: a power of two
 * @property {number} step samples from one segment to the next
 * @property {number} seconds of a segment
 * @property {number} averages
 * @property {boolean} isAuto only segments that begin within the shown span are averaged
 * @property {"mean" | "median" | "exponential"} average
 * @property {import("./spectral_windows.js").WindowName} window
 */

/** Of two channels: the density of each, and real and imaginary part of the density between them. */
export const PAIR_PARTS = 4;
export const SECONDS_MAX = 60;
export const AVERAGES_MAX = 256;
/** A transform of so many samples takes about 20 ms. */
export const SIZE_MAX = 2 ** 18;
const SIZE_MIN = 16;
const AUTO_SIZE_MAX = 8192;
const AUTO_AVERAGES = 16;
/** A page keeps and reads at most so much before the right edge for spectra, s. */
const REACH_MAX_S = 120;
/** Values that one plot keeps of its segments: 16 MB. */
const VALUES_MAX = 2 ** 21;
const VALUE_MAX = 1e300;

/** @param {string} text */
function numberOf(text) {
  return text.trim() === "" ? NaN : Number(text);
}

/** As it follows a name in the address. @param {SpectralOptions | undefined} options */
export function spectralText(options = {}) {
  const { linear, ...fields } = options;
  const all = { ...fields, ...(linear ? { frequency: "linear" } : {}) };
  return Object.entries(all).map(([name, value]) => `;${name}=${value}`)
    .join("");
}

/**
 * @param {readonly string[]} texts such as `window=hann`; what is no option is left out
 * @returns {SpectralOptions | undefined} undefined: nothing is chosen
 */
export function spectralOf(texts) {
  const given = new Map(texts.map((text) => {
    const at = text.indexOf("=");
    return /** @type {[string, string]} */ (
      at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)]
    );
  }));
  const read = (/** @type {string} */ name) => numberOf(given.get(name) ?? "");
  const window = given.get("window") ?? "";
  const average = given.get("average");
  const [seconds, averages] = [read("seconds"), read("averages")];
  const [min, max] = ["min", "max"].map((name) => {
    const value = read(name);
    return Math.abs(value) <= VALUE_MAX ? value : NaN;
  });
  const isRange = !(min >= max);
  /** @type {SpectralOptions} */
  const options = {
    ...(isWindow(window) && window !== "hann" ? { window } : {}),
    ...(seconds > 0 && seconds <= SECONDS_MAX ? { seconds } : {}),
    ...(Number.isInteger(averages) && averages > 0 && averages <= AVERAGES_MAX
      ? { averages }
      : {}),
    ...(average === "median" || average === "exponential" ? { average } : {}),
    ...(given.get("frequency") === "linear"
      ? { linear: /** @type {const} */ (true) }
      : {}),
    ...(isRange && !Number.isNaN(min) ? { min } : {}),
    ...(isRange && !Number.isNaN(max) ? { max } : {}),
  };
  return Object.keys(options).length > 0 ? options : undefined;
}

/**
 * What a user has typed, as options, and what is wrong with it.
 * @param {Record<"window" | "seconds" | "averages" | "average" | "frequency" | "min" | "max", string>} typed
 * @param {{ kind: string, rate: number }} plot
 * @returns {{ options: SpectralOptions | undefined, wrong: string }}
 */
export function checkedSpectral(typed, { kind, rate }) {
  const hasAverages = kind !== "spectrogram";
  const fields = Object.entries(typed).filter(([name, value]) =>
    value.trim() !== "" &&
    (hasAverages || (name !== "averages" && name !== "average"))
  );
  const options = spectralOf(fields.map(([name, value]) => `${name}=${value}`));
  const isLeftOut = (
    /** @type {"seconds" | "averages" | "min" | "max"} */ name,
  ) => fields.some(([n]) => n === name) && options?.[name] === undefined;
  const most = Math.min(SECONDS_MAX, SIZE_MAX / rate);
  const { max = Infinity, min = Infinity, seconds = 0 } = options ?? {};
  const isLog = kind !== "spectrogram";
  const wrong = isLeftOut("seconds") || seconds > most
    ? `A segment takes more than 0 s and at most ${
      Number(most.toPrecision(4))
    } s`
    : isLeftOut("averages")
    ? `The number of averages is a whole number from 1 to ${AVERAGES_MAX}`
    : isLeftOut("min") || isLeftOut("max")
    ? "The ends are numbers, and the lower end is below the upper end"
    : isLog && (min <= 0 || max <= 0)
    ? "A logarithmic axis shows values above 0"
    : "";
  return { options, wrong };
}

/**
 * The channels that a plot averages have to be held for so long before the right edge, s.
 * @param {{ kind: string, spectral?: SpectralOptions | undefined }} plot
 * @param {readonly number[]} rates of its channels, Hz
 */
export function reachFor({ kind, spectral = {} }, rates) {
  if (kind === "series" || kind === "spectrogram") return 0;
  const isPair = kind !== "spectrum";
  const some = isPair ? rates.slice(0, 1) : rates;
  const plans = plansOf(spectral, some, isPair ? PAIR_PARTS : 1);
  return Math.max(...plans.map((plan, i) => reachOf(plan, some[i])));
}

/**
 * The segments of channels in one plot: of the same length and number for all. Without a chosen length, the shortest of
 * those that each would have alone.
 * @param {SpectralOptions} options
 * @param {readonly number[]} rates Hz
 * @param {number} [parts] values that are kept for each frequency
 */
export function plansOf(options, rates, parts = 1) {
  const usual = rates.map((rate) => planOf({}, rate).seconds);
  const seconds = options.seconds ?? Math.min(...usual);
  const plans = rates.map((rate) =>
    planOf({ ...options, seconds }, rate, parts, rates.length)
  );
  const averages = Math.min(...plans.map((plan) => plan.averages));
  return plans.map((plan) => ({ ...plan, averages }));
}

/** @param {string} name @returns {name is import("./spectral_windows.js").WindowName} */
function isWindow(name) {
  return Object.hasOwn(WINDOW_TITLES, name);
}

/**
 * The segments of channels of one rate.
 * @param {SpectralOptions} options
 * @param {number} rate Hz
 * @param {number} [parts] values that are kept for each frequency
 * @param {number} [lines] that share the memory of one plot
 * @returns {SegmentPlan}
 */
export function planOf(options, rate, parts = 1, lines = 1) {
  const usual = Math.min(AUTO_SIZE_MAX, powerOfTwo(rate));
  const wanted = options.seconds === undefined
    ? usual
    : Math.round(options.seconds * rate);
  const size = Math.min(Math.max(wanted, SIZE_MIN), SIZE_MAX);
  const length = 2 ** Math.ceil(Math.log2(size));
  const step = size - Math.floor(size / 2);
  const isPair = parts > 1;
  const average = isPair && options.average === "median"
    ? "mean"
    : options.average ?? "mean";
  // Of an exponential mean no segments are kept.
  const room = average === "exponential"
    ? Infinity
    : Math.floor(VALUES_MAX / (lines * parts * (length / 2 + 1)));
  const reach = Math.floor((REACH_MAX_S * rate - size) / step) + 1;
  const most = Math.max(Math.min(room, reach), 1);
  return {
    size,
    length,
    step,
    seconds: size / rate,
    averages: Math.min(options.averages ?? AUTO_AVERAGES, most),
    isAuto: options.averages === undefined,
    average,
    window: options.window ?? "hann",
  };
}

/** How much the page has to hold before the right edge, s. @param {SegmentPlan} plan @param {number} rate Hz */
export function reachOf({ averages, isAuto, size, step }, rate) {
  const segments = isAuto ? 1 : averages;
  return ((segments - 1) * step + size) / rate;
}

/**
 * Says which segments are averaged.
 * @param {SegmentPlan} plan
 * @param {{ count: number, left: number }} made count: segments in the average; left: segments with missing samples
 */
export function planText({ average, averages, isAuto, seconds, window }, made) {
  const { count, left } = made;
  const length = `${Number(seconds.toPrecision(3))} s`;
  const title = WINDOW_TITLES[window];
  if (count === 0) {
    return `waiting for ${length} without a gap or a value that is not finite`;
  }
  const isPart = !isAuto && count < averages && average !== "exponential";
  const of = isPart ? ` of ${averages}` : "";
  const kind = average === "mean" ? "" : `, ${average}`;
  const without = left === 0
    ? ""
    : `; ${left} left out: samples are missing or not finite`;
  const noun = count === 1 && !isPart ? "average" : "averages";
  return `${count}${of} ${noun} of ${length}, ${title}${kind}${without}`;
}

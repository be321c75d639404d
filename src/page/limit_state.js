// Whether the samples of one channel are beyond its limits: now, or since the user last acknowledged it.
// Invariant: each sample counts once, in whatever order rows arrive; without data nothing is "within limits".
import { beyondIn, valuesOfBin } from "./crossings.js";
import { CheckedSpans } from "./checked_spans.js";
import { silentAfterS } from "./data_age.js";

/** @typedef {import("./crossings.js").Limits} Limits */
/** @typedef {import("./levels.js").Side} Side */
/** "none": no data yet; "silent": none for a while. @typedef {"none" | "silent" | "beyond" | "was" | "within"} LimitKind */
/**
 * @typedef {object} Judged
 * @property {LimitKind} kind
 * @property {Side} side of the newest sample beyond
 * @property {number} sinceS where it is beyond: since when, GPS s
 * @property {number} firstS the first and the last sample beyond that were not acknowledged, GPS s; NaN without any
 * @property {number} lastS
 * @property {number} dataS end of the newest data, GPS s
 * @property {boolean} hasRows of a silent one: rows come, but no number is in them
 * @property {number} missingS time that was not received, and so not checked
 */

/** Samples beyond that are no farther apart are one excursion; after the last one the state stays for as long. [µs] */
const APART_US = 1e6;
const US = 1e6;

export class LimitState {
  #limits;
  #checked = new CheckedSpans();
  /** Length of a row or a bin. [µs] */
  #strideUs = 0;
  /** End of the newest row with a number. [GPS µs] */
  #dataUs = -Infinity;
  /** When that came, and when a row came, by a monotonic clock. [ms] */
  #dataMs = -Infinity;
  #rowMs = -Infinity;
  /** The newest excursion. [GPS µs] */
  #sinceUs = NaN;
  #beyondUs = -Infinity;
  /** @type {Side} */
  #side = NaN;
  /** The first sample beyond that was not acknowledged. [GPS µs] */
  #firstUs = NaN;
  /** Samples before it are acknowledged. [GPS µs] */
  #knownUs = -Infinity;

  /** @param {Limits} limits */
  constructor(limits) {
    this.#limits = limits;
  }

  /**
   * @param {{ timeNs: bigint, strideNs: bigint }} row
   * @param {import("./qanat.d.ts").Samples | import("./qanat.d.ts").TrendBin} data
   * @param {number} nowMs
   */
  take({ timeNs, strideNs }, data, nowMs) {
    const from = Number(timeNs / 1000n);
    const strideUs = Number(strideNs) / 1000;
    const to = Number((timeNs + strideNs) / 1000n);
    if (this.#checked.has(from, to)) return;
    this.#checked.add({ from, to, first: NaN, last: NaN });
    const isNewest = to > this.#dataUs;
    if (isNewest) this.#strideUs = strideUs;
    this.#rowMs = nowMs;
    const isBin = "count" in data;
    const samples = isBin ? valuesOfBin(data, "both") : data;
    const { first, last, side, hasValue } = beyondIn(samples, this.#limits);
    if (hasValue && isNewest) {
      this.#dataUs = to;
      this.#dataMs = nowMs;
    }
    if (first < 0) return;
    const perUs = isBin ? 0 : strideUs / samples.length;
    this.#addExcursion(from + first * perUs, from + last * perUs, side);
  }

  /**
   * @param {number} firstUs
   * @param {number} lastUs
   * @param {Side} side
   */
  #addExcursion(firstUs, lastUs, side) {
    if (lastUs < this.#knownUs) return;
    const apartUs = Math.max(APART_US, this.#strideUs);
    if (!(this.#firstUs <= firstUs)) this.#firstUs = firstUs;
    if (firstUs - this.#beyondUs > apartUs) this.#sinceUs = firstUs;
    else if (firstUs < this.#sinceUs && this.#sinceUs - lastUs <= apartUs) {
      this.#sinceUs = firstUs;
    }
    if (lastUs <= this.#beyondUs) return;
    this.#beyondUs = lastUs;
    this.#side = side;
  }

  /** The user has seen it: what is beyond now stays so, what was is forgotten. */
  acknowledge() {
    this.#knownUs = Math.max(this.#knownUs, this.#dataUs);
    this.#firstUs = NaN;
    this.#checked.forgetMissing();
  }

  /** @param {number} nowMs @returns {Judged} */
  at(nowMs) {
    const { end } = this.#checked;
    const strideS = this.#strideUs / US;
    const isSilent = (nowMs - this.#dataMs) / 1000 > silentAfterS(strideS);
    const apartUs = Math.max(APART_US, this.#strideUs);
    const isBeyond = this.#beyondUs >= this.#dataUs - apartUs;
    const wasBeyond = !Number.isNaN(this.#firstUs);
    const hasRows = (nowMs - this.#rowMs) / 1000 <= silentAfterS(strideS);
    const kind = end === -Infinity
      ? "none"
      : isSilent
      ? "silent"
      : isBeyond
      ? "beyond"
      : wasBeyond
      ? "was"
      : "within";
    return {
      kind,
      side: this.#side,
      sinceS: this.#sinceUs / US,
      firstS: this.#firstUs / US,
      lastS: wasBeyond ? this.#beyondUs / US : NaN,
      dataS: this.#dataUs / US,
      hasRows,
      missingS: this.#checked.missingUs / US,
    };
  }
}

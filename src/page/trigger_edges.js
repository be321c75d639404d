// Finds the events of a trigger in rows, as they arrive.
// Invariant: each row is checked once, whenever it arrives; of bins the largest samples rise and the least ones fall.
import { CheckedSpans } from "./checked_spans.js";
import { edgesIn, isEdge, valuesOfBin } from "./crossings.js";
import { sideOf } from "./levels.js";

/** @typedef {import("./trigger_spec.js").TriggerSpec} TriggerSpec */
/** @typedef {import("./crossings.js").Edge} Edge */
/** @typedef {import("./levels.js").Side} Side */
/**
 * @typedef {object} TriggerEvent
 * @property {bigint} timeNs of the first sample on the other side; of a bin, its start. [GPS ns]
 * @property {number | bigint} value of that sample; of a bin, its largest, or its least
 * @property {Side} side
 * @property {boolean} isAfterGap the samples before it are missing: the level was crossed earlier
 * @property {number} binS length of the bin, s; 0 for a sample
 */

const RISING_AND_FALLING = /** @type {const} */ (["rising", "falling"]);

export class TriggerEdges {
  #spec;
  /** Of samples the first is used; of bins one for each direction, since each compares other values. */
  #checked = { rising: new CheckedSpans(), falling: new CheckedSpans() };
  /** The side of the newest sample. @type {Side} */
  side = NaN;
  /** End of the newest row that was checked, GPS s; -Infinity before the first. */
  endS = -Infinity;

  /** @param {TriggerSpec} spec */
  constructor(spec) {
    this.#spec = spec;
  }

  /**
   * The first event of a row that counts, and how many others there are.
   * @param {{ timeNs: bigint, strideNs: bigint }} row
   * @param {import("./qanat.d.ts").Samples | import("./qanat.d.ts").TrendBin} data
   * @param {bigint} fromNs events before it do not count
   * @returns {{ event: TriggerEvent | null, others: number }}
   */
  take(row, data, fromNs) {
    const { edge } = this.#spec;
    if (!("count" in data)) {
      return this.#check(row, data, { edge, fromNs, binS: 0 });
    }
    const binS = Number(row.strideNs) / 1e9;
    let found = { event: /** @type {TriggerEvent | null} */ (null), others: 0 };
    for (const one of RISING_AND_FALLING) {
      if (edge !== one && edge !== "either") continue;
      const values = valuesOfBin(data, one === "rising" ? "max" : "min");
      const next = this.#check(row, values, { edge: one, fromNs, binS });
      if (found.event && next.event) next.others++;
      found = {
        event: found.event ?? next.event,
        others: found.others + next.others,
      };
    }
    return found;
  }

  /**
   * @param {{ timeNs: bigint, strideNs: bigint }} row
   * @param {import("./crossings.js").Values} samples
   * @param {{ edge: Edge, fromNs: bigint, binS: number }} options
   * @returns {{ event: TriggerEvent | null, others: number }}
   */
  #check({ timeNs, strideNs }, samples, { edge, fromNs, binS }) {
    const { level } = this.#spec;
    const checked = this.#checked[edge === "falling" ? "falling" : "rising"];
    const from = Number(timeNs / 1000n);
    const to = Number((timeNs + strideNs) / 1000n);
    if (checked.has(from, to)) return { event: null, others: 0 };
    const before = checked.before(from);
    const stepNs = samples.length > 0 ? Number(strideNs) / samples.length : 0;
    const timeOf = (/** @type {number} */ i) =>
      timeNs + BigInt(Math.floor(i * stepNs));
    const { at, first, last, others } = edgesIn(samples, {
      level,
      edge,
      before: before.side,
      from: binS > 0
        // An event in a bin may be after that time.
        ? Number(timeNs + strideNs <= fromNs)
        : stepNs > 0
        ? Math.max(Math.ceil(Number(fromNs - timeNs) / stepNs - 1e-6), 0)
        : 0,
    });
    const next = checked.after(to);
    checked.add({ from, to, first, last: Number.isNaN(first) ? NaN : last });
    if (to / 1e6 > this.endS) {
      this.endS = to / 1e6;
      if (!Number.isNaN(first)) this.side = last;
    }
    if (at >= 0) {
      const value = /** @type {number | bigint} */ (samples[at]);
      return {
        event: {
          timeNs: timeOf(at),
          value,
          side: sideOf(value, level),
          isAfterGap: !before.isAdjacent && isFirstNumber(samples, at),
          binS,
        },
        others,
      };
    }
    // A row that comes late: the row after it was checked without its last sample.
    const isLate = isEdge(last, next, edge) && !isEdge(before.side, next, edge);
    if (!isLate || timeNs + strideNs < fromNs) return { event: null, others };
    return {
      event: {
        timeNs: timeNs + strideNs,
        value: NaN,
        side: next,
        isAfterGap: false,
        binS,
      },
      others,
    };
  }
}

/** @param {import("./crossings.js").Values} samples @param {number} at */
function isFirstNumber(samples, at) {
  for (let i = 0; i < at; i++) {
    const value = samples[i];
    if (value !== null && value === value) return false;
  }
  return true;
}

// The lines of the close-up: samples of a few channels around one moment, on one scale.
import uPlot from "uplot";
import { originFor } from "./int64_samples.js";
import { AXIS_LEFT_PX, AXIS_SPACE_PX, labelled, roomOf } from "./time_axis.js";
import { ValueScale } from "./value_scale.js";

/** @typedef {import("./samples.js").SampleRing} SampleRing */

const HEIGHT_PX = 190;

export class CloseUpLines {
  #u;
  #scale = new ValueScale();

  /**
   * @param {HTMLElement} parent
   * @param {() => import("./time_plot.js").Look} look
   * @param {readonly string[]} names
   */
  constructor(parent, look, names) {
    const values = labelled(
      look,
      (u) => this.#scale.ticks(roomOf(u, AXIS_SPACE_PX)),
      { size: AXIS_LEFT_PX, gap: 4 },
    );
    const { splits: _, ...times } = values;
    this.#u = new uPlot(
      {
        width: 300,
        height: HEIGHT_PX,
        padding: [6, 14, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, auto: false },
          y: { auto: false, range: [0, 1] },
        },
        axes: [
          {
            ...times,
            size: 26,
            gap: 5,
            values: (_u, splits) =>
              splits.map((s) => `${Number(s.toFixed(3))} s`),
          },
          values,
        ],
        series: [
          {},
          ...names.map((name) => ({
            label: name,
            width: 1.5,
            stroke: () => look().colour(name),
            points: { show: false },
          })),
        ],
      },
      [[0], ...names.map(() => [null])],
      parent,
    );
  }

  /** @param {number} width */
  resize(width) {
    this.#u.setSize({ width, height: HEIGHT_PX });
  }

  /** Range of the time axis around the moment, s. */
  get rangeS() {
    const { min = NaN, max = NaN } = this.#u.scales.x;
    return [min, max];
  }

  close() {
    this.#u.destroy();
  }

  /**
   * Draws the samples of each ring around a moment.
   * @param {(SampleRing | undefined)[]} rings in the order of the names
   * @param {number} middleS GPS s
   * @param {number} half of the time that is shown, s
   */
  draw(rings, middleS, half) {
    const rate = rings[0]?.rate ?? 1;
    const first = Math.round((middleS - half) * rate);
    const count = Math.round(2 * half * rate);
    /** @type {number[]} */
    const x = [];
    for (let i = 0; i <= count; i++) x.push((first + i) / rate - middleS);
    const read = (/** @type {number} */ origin) =>
      rings.map((ring) =>
        x.map((s) =>
          ring?.at(Math.round((middleS + s) * ring.rate), origin) ?? NaN
        )
      );
    let values = read(0);
    let { low, high } = finiteRangeOf(values.flat());
    const origin = rings.some((ring) => ring?.is64Bit)
      ? originFor(low, high, 0)
      : 0;
    if (origin !== 0) {
      values = read(origin);
      ({ low, high } = finiteRangeOf(values.flat()));
    }
    if (low <= high) this.#scale.fit(low, high, origin);
    const y = values.map((some) =>
      some.map((v) => Number.isNaN(v) ? null : this.#scale.share(v))
    );
    this.#u.batch(() => {
      this.#u.setData([x, ...y], false);
      this.#u.redraw(true, true);
      // Last: redraw() requests the range that x has now.
      this.#u.setScale("x", { min: -half, max: half });
    });
  }
}

/** @param {number[]} values */
function finiteRangeOf(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

// The points of one channel, as a frame of Grafana.
// Invariant: at most a quarter more than `pointsMax` points are kept; a gap is one point without a value.
import {
  type DataFrame,
  type Field,
  FieldType,
  type QueryResultMetaNotice,
} from "@grafana/data";
import { unixMsOf } from "./gps_time.js";
import type { Channel } from "./qanat_api.js";
import type { Statistic } from "./types.js";

type Value = number | null;

/** One bin of a trend, as `/v1/events` sends it. */
export interface Bin {
  readonly min: number | string | null;
  readonly mean: number | null;
  readonly max: number | string | null;
}

/** How much more than the limit is kept, so that the oldest points are removed seldom. */
const SPARE = 1.25;
const NS_PER_S = 1e9;
/** The lines of bins. */
const LINES = { mean: ["mean"], min: ["min"], max: ["max"] } as const;
const BAND = ["mean", "min", "max"] as const;

export class Series {
  readonly #channel: Channel;
  readonly #pointsMax: number;
  /** Of bins: the lines that are drawn. Samples have one. */
  readonly #lines: readonly ("mean" | "min" | "max")[];
  readonly #isTrend: boolean;
  #times: number[] = [];
  #values: Value[][];

  constructor(
    channel: Channel,
    { isTrend, statistic, pointsMax }: {
      isTrend: boolean;
      statistic: Statistic;
      pointsMax: number;
    },
  ) {
    this.#channel = channel;
    this.#pointsMax = pointsMax;
    this.#isTrend = isTrend;
    const lines = statistic === "band" ? BAND : LINES[statistic];
    this.#lines = isTrend ? lines : ["mean"];
    this.#values = this.#lines.map(() => []);
  }

  /** The samples of a row that begins at this time; 64-bit integers are text. */
  addSamples(timeNs: bigint, samples: readonly (number | string | null)[]) {
    const stepNs = NS_PER_S / this.#channel.sample_rate;
    const beginMs = unixMsOf(timeNs);
    for (let k = 0; k < samples.length; k++) {
      this.#times.push(beginMs + k * stepNs / 1e6);
      this.#values[0]!.push(numberOf(samples[k]!));
    }
    this.#trim();
  }

  addBin(timeNs: bigint, bin: Bin) {
    this.#times.push(unixMsOf(timeNs));
    this.#lines.forEach((line, i) =>
      this.#values[i]!.push(numberOf(bin[line]))
    );
    this.#trim();
  }

  /** From this time on there is no data: the line is interrupted, once. */
  addGap(timeNs: bigint) {
    const last = this.#values[0]!.length - 1;
    if (last >= 0 && this.#values.every((line) => line[last] === null)) return;
    this.#times.push(unixMsOf(timeNs));
    for (const line of this.#values) line.push(null);
    this.#trim();
  }

  /** A copy, since Grafana compares frames by their identity. */
  frame(refId: string, notices: QueryResultMetaNotice[]): DataFrame {
    const { name } = this.#channel;
    const times = this.#times.slice();
    const fields: Field[] = this.#lines.map((line, i) =>
      this.#field(
        this.#isTrend && this.#lines.length > 1 ? `${name} ${line}` : name,
        this.#values[i]!.slice(),
      )
    );
    const time = {
      name: "time",
      type: FieldType.time,
      values: times,
      config: {},
    };
    return {
      refId,
      name,
      fields: [time, ...fields],
      length: times.length,
      meta: { notices },
    };
  }

  #field(name: string, values: Value[]): Field {
    const { unit, description } = this.#channel;
    return {
      name,
      type: FieldType.number,
      values,
      config: {
        displayNameFromDS: name,
        // Without `suffix:` Grafana would take `m` for minutes.
        ...(unit ? { unit: `suffix:${unit}` } : {}),
        ...(description ? { description } : {}),
      },
    };
  }

  #trim() {
    const excess = this.#times.length - this.#pointsMax;
    if (this.#times.length <= SPARE * this.#pointsMax) return;
    this.#times = this.#times.slice(excess);
    this.#values = this.#values.map((line) => line.slice(excess));
  }
}

function numberOf(value: number | string | null): Value {
  return value === null ? null : Number(value);
}

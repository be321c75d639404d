// What one query of a panel has received: a series for each channel, and notices about what is missing.
// Invariant: gaps are counted, and only the newest are kept as text.
import type { DataFrame, QueryResultMetaNotice } from "@grafana/data";
import type { StreamEvent } from "./event_lines.js";
import { unixMsOf } from "./gps_time.js";
import type { Channel } from "./qanat_api.js";
import { type Bin, Series } from "./series.js";
import type { Statistic } from "./types.js";

const GAPS_SHOWN = 3;

interface Row {
  readonly time: string;
  readonly bin_ns?: number;
  readonly channels: Readonly<
    Record<string, readonly (number | string | null)[] | Bin | null>
  >;
}

interface Gap {
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string;
}

export class PanelData {
  readonly #refId: string;
  readonly #series: ReadonlyMap<string, Series>;
  #gaps: string[] = [];
  #gapCount = 0;
  /** Why nothing comes just now; null while the stream is open. */
  trouble: string | null = null;

  constructor(
    refId: string,
    channels: readonly Channel[],
    options: { isTrend: boolean; statistic: Statistic; pointsMax: number },
  ) {
    this.#refId = refId;
    this.#series = new Map(
      channels.map((channel) => [channel.name, new Series(channel, options)]),
    );
  }

  /** A row, a bin or a gap. Other events change nothing. */
  take({ type, data }: StreamEvent): void {
    if (data === "") return;
    if (type === "message") this.#takeRow(JSON.parse(data) as Row);
    else if (type === "gap") this.#takeGap(JSON.parse(data) as Gap);
  }

  frames(): DataFrame[] {
    const notices = this.#notices();
    return [...this.#series.values()].map((series, i) =>
      series.frame(this.#refId, i === 0 ? notices : [])
    );
  }

  #takeRow({ time, bin_ns, channels }: Row): void {
    const timeNs = BigInt(time);
    for (const [name, series] of this.#series) {
      const data = channels[name] ?? null;
      if (data === null) series.addGap(timeNs);
      else if (bin_ns !== undefined) series.addBin(timeNs, data as Bin);
      else series.addSamples(timeNs, data as readonly number[]);
    }
  }

  #takeGap({ from, to, reason }: Gap): void {
    // The rows around it repeat data, and lack none.
    if (reason === "stride-changed") return;
    this.#gapCount++;
    this.#gaps = [...this.#gaps, textOf(from, to, reason)].slice(-GAPS_SHOWN);
    if (from === null) return;
    for (const series of this.#series.values()) series.addGap(BigInt(from));
  }

  #notices(): QueryResultMetaNotice[] {
    const notices: QueryResultMetaNotice[] = this.#gaps.map((text) => ({
      severity: "warning",
      text,
    }));
    const more = this.#gapCount - this.#gaps.length;
    if (more > 0) {
      notices.unshift({ severity: "warning", text: `${more} earlier gaps` });
    }
    if (this.trouble !== null) {
      notices.push({ severity: "error", text: this.trouble });
    }
    return notices;
  }
}

function textOf(from: string | null, to: string | null, reason: string) {
  if (from === null || to === null) return `No data (${reason})`;
  const utc = (ns: string) => new Date(unixMsOf(BigInt(ns))).toISOString();
  return `No data from ${utc(from)} to ${utc(to)} (${reason})`;
}

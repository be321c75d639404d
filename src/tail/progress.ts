// Progress of a download: a bar, rows, bytes and an estimate of the remaining time.
// Invariant: data of the future arrives when it is produced, so no estimate is shorter than that.
import { gpsNsOfText, nowGpsNs } from "../blocks/gps_time.ts";
import { bytesText, durationText } from "./texts.ts";

const BAR_CHARS = 24;

export interface ProgressOptions {
  /** The range, as in the query. */
  readonly start?: string | undefined;
  readonly end?: string | undefined;
  readonly duration?: string | undefined;
  /** Unix time, ms: how much of the range is in the future. */
  readonly nowMs: () => number;
  /** A monotonic clock, ms: how long the download has taken. */
  readonly clockMs: () => number;
}

/** Measures one download. */
export class Progress {
  /** Start of the requested range, GPS ns; null when the query has none. */
  readonly startNs: bigint | null;
  readonly #options: ProgressOptions;
  readonly #beganMs: number;
  #firstNs: bigint | null = null;
  #lastNs = 0n;
  rowCount = 0;
  bytes = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#beganMs = options.clockMs();
    this.startNs = options.start === undefined
      ? null
      : gpsNsOfText(options.start);
  }

  /** Counts rows that were written. `timeNs`: start of the last one, GPS ns. */
  row(timeNs: bigint, count: number): void {
    this.#firstNs ??= timeNs;
    this.#lastNs = timeNs;
    this.rowCount += count;
  }

  /** Part of the range that was received, 0 to 1; null when the range has no end. */
  get share(): number | null {
    const endNs = this.#endNs;
    if (endNs === null || this.#firstNs === null) return null;
    const span = Number(endNs - this.#firstNs);
    if (span <= 0) return 1;
    return Math.min(1, Number(this.#lastNs - this.#firstNs) / span);
  }

  /** Estimate of the remaining time, ms; null when there is none. */
  get leftMs(): number | null {
    const { share } = this;
    const endNs = this.#endNs;
    if (share === null || share === 0 || endNs === null) return null;
    const { nowMs, clockMs } = this.#options;
    const bySpeedMs = (clockMs() - this.#beganMs) * (1 - share) / share;
    const untilEndMs = Number(endNs - nowGpsNs(nowMs())) / 1e6;
    return Math.max(bySpeedMs, untilEndMs, 0);
  }

  /** The progress as one line; `note` is added in brackets. */
  line(note = ""): string {
    const { share, leftMs } = this;
    const figures = `${this.rowCount} rows  ${bytesText(this.bytes)}`;
    const tail = note === "" ? "" : `  (${note})`;
    if (share === null) {
      const sinceMs = this.#options.clockMs() - this.#beganMs;
      return `${figures}  ${durationText(sinceMs)}${tail}`;
    }
    const full = Math.round(share * BAR_CHARS);
    const bar = "█".repeat(full) + "░".repeat(BAR_CHARS - full);
    const eta = leftMs === null ? "" : `  ${durationText(leftMs)} left`;
    const percent = String(Math.floor(share * 100)).padStart(3);
    return `${bar} ${percent} %  ${figures}${eta}${tail}`;
  }

  get #endNs(): bigint | null {
    const { end, duration } = this.#options;
    if (end !== undefined) return gpsNsOfText(end);
    const fromNs = this.startNs ?? this.#firstNs;
    if (duration === undefined || fromNs === null) return null;
    return fromNs + BigInt(Math.round(Number(duration) * 1e9));
  }
}

// How far a download is: a bar, rows, bytes and the time that is left.
// Invariant: what lies in the future cannot come sooner than it happens, so no estimate says so.
import { gpsNsOfText, nowGpsNs } from "../blocks/gps_time.ts";
import { bytesText, durationText } from "./texts.ts";

const BAR_CHARS = 24;

export interface ProgressOptions {
  /** As in the query. */
  readonly start?: string | undefined;
  readonly end?: string | undefined;
  readonly duration?: string | undefined;
  /** Unix ms: what lies in the future. */
  readonly nowMs: () => number;
  /** A clock that is never set, ms: how long it has taken. */
  readonly clockMs: () => number;
}

/** Follows a download. */
export class Progress {
  /** Start of the range as it was asked for, GPS ns. */
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

  row(timeNs: bigint, count: number): void {
    this.#firstNs ??= timeNs;
    this.#lastNs = timeNs;
    this.rowCount += count;
  }

  /** Share that is there, or null when there is no end. */
  get share(): number | null {
    const endNs = this.#endNs;
    if (endNs === null || this.#firstNs === null) return null;
    const span = Number(endNs - this.#firstNs);
    if (span <= 0) return 1;
    return Math.min(1, Number(this.#lastNs - this.#firstNs) / span);
  }

  /** Time that is left, ms, or null when nobody knows. */
  get leftMs(): number | null {
    const { share } = this;
    const endNs = this.#endNs;
    if (share === null || share === 0 || endNs === null) return null;
    const { nowMs, clockMs } = this.#options;
    const bySpeedMs = (clockMs() - this.#beganMs) * (1 - share) / share;
    const untilEndMs = Number(endNs - nowGpsNs(nowMs())) / 1e6;
    return Math.max(bySpeedMs, untilEndMs, 0);
  }

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

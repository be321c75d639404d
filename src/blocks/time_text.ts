// Times as text: GPS seconds, ISO 8601 UTC, or relative to now (`now`, `-60`, `-2h`).
import { gpsNsOfText } from "./gps_time.ts";

/** A time, and whether the same text means another time later. */
export interface TextTime {
  /** GPS ns. */
  readonly timeNs: bigint;
  readonly isRelative: boolean;
}

/** A length of time before now: seconds with up to nine decimals, or with a unit. */
const BEFORE_NOW = /^-(\d{1,10})(?:\.(\d{1,9}))?([smhd])?$/;

const UNIT_S: Readonly<Record<string, bigint>> = {
  s: 1n,
  m: 60n,
  h: 3_600n,
  d: 86_400n,
};
const SECOND_NS = 1_000_000_000n;

/**
 * The time that a text states: GPS seconds or ISO 8601 UTC (see {@linkcode gpsNsOfText}), `now`, or a time before now:
 * `-60` (s), `-1.5`, `-90s`, `-15m`, `-2h`, `-1d`. Times before the GPS epoch are the epoch. Null for other texts.
 * `nowNs`: GPS ns.
 */
export function timeOfText(text: string, nowNs: bigint): TextTime | null {
  if (text === "now") return { timeNs: nowNs, isRelative: true };
  const before = BEFORE_NOW.exec(text);
  if (before !== null) {
    const [, seconds, decimals = "", unit = "s"] = before;
    const ns = BigInt(seconds!) * SECOND_NS + BigInt(decimals.padEnd(9, "0"));
    const timeNs = nowNs - ns * UNIT_S[unit]!;
    return { timeNs: timeNs > 0n ? timeNs : 0n, isRelative: true };
  }
  const timeNs = gpsNsOfText(text);
  return timeNs === null ? null : { timeNs, isRelative: false };
}

/** GPS ns as GPS seconds with nine decimals. */
export function secondsText(timeNs: bigint): string {
  const digits = timeNs.toString().padStart(10, "0");
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

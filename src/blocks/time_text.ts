// Times as text: GPS seconds, ISO 8601 UTC, or relative to now (`now`, `-60`, `-2h`).
import { gpsNsOfText } from "./gps_time.ts";

/** A time, and whether the same text means another time later. */
export interface TextTime {
  /** GPS ns. */
  readonly timeNs: bigint;
  readonly isRelative: boolean;
}

/** What {@linkcode timeOfText} returns for a relative time that no GPS time is. */
export const BEFORE_GPS = "before-gps";

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
 * `-60` (s), `-1.5`, `-90s`, `-15m`, `-2h`, `-1d`. {@linkcode BEFORE_GPS} for a time before now that is before GPS time 0. Null for other
 * texts. `nowNs`: GPS ns.
 */
export function timeOfText(
  text: string,
  nowNs: bigint,
): TextTime | typeof BEFORE_GPS | null {
  if (text === "now") return { timeNs: nowNs, isRelative: true };
  const before = BEFORE_NOW.exec(text);
  if (before !== null) {
    const [, seconds, decimals = "", unit = "s"] = before;
    const ns = BigInt(seconds!) * SECOND_NS + BigInt(decimals.padEnd(9, "0"));
    const timeNs = nowNs - ns * UNIT_S[unit]!;
    return timeNs < 0n ? BEFORE_GPS : { timeNs, isRelative: true };
  }
  const timeNs = gpsNsOfText(text);
  return timeNs === null ? null : { timeNs, isRelative: false };
}

/** Why a text is {@linkcode BEFORE_GPS}, and what would be right, after the name of what has it. `nowNs`: GPS ns. */
export function beforeGpsText(nowNs: bigint): string {
  const nowS = nowNs / SECOND_NS;
  return "is before GPS time 0 (1980-01-06T00:00:00Z), the earliest time: " +
    `the time is GPS ${nowS} now, so at most -${nowS} (-${
      nowS / UNIT_S.d!
    }d) is right`;
}

/** GPS ns as GPS seconds with nine decimals. */
export function secondsText(timeNs: bigint): string {
  const digits = timeNs.toString().padStart(10, "0");
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

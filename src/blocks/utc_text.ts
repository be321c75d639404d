// GPS times as text in UTC, as ISO 8601 writes it.
import { gpsMsOfUnixMs, unixMsOfGpsMs } from "./gps_time.ts";

/** `YYYY-MM-DDTHH:MM:` of such a text. */
const MINUTE_LENGTH = 17;
const SECOND_LENGTH = 19;

/** The UTC time at which a whole GPS second begins: `2015-09-14T09:50:45`; in a leap second `2016-12-31T23:59:60`. */
export function utcTextOf(gpsSecond: number): string {
  const gpsMs = gpsSecond * 1000;
  const unixMs = unixMsOfGpsMs(gpsMs);
  // Unix time has no leap seconds: there, it is the time of the second after it.
  const isLeapSecond = gpsMsOfUnixMs(unixMs) !== gpsMs;
  const text = new Date(isLeapSecond ? unixMs - 1000 : unixMs).toISOString();
  return isLeapSecond
    ? `${text.slice(0, MINUTE_LENGTH)}60`
    : text.slice(0, SECOND_LENGTH);
}

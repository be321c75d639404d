// GPS time from the system clock. GPS = TAI − 19 s, counted from 1980-01-06 00:00:00 UTC.
// Leap seconds come from the `t-a-i` library; nothing here keeps a table of its own.
import tai from "t-a-i";

/** Unix ms of the GPS epoch, 1980-01-06T00:00:00Z. */
const GPS_EPOCH_UNIX_MS = 315_964_800_000;
/** TAI − GPS, ms, constant by definition. */
const TAI_MINUS_GPS_MS = 19_000;

const DAY_MS = 86_400_000;
/** The day that was asked last, and its leap seconds: they change at midnight UTC only. */
let lastDay = NaN;
let lastLeapMs = 0;

/** GPS − Unix, ms, in force at `unixMs` (leap seconds included, epoch difference not). */
function leapMs(unixMs: number): number {
  // The library asks big integers each time, and this stands in the way of every message.
  const day = Math.floor(unixMs / DAY_MS);
  if (day !== lastDay) {
    const whole = day * DAY_MS;
    lastDay = day;
    lastLeapMs = tai.oneToOne.unixToAtomic(whole) - whole - TAI_MINUS_GPS_MS;
  }
  return lastLeapMs;
}

/** GPS time in ms (fractions allowed) of a Unix time in ms. */
export function gpsMsOfUnixMs(unixMs: number): number {
  return unixMs - GPS_EPOCH_UNIX_MS + leapMs(unixMs);
}

/** Unix time in ms of a GPS time in ms. */
export function unixMsOfGpsMs(gpsMs: number): number {
  const guess = gpsMs + GPS_EPOCH_UNIX_MS;
  return guess - leapMs(guess - leapMs(guess));
}

const ISO_UTC = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?Z$/;
const GPS_SECONDS = /^(\d{1,10})(?:\.(\d{0,9}))?$/;

/** GPS ns of a text: GPS seconds with up to nine decimals, or ISO 8601 UTC; null when it is neither. */
export function gpsNsOfText(text: string): bigint | null {
  const decimals = (digits = "") => BigInt(digits.padEnd(9, "0"));
  const gps = GPS_SECONDS.exec(text);
  if (gps) return BigInt(gps[1]!) * 1_000_000_000n + decimals(gps[2]);
  const iso = ISO_UTC.exec(text);
  if (!iso) return null;
  const unixMs = Date.parse(iso[1]! + "Z");
  if (Number.isNaN(unixMs)) return null;
  const gpsMs = gpsMsOfUnixMs(unixMs);
  if (!(gpsMs >= 0)) return null;
  return BigInt(gpsMs) * 1_000_000n + decimals(iso[2]);
}

/** GPS time now, ns. The system clock gives microseconds at best. */
export function nowGpsNs(unixMs: number = Date.now()): bigint {
  return BigInt(Math.round(gpsMsOfUnixMs(unixMs) * 1000)) * 1000n;
}

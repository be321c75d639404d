// GPS time from the system clock. GPS = TAI − 19 s, counted from 1980-01-06 00:00:00 UTC.
// Leap seconds come from the `t-a-i` library; nothing here keeps a table of its own.
import tai from "t-a-i";

/** Unix ms of the GPS epoch, 1980-01-06T00:00:00Z. */
const GPS_EPOCH_UNIX_MS = 315_964_800_000;
/** TAI − GPS, ms, constant by definition. */
const TAI_MINUS_GPS_MS = 19_000;

/** GPS − Unix, ms, in force at `unixMs` (leap seconds included, epoch difference not). */
function leapMs(unixMs: number): number {
  const whole = Math.floor(unixMs);
  return tai.oneToOne.unixToAtomic(whole) - whole - TAI_MINUS_GPS_MS;
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

/** GPS time now, ns. The system clock gives microseconds at best. */
export function nowGpsNs(unixMs: number = Date.now()): bigint {
  return BigInt(Math.round(gpsMsOfUnixMs(unixMs) * 1000)) * 1000n;
}

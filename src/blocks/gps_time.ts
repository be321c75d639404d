// GPS time from the system clock. GPS = TAI − 19 s, counted from 1980-01-06 00:00:00 UTC.
// Leap seconds come from the `t-a-i` library, read into a table once at the start. Beyond the last one that the library
// knows, its number stays in force.
import tai from "t-a-i";

/** Unix ms of the GPS epoch, 1980-01-06T00:00:00Z. */
const GPS_EPOCH_UNIX_MS = 315_964_800_000;
/** TAI − GPS, ms, constant by definition. */
const TAI_MINUS_GPS_MS = 19_000;

const DAY_MS = 86_400_000;
/** Largest GPS time that a text may state, s: ten digits, which lies in the year 2296. */
const GPS_SECONDS_MAX = 9_999_999_999;

/** From a Unix time on, this many leap seconds are in force, as ms. */
interface LeapStep {
  readonly fromUnixMs: number;
  readonly leapMs: number;
}

/** All leap seconds that the library knows, the latest first. */
const LEAP_STEPS: readonly LeapStep[] = leapSteps();

/** A leap second is inserted at the end of a month: looks for the years that have one, then for its month. */
function leapSteps(): LeapStep[] {
  const leapMsAt = (unixMs: number) =>
    tai.oneToOne.unixToAtomic(unixMs) - unixMs - TAI_MINUS_GPS_MS;
  const lastMs = leapMsAt(Date.UTC(9999, 0));
  const steps = [{ fromUnixMs: GPS_EPOCH_UNIX_MS, leapMs: 0 }];
  for (let year = 1980; steps[0]!.leapMs !== lastMs; year++) {
    if (leapMsAt(Date.UTC(year + 1, 0)) === steps[0]!.leapMs) continue;
    for (let month = 1; month <= 12; month++) {
      const fromUnixMs = Date.UTC(year, month);
      const leapMs = leapMsAt(fromUnixMs);
      if (leapMs !== steps[0]!.leapMs) steps.unshift({ fromUnixMs, leapMs });
    }
  }
  return steps;
}

/**
 * GPS − Unix, ms, in force at `unixMs` (leap seconds included, epoch difference not). 0 for times before the GPS epoch
 * and for NaN: a message may claim any time.
 */
function leapMs(unixMs: number): number {
  for (let i = 0; i < LEAP_STEPS.length; i++) {
    const step = LEAP_STEPS[i]!;
    if (unixMs >= step.fromUnixMs) return step.leapMs;
  }
  return 0;
}

/** GPS time in ms (fractions allowed) of a Unix time in ms. */
export function gpsMsOfUnixMs(unixMs: number): number {
  return unixMs - GPS_EPOCH_UNIX_MS + leapMs(unixMs);
}

/** GPS time in ns of a Unix time in ns, leap seconds included. */
export function gpsNsOfUnixNs(unixNs: bigint): bigint {
  const unixMs = Number(unixNs / 1_000_000n);
  return unixNs + BigInt(leapMs(unixMs) - GPS_EPOCH_UNIX_MS) * 1_000_000n;
}

/** Unix time in ms of a GPS time in ms. */
export function unixMsOfGpsMs(gpsMs: number): number {
  const guess = gpsMs + GPS_EPOCH_UNIX_MS;
  return guess - leapMs(guess - leapMs(guess));
}

/** The longest text of a time: `2015-09-14T09:50:45.123456789Z`. */
const TIME_LENGTH_MAX = 30;
const ISO_UTC =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?Z$/;
const GPS_SECONDS = /^(\d{1,10})(?:\.(\d{0,9}))?$/;

/**
 * GPS ns of a text: GPS seconds with up to nine decimals, or ISO 8601 UTC, leap seconds included. Null when it is
 * neither, or no date of the calendar, or outside of GPS time 0 to {@linkcode GPS_SECONDS_MAX} seconds.
 */
export function gpsNsOfText(text: string): bigint | null {
  if (text.length > TIME_LENGTH_MAX) return null;
  const decimals = (digits = "") => BigInt(digits.padEnd(9, "0"));
  const gps = GPS_SECONDS.exec(text);
  if (gps) return BigInt(gps[1]!) * 1_000_000_000n + decimals(gps[2]);
  const iso = ISO_UTC.exec(text);
  if (!iso) return null;
  const [, year, month, day, hour, minute, second = "00", digits] = iso;
  const gpsMs = gpsMsOfUtc(
    [year, month, day, hour, minute, second].map(Number) as UtcFields,
  );
  if (gpsMs === null || !(gpsMs >= 0 && gpsMs <= GPS_SECONDS_MAX * 1000)) {
    return null;
  }
  return BigInt(gpsMs) * 1_000_000n + decimals(digits);
}

/** Year, month (from 1), day, hour, minute, second. */
type UtcFields = [number, number, number, number, number, number];

/** GPS ms of a UTC date and time, or null where the calendar or the clock has no such time. */
function gpsMsOfUtc(
  [year, month, day, hour, minute, second]: UtcFields,
): number | null {
  const dayMs = Date.UTC(year, month - 1, day);
  const date = new Date(dayMs);
  const isDay = year >= 1980 && date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day;
  // ISO 8601 also writes the end of a day as 24:00:00.
  const isClock = minute < 60 && second <= 60 &&
    (hour < 24 || (hour === 24 && minute === 0 && second === 0));
  if (!isDay || !isClock || dayMs < GPS_EPOCH_UNIX_MS) return null;
  const isLeapSecond = second === 60;
  if (isLeapSecond) {
    const isLastMinute = hour === 23 && minute === 59;
    const isInserted = leapMs(dayMs + DAY_MS) > leapMs(dayMs);
    if (!isLastMinute || !isInserted) return null;
  }
  // The leap second itself is counted with those of the day that it ends.
  const clockMs = ((hour * 60 + minute) * 60 + second) * 1000;
  const unixMs = dayMs + clockMs;
  return unixMs - GPS_EPOCH_UNIX_MS +
    leapMs(isLeapSecond ? dayMs : unixMs);
}

/** GPS ns of GPS ms, rounded to the microsecond, which is all that a clock resolves. */
export function gpsNsOfMs(gpsMs: number): bigint {
  return BigInt(Math.round(gpsMs * 1000)) * 1000n;
}

/** GPS time now by the wall clock, ns. */
export function nowGpsNs(unixMs: number = Date.now()): bigint {
  return gpsNsOfMs(gpsMsOfUnixMs(unixMs));
}

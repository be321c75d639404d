// Times as a user types them: GPS seconds, a date and time in UTC, a time of today, or a time before now.
import { gpsNow, gpsOfUnix } from "./clock.js";

const BEFORE_NOW = /^-\s*(\d{1,10}(?:\.\d{1,9})?)\s*([smhd])?$/i;
const UNIT_S = { s: 1, m: 60, h: 3600, d: 86_400 };
const GPS = /^\d{1,10}(?:\.\d*)?$/;
const UTC =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d(?:\.\d*)?))?)?\s*(?:Z|UTC)?$/i;
const CLOCK = /^(\d\d?):(\d\d)(?::(\d\d(?:\.\d*)?))?\s*(?:Z|UTC)?$/i;
const DAY_S = 86_400;

/**
 * GPS time of a text, s; null where it is no time, below 0 where there were no GPS times yet. A time without a date is
 * its last one before now.
 * @param {string} input
 * @param {number} [nowS] GPS s
 */
export function timeOfInput(input, nowS = gpsNow()) {
  const text = input.trim();
  if (/^now$/i.test(text)) return nowS;
  const before = BEFORE_NOW.exec(text);
  if (before) {
    const unit = (before[2] ?? "s").toLowerCase();
    const seconds = UNIT_S[/** @type {keyof typeof UNIT_S} */ (unit)];
    return nowS - Number(before[1]) * seconds;
  }
  if (GPS.test(text)) return Number(text);
  const utc = UTC.exec(text);
  if (utc) {
    const [, year, month, day, hour = "00", minute = "00", second = "00"] = utc;
    return ofUtc(`${year}-${month}-${day}`, [hour, minute, second]);
  }
  const clock = CLOCK.exec(text);
  if (!clock) return null;
  const [, hour, minute, second = "00"] = clock;
  for (const daysBefore of [0, 1]) {
    const unixS = Date.now() / 1000 - daysBefore * DAY_S;
    const date = new Date(unixS * 1000).toISOString().slice(0, 10);
    const gpsS = ofUtc(date, [hour.padStart(2, "0"), minute, second]);
    if (gpsS === null || gpsS <= nowS) return gpsS;
  }
  return null;
}

/**
 * @param {string} date
 * @param {string[]} clock hours, minutes, seconds with a fraction
 */
function ofUtc(date, [hour, minute, second]) {
  const midnightMs = Date.parse(`${date}T00:00:00Z`);
  // Date.parse takes February 30 for March 1 or 2.
  if (Number.isNaN(midnightMs)) return null;
  if (!new Date(midnightMs).toISOString().startsWith(date)) return null;
  const [h, m, s] = [hour, minute, second].map(Number);
  if (h > 23 || m > 59 || s >= 61) return null;
  return gpsOfUnix(midnightMs / 1000 + h * 3600 + m * 60 + s);
}

// GPS and UTC: the time by the server's clock, and times as text.
import { leapSecondsAt } from "./leap_seconds.js";
import { serverClock } from "./qanat.js";

/** Unix time of the GPS epoch, s. */
const EPOCH_S = 315_964_800;

/** GPS time now by the server's clock, s. After a step of the computer's clock, the hub reads the server's again. */
export function gpsNow() {
  return (Date.now() + serverClock().gpsMinusLocalMs) / 1000;
}

/** Unix time of a GPS time, s. @param {number} gpsS */
export function unixOf(gpsS) {
  return gpsS + EPOCH_S - leapSeconds(gpsS);
}

/** GPS time of a Unix time, s. @param {number} unixS */
export function gpsOfUnix(unixS) {
  const gpsS = unixS - EPOCH_S;
  return gpsS + leapSeconds(gpsS + leapSeconds(gpsS));
}

/** Leap seconds between GPS and UTC at a GPS time. @param {number} gpsS */
export function leapSeconds(gpsS) {
  const { gpsMinusUnixMs } = serverClock();
  return leapSecondsAt(gpsS, Math.round(gpsMinusUnixMs / 1000 + EPOCH_S));
}

/**
 * @param {number} gpsS
 * @param {"utc" | "gps"} mode
 * @param {number} [digits] of the fraction of a second
 */
export function timeText(gpsS, mode, digits = 0) {
  if (mode === "gps") return gpsS.toFixed(digits);
  const scale = 10 ** digits;
  const rounded = Math.round(unixOf(gpsS) * scale) / scale;
  const text = new Date(Math.floor(rounded + 1e-9) * 1000).toISOString();
  const rest = (rounded - Math.floor(rounded + 1e-9)).toFixed(digits).slice(1);
  return text.slice(11, 19) + (digits > 0 ? rest : "");
}

/** @param {number} gpsS */
export function dateText(gpsS) {
  return new Date(unixOf(gpsS) * 1000).toISOString().slice(0, 10);
}

/**
 * A time with its date, as the field for times takes it.
 * @param {number} gpsS
 * @param {"utc" | "gps"} mode
 */
export function fullTimeText(gpsS, mode) {
  if (mode === "gps") return String(Number(gpsS.toFixed(3)));
  return `${dateText(gpsS)} ${timeText(gpsS, "utc", 3).replace(/\.?0+$/, "")}`;
}

/** GPS seconds as GPS nanoseconds, rounded to microseconds. @param {number} gpsS */
export function nsOf(gpsS) {
  return BigInt(Math.round(gpsS * 1e6)) * 1000n;
}

// Grafana's times are Unix milliseconds, Qanat's are GPS nanoseconds.
// Invariant: the list of leap seconds equals that of src/blocks/gps_time.ts of Qanat; a test compares them.

/** Unix time of the GPS epoch, ms. */
const EPOCH_MS = 315_964_800_000;
const NS_PER_MS = 1_000_000n;

/** GPS times from which one leap second more is in force, s. */
export const LEAP_STEPS_S: readonly number[] = [
  ...[46_828_800, 78_364_801, 109_900_802, 173_059_203, 252_028_804],
  ...[315_187_205, 346_723_206, 393_984_007, 425_520_008, 457_056_009],
  ...[504_489_610, 551_750_411, 599_184_012, 820_108_813, 914_803_214],
  ...[1_025_136_015, 1_119_744_016, 1_167_264_017],
];

function leapSecondsAt(gpsS: number): number {
  let count = LEAP_STEPS_S.length;
  while (count > 0 && gpsS < LEAP_STEPS_S[count - 1]!) count--;
  return count;
}

/** Unix time of a GPS time, ms, with a fraction: samples are closer than a millisecond. */
export function unixMsOf(gpsNs: bigint): number {
  const wholeMs = Number(gpsNs / NS_PER_MS);
  const rest = Number(gpsNs % NS_PER_MS) / 1e6;
  return wholeMs + EPOCH_MS - 1000 * leapSecondsAt(wholeMs / 1000) + rest;
}

/** GPS time of a Unix time in whole milliseconds, ns; 0 before GPS time 0: Qanat takes negative times as before now. */
export function gpsNsOf(unixMs: number): bigint {
  const gpsMs = Math.max(unixMs - EPOCH_MS, 0);
  // A Unix time knows the leap seconds before it; the guess is off by less than them.
  const guess = leapSecondsAt(gpsMs / 1000);
  const leaps = leapSecondsAt(gpsMs / 1000 + guess);
  return BigInt(Math.round(gpsMs) + 1000 * leaps) * NS_PER_MS;
}

/** GPS seconds with nine decimals, as parameters of Qanat have them. */
export function secondsText(gpsNs: bigint): string {
  const digits = gpsNs.toString().padStart(10, "0");
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

// The leap seconds between GPS and UTC, for times of any year.
// Invariant: the list equals that of src/blocks/gps_time.ts (a test compares them); newer ones come with the server's clock.

/** GPS times from which one leap second more is in force, s. */
const STEPS_S = [
  ...[46_828_800, 78_364_801, 109_900_802, 173_059_203, 252_028_804],
  ...[315_187_205, 346_723_206, 393_984_007, 425_520_008, 457_056_009],
  ...[504_489_610, 551_750_411, 599_184_012, 820_108_813, 914_803_214],
  ...[1_025_136_015, 1_119_744_016, 1_167_264_017],
];

/**
 * Leap seconds in force at a GPS time, s.
 * @param {number} gpsS
 * @param {number} today those of today, by the server's clock
 */
export function leapSecondsAt(gpsS, today) {
  const at = STEPS_S.findLastIndex((fromS) => gpsS >= fromS);
  return at === STEPS_S.length - 1 ? today : at + 1;
}

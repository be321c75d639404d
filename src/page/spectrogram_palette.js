// The colours of a spectrogram, and which spectral densities they stand for.

/** Black, violet, orange, light yellow: louder is brighter, also for colour-blind readers. */
const STOPS = [
  [0, 6, 5, 24],
  [0.2, 40, 12, 84],
  [0.4, 112, 28, 109],
  [0.6, 188, 55, 84],
  [0.8, 246, 130, 28],
  [0.92, 250, 200, 60],
  [1, 254, 254, 190],
];
/** 256 colours, three bytes (red, green, blue) each. */
export const PALETTE = paletteOf(STOPS);

/** @param {number[][]} stops */
function paletteOf(stops) {
  const palette = new Uint8Array(3 * 256);
  for (let i = 0; i < 256; i++) {
    const x = i / 255;
    const next = stops.findIndex(([at]) => at >= x);
    const b = stops[Math.max(next, 1)];
    const a = stops[Math.max(next, 1) - 1];
    const share = (x - a[0]) / (b[0] - a[0]);
    for (let c = 0; c < 3; c++) {
      palette[3 * i + c] = Math.round(a[c + 1] + share * (b[c + 1] - a[c + 1]));
    }
  }
  return palette;
}

/**
 * The densities that the darkest and the brightest colour stand for.
 * @param {number[]} decibels of some columns
 * @param {{ rangeDb?: number | undefined, floor?: number | undefined, ceiling?: number | undefined }} options rangeDb: dB
 *   between the two; without it, the range begins at a low quantile and is 18 to 70 dB wide; floor, ceiling: fixed ends
 */
export function decibelRange(decibels, { rangeDb, floor, ceiling }) {
  const sorted = Float32Array.from(decibels).sort();
  const loud = sorted[Math.floor(sorted.length * (rangeDb ? 0.9999 : 0.9995))];
  const quiet = sorted[Math.floor(sorted.length * 0.35)];
  const least = rangeDb
    ? loud - rangeDb
    : Math.max(Math.min(quiet, loud - 18), loud - 70);
  // One end is fixed, and all values are beyond it.
  const low = floor ?? Math.min(least, (ceiling ?? Infinity) - 1);
  return { floor: low, ceiling: ceiling ?? Math.max(loud, low + 1) };
}

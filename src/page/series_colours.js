// Colours of channels: the theme's own, then as many more as there are channels.
// Invariant: the contrast with the background of plots is at least 4.5, as WCAG AA requires for text.

/** Between the hues of neighbours: no two of many are alike. */
const GOLDEN_ANGLE = 137.508;
const SATURATION = 0.7;
/** Relative luminances, by WCAG, in turn: dark enough for white, light enough for the dark theme. */
const LUMINANCES = { light: [0.165, 0.08, 0.04], dark: [0.27, 0.45, 0.62] };

/**
 * @param {readonly string[]} own the theme's colours
 * @param {number} at which channel
 * @param {boolean} isDark
 * @returns {string}
 */
export function seriesColour(own, at, isDark) {
  if (at < own.length) return /** @type {string} */ (own[at]);
  const more = at - own.length;
  const hue = more * GOLDEN_ANGLE % 360;
  const wanted = LUMINANCES[isDark ? "dark" : "light"][more % 3];
  let [low, high] = [0, 1];
  for (let i = 0; i < 12; i++) {
    const middle = (low + high) / 2;
    if (luminanceOf(rgbOf(hue, middle)) < wanted) low = middle;
    else high = middle;
  }
  const parts = rgbOf(hue, low).map((v) =>
    Math.round(v * 255).toString(16).padStart(2, "0")
  );
  return `#${parts.join("")}`;
}

/**
 * Red, green and blue, 0 to 1, of a hue in degrees.
 * @param {number} hue
 * @param {number} lightness
 */
function rgbOf(hue, lightness) {
  const reach = SATURATION * Math.min(lightness, 1 - lightness);
  return [0, 8, 4].map((n) => {
    const k = (n + hue / 30) % 12;
    return lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1));
  });
}

/** @param {number[]} rgb */
function luminanceOf(rgb) {
  const [r, g, b] = rgb.map((v) =>
    v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  );
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

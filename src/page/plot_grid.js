// How plots are placed in columns: how many columns there is room for, and which plots are two rows high.
// Invariant: plots are in the view's order, from left to right and then down, and no place in the grid is empty.

export const COLUMNS_MAX = 4;
/** Between plots; page.css has the same. */
export const GAP_PX = 6;
/** A narrower column has no room for an axis and its labels. */
const COLUMN_MIN_PX = 280;
const PHONE_PX = 760;

/**
 * Columns that are shown: one on a phone, as many as plots at most, and none too narrow.
 * @param {number} chosen
 * @param {{ count: number, width: number, windowPx: number }} room count: of plots; width: for all columns, px
 */
export function columnsFor(chosen, { count, width, windowPx }) {
  if (windowPx < PHONE_PX) return 1;
  const most = Math.floor((width + GAP_PX) / (COLUMN_MIN_PX + GAP_PX));
  return Math.max(1, Math.min(chosen, count, most, COLUMNS_MAX));
}

/**
 * Whether a plot also takes the place below it, where the last row has no plot.
 * @param {number} i place of the plot in the view
 * @param {{ count: number, columns: number }} grid
 */
export function isTall(i, { count, columns }) {
  const inLast = count % columns;
  if (inLast === 0) return false;
  const last = count - inLast;
  return i >= last - columns + inLast && i < last;
}

/**
 * Width of one column, px.
 * @param {number} width of all
 * @param {number} columns
 */
export function columnWidth(width, columns) {
  return (width - (columns - 1) * GAP_PX) / columns;
}

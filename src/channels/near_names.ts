// Finds existing names that are similar to an unknown one, to help with typing errors.
// Invariant: the work is bounded by constants, not by the name or the number of channels.
import { TEXT_BYTES_MAX } from "./channel_text.ts";
import { lowerBound } from "./name_ranges.ts";
import type { SlicedWork } from "./sliced_work.ts";

/** Longest name of a channel, bytes of UTF-8; longer names have no similar ones. */
export const NAME_BYTES_MAX = TEXT_BYTES_MAX;
/** Most names that are compared. */
const CANDIDATES = 64;
/** Most changes between similar names. */
const CHANGES_MAX = 16;
/** Cells of the distance table per step. */
const CELLS_A_STEP = 300;

/** Whether a text is too long to be the name of a channel. */
export function isTooLong(name: string): boolean {
  // UTF-8 has one to three bytes per UTF-16 unit.
  if (name.length > NAME_BYTES_MAX) return true;
  if (name.length * 3 <= NAME_BYTES_MAX) return false;
  return new TextEncoder().encode(name).length > NAME_BYTES_MAX;
}

/** Up to `limit` sorted names that are most similar to `name`, the most similar first. */
export function* nearNames(
  sorted: readonly string[],
  name: string,
  limit: number,
): SlicedWork<string[]> {
  if (isTooLong(name)) return [];
  const changesMax = Math.min(
    CHANGES_MAX,
    Math.max(3, Math.floor(name.length / 2)),
  );
  const found: { other: string; distance: number }[] = [];
  for (const other of closest(sorted, name)) {
    if (Math.abs(other.length - name.length) > changesMax) continue;
    yield Math.ceil(name.length * (2 * changesMax + 1) / CELLS_A_STEP);
    const distance = distanceOf(name, other, changesMax);
    if (distance <= changesMax) found.push({ other, distance });
  }
  return found
    .sort((a, b) => a.distance - b.distance || (a.other < b.other ? -1 : 1))
    .slice(0, limit)
    .map(({ other }) => other);
}

/** The names around the position of `name`, which share the longest prefixes with it. */
function closest(sorted: readonly string[], name: string): string[] {
  const at = lowerBound(sorted, name);
  const from = Math.max(0, at - CANDIDATES / 2);
  return sorted.slice(from, from + CANDIDATES);
}

/** The Levenshtein distance if it is at most `max`, else a larger number: only a band of that width is calculated. */
function distanceOf(a: string, b: string, max: number): number {
  const above = max + 1;
  let row = new Uint16Array(b.length + 1).fill(above);
  for (let j = 0; j <= Math.min(max, b.length); j++) row[j] = j;
  let next = new Uint16Array(b.length + 1);
  for (let i = 1; i <= a.length; i++) {
    next.fill(above);
    if (i <= max) next[0] = i;
    const to = Math.min(b.length, i + max);
    for (let j = Math.max(1, i - max); j <= to; j++) {
      next[j] = Math.min(
        next[j - 1]! + 1,
        row[j]! + 1,
        row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
        above,
      );
    }
    [row, next] = [next, row];
  }
  return row[b.length]!;
}

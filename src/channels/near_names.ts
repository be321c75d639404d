// Names that look like one that there is not, for whoever has mistyped it.
// Invariant: the work is bounded by constants, not by the name or the number of channels.
import { TEXT_BYTES_MAX } from "./channel_text.ts";
import { lowerBound } from "./name_ranges.ts";
import type { SlicedWork } from "./sliced_work.ts";

/** Longest name of a channel, bytes of UTF-8; nothing is near a longer one. */
export const NAME_BYTES_MAX = TEXT_BYTES_MAX;
/** Names that are compared. */
const CANDIDATES = 64;
/** Most changes that still count as near. */
const CHANGES_MAX = 16;
/** Cells of the distance's table in a step. */
const CELLS_A_STEP = 300;

/** Whether a text is too long to be the name of a channel. */
export function isTooLong(name: string): boolean {
  // UTF-8 has at least one byte a unit and at most three.
  if (name.length > NAME_BYTES_MAX) return true;
  if (name.length * 3 <= NAME_BYTES_MAX) return false;
  return new TextEncoder().encode(name).length > NAME_BYTES_MAX;
}

/** Up to `limit` of sorted names that are most like `name`: the smallest change first. */
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

/** The names around where `name` would stand, which share the longest beginnings with it. */
function closest(sorted: readonly string[], name: string): string[] {
  const at = lowerBound(sorted, name);
  const from = Math.max(0, at - CANDIDATES / 2);
  return sorted.slice(from, from + CANDIDATES);
}

/** Levenshtein distance where it is at most `max`, else something above it: only the band of that width is looked at. */
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

// Suggests the known name that the user most likely meant.

const NAME_CHARS_MAX = 64;
/** Names of earlier versions, plain, and what means the same now; another name may be nearer and mean something else. */
const RENAMED: readonly (readonly [before: string, now: string])[] = [
  ["drainspreadms", "retryspreadms"],
];

/**
 * The known name that a renamed setting has now, else the one that needs the fewest changed characters, or null when none
 * is near. Case, `_` and `-` do not count.
 */
export function nearName(
  name: string,
  known: readonly string[],
): string | null {
  if (name.length > NAME_CHARS_MAX) return null;
  const wanted = plain(name);
  for (const [before, now] of RENAMED) {
    if (!wanted.endsWith(before)) continue;
    const renamed = known.find((other) => plain(other).endsWith(now));
    if (renamed !== undefined) return renamed;
  }
  let best: string | null = null;
  let least = Math.max(2, Math.floor(wanted.length / 4)) + 1;
  for (const other of known) {
    const changes = distance(wanted, plain(other));
    if (changes < least) [best, least] = [other, changes];
  }
  return best;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, changed));
    }
    row = next;
  }
  return row[b.length]!;
}

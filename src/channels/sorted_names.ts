// The sorted names of one context, updated by merging the changes since the last request.
// Invariant: a returned array is never changed, so that work in slices can keep it; a name in it may have been removed.
import type { SlicedWork } from "./sliced_work.ts";

/** Names that are sorted, or merged, in one part. */
const PART = 256;
/** The number of changes that are kept in any case. */
const TOUCHED_MIN = 1000;
/** Steps of sorting that many, and of merging them. */
const SORT_STEPS = 150;
const MERGE_STEPS = 40;

/** Sorts in slices: parts of a fixed size first, which are then merged two by two. */
export function* sortedInSlices<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
): SlicedWork<T[]> {
  let runs: T[][] = [];
  for (let from = 0; from < items.length; from += PART) {
    yield SORT_STEPS;
    runs.push(items.slice(from, from + PART).sort(compare));
  }
  while (runs.length > 1) {
    const longer: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      const second = runs[i + 1];
      longer.push(
        second ? yield* merged(runs[i]!, second, compare) : runs[i]!,
      );
    }
    runs = longer;
  }
  return runs[0] ?? [];
}

function* merged<T>(
  a: readonly T[],
  b: readonly T[],
  compare: (a: T, b: T) => number,
): SlicedWork<T[]> {
  const out: T[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (out.length % PART === 0) yield MERGE_STEPS;
    out.push(compare(a[i]!, b[j]!) <= 0 ? a[i++]! : b[j++]!);
  }
  for (; i < a.length; i++) {
    if (out.length % PART === 0) yield MERGE_STEPS;
    out.push(a[i]!);
  }
  for (; j < b.length; j++) {
    if (out.length % PART === 0) yield MERGE_STEPS;
    out.push(b[j]!);
  }
  return out;
}

/** By name, in the order of {@linkcode byText}. */
export function byName(
  a: { readonly name: string },
  b: { readonly name: string },
): number {
  return byText(a.name, b.name);
}

/** By UTF-16 units, as `sort()` compares. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A merge of changes, which all work that waits for it continues. */
interface Merge {
  readonly work: SlicedWork<readonly string[]>;
  /** Steps of its next part. */
  cost: number;
  readonly touchedCount: number;
}

/** The sorted names of a map. */
export class SortedNames {
  readonly #held: ReadonlyMap<string, unknown>;
  #sorted: readonly string[] = [];
  /** Names that were added or removed since `#sorted` was made, in that order. */
  #touched: string[] = [];
  #merge: Merge | null = null;

  constructor(held: ReadonlyMap<string, unknown>) {
    this.#held = held;
  }

  /** Notes a name that was added or removed. */
  touch(name: string): void {
    this.#touched.push(name);
    // Names may be added and removed for days without a request.
    if (this.#touched.length > 2 * this.#held.size + TOUCHED_MIN) {
      this.#sorted = [];
      this.#touched = [...this.#held.keys()];
      this.#merge = null;
    }
  }

  /** Names that are waiting to be merged. */
  get touched(): number {
    return this.#touched.length;
  }

  /** The names at the time of the call. If one piece of work ends early, the others keep what it has merged. */
  *sorted(): SlicedWork<readonly string[]> {
    // The current merge may lack the newest changes: the next one has them.
    for (let merges = 0; merges < 2 && this.#touched.length > 0; merges++) {
      const merge = this.#merge ??= this.#begin();
      while (this.#merge === merge) {
        yield merge.cost;
        this.#advance(merge);
      }
    }
    return this.#sorted;
  }

  #begin(): Merge {
    const touched = this.#touched.slice();
    return {
      work: this.#merged(touched),
      cost: SORT_STEPS,
      touchedCount: touched.length,
    };
  }

  /** Does the next part of a merge, unless another work has done its last one. */
  #advance(merge: Merge): void {
    if (this.#merge !== merge) return;
    const part = merge.work.next();
    if (!part.done) {
      merge.cost = part.value;
      return;
    }
    this.#sorted = part.value;
    this.#touched.splice(0, merge.touchedCount);
    this.#merge = null;
  }

  *#merged(touched: readonly string[]): SlicedWork<readonly string[]> {
    const changes = yield* sortedInSlices(touched, byText);
    return yield* this.#withChanges(this.#sorted, changes);
  }

  *#withChanges(
    base: readonly string[],
    changes: readonly string[],
  ): SlicedWork<string[]> {
    const out: string[] = [];
    let done = 0;
    let i = 0;
    let j = 0;
    while (i < base.length || j < changes.length) {
      if (done++ % PART === 0) yield MERGE_STEPS;
      const isBase = j >= changes.length ||
        (i < base.length && base[i]! <= changes[j]!);
      const name = isBase ? base[i++]! : changes[j++]!;
      if (out.at(-1) !== name && this.#held.has(name)) out.push(name);
    }
    return out;
  }
}

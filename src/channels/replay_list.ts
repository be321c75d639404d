// The replay contexts of a catalog, in pages, found in slices.
import type { Catalog, Page } from "./catalog.ts";
import { PART_STEPS_MAX, type SlicedWork } from "./sliced_work.ts";
import { byText, sortedInSlices } from "./sorted_names.ts";

/** Some replay contexts, sorted. */
export interface FoundReplays {
  readonly replays: readonly {
    readonly replayId: string;
    readonly channels: number;
  }[];
  /** `after` of the next page; null on the last. */
  readonly next: string | null;
}

/** Contexts that are looked at in one part, and its steps. */
const PART = 800;
const PART_STEPS = 200;

/** A page of the contexts that have channels, with the number of their channels. */
export function* replaysOf(
  catalog: Catalog,
  { after, limit = Infinity }: Page,
): SlicedWork<FoundReplays> {
  const all: string[] = [];
  let seen = 0;
  for (const id of catalog.contexts()) {
    if (seen++ % PART === 0) yield PART_STEPS;
    if (id !== null && (after === undefined || id > after)) all.push(id);
  }
  const sorted = yield* sortedInSlices(all, byText);
  const shown = sorted.slice(0, limit);
  yield Math.min(PART_STEPS_MAX, shown.length);
  return {
    // A context whose last channel was removed meanwhile has none.
    replays: shown.map((replayId) => ({
      replayId,
      channels: catalog.sizeOf(replayId),
    })),
    next: sorted.length > shown.length ? shown.at(-1)! : null,
  };
}

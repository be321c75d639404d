// Limits of the headers that list what a client accepts: an item costs far more than its characters, since it is compared
// with each type that an answer can have. Invariant: what is longer is refused before any of it is read.
import { LimitError } from "./limit_error.ts";

/** Headers that are lists of types or codings with weights. */
const LISTS = ["accept", "accept-encoding"];
/** Browsers send about 200 characters and 10 items. */
export const LIST_CHARS_MAX = 2048;
/** Commas in quotes count as well, as in `codecs="zstd, lz4"`. */
export const LIST_ITEMS_MAX = 64;

/** Throws {@linkcode LimitError} where such a header is too long. `header`: the value of a request's header. */
export function checkAcceptLists(
  header: (name: string) => string | undefined,
): void {
  for (const name of LISTS) {
    const text = header(name);
    if (text === undefined) continue;
    const items = text.length > LIST_CHARS_MAX ? 0 : text.split(",").length;
    if (text.length <= LIST_CHARS_MAX && items <= LIST_ITEMS_MAX) continue;
    const has = items === 0 ? `${text.length} characters` : `${items} items`;
    throw new LimitError("accept", {
      detail:
        `The header ${name} has ${has}; at most ${LIST_CHARS_MAX} characters and ${LIST_ITEMS_MAX} items, separated by ` +
        "commas, are allowed. Name only what you can read",
      param: name,
    });
  }
}

// Writes JSON in slices: long lists in parts. Items of lists and all other values are assumed to be small.
// Invariant: the text has printable characters only, since operators read names of owners and addresses in terminals.
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { printableJson } from "../../text/printable_json.ts";

/** Items of a list in one part, and the steps of a part. */
const PART = 100;
const PART_STEPS = 300;
/** How many levels of objects may hold long lists. */
const DEPTH = 2;

/** An answer in JSON, with further headers. */
export function* jsonAnswerInSlices(
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): SlicedWork<Response> {
  const text = yield* jsonInSlices(value);
  return new Response(text, {
    headers: { ...headers, "content-type": "application/json" },
  });
}

/** The same value as that of `JSON.stringify()`, for plain objects and lists. */
export function* jsonInSlices(
  value: unknown,
  depth = DEPTH,
): SlicedWork<string> {
  if (depth === 0 || typeof value !== "object" || value === null) {
    return printableJson(JSON.stringify(value) ?? "null");
  }
  if (Array.isArray(value)) {
    const parts: string[] = [];
    for (let from = 0; from < value.length; from += PART) {
      yield PART_STEPS;
      const text = JSON.stringify(value.slice(from, from + PART));
      parts.push(printableJson(text.slice(1, -1)));
    }
    return `[${parts.join(",")}]`;
  }
  const fields: string[] = [];
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue;
    yield 1;
    const text = yield* jsonInSlices(field, depth - 1);
    fields.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${fields.join(",")}}`;
}

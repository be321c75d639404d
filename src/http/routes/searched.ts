// Runs a search of the catalog, and answers a wrong expression with a problem.
import { BadExpressionError } from "../../channels/expression.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { LimitError } from "../limits/limit_error.ts";
import { problem } from "../transport/problem.ts";

/** The result of a search, or 400 for a wrong expression. Throws {@linkcode LimitError} for one that is too large. */
export function* searched<T>(search: SlicedWork<T>): SlicedWork<T | Response> {
  try {
    return yield* search;
  } catch (error) {
    if (!(error instanceof BadExpressionError)) throw error;
    const fields = {
      detail: `match is not a valid expression: ${error.message}`,
      param: "match",
      index: error.index,
    };
    if (error.isTooLarge) throw new LimitError("expression", fields);
    return problem("bad_expression", fields);
  }
}

// Checks which parameters a query has: only known ones, each once.
import { badRequest, quoted } from "../transport/problem.ts";
import { isCacheBuster } from "./library_parameters.ts";

/** The problem of a query with other parameters than `known`, or with one of them twice that is not in `lists`. */
export function wrongParameter(
  query: URLSearchParams,
  known: readonly string[],
  lists: ReadonlySet<string> = new Set(),
): Response | null {
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (isCacheBuster(name)) continue;
    if (!known.includes(name)) {
      return badRequest(
        `Unknown query parameter ${quoted(name)}; known are ${
          known.join(", ")
        }`,
      );
    }
  }
  for (const name of query.keys()) {
    if (isCacheBuster(name)) continue;
    if (seen.has(name) && !lists.has(name)) {
      return badRequest(
        `The query parameter '${name}' is given twice; give it once`,
      );
    }
    seen.add(name);
  }
  return null;
}

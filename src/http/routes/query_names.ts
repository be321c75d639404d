// Checks which parameters a query has: only known ones, each once.
import { repeatedParameter, unknownParameter } from "../transport/problem.ts";
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
      return unknownParameter(name, known);
    }
  }
  for (const name of query.keys()) {
    if (isCacheBuster(name)) continue;
    if (seen.has(name) && !lists.has(name)) {
      return repeatedParameter(name);
    }
    seen.add(name);
  }
  return null;
}

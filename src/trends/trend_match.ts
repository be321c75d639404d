// Which channels' trends are always recorded. Invariant: what is returned is an expression that can be used.
import { nameMatcher } from "../channels/expression.ts";

/** Whether `--trend-match` is wrong: the reason, else null. */
export function trendMatchFault(trendMatch: string): string | null {
  try {
    nameMatcher(trendMatch);
    return null;
  } catch (error) {
    return `--trend-match must be an RE2 expression: ${
      (error as Error).message
    }`;
  }
}

/** The trends of all embedded channels are recorded; those of another source only when the setting names them. */
export function trendMatchOf(
  trendMatch: string,
  isEmbedded: boolean,
): string {
  return trendMatch === "" && isEmbedded ? ".*" : trendMatch;
}

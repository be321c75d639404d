// Errors as RFC 9457 problem details.
import { BadExpressionError } from "../channels/catalog.ts";

/** What a problem says: a short title, what was wrong and what would be right, and further fields. */
export interface ProblemFields {
  readonly title: string;
  readonly detail: string;
  readonly [name: string]: unknown;
}

/** 400 for an expression that RE2 does not take. Any other error is thrown on. */
export function badExpression(error: unknown): Response {
  if (!(error instanceof BadExpressionError)) throw error;
  return problem(400, {
    title: "Bad expression",
    detail: `match is not a valid expression: ${error.message}`,
    index: error.index,
  });
}

/** A response of type `application/problem+json`. */
export function problem(status: number, fields: ProblemFields): Response {
  return new Response(
    JSON.stringify({ type: "about:blank", status, ...fields }),
    { status, headers: { "content-type": "application/problem+json" } },
  );
}

// Errors as RFC 9457 problem details.

/** What a problem says: a short title, what was wrong and what would be right, and further fields. */
export interface ProblemFields {
  readonly title: string;
  readonly detail: string;
  readonly [name: string]: unknown;
}

/** A response of type `application/problem+json`. */
export function problem(status: number, fields: ProblemFields): Response {
  return new Response(
    JSON.stringify({ type: "about:blank", status, ...fields }),
    { status, headers: { "content-type": "application/problem+json" } },
  );
}

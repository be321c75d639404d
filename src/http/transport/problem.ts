// Errors as RFC 9457 problem details, in JSON.

/** A problem: a short title, a detail that names what was wrong and what would be right, and further fields. */
export interface ProblemFields {
  readonly title: string;
  readonly detail: string;
  readonly [name: string]: unknown;
}

/** Header of a refusal that another attempt may not get. */
export const RETRY_LATER = { "retry-after": "5" };
const CONTENT_TYPE = "application/problem+json";
/** Most characters of a client's text that a problem repeats. */
const QUOTED_MAX = 100;

/** A client's text in quotes, shortened, so that an answer is never as large as the request that it refuses. */
export function quoted(text: string): string {
  if (text.length <= QUOTED_MAX) return `'${text}'`;
  return `'${text.slice(0, QUOTED_MAX).toWellFormed()}…' ` +
    `(${text.length} characters)`;
}

/** 400 for a request that is wrong in itself. */
export function badRequest(detail: string, title = "Bad request"): Response {
  return problem(400, { title, detail });
}

/** A response of type `application/problem+json`, with further headers. */
export function problem(
  status: number,
  fields: ProblemFields,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(
    JSON.stringify({ type: "about:blank", status, ...fields }),
    { status, headers: { ...headers, "content-type": CONTENT_TYPE } },
  );
}

export function isProblem({ headers }: Response): boolean {
  return headers.get("content-type") === CONTENT_TYPE;
}

/** The same problem with a last field, `request_id`: which request it answers. */
export async function withRequestId(
  answer: Response,
  requestId: string,
): Promise<Response> {
  const text = await answer.text();
  if (!text.endsWith("}")) return new Response(text, answer);
  const field = `,"request_id":${JSON.stringify(requestId)}}`;
  return new Response(text.slice(0, -1) + field, answer);
}

// Errors as RFC 9457 problem details, in JSON.
// Invariant: a problem's code decides its status, title and type; no cache keeps it. It has printable characters only: a
// request's text in its detail is escaped, so that it reverses no text and controls no terminal.
import { printableJson } from "../../text/printable_json.ts";
import { terminalText } from "../../text/terminal.ts";
import {
  type ProblemCode,
  statusOfCode,
  titleOfCode,
  typeOfCode,
} from "./problem_codes.ts";

/** What a problem says about one request. */
export interface ProblemFields {
  /** What was wrong, and what would be right. */
  readonly detail: string;
  /** Name of the parameter or field of the body that was wrong, where it was one. */
  readonly param?: string | undefined;
  readonly [name: string]: unknown;
}

/** Header of a refusal that another attempt may not get. */
export const RETRY_LATER = { "retry-after": "5" };
const CONTENT_TYPE = "application/problem+json";
/** Most characters of a client's text that a problem repeats. */
const QUOTED_MAX = 100;
/** How the text of each problem begins. */
const BEGINNING = '{"type":"';

/** A client's text in quotes, shortened, so that an answer is never as large as the request that it refuses. */
export function quoted(text: string): string {
  if (text.length <= QUOTED_MAX) return `'${text}'`;
  return `'${text.slice(0, QUOTED_MAX).toWellFormed()}…' ` +
    `(${text.length} characters)`;
}

/** 400 for a parameter, or field of a body, whose value is wrong. */
export function badParameter(param: string, detail: string): Response {
  return problem("bad_parameter", { detail, param });
}

/** 400 for a name that no parameter, or field of a body, has. `kind`: what the name is of. */
export function unknownParameter(
  name: string,
  known: readonly string[],
  kind: "query parameter" | "field" = "query parameter",
): Response {
  return problem("unknown_parameter", {
    detail: `Unknown ${kind} ${quoted(name)}; known are ${known.join(", ")}`,
    param: name.slice(0, QUOTED_MAX).toWellFormed(),
  });
}

/** 400 for a parameter, or field of a body, that may be given once. */
export function repeatedParameter(
  name: string,
  kind: "query parameter" | "field" = "query parameter",
): Response {
  return problem("repeated_parameter", {
    detail: `The ${kind} '${name}' is given twice; give it once`,
    param: name,
  });
}

/**
 * A response of type `application/problem+json`, with further headers. The answers of routes get their `docsBase` later,
 * by {@linkcode withRequestId}.
 */
export function problem(
  code: ProblemCode,
  fields: ProblemFields,
  headers: Readonly<Record<string, string>> = {},
  docsBase = "",
): Response {
  return new Response(problemText(code, fields, docsBase), {
    status: statusOfCode(code),
    headers: {
      "cache-control": "no-store",
      ...headers,
      "content-type": CONTENT_TYPE,
    },
  });
}

/** The JSON of a problem. `docsBase`: see {@linkcode docsBaseOf}. */
export function problemText(
  code: ProblemCode,
  fields: ProblemFields,
  docsBase = "",
): string {
  return printableJson(JSON.stringify({
    type: docsBase + typeOfCode(code),
    code,
    title: titleOfCode(code),
    status: statusOfCode(code),
    ...fields,
    detail: terminalText(fields.detail),
  }));
}

export function isProblem({ headers }: Response): boolean {
  return headers.get("content-type") === CONTENT_TYPE;
}

/** The path before `/docs` in the addresses that clients use, without a slash at its end. */
export function docsBaseOf(
  { basePath, publicUrl }: {
    readonly basePath: string;
    /** "" for none. */
    readonly publicUrl: string;
  },
): string {
  if (publicUrl === "") return basePath;
  return new URL(publicUrl).pathname.replace(/\/$/, "");
}

/** The same problem with a last field, `request_id`: which request it answers. */
export async function withRequestId(
  answer: Response,
  { requestId, docsBase }: {
    readonly requestId: string;
    readonly docsBase: string;
  },
): Promise<Response> {
  const text = await answer.text();
  if (!text.startsWith(BEGINNING)) return new Response(text, answer);
  const field = `,"request_id":${JSON.stringify(requestId)}}`;
  const rest = text.slice(BEGINNING.length, -1);
  return new Response(BEGINNING + docsBase + rest + field, answer);
}

// The error of a request that exceeds a limit. Any handler may throw it; hono_app.ts counts it and answers with a problem.
import { type ProblemFields, RETRY_LATER } from "../transport/problem.ts";
import { type ProblemCode, statusOfCode } from "../transport/problem_codes.ts";

/** The limits of one request, with the problem that answers it beyond them. */
const CODES = {
  /** Length of the URL, where the server in front of the routes does not limit it. */
  "url": "request_head_too_large",
  /** Length and items of `Accept` and `Accept-Encoding`. */
  "accept": "request_head_too_large",
  "parameter": "parameter_too_long",
  "name": "name_too_long",
  "expression": "expression_too_large",
  /** Bytes of the body. */
  "body-bytes": "body_too_large",
  /** Time until the whole body has arrived. */
  "body-time": "request_too_slow",
  /** Memory of all bodies together. */
  "body-memory": "busy",
  /** Long requests at a time. */
  "works": "busy",
  /** Computing time of the request. */
  "work-time": "request_too_expensive",
  /** Time from the request's start to its end. */
  "work-wait": "busy",
  /** Memory of all answers of one row together. */
  "answers": "busy",
  /** The share of it of one owner or address. */
  "answer-share": "too_many_streams",
} as const satisfies Record<string, ProblemCode>;

/** Name of a limit of one request. */
export type RequestLimit = keyof typeof CODES;

export const REQUEST_LIMITS = Object.keys(CODES) as readonly RequestLimit[];

/** A request exceeds a limit. */
export class LimitError extends Error {
  override name = "LimitError";
  readonly limit: RequestLimit;
  readonly fields: ProblemFields;

  constructor(limit: RequestLimit, fields: ProblemFields) {
    super(fields.detail);
    this.limit = limit;
    this.fields = fields;
  }

  get code(): ProblemCode {
    return CODES[this.limit];
  }

  get status(): number {
    return statusOfCode(this.code);
  }

  get headers(): Record<string, string> {
    // This does not close the connection: a client that still sends its body would lose the answer to the reset.
    // RequestGate closes it after the answer.
    return this.status === 503 || this.status === 429 ? RETRY_LATER : {};
  }
}

/** The client has disconnected before it was answered. Not an error of the service. */
export class ClientGoneError extends Error {
  override name = "ClientGoneError";
}

// The error of a request that exceeds a limit. Any handler may throw it; hono_app.ts counts it and answers with a problem.
import { type ProblemFields, RETRY_LATER } from "../transport/problem.ts";

/** The limits of one request, with the status of the answer beyond them. */
const STATUSES = {
  /** Length of the URL, where the server in front of the routes does not limit it. */
  "url": 431,
  "parameter": 400,
  "name": 400,
  "expression": 400,
  /** Bytes of the body. */
  "body-bytes": 413,
  /** Time until the whole body has arrived. */
  "body-time": 408,
  /** Memory of all bodies together. */
  "body-memory": 503,
  /** Long requests at a time. */
  "works": 503,
  /** Computing time of the request. */
  "work-time": 400,
  /** Time from the request's start to its end. */
  "work-wait": 503,
} as const;

/** Name of a limit of one request. */
export type RequestLimit = keyof typeof STATUSES;

export const REQUEST_LIMITS = Object.keys(STATUSES) as readonly RequestLimit[];

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

  get status(): number {
    return STATUSES[this.limit];
  }

  get headers(): Record<string, string> {
    // This does not close the connection: a client that still sends its body would lose the answer to the reset.
    // RequestGate closes it after the answer.
    return this.status === 503 ? RETRY_LATER : {};
  }
}

/** The client has disconnected before it was answered. Not an error of the service. */
export class ClientGoneError extends Error {
  override name = "ClientGoneError";
}

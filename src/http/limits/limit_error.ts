// A request that is refused by a limit, wherever that is noticed; hono_app.ts answers it with a problem and counts it.
import type { ProblemFields } from "../transport/problem.ts";

/** Limits of what one request may cost, and its status. */
const STATUSES = {
  /** Of a URL, where the server in front of the routes has none. */
  "url": 431,
  "parameter": 400,
  "name": 400,
  "expression": 400,
  /** Bytes of a body. */
  "body-bytes": 413,
  /** Time that a body takes to come. */
  "body-time": 408,
  /** Memory of all bodies. */
  "body-memory": 503,
  /** Works at once. */
  "works": 503,
  /** Own time of one work. */
  "work-time": 400,
  /** Time from its beginning to its end. */
  "work-wait": 503,
} as const;

/** A limit of one request. */
export type RequestLimit = keyof typeof STATUSES;

export const REQUEST_LIMITS = Object.keys(STATUSES) as readonly RequestLimit[];

const RETRY_AFTER_SECONDS = "5";

/** Refuses a request. */
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
    // Nothing here closes the connection: a client that is still sending would lose the answer by the reset. The
    // server discards what comes for half a second, 64 MiB at most, and closes then.
    return this.status === 503 ? { "retry-after": RETRY_AFTER_SECONDS } : {};
  }
}

/** The client has gone before it was answered: nobody's error. */
export class ClientGoneError extends Error {
  override name = "ClientGoneError";
}

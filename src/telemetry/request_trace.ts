// By which id a request is found in logs, answers and traces: its own, and the trace that it is part of.
// Invariant: an id is short, has only characters that a header, a log and a shell take as they are, and is no secret: logs
// and answers show it.

/** The ids of one request. */
export interface RequestTrace {
  /** Given by the client (`X-Request-Id`), or made here. */
  readonly requestId: string;
  /** Trace of W3C's `traceparent`, 32 hexadecimal digits; null where the request is part of none. */
  readonly traceId: string | null;
}

/** The headers that name them, as they came in. */
export interface TraceHeaders {
  /** `X-Request-Id` */
  readonly requestId: string | undefined;
  readonly traceparent: string | undefined;
}

/** Longest id that is taken from a client, characters. */
export const REQUEST_ID_LENGTH_MAX = 128;
const REQUEST_ID = /^[\w.~:/+=@-]+$/;
/** A token of Qanat anywhere in a text, or a text that is the SHA-256 of one. */
const SECRET = /qanat_[\w-]{43}|^[\da-f]{64}$/i;
const TRACEPARENT_LENGTH_MAX = 512;
/** version, trace, parent, flags; a later version than 00 may have more after another `-`. */
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/** The ids of a request. An id that is too long, has other characters or is a secret is replaced by a new one. */
export function requestTraceOf(
  { requestId, traceparent }: TraceHeaders,
  newId: () => string = newRequestId,
): RequestTrace {
  return {
    requestId: requestId !== undefined && isRequestId(requestId)
      ? requestId
      : newId(),
    traceId: traceparent === undefined ? null : traceIdOf(traceparent),
  };
}

/** The ids as fields of a log line; none for what is of no request. */
export function traceFields(
  trace: RequestTrace | undefined,
): Record<string, string> {
  if (trace === undefined) return {};
  const { requestId, traceId } = trace;
  return traceId === null
    ? { request_id: requestId }
    : { request_id: requestId, trace_id: traceId };
}

/** A random id, which no other request has. */
export function newRequestId(): string {
  return crypto.randomUUID();
}

function isRequestId(text: string): boolean {
  return text.length <= REQUEST_ID_LENGTH_MAX && REQUEST_ID.test(text) &&
    !SECRET.test(text);
}

/** The trace of a valid `traceparent`; null for any other text. */
function traceIdOf(text: string): string | null {
  if (text.length > TRACEPARENT_LENGTH_MAX) return null;
  const parts = TRACEPARENT.exec(text);
  if (parts === null) return null;
  const [, version, traceId, parentId, more] = parts;
  if (version === "00" && more !== undefined) return null;
  return isZero(traceId!) || isZero(parentId!) ? null : traceId!;
}

function isZero(digits: string): boolean {
  return /^0+$/.test(digits);
}

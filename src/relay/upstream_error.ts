// Why an upstream does not deliver, by kind: each kind has a count in the metrics, and a next step for operators.
// Invariant: no text contains a token.

/**
 * `unreachable`: no connection, or no TLS. `credential`: it refuses the token, or its rights. `no-relays`: it serves no
 * relays. `busy`: all its streams are in use. `version`: it has no version of blocks in common. `circle`: it reads from
 * this relay, or through too many. `silent`, `closed`: the connection. `ended`: it ended the stream. `answer`: anything
 * else.
 */
export const UPSTREAM_FAILURES = [
  "unreachable",
  "credential",
  "no-relays",
  "busy",
  "version",
  "circle",
  "silent",
  "closed",
  "ended",
  "answer",
] as const;
export type UpstreamFailure = typeof UPSTREAM_FAILURES[number];

/** An upstream has answered, and not with blocks; or its connection failed. */
export class UpstreamError extends Error {
  override name = "UpstreamError";
  readonly kind: UpstreamFailure;

  constructor(message: string, kind: UpstreamFailure = "answer") {
    super(message);
    this.kind = kind;
  }
}

/** The port of this side: with it, no two of these reasons would be equal, and each would be logged. */
const OWN_ADDRESS = / from \S+(?= for )/;

/** What `fetch` or the reading of an answer threw. `secret`: what may be in its text. */
export function upstreamError(error: unknown, secret = ""): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const { name, message, cause } = error as Error;
  // What `fetch` throws where there is no connection; the reason is in its cause in some runtimes.
  const isConnection = name === "TypeError" || name === "NotCapable";
  const hasMore = isConnection && cause instanceof Error &&
    !message.includes(cause.message);
  const text = hasMore ? `${message}: ${cause.message}` : message;
  const reason = without(secret, text).replace(OWN_ADDRESS, "");
  if (!isConnection) return new UpstreamError(reason);
  const isCertificate = /certificate|UnknownIssuer|self.signed/i.test(reason);
  return new UpstreamError(
    isCertificate
      ? `${reason}; name the authority of its certificate in --upstream-ca`
      : reason,
    "unreachable",
  );
}

/** Throws {@linkcode UpstreamError} for an answer that is compressed, which no request accepts. */
export async function refuseCompressed(response: Response): Promise<void> {
  const encoding = response.headers.get("content-encoding") ?? "identity";
  if (/^identity$/i.test(encoding)) return;
  await response.body?.cancel();
  throw new UpstreamError(
    "its answer is compressed, which is not accepted: a proxy in front of it must pass Accept-Encoding on",
  );
}

const DETAIL_CHARS_MAX = 300;
/** So much of an answer is read that is no stream of blocks. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Why an answer is no stream of blocks, and what to do. */
export async function errorOfAnswer(
  response: Response,
  secret: string,
): Promise<UpstreamError> {
  const { status, type } = response;
  if (type === "opaqueredirect" || status >= 300 && status < 400) {
    await response.body?.cancel();
    return new UpstreamError(
      "it redirects, which is not followed: --upstream must be the address itself",
    );
  }
  let detail = "it sent no blocks";
  let isTopic = false;
  try {
    const text = await beginning(response);
    if (!response.ok) {
      const problem = JSON.parse(text) as { code?: string; detail: string };
      detail = problem.detail;
      isTopic = problem.code === "unknown_topic";
    }
  } catch {
    // Not a problem of Qanat: the status says it.
  }
  const text = without(secret, String(detail)).slice(0, DETAIL_CHARS_MAX);
  if (isTopic) return new UpstreamError(text);
  const { kind, step } = kindOf(status, secret !== "");
  return new UpstreamError(`status ${status}: ${text}${step}`, kind);
}

function without(secret: string, text: string): string {
  return secret === "" ? text : text.replaceAll(secret, "***");
}

/** The text of an answer; of a long one only its beginning, whose end is not waited for. */
export async function beginning({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  const reader = body?.getReader();
  try {
    for (let bytes = 0; bytes < ANSWER_BYTES_MAX;) {
      const { value, done = true } = await reader?.read() ?? {};
      if (done || value === undefined) break;
      bytes += value.byteLength;
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    reader?.cancel().catch(() => {});
  }
  return text;
}

function kindOf(
  status: number,
  hasToken: boolean,
): { readonly kind: UpstreamFailure; readonly step: string } {
  switch (status) {
    case 401:
    case 403:
      return {
        kind: "credential",
        step: hasToken
          ? "; the token in --upstream-token-file needs the right of a relay there"
          : "; name a token with the right of a relay in --upstream-token-file",
      };
    case 404:
      return {
        kind: "no-relays",
        step: "; it serves relays with --relay-streams-max above 0",
      };
    case 406:
      return { kind: "version", step: "" };
    case 429:
    case 503:
      return {
        kind: "busy",
        step:
          "; its operator can raise --relay-streams-max or --address-share-percent",
      };
  }
  return { kind: "answer", step: "" };
}

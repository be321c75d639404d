// Reads a stream over as many connections as necessary, until it is complete, refused, or too many attempts failed.
// Invariant: only attempts that bring no data count as failed, and each waits longer than the one before.
import { type Credential, CredentialError } from "./credential.ts";

const FIRST_WAIT_MS = 1000;
const WAIT_MS_MAX = 10_000;
/** The longest wait that an answer may ask for: some proxies ask for an hour. */
const ASKED_MS_MAX = 60_000;
/** Answers to a request that is right, and too early, or one too many: after a cut, the server may still count the stream that was cut. */
const TOO_SOON = [408, 425, 429];
/** How often a wait looks whether it is over early. */
const CHECK_MS = 1000;
/** The server sends a heartbeat every 15 s, so a connection without data for this long is dead. */
const SILENCE_MS_MAX = 60_000;

/** How a stream ended. */
export type Outcome =
  | { readonly kind: "complete" }
  | { readonly kind: "stopped" }
  | { readonly kind: "refused"; readonly detail: string }
  | { readonly kind: "broken"; readonly detail: string };

/** How one connection ended; `again`: another one can continue the stream. */
export type Attempt =
  | Outcome
  | {
    readonly kind: "again";
    readonly reason: string;
    /** Events: the wait that the server has asked for, ms. */
    readonly retryMs?: number | undefined;
    /** Whether the wait need not continue. */
    readonly isWaitOver?: () => Promise<boolean>;
    /** The cause lasts, unless earlier connections have shown that it is new. */
    readonly isLasting?: boolean;
  };

export interface RetryingOptions {
  readonly retriesMax: number;
  readonly signal: AbortSignal;
  /** Receives a text before each wait: why the connection was lost, and when the next attempt follows. */
  readonly onRetry: (text: string) => void;
  /** Wait after the first failed attempt. @default 1000 */
  readonly waitMs?: number;
  /** From 0 to below 1, for the jitter of waits. @default Math.random */
  readonly random?: () => number;
  /** Waits for a time, or until the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** How one connection is requested and read. */
export interface Connection {
  /** URL and headers of the next connection, which continues after the data received so far. */
  readonly request: () => {
    url: string;
    headers?: Readonly<Record<string, string>> | undefined;
    client?: Deno.HttpClient | undefined;
  };
  readonly credential: Credential;
  /** Reads a response body; calls `onProgress` for new data. */
  readonly read: (
    body: ReadableStream<Uint8Array>,
    onProgress: () => void,
  ) => Promise<Attempt>;
}

/** Reads a stream to its end. Throws errors of `read` that are no lost connection, as of a full disk. */
export async function readRetrying(
  connection: Connection,
  options: RetryingOptions,
): Promise<Outcome> {
  const { retriesMax, signal, onRetry } = options;
  const wait = options.sleep ?? sleep;
  const random = options.random ?? Math.random;
  let failures = 0;
  let hasData = false;
  for (;;) {
    let retryAfterMs = 0;
    const result = await attempt(connection, signal, {
      onProgress: () => {
        failures = 0;
        hasData = true;
      },
      onRetryAfter: (ms) => retryAfterMs = ms,
    });
    if (signal.aborted) return { kind: "stopped" };
    if (result.kind !== "again") return result;
    if (result.isLasting && !hasData) {
      return { kind: "refused", detail: result.reason };
    }
    if (failures >= retriesMax) {
      return { kind: "broken", detail: `${result.reason}; gave up` };
    }
    const firstMs = result.retryMs ?? options.waitMs ?? FIRST_WAIT_MS;
    const backOffMs = Math.min(firstMs * 2 ** failures, WAIT_MS_MAX);
    const waitMs = withJitter(backOffMs, retryAfterMs, random());
    failures++;
    onRetry(`${result.reason}; next attempt in ${waitMs / 1000} s`);
    await waitUntil(result.isWaitOver, waitMs, wait, signal);
    if (signal.aborted) return { kind: "stopped" };
  }
}

async function waitUntil(
  isOver: (() => Promise<boolean>) | undefined,
  ms: number,
  wait: (ms: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (isOver === undefined) return await wait(ms, signal);
  for (let left = ms; left > 0 && !signal.aborted; left -= CHECK_MS) {
    await wait(Math.min(left, CHECK_MS), signal);
    if (await isOver()) return;
  }
}

/**
 * From half of the wait to one and a half of it, so that clients that were cut off together do not come back together;
 * never before the time of `Retry-After`. `random`: 0 to 1.
 */
function withJitter(
  backOffMs: number,
  retryAfterMs: number,
  random: number,
): number {
  return Math.round(
    backOffMs > retryAfterMs
      ? Math.max(retryAfterMs, backOffMs * (0.5 + random))
      : retryAfterMs + backOffMs * random,
  );
}

async function attempt(
  { request, read, credential }: Connection,
  signal: AbortSignal,
  listener: { onProgress: () => void; onRetryAfter: (ms: number) => void },
): Promise<Attempt> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
  const restartTimer = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
  };
  const { url, headers, client } = request();
  try {
    const response = await fetch(url, {
      headers: { ...await credential.headers(), ...headers },
      ...(client && { client }),
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (response.status === 204) return { kind: "complete" };
    if (!response.ok || response.body === null) {
      const after = Number(response.headers.get("retry-after"));
      if (after > 0) {
        listener.onRetryAfter(Math.min(after * 1000, ASKED_MS_MAX));
      }
      return await refusalOf(response, credential);
    }
    const body = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          restartTimer();
          controller.enqueue(chunk);
        },
      }),
    );
    return await read(body, listener.onProgress);
  } catch (error) {
    if (signal.aborted) return { kind: "stopped" };
    if (silence.signal.aborted) {
      const reason = `no data for ${SILENCE_MS_MAX / 1000} s`;
      return { kind: "again", reason };
    }
    if (error instanceof CredentialError) {
      const isWaitOver = () => credential.canSend();
      return { kind: "again", reason: error.message, isWaitOver };
    }
    const untrusted = certificateFault(error);
    if (untrusted !== null) {
      return { kind: "again", reason: untrusted, isLasting: true };
    }
    if (error instanceof TypeError || isLostConnection(error)) {
      return { kind: "again", reason: `no connection: ${rootOf(error)}` };
    }
    throw error; // A bug, or a file that cannot be written.
  } finally {
    clearTimeout(timer);
  }
}

async function refusalOf(
  response: Response,
  credential: Credential,
): Promise<Attempt> {
  const { status } = response;
  const reason = await detailOf(response, credential);
  const isRenewed = status === 401 && credential.refuse();
  if (status >= 500 || isRenewed) return { kind: "again", reason };
  return TOO_SOON.includes(status)
    ? { kind: "again", reason, isLasting: true }
    : { kind: "refused", detail: reason };
}

function isLostConnection(error: unknown): boolean {
  return error instanceof Deno.errors.Http ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.UnexpectedEof ||
    error instanceof Deno.errors.BrokenPipe;
}

function rootOf(error: unknown): string {
  return rootMessageOf(error).split(": ").at(-1)!;
}

function rootMessageOf(error: unknown): string {
  let root = error as Error;
  while (root.cause instanceof Error) root = root.cause;
  return root.message;
}

/** What to do about the server's certificate, if it is the cause of an error; else null. */
export function certificateFault(error: unknown): string | null {
  const [, why] = /invalid peer certificate: (.+)/.exec(rootMessageOf(error)) ??
    [];
  if (why === undefined) return null;
  const remedy = why.includes("CaUsedAsEndEntity")
    ? "it is that of an authority (CA:TRUE), which cannot be the server's own"
    : why.includes("UnknownIssuer")
    ? "--cacert FILE names the authority to trust"
    : "it must be valid now, and for this name";
  return `the server's certificate is not accepted (${why}): ${remedy}`;
}

/** Ends of a stream whose credential is no longer accepted. */
const CREDENTIAL_ENDS: ReadonlySet<string> = new Set(["expired", "revoked"]);

/** Whether a stream that has ended so can continue with another credential. */
export function isRenewedAfter(end: string, credential: Credential): boolean {
  return CREDENTIAL_ENDS.has(end) && credential.refuse();
}

/** Why the server refused a request: the problem's detail and near names, or the status. */
export async function detailOf(
  response: Response,
  credential: Credential,
): Promise<string> {
  const text = await response.text().catch(() => "");
  const scheme = response.headers.get("www-authenticate") ?? "";
  if (credential.isNone && /^bearer\b/i.test(scheme)) {
    return "the server needs a token: give it by --token-file FILE, or in the variable QANAT_TOKEN";
  }
  try {
    const { detail, unknown } = JSON.parse(text) as {
      detail?: string;
      unknown?: { name: string; near: string[] }[];
    };
    const near = (unknown ?? []).flatMap((u) => u.near);
    if (detail) {
      return near.length > 0
        ? `${detail}. Near: ${near.slice(0, 5).join(", ")}`
        : detail;
    }
  } catch {
    // Not an answer of Qanat, as from a proxy: only the status is known.
  }
  return `the server answered ${response.status} ${response.statusText}`.trim();
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}

// Opens a stream again and again until it is over, refused, or has brought nothing for too long.
// Invariant: the next try asks behind what has come; tries that bring nothing are counted, and wait longer each time.

const WAIT_MS_MAX = 10_000;
/** No byte for so long, though the server sends a heartbeat every 15 s: the connection is dead. */
const SILENCE_MS_MAX = 60_000;

/** How a whole stream came out. */
export type Outcome =
  | { readonly kind: "complete" }
  | { readonly kind: "stopped" }
  | { readonly kind: "refused"; readonly detail: string }
  | { readonly kind: "broken"; readonly detail: string };

/** How one connection came out. `again` asks for another. */
export type Try = Outcome | { readonly kind: "again"; readonly why: string };

export interface RetryingOptions {
  readonly retriesMax: number;
  readonly signal: AbortSignal;
  /** Tells that the connection is lost and what happens next. */
  readonly onTrouble: (text: string) => void;
  /** @default 1000 */
  readonly waitMs?: number;
  /** Waits, or until stopped. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What a connection hands over as it comes. */
export interface Connection {
  /** The next URL and headers, behind what has come. */
  readonly request: () => {
    url: string;
    headers?: Readonly<Record<string, string>> | undefined;
  };
  /** Reads a body; `brought` is called for whatever moves the stream on. */
  readonly read: (
    body: ReadableStream<Uint8Array>,
    brought: () => void,
  ) => Promise<Try>;
}

/** Reads a stream to its end over as many connections as it takes. */
export async function readRetrying(
  connection: Connection,
  options: RetryingOptions,
): Promise<Outcome> {
  const { retriesMax, signal, onTrouble } = options;
  const wait = options.sleep ?? sleep;
  const firstMs = options.waitMs ?? 1000;
  let fruitless = 0;
  for (;;) {
    let retryAfterMs = 0;
    const result = await attempt(connection, signal, {
      brought: () => fruitless = 0,
      retryAfter: (ms) => retryAfterMs = ms,
    });
    if (signal.aborted) return { kind: "stopped" };
    if (result.kind !== "again") return result;
    if (fruitless >= retriesMax) {
      return { kind: "broken", detail: `${result.why}; gave up` };
    }
    const backOffMs = Math.min(firstMs * 2 ** fruitless, WAIT_MS_MAX);
    const waitMs = Math.max(backOffMs, retryAfterMs);
    fruitless++;
    onTrouble(`${result.why}; again in ${waitMs / 1000} s`);
    await wait(waitMs, signal);
    if (signal.aborted) return { kind: "stopped" };
  }
}

async function attempt(
  { request, read }: Connection,
  signal: AbortSignal,
  tell: { brought: () => void; retryAfter: (ms: number) => void },
): Promise<Try> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
  };
  const { url, headers } = request();
  try {
    const response = await fetch(url, {
      headers: headers ?? {},
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (response.status === 204) return { kind: "complete" };
    if (!response.ok || response.body === null) {
      const detail = await detailOf(response);
      const after = Number(response.headers.get("retry-after"));
      if (after > 0) tell.retryAfter(after * 1000);
      return response.status >= 500
        ? { kind: "again", why: detail }
        : { kind: "refused", detail };
    }
    const body = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          heard();
          controller.enqueue(chunk);
        },
      }),
    );
    return await read(body, tell.brought);
  } catch (error) {
    if (signal.aborted) return { kind: "stopped" };
    if (silence.signal.aborted) {
      return { kind: "again", why: `nothing came for ${SILENCE_MS_MAX} ms` };
    }
    if (error instanceof TypeError || isLostConnection(error)) {
      return { kind: "again", why: `no connection: ${rootOf(error)}` };
    }
    throw error; // a bug, or a file that cannot be written
  } finally {
    clearTimeout(timer);
  }
}

function isLostConnection(error: unknown): boolean {
  return error instanceof Deno.errors.Http ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.UnexpectedEof ||
    error instanceof Deno.errors.BrokenPipe;
}

function rootOf(error: unknown): string {
  let root = error as Error;
  while (root.cause instanceof Error) root = root.cause;
  return root.message.split(": ").at(-1)!;
}

/** What the server says of a request that it did not take. */
export async function detailOf(response: Response): Promise<string> {
  const text = await response.text().catch(() => "");
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
    // Not of Qanat's making: the status says what there is to say.
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

// Reads and decodes the bodies of requests. Each body has a limit of bytes and time, and all share one memory budget.
// Invariant: the bytes that a body took from the budget are returned when it is disposed of or its reading fails.
import type { SharePool } from "../../shares/share_pool.ts";
import { ClientGoneError, LimitError } from "./limit_error.ts";

export interface RequestBodiesOptions {
  /** Most bytes of one body. */
  readonly bytesMax: number;
  /** Bytes of all bodies that are being read or processed. */
  readonly budget: SharePool;
  /** Time until a whole body must have arrived, ms. */
  readonly bodyMs: number;
  /** Calls `call` after `ms`, unless the returned function is called first. @default setTimeout */
  readonly timer?: (call: () => void, ms: number) => () => void;
}

/** A body that has arrived whole. It holds its part of the budget until it is disposed of. */
export interface RequestBody extends Disposable {
  readonly text: string;
}

/** A body is not valid UTF-8. */
export class BadTextError extends Error {
  override name = "BadTextError";
}

/** The request bodies of one instance. */
export class RequestBodies {
  readonly #options: RequestBodiesOptions;
  readonly #timer: (call: () => void, ms: number) => () => void;
  #usedBytes = 0;

  constructor(options: RequestBodiesOptions) {
    this.#options = options;
    this.#timer = options.timer ?? timeout;
  }

  /** Bytes of all bodies in memory. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Reads a whole body. Throws {@linkcode LimitError}, {@linkcode BadTextError} or {@linkcode ClientGoneError}. */
  async read(request: Request): Promise<RequestBody> {
    const { bytesMax, bodyMs } = this.#options;
    if (Number(request.headers.get("content-length") ?? 0) > bytesMax) {
      throw tooLarge(bytesMax);
    }
    const reader = request.body?.getReader();
    if (!reader) return { text: "", [Symbol.dispose]: () => {} };
    let bytes = 0;
    const release = () => {
      if (bytes > 0) this.#options.budget.release("", bytes);
      this.#usedBytes -= bytes;
      bytes = 0;
    };
    let isLate = false;
    const cancelTimer = this.#timer(() => {
      isLate = true;
      cancel(reader);
    }, bodyMs);
    try {
      const decoder = new TextDecoder("utf-8", { fatal: true });
      const parts: string[] = [];
      for (;;) {
        const value = await nextOf(reader, () => isLate);
        if (isLate) throw tooSlow(bodyMs);
        if (value === null) break;
        if (bytes + value.length > bytesMax) throw tooLarge(bytesMax);
        this.#take(value.length);
        bytes += value.length;
        parts.push(decoded(decoder, value));
      }
      parts.push(decoded(decoder));
      return { text: parts.join(""), [Symbol.dispose]: release };
    } catch (error) {
      release();
      cancel(reader);
      throw error;
    } finally {
      cancelTimer();
    }
  }

  #take(bytes: number): void {
    const { budget } = this.#options;
    if (budget.take("", bytes) !== null) {
      throw new LimitError("body-memory", {
        detail:
          `The bodies of all requests together would exceed ${budget.capacity} bytes (--bodies-mb); try again later`,
      });
    }
    this.#usedBytes += bytes;
  }
}

/** The next bytes; null at the end, or when the body is late. */
async function nextOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  isLate: () => boolean,
): Promise<Uint8Array | null> {
  try {
    return (await reader.read()).value ?? null;
  } catch (error) {
    if (isLate()) return null;
    throw new ClientGoneError(
      `The body ended early: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function decoded(decoder: TextDecoder, bytes?: Uint8Array): string {
  try {
    return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
  } catch {
    throw new BadTextError("The body is not UTF-8");
  }
}

function cancel(reader: ReadableStreamDefaultReader<Uint8Array>): void {
  reader.cancel().catch(() => {}); // rejects on a stream that has failed already
}

function tooLarge(bytesMax: number): LimitError {
  return new LimitError("body-bytes", {
    detail: `The body may have at most ${bytesMax} bytes`,
  });
}

function tooSlow(bodyMs: number): LimitError {
  return new LimitError("body-time", {
    detail: `The body did not arrive within ${bodyMs} ms (--request-ms)`,
  });
}

function timeout(call: () => void, ms: number): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}

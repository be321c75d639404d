// Reads the bodies of requests: counted in bytes while they come, decoded, all of them together within one budget.
// Invariant: bytes that were taken from the budget come back when the body is disposed of, on every path.
import { ClientGoneError, LimitError } from "./limit_error.ts";

export interface RequestBodiesOptions {
  /** Of one body. */
  readonly bytesMax: number;
  /** Of all bodies that are read or worked on. */
  readonly budgetBytes: number;
  /** A body may take to come, ms. */
  readonly bodyMs: number;
  /** Calls back in so many ms unless the returned function is called. @default setTimeout */
  readonly timer?: (call: () => void, ms: number) => () => void;
}

/** A body that has come whole. It keeps its memory until it is disposed of. */
export interface RequestBody extends Disposable {
  readonly text: string;
}

/** A body that is no UTF-8. */
export class BadTextError extends Error {
  override name = "BadTextError";
}

/** The bodies of one instance's requests. */
export class RequestBodies {
  readonly #options: RequestBodiesOptions;
  readonly #timer: (call: () => void, ms: number) => () => void;
  #usedBytes = 0;

  constructor(options: RequestBodiesOptions) {
    this.#options = options;
    this.#timer = options.timer ?? timeout;
  }

  /** Bytes of bodies in memory. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Throws {@linkcode LimitError}, {@linkcode BadTextError} or {@linkcode ClientGoneError}. */
  async read(request: Request): Promise<RequestBody> {
    const { bytesMax, bodyMs } = this.#options;
    if (Number(request.headers.get("content-length") ?? 0) > bytesMax) {
      throw tooLarge(bytesMax);
    }
    const reader = request.body?.getReader();
    if (!reader) return { text: "", [Symbol.dispose]: () => {} };
    let bytes = 0;
    const release = () => {
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
    const { budgetBytes } = this.#options;
    if (this.#usedBytes + bytes > budgetBytes) {
      throw new LimitError("body-memory", {
        title: "Busy",
        detail:
          `The bodies of all requests together have reached ${budgetBytes} bytes (--bodies-mb): ` +
          `try again later`,
      });
    }
    this.#usedBytes += bytes;
  }
}

/** The next bytes; null at the end. */
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
  reader.cancel().catch(() => {}); // a stream that has failed says so again
}

function tooLarge(bytesMax: number): LimitError {
  return new LimitError("body-bytes", {
    title: "Body too large",
    detail: `The body may have at most ${bytesMax} bytes`,
  });
}

function tooSlow(bodyMs: number): LimitError {
  return new LimitError("body-time", {
    title: "Body too slow",
    detail: `The body has not come within ${bodyMs} ms (--request-ms)`,
  });
}

function timeout(call: () => void, ms: number): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}

// Notices on a socket's native handle that a stream's client has gone. node:http takes 80 µs to tell of each, and all that
// go at once it tells of before anything else has a turn; this takes a few, and the owner has the rest done in slices.
// Invariant: bytes that arrive are node's, each once and in order, and node has the socket back from the first of them
// (test/http/transport/read_watch_test.ts). Why: docs/decisions/0018.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Who is told, once, that nothing more will come: the other side has closed, or the connection broke. */
export interface EndTaker {
  readingEnded(): void;
}

type OnRead = (this: Handle, buffer?: unknown, ...more: unknown[]) => unknown;

interface Handle {
  onread: OnRead;
  reading: boolean;
  /** Whether node's HTTP parser reads in the place of `onread`. */
  _consumed?: boolean;
  readStart(): number;
  readStop(): number;
  [WATCH]?: ReadWatch;
}

interface Parser {
  incoming: IncomingMessage | null;
  _consumed: boolean;
  unconsume(): void;
}

const WATCH = Symbol("watch");

/** Reads in the place of node:http until something comes. */
export class ReadWatch {
  readonly #handle: Handle;
  /** What read before. */
  readonly #onread: OnRead;
  readonly #taker: EndTaker;

  private constructor(handle: Handle, taker: EndTaker) {
    this.#handle = handle;
    this.#onread = handle.onread;
    this.#taker = taker;
  }

  /** Null where the runtime has no such handles, or more of the client's is or may be on its way to node. */
  static begin(outgoing: ServerResponse, taker: EndTaker): ReadWatch | null {
    const { req, socket } = outgoing;
    const parser = parserOf(socket);
    const handle = handleOf(socket);
    if (parser === null || handle === null) return null;
    // A request behind this one has its own place in node's queue.
    if (!req.complete || parser.incoming !== req || !handle.reading) {
      return null;
    }
    if (handle.readStop() !== 0) return null;
    if (parser._consumed) {
      parser.unconsume();
      parser._consumed = handle._consumed = false;
    }
    const watch = new ReadWatch(handle, taker);
    handle[WATCH] = watch;
    // It is looked at when reading starts.
    handle.onread = ReadWatch.#read;
    if (handle.readStart() === 0) return watch;
    watch.#restore();
    return null;
  }

  /** Has node read again. Harmless when it does. */
  giveBack(): void {
    if (this.#handle[WATCH] !== this) return;
    this.#restore();
    // One that is closed says that it cannot: its end is on its way to node.
    if (this.#handle.readStop() === 0) this.#handle.readStart();
  }

  #restore(): void {
    delete this.#handle[WATCH];
    this.#handle.onread = this.#onread;
  }

  /** One for all handles, so that a client costs no closure. */
  static #read(this: Handle, buffer?: unknown, ...more: unknown[]): unknown {
    const watch = this[WATCH];
    if (watch === undefined) return;
    if (buffer === undefined) {
      this.readStop();
      return watch.#taker.readingEnded();
    }
    watch.giveBack();
    return watch.#onread.call(this, buffer, ...more);
  }
}

function parserOf(socket: Socket | null): Parser | null {
  const { parser } = (socket ?? {}) as { parser?: Partial<Parser> | null };
  const isKnown = typeof parser?.unconsume === "function" &&
    typeof parser._consumed === "boolean" && parser.incoming !== undefined;
  return isKnown ? parser as Parser : null;
}

function handleOf(socket: Socket | null): Handle | null {
  const { _handle } = (socket ?? {}) as { _handle?: Partial<Handle> | null };
  const isKnown = typeof _handle?.onread === "function" &&
    typeof _handle.readStart === "function" &&
    typeof _handle.readStop === "function";
  return isKnown ? _handle as Handle : null;
}

// Watches a stream's socket through its native handle, to notice when the client disconnects. node:http needs 80 µs for
// each client that leaves, and handles all that leave at once before any other work; this needs a few microseconds, and
// the owner cleans up in slices. Invariant: when bytes arrive, node reads the socket again, from the first of these
// bytes on: it receives each byte once and in order (test/http/transport/read_watch_test.ts). Why: docs/decisions/0018.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Is notified, once, that no more bytes will arrive: the client has closed the connection, or it broke. */
export interface EndListener {
  readingEnded(): void;
}

type OnRead = (this: Handle, buffer?: unknown, ...more: unknown[]) => unknown;

interface Handle {
  onread: OnRead;
  reading: boolean;
  /** Whether node's HTTP parser reads the handle directly, without `onread`. */
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

/** Reads a socket instead of node:http, until bytes arrive. */
export class ReadWatch {
  readonly #handle: Handle;
  /** Node's own function, restored by giveBack(). */
  readonly #onread: OnRead;
  readonly #listener: EndListener;

  private constructor(handle: Handle, listener: EndListener) {
    this.#handle = handle;
    this.#onread = handle.onread;
    this.#listener = listener;
  }

  /** Starts to watch. Null on a runtime without such handles, and where node may still have bytes of the client to read. */
  static begin(
    outgoing: ServerResponse,
    listener: EndListener,
  ): ReadWatch | null {
    const { req, socket } = outgoing;
    const parser = parserOf(socket);
    const handle = handleOf(socket);
    if (parser === null || handle === null) return null;
    // A request behind this one waits in node's own queue.
    if (!req.complete || parser.incoming !== req || !handle.reading) {
      return null;
    }
    if (handle.readStop() !== 0) return null;
    if (parser._consumed) {
      parser.unconsume();
      parser._consumed = handle._consumed = false;
    }
    const watch = new ReadWatch(handle, listener);
    handle[WATCH] = watch;
    // The handle reads this field when reading starts.
    handle.onread = ReadWatch.#read;
    if (handle.readStart() === 0) return watch;
    watch.#restore();
    return null;
  }

  /** Lets node read again. Does nothing when node already reads. */
  giveBack(): void {
    if (this.#handle[WATCH] !== this) return;
    this.#restore();
    // readStop() fails on a closed handle; node is then notified of the end anyway.
    if (this.#handle.readStop() === 0) this.#handle.readStart();
  }

  #restore(): void {
    delete this.#handle[WATCH];
    this.#handle.onread = this.#onread;
  }

  /** One function for all handles, so that a client costs no closure. */
  static #read(this: Handle, buffer?: unknown, ...more: unknown[]): unknown {
    const watch = this[WATCH];
    if (watch === undefined) return;
    if (buffer === undefined) {
      this.readStop();
      return watch.#listener.readingEnded();
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

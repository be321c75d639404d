// Shares one connection between its calls: messages that find no room in it wait here, and go out call by call in turn.
// Invariant: while a call waits, no other call of the connection writes before its turn. Why: the runtime's library
// (Deno 2.9.6) serves the calls in the order of their numbers, and takes all that a socket does not (docs/flight.md).
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { setImmediate } from "node:timers";

/**
 * Bytes of a connection that may wait in memory for its socket. More than the socket's highWaterMark, so that "drain"
 * always follows.
 */
const SOCKET_BYTES_MAX = 256 * 1024;

/** What is known of a connection. */
export type WritableSession =
  & Pick<ServerHttp2Session, "destroyed">
  & {
    readonly state: Pick<ServerHttp2Session["state"], "remoteWindowSize">;
    readonly socket: Pick<
      ServerHttp2Session["socket"],
      "writableLength" | "on"
    >;
  };

/** The calls of a connection that wait for room in it. */
export class ConnectionWrites {
  readonly #session: WritableSession;
  /** In the order of their turns. */
  readonly #waiting = new Set<CallWrites>();
  /** Bytes that may be written before the connection is asked again. */
  #room = 0;
  /** Whether something was written since the connection was asked: the library may not have seen it yet. */
  #isStale = false;
  #isScheduled = false;

  constructor(session: WritableSession) {
    this.#session = session;
    // The client has read, or has opened a window.
    session.socket.on("drain", () => this.wake());
    session.socket.on("data", () => this.wake());
  }

  /** Whether a call may write now; then the bytes count as written. */
  mayWrite(bytes: number): boolean {
    if (this.#waiting.size > 0) return false;
    if (this.#room <= 0 && !this.#isStale) this.#ask();
    if (this.#room <= 0) return false;
    this.#wrote(bytes);
    return true;
  }

  /** Gives a call its turn, once those before it had theirs. */
  wait(call: CallWrites): void {
    this.#waiting.add(call);
    if (this.#isStale) this.#schedule();
  }

  forget(call: CallWrites): void {
    this.#waiting.delete(call);
  }

  /** Looks for room again, where calls wait. */
  wake(): void {
    if (this.#waiting.size > 0) this.#schedule();
  }

  /** In a later turn of the event loop: the library has seen by then what was written and what has arrived. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#resume());
  }

  #resume(): void {
    this.#isScheduled = false;
    this.#ask();
    // A call that has more comes again in this loop, after the others.
    for (const call of this.#waiting) {
      if (this.#room <= 0) break;
      this.#waiting.delete(call);
      this.#wrote(call.writeNext());
      if (call.isWaiting) this.#waiting.add(call);
    }
    if (this.#isStale) this.wake();
  }

  #wrote(bytes: number): void {
    this.#room -= bytes;
    this.#isStale = true;
  }

  #ask(): void {
    const { destroyed, state, socket } = this.#session;
    this.#isStale = false;
    this.#room = destroyed ? 0 : Math.min(
      state.remoteWindowSize ?? 0,
      SOCKET_BYTES_MAX - socket.writableLength,
    );
  }
}

interface Message {
  readonly bytes: Uint8Array;
  readonly onWritten: () => void;
}

/** What one call writes. Its messages go out in their order. */
export class CallWrites {
  readonly #stream: Pick<ServerHttp2Stream, "write" | "end">;
  readonly #connection: ConnectionWrites;
  readonly #waiting: Message[] = [];
  #isEnding = false;

  constructor(
    stream: Pick<ServerHttp2Stream, "write" | "end">,
    connection: ConnectionWrites,
  ) {
    this.#stream = stream;
    this.#connection = connection;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** `onWritten`: called when the library has put all of it into frames, within the windows of call and connection. */
  write(bytes: Uint8Array, onWritten: () => void): void {
    if (!this.isWaiting && this.#connection.mayWrite(bytes.byteLength)) {
      this.#stream.write(bytes, onWritten);
      return;
    }
    this.#waiting.push({ bytes, onWritten });
    this.#connection.wait(this);
  }

  /** Ends the call after everything that was written. */
  end(): void {
    if (this.isWaiting) this.#isEnding = true;
    else this.#stream.end();
  }

  /** Writes the message that waits first. Returns its length. */
  writeNext(): number {
    const { bytes, onWritten } = this.#waiting.shift()!;
    this.#stream.write(bytes, onWritten);
    if (!this.isWaiting && this.#isEnding) this.#stream.end();
    return bytes.byteLength;
  }

  /** Drops what waits, without a callback. */
  close(): void {
    this.#waiting.length = 0;
    this.#connection.forget(this);
  }
}

// Hands node's HTTP parser the bytes of one connection, one request at a time: later bytes wait until the answer has
// been sent. Node alone would parse and start every request that a packet contains.
// Invariant: at most one request of a connection is under way; the waiting bytes are bounded (HELD_BYTES_MAX).
// Why: docs/decisions/0024.
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { PacedResponse } from "./paced_response.ts";

/** Most bytes that may wait behind an unfinished answer; more than a client that pipelines requests sends. */
export const HELD_BYTES_MAX = 64 * 1024;
/** Most bytes of a body whose length is not known, with its framing. */
export const CHUNKED_BYTES_MAX = 8 * 1024 * 1024;
/** Bytes that are parsed in one turn of the event loop: a chunk of one byte costs the parser about 3 µs. */
const TURN_BYTES = 4096;
/** Most bytes that are read and dropped after the last answer: unread bytes would reset the connection and lose it. */
const LINGER_BYTES_MAX = 4 * 1024 * 1024;

const HEAD_END = Buffer.from("\r\n\r\n");
const EMPTY = Buffer.alloc(0);
const CR = 13;
const LF = 10;

/**
 * `fresh`: no byte has arrived. `head`: a request has begun. `body`: its head is complete. `answer`: its body is
 * complete. `idle`: between two requests. `closing`: the last answer has been given; further bytes are dropped.
 */
export type Phase = "fresh" | "head" | "body" | "answer" | "idle" | "closing";

/** What a gate needs of the collection of all connections. */
export interface GateHost {
  readonly nowMs: () => number;
  /** Whether a connection is closed after the answer that is under way. */
  readonly isLastAnswer: boolean;
  /** Reserves memory for waiting bytes, or releases it (negative). False when there is none left. */
  hold(byteLength: number): boolean;
  /** The client has sent too much behind an unfinished answer. */
  overrun(gate: RequestGate): void;
  /** Node has parsed a request that did not pass through the gate, which is removed. */
  bypassed(): void;
  /** A chunked body, with its framing, is too long. */
  bodyTooLong(gate: RequestGate): void;
}

const GATE = Symbol("gate");
type Gated = Socket & { [GATE]?: RequestGate };
type OnData = (this: Socket, bytes: Buffer) => void;

/** The gate of one connection. */
export class RequestGate {
  phase: Phase = "fresh";
  /** When the phase began; in `answer`, when the client last read bytes. */
  sinceMs: number;
  /** When the request under way began. */
  requestMs = 0;
  readonly socket: Socket;
  readonly #host: GateHost;
  /** Node's own listener, which feeds the parser. */
  readonly #parse: OnData;
  #request: IncomingMessage | null = null;
  #response: PacedResponse | null = null;
  #held: Buffer | null = null;
  #isScheduled = false;
  /** Bytes of the body that have not arrived; -1 for a chunked body. */
  #bodyLeft = 0;
  #chunkedBytes = 0;
  #lingerBytes = 0;
  /** The last three bytes that were parsed: the end of a head may be split over two packets. */
  #tail: Buffer = EMPTY;

  private constructor(socket: Socket, host: GateHost, parse: OnData) {
    this.socket = socket;
    this.#host = host;
    this.#parse = parse;
    this.sinceMs = host.nowMs();
  }

  /** Puts a gate between a socket and node's parser. Null on a runtime that wires them in another way. */
  static put(socket: Socket, host: GateHost): RequestGate | null {
    const [parse, ...more] = socket.listeners("data") as OnData[];
    if (parse === undefined || more.length > 0) return null;
    const gate = new RequestGate(socket, host, parse);
    (socket as Gated)[GATE] = gate;
    socket.removeListener("data", parse);
    socket.on("data", onData);
    return gate;
  }

  static of(socket: Socket): RequestGate | undefined {
    return (socket as Gated)[GATE];
  }

  get response(): PacedResponse | null {
    return this.#response;
  }

  get heldBytes(): number {
    return this.#held?.length ?? 0;
  }

  /** Node has parsed the head of a request. */
  begin(request: IncomingMessage, response: PacedResponse): void {
    if (this.#response !== null) return this.#host.overrun(this);
    if (this.phase !== "head") return this.#remove();
    this.#request = request;
    this.#response = response;
    const { headers } = request;
    this.#bodyLeft = headers["transfer-encoding"] !== undefined
      ? -1
      : Number(headers["content-length"] ?? 0);
    this.#chunkedBytes = 0;
    this.phase = "body";
    this.sinceMs = this.#host.nowMs();
    response.isGated = true;
    response.once("finish", onFinish);
  }

  /**
   * A runtime whose parser reads the socket in another way goes past the gate. Then its times mean nothing, and the
   * connection has those of node alone.
   */
  #remove(): void {
    delete (this.socket as Gated)[GATE];
    this.socket.removeListener("data", onData);
    this.socket.on("data", this.#parse);
    this.#host.bypassed();
  }

  /** Parses nothing more, and ends the socket after what has been written. */
  closeSoon(): void {
    if (this.phase === "closing") return;
    this.phase = "closing";
    this.sinceMs = this.#host.nowMs();
    this.#dropHeld();
    this.socket.end();
    this.socket.resume();
  }

  /** The connection has closed. */
  closed(): void {
    this.phase = "closing";
    this.#dropHeld();
    this.#request = this.#response = null;
  }

  /** Bytes from the client. */
  take(bytes: Buffer): void {
    if (this.phase === "closing") {
      this.#lingerBytes += bytes.length;
      if (this.#lingerBytes > LINGER_BYTES_MAX) this.socket.pause();
      return;
    }
    if (this.#held === null && !this.#mustWait()) return this.#feed(bytes);
    // A body is being parsed in turns: the socket is paused, but these bytes had been read before.
    if (!this.#mustWait()) return void this.#hold(bytes);
    if (this.heldBytes + bytes.length > HELD_BYTES_MAX) {
      return this.#host.overrun(this);
    }
    this.#hold(bytes);
  }

  /** The answer has been sent. */
  finished(): void {
    if (this.phase === "closing") return;
    if (this.#response?.isLast || this.#host.isLastAnswer) {
      return this.closeSoon();
    }
    this.#request = this.#response = null;
    this.phase = "idle";
    this.sinceMs = this.#host.nowMs();
    if (this.#held !== null) this.#schedule();
  }

  #mustWait(): boolean {
    return this.#response !== null && this.#request!.complete;
  }

  #feed(bytes: Buffer): void {
    let at = 0;
    let turnBytes = TURN_BYTES;
    while (at < bytes.length) {
      if (this.#mustWait()) {
        this.phase = "answer";
        return this.#wait(bytes.subarray(at));
      }
      if (this.#response === null && this.phase !== "head") {
        // Blank lines before a request mean nothing, and do not keep a connection open.
        while (bytes[at] === CR || bytes[at] === LF) at++;
        if (at === bytes.length) return;
        this.phase = "head";
        this.sinceMs = this.requestMs = this.#host.nowMs();
      }
      if (turnBytes <= 0) return this.#wait(bytes.subarray(at));
      const end = this.#pieceEnd(bytes, at, turnBytes);
      if (this.#bodyLeft <= 0) turnBytes -= Math.max(end - at, 64);
      this.#parsePiece(bytes, at, end);
      if ((this.phase as Phase) === "closing") return;
      at = end;
    }
    if (this.#mustWait()) this.phase = "answer";
    this.#readOn();
  }

  /** Where the next piece ends: never beyond the end of a request. */
  #pieceEnd(bytes: Buffer, at: number, turnBytes: number): number {
    if (this.#response !== null && this.#bodyLeft > 0) {
      return Math.min(bytes.length, at + this.#bodyLeft);
    }
    const limit = Math.min(bytes.length, at + turnBytes);
    if (this.#tail.length > 0 && bytes[at]! <= CR) {
      const seam = Buffer.concat([this.#tail, bytes.subarray(at, at + 3)]);
      const found = seam.indexOf(HEAD_END);
      if (found >= 0) return at + found + HEAD_END.length - this.#tail.length;
    }
    const found = bytes.indexOf(HEAD_END, at);
    return found < 0 ? limit : Math.min(limit, found + HEAD_END.length);
  }

  #parsePiece(bytes: Buffer, at: number, end: number): void {
    const piece = bytes.subarray(at, end);
    const isBody = this.#response !== null;
    if (isBody && this.#bodyLeft > 0) this.#bodyLeft -= piece.length;
    if (isBody && this.#bodyLeft < 0) {
      this.#chunkedBytes += piece.length;
      if (this.#chunkedBytes > CHUNKED_BYTES_MAX) {
        return this.#host.bodyTooLong(this);
      }
    }
    if (bytes[end - 1]! > CR) this.#tail = EMPTY;
    else if (piece.length > 2) this.#tail = Buffer.from(piece.subarray(-3));
    else this.#tail = Buffer.concat([this.#tail, piece]).subarray(-3);
    this.#parse.call(this.socket, piece);
  }

  /** Keeps bytes that cannot be parsed now. */
  #wait(bytes: Buffer): void {
    if (!this.#hold(bytes)) return;
    // The request is complete: reading continues, as only a read notices that the client has disconnected.
    if (this.#mustWait()) return this.#readOn();
    // Node's own mark of a paused socket: with it, a handler that reads the body does not resume the socket.
    (this.socket as Socket & { _paused?: boolean })._paused = true;
    this.socket.pause();
    this.#schedule();
  }

  /** Resumes reading after a pause, also after node's own pause for a body that no handler reads. */
  #readOn(): void {
    if (!this.socket.isPaused()) return;
    (this.socket as Socket & { _paused?: boolean })._paused = false;
    this.socket.resume();
  }

  #hold(bytes: Buffer): boolean {
    if (!this.#host.hold(bytes.length)) {
      this.#host.overrun(this);
      return false;
    }
    // Copied, as a few bytes would keep the whole buffer of the read.
    this.#held = this.#held === null
      ? Buffer.from(bytes)
      : Buffer.concat([this.#held, bytes]);
    return true;
  }

  #dropHeld(): void {
    if (this.#held === null) return;
    this.#host.hold(-this.#held.length);
    this.#held = null;
  }

  /** Continues in a later turn, so that many short requests on one connection leave time for others. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const held = this.#held;
      if (held === null || this.#mustWait()) return;
      this.#dropHeld();
      this.#feed(held);
    });
  }
}

/** One function for all sockets, so that a connection costs no closure. */
function onData(this: Socket, bytes: Buffer): void {
  RequestGate.of(this)?.take(bytes);
}

function onFinish(this: PacedResponse): void {
  // The response has lost its socket by now; the request still has it.
  RequestGate.of(this.req.socket)?.finished();
}

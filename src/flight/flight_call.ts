// One call over an HTTP/2 stream: reads the client's message, writes messages, and ends with the trailers of gRPC.
// Invariant: a call ends exactly once, with a status; what arrives after the first message is read and dropped.
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import {
  type RequestTrace,
  requestTraceOf,
} from "../telemetry/request_trace.ts";
import { GRPC_PREFIX_BYTES } from "../frames/flight_data.ts";
import type { SharePool } from "../shares/share_pool.ts";
import { CallWrites, type ConnectionWrites } from "./connection_writes.ts";
import { FlightError, OK_TRAILERS } from "./flight_error.ts";
import type { FlightFigures } from "./flight_figures.ts";

/** Longest message of a client: 10,000 names of 255 bytes fit. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** A client that has its whole answer may take so long to end its request. */
const LINGER_MS = 2000;
/** NO_ERROR: the answer is complete, and the server ignores the rest of the request. */
const RST_NO_ERROR = 0;
const RST_CANCEL = 8;
const INITIAL_BYTES = 1024;
const NO_BYTES = new Uint8Array(0);
const HEADERS = { ":status": 200, "content-type": "application/grpc" } as const;

export interface CallLimits {
  /** For the message to arrive. */
  readonly requestMs: number;
  /** For the client to read a message that is not part of a stream of rows; the hub watches over those. */
  readonly writeStallMs: number;
}

type Stage = "reading" | "answering" | "sending" | "ended";

export interface FlightCallParts {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** All headers Authorization, with `, ` between them; "" where there is none. */
  readonly authorization: string;
  /** Those of its connection. */
  readonly writes: ConnectionWrites;
  /** Bytes of the messages that are arriving, of all calls. */
  readonly messages: SharePool;
  /** The client's, in one spelling. */
  readonly address: string;
  readonly figures: FlightFigures;
  /** Milliseconds now, by the clock of check(). */
  readonly nowMs: number;
}

/** A call. */
export class FlightCall {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly authorization: string;
  readonly address: string;
  /** The ids by which it is found in the log. */
  readonly trace: RequestTrace;
  readonly #figures: FlightFigures;
  readonly #messages: SharePool;
  readonly #writes: CallWrites;
  readonly #message = Promise.withResolvers<Uint8Array>();
  /** Bytes of the first message and its frame, in a buffer that grows: a client may send them one by one. */
  #arrived = new Uint8Array(INITIAL_BYTES);
  #arrivedBytes = 0;
  #isReading = true;
  #isSending = false;
  /** Messages sent by send(). */
  #sent = 0;
  /** What check() found last, and since when. */
  #checkedStage: Stage = "reading";
  #checkedSent = 0;
  #sinceMs: number;
  #trailers: Readonly<Record<string, string>> | null = null;
  /** Called once, when the stream is closed, however that came. */
  onClose: () => void = () => {};

  constructor(parts: FlightCallParts) {
    const { stream, headers, figures } = parts;
    this.#writes = new CallWrites(stream, parts.writes);
    this.#sinceMs = parts.nowMs;
    this.stream = stream;
    this.headers = headers;
    this.authorization = parts.authorization;
    this.address = parts.address;
    this.trace = requestTraceOf({
      requestId: textOf(headers["x-request-id"]),
      traceparent: textOf(headers["traceparent"]),
    });
    this.#figures = figures;
    this.#messages = parts.messages;
    figures.calls++;
    // An unknown method never reads its message.
    this.#message.promise.catch(() => {});
    stream.on("data", (bytes: Uint8Array) => this.#take(bytes));
    stream.on("end", () => this.#endOfRequest());
    // Node's stream emits "close" after it; without a listener, a reset would end the process.
    stream.on("error", () => {});
    stream.once("close", () => this.#closed());
  }

  /** The client's first message, without its frame. Rejects with a {@linkcode FlightError}. */
  get message(): Promise<Uint8Array> {
    return this.#message.promise;
  }

  get isGone(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  #tooSlow(limitMs: number): void {
    this.#stopReading(
      new FlightError(
        "unavailable",
        `The request did not arrive within ${limitMs} ms`,
      ),
    );
  }

  /** Sends the head of the answer. From now on the end is in trailers. */
  begin(): void {
    if (this.stream.headersSent || this.isGone) return;
    this.stream.respond(HEADERS, { waitForTrailers: true });
    this.stream.once("wantTrailers", () => {
      this.stream.sendTrailers(this.#trailers ?? OK_TRAILERS);
    });
  }

  /** Writes bytes after the head of the answer; calls back like {@linkcode CallWrites.write}, or never. */
  write(bytes: Uint8Array, onWritten: () => void): void {
    this.#writes.write(bytes, onWritten);
  }

  /** Sends a message in its frame; resolves when the runtime has taken it into the connection. */
  async send(framed: Uint8Array): Promise<void> {
    this.begin();
    if (this.isGone) return;
    const sent = Promise.withResolvers<void>();
    const done = () => sent.resolve();
    this.#writes.write(framed, done);
    this.stream.once("close", done);
    this.#isSending = true;
    await sent.promise;
    this.#isSending = false;
    this.#sent++;
    this.stream.off("close", done);
  }

  /** Ends the call after everything that was sent. `error`: null for OK. */
  end(error: FlightError | null): void {
    if (this.#trailers !== null) return;
    this.#trailers = error === null ? OK_TRAILERS : error.trailers;
    if (error !== null) this.#figures.countFailure(error.grpcStatus);
    if (this.isGone) return;
    if (error !== null && !this.stream.headersSent) {
      this.stream.respond({ ...HEADERS, ...error.trailers }, {
        endStream: true,
      });
    } else {
      this.begin();
      this.#writes.end();
    }
  }

  /** Applies the time limits. Called about once a second. */
  check(nowMs: number, limits: CallLimits): void {
    const stage = this.#stage();
    if (stage !== this.#checkedStage || this.#sent !== this.#checkedSent) {
      this.#checkedStage = stage;
      this.#checkedSent = this.#sent;
      this.#sinceMs = nowMs;
      return;
    }
    const forMs = nowMs - this.#sinceMs;
    if (stage === "reading" && forMs > limits.requestMs) {
      this.#tooSlow(limits.requestMs);
    } else if (stage === "sending" && forMs > limits.writeStallMs) {
      this.destroy();
    } else if (stage === "ended" && forMs > LINGER_MS) {
      // The client has its answer, and still sends.
      this.stream.close(RST_NO_ERROR);
    }
  }

  #stage(): Stage {
    if (this.#isReading) return "reading";
    if (this.stream.writableFinished) return "ended";
    return this.#isSending ? "sending" : "answering";
  }

  /** Ends the call at once, without a status. */
  destroy(): void {
    this.#writes.close();
    if (this.isGone) return;
    this.stream.close(RST_CANCEL);
    this.stream.destroy();
  }

  #take(bytes: Uint8Array): void {
    if (!this.#isReading) return;
    const arrivedBytes = this.#arrivedBytes + bytes.byteLength;
    if (arrivedBytes > MESSAGE_BYTES_MAX + GRPC_PREFIX_BYTES) {
      return this.#stopReading(tooLarge());
    }
    if (
      bytes.byteLength > 0 &&
      this.#messages.take("", bytes.byteLength) !== null
    ) return this.#stopReading(busy());
    this.#figures.messageBytes += bytes.byteLength;
    if (arrivedBytes > this.#arrived.byteLength) {
      const longer = new Uint8Array(2 * arrivedBytes);
      longer.set(this.#arrived.subarray(0, this.#arrivedBytes));
      this.#arrived = longer;
    }
    this.#arrived.set(bytes, this.#arrivedBytes);
    this.#arrivedBytes = arrivedBytes;
    const wanted = this.#wantedBytes();
    if (wanted instanceof FlightError) return this.#stopReading(wanted);
    if (arrivedBytes < wanted) return;
    const message = this.#arrived.slice(GRPC_PREFIX_BYTES, wanted);
    this.#stopReading(null);
    this.#message.resolve(message);
  }

  /** Bytes of the message and its frame; Infinity until that is known; or what is wrong with it. */
  #wantedBytes(): number | FlightError {
    if (this.#arrived[0] !== 0) {
      return new FlightError("unimplemented", "Messages must not be packed");
    }
    if (this.#arrivedBytes < GRPC_PREFIX_BYTES) return Infinity;
    const bytes = new DataView(this.#arrived.buffer).getUint32(1);
    return bytes > MESSAGE_BYTES_MAX ? tooLarge() : GRPC_PREFIX_BYTES + bytes;
  }

  #endOfRequest(): void {
    if (!this.#isReading) return;
    this.#stopReading(
      new FlightError("internal", "The request ended before its message did"),
    );
  }

  #stopReading(error: FlightError | null): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    if (this.#arrivedBytes > 0) this.#messages.release("", this.#arrivedBytes);
    this.#figures.messageBytes -= this.#arrivedBytes;
    this.#arrived = NO_BYTES;
    if (error !== null) this.#message.reject(error);
  }

  #closed(): void {
    this.#writes.close();
    this.#stopReading(
      new FlightError("unavailable", "The client has cancelled the call"),
    );
    this.#figures.calls--;
    this.onClose();
  }
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}

function busy(): FlightError {
  return new FlightError("unavailable", "The server is busy; try later");
}

function tooLarge(): FlightError {
  return new FlightError(
    "exhausted",
    `A message may have at most ${MESSAGE_BYTES_MAX} bytes`,
  );
}

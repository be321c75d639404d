// A client of HTTP/2 that opens its windows by hand, or does not read at all.
import net from "node:net";
import { call, FLAG, FRAME, frame, preface, uint32 } from "./raw_http2.ts";

const FRAME_HEAD_BYTES = 9;
const INITIAL_WINDOW_SIZE = 4;
const WINDOW_BYTES_MAX = 2 ** 31 - 1;
/** Of a connection, before the client opens it further. */
const CONNECTION_WINDOW_BYTES = 65_535;

/** One connection. Its calls have the numbers 1, 3, 5 and so on. */
export class RawClient {
  readonly socket: net.Socket;
  /** Bytes of messages that each call has got. */
  readonly bytes = new Map<number, number>();
  /** Calls that the server has ended or reset. */
  readonly ended = new Set<number>();
  /** Bytes of all calls. */
  total = 0;
  #next = 1;
  #arrived: Uint8Array = new Uint8Array(0);

  /** `callWindow`: bytes that each call may get before its window is opened further. */
  constructor(port: number, callWindow: number = WINDOW_BYTES_MAX) {
    this.socket = net.connect(port, "127.0.0.1");
    this.socket.on("error", () => {});
    this.socket.on("data", (bytes: Uint8Array) => this.#take(bytes));
    this.socket.write(preface([[INITIAL_WINDOW_SIZE, callWindow]]));
  }

  /** Begins a call, and returns its number. */
  begin(method: string, message: Uint8Array): number {
    const number = this.#next;
    this.#next += 2;
    this.bytes.set(number, 0);
    this.socket.write(call(number, method, message));
    return number;
  }

  /** Opens the window of a call, or of the connection (0). */
  open(number: number, bytes: number): void {
    this.socket.write(frame(FRAME.windowUpdate, 0, number, uint32(bytes)));
  }

  /** Opens the window of the connection as far as it can be. */
  openAll(): void {
    this.open(0, WINDOW_BYTES_MAX - CONNECTION_WINDOW_BYTES);
  }

  #take(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#arrived.byteLength + bytes.byteLength);
    all.set(this.#arrived);
    all.set(bytes, this.#arrived.byteLength);
    const view = new DataView(all.buffer);
    let at = 0;
    while (at + FRAME_HEAD_BYTES <= all.byteLength) {
      const end = at + FRAME_HEAD_BYTES + (view.getUint32(at) >>> 8);
      if (end > all.byteLength) break;
      this.#frame(all.subarray(at, end), view.getUint32(at + 5));
      at = end;
    }
    this.#arrived = all.slice(at);
  }

  #frame(bytes: Uint8Array, number: number): void {
    const type = bytes[3]!;
    const flags = bytes[4]!;
    if (type === FRAME.data) {
      const length = bytes.byteLength - FRAME_HEAD_BYTES;
      this.bytes.set(number, this.bytes.get(number)! + length);
      this.total += length;
    } else if (type === FRAME.settings && (flags & FLAG.ack) === 0) {
      this.socket.write(frame(FRAME.settings, FLAG.ack, 0));
    } else if (
      type === FRAME.rstStream ||
      type === FRAME.headers && (flags & FLAG.endStream) !== 0
    ) {
      this.ended.add(number);
    }
  }
}

// Frames of HTTP/2 as bytes, for clients that break its rules.
import { grpc } from "./flight_client.ts";

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();

export function bytesOf(
  parts: readonly (Uint8Array | readonly number[])[],
): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = NO_BYTES,
): Uint8Array<ArrayBuffer> {
  const length = payload.byteLength;
  return bytesOf([
    [length >> 16, length >> 8 & 255, length & 255, type, flags],
    uint32(stream),
    payload,
  ]);
}

export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** What a client sends first, with settings: pairs of number and value. */
export function preface(
  settings: readonly (readonly [id: number, value: number])[] = [],
): Uint8Array<ArrayBuffer> {
  return bytesOf([
    encoder.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    frame(
      FRAME.settings,
      0,
      0,
      bytesOf(settings.map(([id, value]) => bytesOf([[0, id], uint32(value)]))),
    ),
  ]);
}

/** A header that is not kept in the table of HPACK. `name`: of at most 126 bytes, as is `value`. */
export function header(name: string, value: string): Uint8Array {
  return bytesOf([
    [0x10, name.length],
    encoder.encode(name),
    [value.length],
    encoder.encode(value),
  ]);
}

/** The headers of a call of Flight. */
export function callHeaders(
  method: string,
  more: readonly Uint8Array[] = [],
  httpMethod: "POST" | "HEAD" = "POST",
): Uint8Array {
  return bytesOf([
    httpMethod === "POST" ? [0x83] : header(":method", "HEAD"),
    [0x86],
    header(":path", `/arrow.flight.protocol.FlightService/${method}`),
    header(":authority", "x"),
    header("content-type", "application/grpc"),
    header("te", "trailers"),
    ...more,
  ]);
}

/** A whole call: its headers, its message, and the end of the request. */
export function call(
  stream: number,
  method: string,
  message: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return bytesOf([
    frame(FRAME.headers, FLAG.endHeaders, stream, callHeaders(method)),
    frame(FRAME.data, FLAG.endStream, stream, grpc(message)),
  ]);
}

export function goaway(code: number, lastStream = 0): Uint8Array<ArrayBuffer> {
  return frame(FRAME.goaway, 0, 0, bytesOf([uint32(lastStream), uint32(code)]));
}

export function rstStream(stream: number, code: number): Uint8Array {
  return frame(FRAME.rstStream, 0, stream, uint32(code));
}

export function ping(isAck = false): Uint8Array<ArrayBuffer> {
  return frame(FRAME.ping, isAck ? FLAG.ack : 0, 0, new Uint8Array(8));
}

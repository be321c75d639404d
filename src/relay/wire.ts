// The frames that an instance sends to those that read its blocks (docs/protocol.md, "Blocks for relays").
// Invariant: a frame has a head of 32 bytes and a payload of at most FRAME_PAYLOAD_MAX bytes; a reader skips kinds that it
// does not know.

/** Media type of a stream of frames, without its version. */
export const BLOCKS_TYPE = "application/vnd.qanat.blocks";
/** Versions that this instance writes and reads. */
export const WIRE_VERSIONS: readonly number[] = [1];
/** The `Content-Type` of what it writes. */
export const BLOCKS_CONTENT_TYPE = `${BLOCKS_TYPE}; version=1`;

// A frame, little-endian:
//   uint32 at 0    bytes of the payload
//   uint32 at 4    kind
//   uint32 at 8    number of its topic
//   uint32 at 12   0
//   float64 at 16  first number
//   float64 at 24  second number
//   from 32        the payload
export const FRAME_HEAD_BYTES = 32;
/** Most bytes of a payload: larger than any message that Kafka takes, and than the channels of one partition. */
export const FRAME_PAYLOAD_MAX: number = 64 * 1024 * 1024;

/** Most messages that one frame reports as missing in the log. */
const HOLE_MAX = 1e12;

/** What a frame reports; its two numbers and its payload. */
export const FRAME = {
  /** First of each stream: the origin's monotonic clock, ms. The payload is an {@linkcode OriginState} in JSON. */
  hello: 1,
  /**
   * A topic gets a number; the payload is its name. The first number is the GPS ms from which on its messages are
   * complete; NaN where the origin has no such topic. Second: the GPS ms at which its newest block begins; −1: none.
   */
  topic: 2,
  /** A message, its value as in Kafka. First: its timestamp, Unix ms; −1 where it is not known. */
  message: 3,
  /** The log was read to its end at the first number, ms of the origin's monotonic clock. */
  caughtUp: 4,
  disturbed: 5,
  /** So many messages are missing in the log. */
  hole: 6,
  /** The log was created again, or cut. */
  restart: 7,
  /** Messages are missing. First: 0 where the log may have them, 1 where nothing has. */
  lost: 8,
  /** Once a second. The same as `hello`. */
  status: 9,
  /** Last of a stream. The payload is the reason. */
  end: 10,
  /** All channels of one topic, in JSON; those that it had before are replaced. */
  channels: 11,
  /** All channels have been sent. */
  allChannels: 12,
  /** The messages of one read of a history are complete. First: 1 at the end of the log; second: 1 where it is cut. */
  read: 13,
} as const;
export type FrameKind = typeof FRAME[keyof typeof FRAME];

/** What an origin says about itself. */
export interface OriginState {
  /** The ids of the relays between this stream and Kafka, the origin's own first; empty where it reads Kafka itself. */
  readonly path: readonly string[];
  /** Whether it knows its channels. */
  readonly ready: boolean;
  /** Whether its own source answers. */
  readonly reachable: boolean;
  /** Topics of the stream that are not simply being read, by number. */
  readonly states: Readonly<Record<string, string>>;
}

/** A frame; the payload is valid only while it is handed on. */
export interface Frame {
  readonly kind: number;
  readonly topic: number;
  readonly first: number;
  readonly second: number;
  readonly payload: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The bytes of a frame. */
export function frameBytes(
  kind: FrameKind,
  { topic = 0, first = 0, second = 0, payload = NO_BYTES }: Partial<Frame> = {},
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + payload.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.byteLength, true);
  view.setUint32(4, kind, true);
  view.setUint32(8, topic, true);
  view.setFloat64(16, first, true);
  view.setFloat64(24, second, true);
  bytes.set(payload, FRAME_HEAD_BYTES);
  return bytes;
}

/** A payload of text, or of a value in JSON. */
export function textPayload(value: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(
    typeof value === "string" ? value : JSON.stringify(value),
  );
}

export function payloadText({ payload }: Frame): string {
  return decoder.decode(payload);
}

/** Bytes that are no frames of this version. */
export class WireError extends Error {
  override name = "WireError";
}

/** The messages that a frame reports as missing. Throws {@linkcode WireError} where that is no such number. */
export function holeOf(first: number): number {
  if (first >= 0 && first <= HOLE_MAX) return Math.floor(first);
  throw new WireError(`A hole has ${first} messages`);
}

/** Throws {@linkcode WireError} where a topic's number is not below the number of topics that were asked for. */
export function checkTopicNumber({ topic }: Frame, asked: number): void {
  if (topic < asked) return;
  throw new WireError(
    `A topic has the number ${topic}, and ${asked} were asked for`,
  );
}

/** Finds the frames in the pieces of a stream, however it is cut. */
export class FrameReader {
  /** The beginning of a frame whose end has not come. */
  #begun: Uint8Array = NO_BYTES;
  #length = 0;

  /** Whether the bytes so far end within a frame. */
  get isWithinFrame(): boolean {
    return this.#length > 0;
  }

  /** Hands on all frames that are complete now. Throws {@linkcode WireError}. */
  push(piece: Uint8Array, take: (frame: Frame) => void): void {
    let at = 0;
    while (at < piece.byteLength) {
      if (this.#length === 0) {
        const whole = frameAt(piece, at);
        if (whole !== null) {
          at += FRAME_HEAD_BYTES + whole.payload.byteLength;
          take(whole);
          continue;
        }
      }
      at += this.#gather(piece, at);
      const frame = frameAt(this.#begun.subarray(0, this.#length), 0);
      if (frame === null) continue;
      this.#begun = NO_BYTES;
      this.#length = 0;
      take(frame);
    }
  }

  /** Takes bytes for the frame that has begun: first its head, then what the head announces. Returns how many. */
  #gather(piece: Uint8Array, at: number): number {
    const needed = this.#length < FRAME_HEAD_BYTES
      ? FRAME_HEAD_BYTES
      : FRAME_HEAD_BYTES + payloadBytes(this.#begun, 0);
    if (this.#begun.byteLength < needed) {
      const larger = new Uint8Array(needed);
      larger.set(this.#begun.subarray(0, this.#length));
      this.#begun = larger;
    }
    const taken = Math.min(needed - this.#length, piece.byteLength - at);
    this.#begun.set(piece.subarray(at, at + taken), this.#length);
    this.#length += taken;
    return taken;
  }
}

function payloadBytes({ buffer, byteOffset }: Uint8Array, at: number): number {
  const bytes = new DataView(buffer, byteOffset + at).getUint32(0, true);
  if (bytes <= FRAME_PAYLOAD_MAX) return bytes;
  throw new WireError(
    `A frame announces ${bytes} bytes, at most ${FRAME_PAYLOAD_MAX} are allowed`,
  );
}

/** The frame at a byte offset; null where its end is missing. */
function frameAt(bytes: Uint8Array, at: number): Frame | null {
  const there = bytes.byteLength - at;
  if (there < FRAME_HEAD_BYTES) return null;
  const length = payloadBytes(bytes, at);
  if (there < FRAME_HEAD_BYTES + length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  const from = at + FRAME_HEAD_BYTES;
  return {
    kind: view.getUint32(4, true),
    topic: view.getUint32(8, true),
    first: view.getFloat64(16, true),
    second: view.getFloat64(24, true),
    payload: bytes.subarray(from, from + length),
  };
}

/** Which version a request asks for by its `Accept`; null: none that this instance has. */
export function versionAsked(accept: string): number | null {
  const [, version] = accept.match(
    /application\/vnd\.qanat\.blocks *; *version=(\d{1,6})/i,
  ) ?? [];
  const asked = version === undefined ? 1 : Number(version);
  return WIRE_VERSIONS.includes(asked) ? asked : null;
}

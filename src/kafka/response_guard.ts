// Looks at the lengths that a broker's answers begin with before kafkajs follows them: it would collect whatever is
// claimed, and throws in the socket's listener, which ends the process, where a length is negative or below 4.
// Invariant: a socket whose answer is not one of Kafka's, or too long, is destroyed, and nothing is thrown.
import { Buffer } from "node:buffer";
import defaultSocketFactory from "kafkajs/src/network/socketFactory.js";

/** Longest answer that is taken: twice the largest batch. A fetch asks for much less. */
export const RESPONSE_BYTES_MAX = 128 * 1024 * 1024;

// An answer: int32 length of what follows, int32 correlation id, and so on.
const LENGTH_BYTES = 4;
const RESPONSE_BYTES_MIN = 4;

/** Follows the lengths in one socket's bytes. */
export class ResponseGuard {
  readonly #head = Buffer.alloc(LENGTH_BYTES);
  #headBytes = 0;
  /** Bytes of the answer under way that are still to come. */
  #left = 0;

  /** What is wrong with what has come; null when nothing is. */
  check(chunk: Uint8Array): string | null {
    for (let at = 0; at < chunk.byteLength;) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.byteLength - at);
        this.#left -= skipped;
        at += skipped;
        continue;
      }
      this.#head[this.#headBytes++] = chunk[at++]!;
      if (this.#headBytes < LENGTH_BYTES) continue;
      this.#headBytes = 0;
      this.#left = this.#head.readInt32BE(0);
      if (this.#left < RESPONSE_BYTES_MIN || this.#left > RESPONSE_BYTES_MAX) {
        return `an answer of ${this.#left} bytes, at most ${RESPONSE_BYTES_MAX} are taken: is this a Kafka broker?`;
      }
    }
    return null;
  }
}

// deno-lint-ignore no-explicit-any -- kafkajs's inner classes have no types
type Inner = any;

/** kafkajs's sockets, guarded. */
export function guardedSocketFactory(): (options: Inner) => Inner {
  const create = defaultSocketFactory();
  return (options) => {
    const socket = create(options);
    const guard = new ResponseGuard();
    const on = socket.on.bind(socket);
    socket.on = (event: string, listener: (chunk: Uint8Array) => void) => {
      if (event !== "data") return on(event, listener);
      return on(event, (chunk: Uint8Array) => {
        if (socket.destroyed) return;
        const wrong = guard.check(chunk);
        if (wrong !== null) return socket.destroy(new Error(wrong));
        try {
          listener(chunk);
        } catch (error) {
          socket.destroy(error);
        }
      });
    };
    return socket;
  };
}

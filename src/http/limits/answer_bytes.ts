// Memory for answers of one row, which are made and sent outside of the slab, by owner or address.
// Invariant: the bytes of an answer are held from before it is made until it was sent, or its client has disconnected. So
// a client that repeats costly requests, or reads their answers slowly, leaves room for others.
import type { ServerResponse } from "node:http";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { LocalSharePool } from "../../shares/local_share_pool.ts";
import { holderOf, type SharingClient } from "../../shares/share_holder.ts";
import type { SharePool } from "../../shares/share_pool.ts";
import { LimitError } from "./limit_error.ts";

/** To copy so many bytes and to hand them to a socket takes about one step of a microsecond. */
const STEP_BYTES = 1024;

export interface AnswerBytesOptions {
  /** Of one thread. */
  readonly capacity: number;
  /** Largest share of what others leave, percent. */
  readonly sharePercent: number;
}

/** The bytes of all answers of one row. */
export class AnswerBytes {
  readonly #pool: SharePool;

  constructor(options: AnswerBytesOptions) {
    this.#pool = new LocalSharePool(options);
  }

  /** Bytes that are held now. */
  get used(): number {
    return this.#pool.used;
  }

  /** Takes the bytes of an answer. Throws {@linkcode LimitError}. */
  take(client: SharingClient, bytes: number): Disposable {
    const holder = holderOf(client);
    const refusal = this.#pool.take(holder, bytes);
    if (refusal === null) {
      return { [Symbol.dispose]: () => this.#pool.release(holder, bytes) };
    }
    const { capacity } = this.#pool;
    if (refusal === "full") {
      throw new LimitError("answers", {
        detail:
          `The limit of ${capacity} bytes of rows that are being sent by /v1/latest is reached; try again later`,
      });
    }
    const percent = holder.limits.sharePercent ?? this.#pool.sharePercent;
    throw new LimitError("answer-share", {
      detail:
        `The limit of ${percent} % for one ${holder.kind} of what others leave of ${capacity} bytes of rows that are ` +
        `being sent by /v1/latest is reached; wait for earlier answers, or read a stream`,
    });
  }
}

/**
 * Makes an answer of so many bytes, in a slice of all requests: those that wait for the same row would else be answered
 * together, in one turn of the event loop.
 */
export function* madeAnswer<T>(bytes: number, make: () => T): SlicedWork<T> {
  yield Math.ceil(bytes / STEP_BYTES);
  return make();
}

/** Disposes of what an answer holds once it was sent, or its client has disconnected; at once where that is not known. */
export function disposeWhenSent(
  held: Disposable,
  outgoing: ServerResponse | undefined,
): void {
  if (outgoing === undefined || outgoing.destroyed || outgoing.closed) {
    held[Symbol.dispose]();
    return;
  }
  outgoing.once("close", () => held[Symbol.dispose]());
}

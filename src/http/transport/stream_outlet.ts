// Writes into a ReadableStream, for runtimes without node's sockets. Frames wait here, in their slots of the slab, until
// the runtime asks for bytes. It may read these long after it got them, so it gets copies.
// Invariant: at most one piece is in the runtime's hands; each frame that waits is released once, sent or not.
import { NOBODY, type Outlet, type OutletOwner } from "../../clients/outlet.ts";
import type { Frame } from "../../frames/frame.ts";

type Piece = Frame | Uint8Array<ArrayBuffer>;
const NO_PIECES: Piece[] = [];

/** Outlet over the body of a `Response`. */
export class StreamOutlet implements Outlet {
  owner: OutletOwner = NOBODY;
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  /** Frames, and bytes of this client alone, that the runtime has not asked for. */
  #waiting = NO_PIECES;
  /** The runtime waits for bytes. */
  #isAskedFor = false;
  /** How the body ends after what waits; null while more may be written. */
  #end: "whole" | "cut" | null = null;
  #isClosed = false;

  /** `signal`: of the request. Where a client disconnects, workerd aborts it, and does not cancel the body. */
  constructor(signal?: AbortSignal) {
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => this.#clientLeft(),
    }, { highWaterMark: 0 });
    if (signal?.aborted) queueMicrotask(() => this.#clientLeft());
    else signal?.addEventListener("abort", () => this.#clientLeft());
  }

  get inFlight(): number {
    const isCutPending = this.#end === "cut" && !this.#isClosed;
    return this.#waiting.length + (isCutPending ? 1 : 0);
  }

  write(frame: Frame): void {
    if (this.#isClosed) return;
    if (this.#isAskedFor) return this.#give(frame.body.slice());
    frame.retain();
    this.#wait(frame);
  }

  writeBytes(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const own = bytes.slice();
    if (this.#isAskedFor) this.#give(own);
    else this.#wait(own);
  }

  end(): void {
    this.#endAs("whole");
  }

  cutShort(): void {
    this.#endAs("cut");
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#close();
    this.#controller.error(new Error("The stream was cut short by the server"));
  }

  #endAs(end: "whole" | "cut"): void {
    this.#end ??= end;
    if (this.#waiting.length === 0) this.#finish();
  }

  /** Everything that was written is with the runtime. */
  #finish(): void {
    if (this.#isClosed) return;
    if (this.#end === "whole") {
      this.#close();
      this.#controller.close();
    } else if (this.#isAskedFor) this.destroy();
    // Else at the next pull(): an error while @hono/node-server writes would make it end the body as if it were whole.
  }

  /** The runtime waits for bytes, and has sent those before. */
  #pull(): void {
    const piece = this.#waiting.shift();
    if (piece === undefined) {
      this.#isAskedFor = true;
      if (this.#end !== null) this.#finish();
      return;
    }
    if (this.#waiting.length === 0) this.#waiting = NO_PIECES;
    if (piece instanceof Uint8Array) this.#give(piece);
    else {
      this.#give(piece.body.slice() as Uint8Array<ArrayBuffer>);
      piece.release();
    }
    if (this.#end !== null && this.#waiting.length === 0) this.#finish();
    this.owner.onDrain();
  }

  #give(bytes: Uint8Array): void {
    this.#isAskedFor = false;
    this.#controller.enqueue(bytes as Uint8Array<ArrayBuffer>);
  }

  #wait(piece: Piece): void {
    if (this.#waiting === NO_PIECES) this.#waiting = [];
    this.#waiting.push(piece);
  }

  #clientLeft(): void {
    if (this.#isClosed) return;
    this.#close();
    this.owner.onClose();
  }

  /** Nothing is sent from now on. */
  #close(): void {
    this.#isClosed = true;
    const waiting = this.#waiting;
    this.#waiting = NO_PIECES;
    for (const piece of waiting) {
      if (!(piece instanceof Uint8Array)) piece.release();
    }
  }
}

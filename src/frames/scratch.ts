// Buffers that the encoders of a process share while they make one frame.
// Invariant: the content of a buffer is valid until another encoder runs.
import { AllocationMeter } from "../memory/allocation_meter.ts";

const BODY_BYTES = 4 * 1024 * 1024;
const MESSAGE_BYTES = 64 * 1024;

/** Memory in which one frame is made. One per process. */
export class Scratch {
  #body = new Uint8Array(BODY_BYTES);
  #message = new Uint8Array(MESSAGE_BYTES);
  readonly #allocations: AllocationMeter;

  constructor(allocations: AllocationMeter = new AllocationMeter()) {
    this.#allocations = allocations;
  }

  /** A buffer of at least `bytes` bytes for a frame's body. */
  body(bytes: number): Uint8Array {
    if (bytes > this.#body.byteLength) {
      this.#body = this.#allocations.make(bytes);
    }
    return this.#body;
  }

  /** A buffer of at least `bytes` bytes for a message that is coded into the body. Aligned to 8 bytes. */
  message(bytes: number): Uint8Array {
    if (bytes > this.#message.byteLength) {
      this.#message = this.#allocations.make(bytes);
    }
    return this.#message;
  }
}

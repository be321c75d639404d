// Memory for incoming messages: one buffer, divided into pages and filled in the order of arrival. When it is full, the
// oldest page is reused. Invariant: a position is never used again, and a record is complete while its first page is held.

import type { Ring } from "./ring.ts";

/** Records begin at multiples of this. */
export const ALIGN_BYTES = 64;
const PAGE_BYTES_MAX = 1024 * 1024;

/** The machine has no memory, or no address space, for a ring. */
export class RingAllocationError extends Error {
  override name = "RingAllocationError";
}

/** A zeroed buffer of `byteLength` bytes for a ring. Throws {@linkcode RingAllocationError}. */
export function allocateRing(byteLength: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(byteLength);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RingAllocationError(
      `Cannot allocate a buffer of ${byteLength} bytes on this machine`,
    );
  }
}

/** A ring of pages over one buffer of the caller. It allocates nothing after construction, and records are not freed. */
export class PageRing implements Ring {
  /** The buffer; read it at `byteOffset(position)`. */
  readonly bytes: Uint8Array;
  readonly capacityBytes: number;
  readonly pageBytes: number;
  readonly isWrittenElsewhere = false;
  #head = 0;
  /** Records before this position are lost: the page that is being written to is reused as a whole. */
  #oldest = 0;

  /**
   * The buffer's length is rounded down to whole pages, of which at least eight are needed. `pageBytes`: a power of
   * two. Throws RangeError otherwise.
   */
  constructor(bytes: Uint8Array, options: { pageBytes?: number } = {}) {
    const pageBytes = options.pageBytes ??
      Math.min(
        PAGE_BYTES_MAX,
        2 ** Math.floor(Math.log2(bytes.byteLength / 8)),
      );
    if (pageBytes < ALIGN_BYTES || !Number.isInteger(Math.log2(pageBytes))) {
      throw new RangeError(
        `pageBytes must be a power of two of at least ${ALIGN_BYTES}: current value is ${pageBytes}`,
      );
    }
    const pages = Math.floor(bytes.byteLength / pageBytes);
    if (pages < 8) {
      throw new RangeError(
        `A page ring needs at least 8 pages: ${bytes.byteLength} bytes hold ${pages} of ${pageBytes} bytes`,
      );
    }
    this.bytes = bytes;
    this.pageBytes = pageBytes;
    this.capacityBytes = pages * pageBytes;
  }

  /** Reserves `byteLength` contiguous, aligned bytes. Returns their position; −1 when they can never fit. */
  reserve(byteLength: number): number {
    const capacity = this.capacityBytes;
    if (!(byteLength >= 0 && byteLength <= capacity / 2)) return -1;
    let position = this.#head;
    const inBuffer = position % capacity;
    if (inBuffer + byteLength > capacity) position += capacity - inBuffer;
    this.#head = position +
      Math.ceil(byteLength / ALIGN_BYTES) * ALIGN_BYTES;
    const endOfHeadPage = Math.ceil(this.#head / this.pageBytes) *
      this.pageBytes;
    this.#oldest = Math.max(0, endOfHeadPage - capacity);
    return position;
  }

  /** Nothing can have been overwritten in the meantime. */
  copied(): void {}

  /** Whether the record at a position is still complete. */
  holds(position: number): boolean {
    return position >= this.#oldest && position < this.#head;
  }

  /** Byte offset of a position in `bytes`; valid while the position is held. */
  byteOffset(position: number): number {
    return position % this.capacityBytes;
  }

  /** Where the next record begins. */
  get headPosition(): number {
    return this.#head;
  }

  /** Records before this position are lost. */
  get oldestPosition(): number {
    return this.#oldest;
  }

  /** Bytes between the oldest record and the head. */
  get occupiedBytes(): number {
    return this.#head - this.oldestPosition;
  }

  /** Bytes of the buffer that were written to at least once. */
  get highWaterBytes(): number {
    return Math.min(this.#head, this.capacityBytes);
  }

  /** Pages reused since the start. */
  get reclaimedPages(): number {
    return this.oldestPosition / this.pageBytes;
  }
}

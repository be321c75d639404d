// What came in: one buffer cut in pages, filled in arrival order; when it is full the oldest page is taken back.
// Invariant: positions are absolute and never reused; a record is whole as long as its first page is held.

const ALIGN_BYTES = 64;
const PAGE_BYTES_MAX = 1024 * 1024;

/** A ring that this machine has no memory, or no address space, for. */
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
      `A buffer of ${byteLength} bytes cannot be allocated here`,
    );
  }
}

/** A ring of pages over one buffer that is handed in. No allocation after construction, no free. */
export class PageRing {
  readonly bytes: Uint8Array;
  readonly capacityBytes: number;
  readonly pageBytes: number;
  #head = 0;

  /** The buffer's length is rounded down to whole pages; at least eight are needed. */
  constructor(bytes: Uint8Array, options: { pageBytes?: number } = {}) {
    const wanted = options.pageBytes ??
      Math.min(
        PAGE_BYTES_MAX,
        2 ** Math.floor(Math.log2(bytes.byteLength / 8)),
      );
    if (wanted < ALIGN_BYTES || !Number.isInteger(Math.log2(wanted))) {
      throw new RangeError(
        `pageBytes must be a power of two of at least ${ALIGN_BYTES}: current value is ${wanted}`,
      );
    }
    const pages = Math.floor(bytes.byteLength / wanted);
    if (pages < 8) {
      throw new RangeError(
        `A page ring needs at least 8 pages: ${bytes.byteLength} bytes hold ${pages} of ${wanted} bytes`,
      );
    }
    this.bytes = bytes;
    this.pageBytes = wanted;
    this.capacityBytes = pages * wanted;
  }

  /** Room for `byteLength` contiguous bytes, aligned; their position, or −1 when they can never fit. */
  reserve(byteLength: number): number {
    const capacity = this.capacityBytes;
    if (!(byteLength >= 0 && byteLength <= capacity / 2)) return -1;
    let position = this.#head;
    const inBuffer = position % capacity;
    if (inBuffer + byteLength > capacity) position += capacity - inBuffer;
    this.#head = position +
      Math.ceil(byteLength / ALIGN_BYTES) * ALIGN_BYTES;
    return position;
  }

  /** Whether the record at a position is still whole. */
  holds(position: number): boolean {
    return position >= this.oldestPosition && position < this.#head;
  }

  /** Byte offset in `bytes` of a position. Only meaningful while it is held. */
  byteOffset(position: number): number {
    return position % this.capacityBytes;
  }

  get headPosition(): number {
    return this.#head;
  }

  /** Records before this have lost their page: the page being written to is taken back whole. */
  get oldestPosition(): number {
    const { pageBytes } = this;
    const endOfHeadPage = Math.ceil(this.#head / pageBytes) * pageBytes;
    return Math.max(0, endOfHeadPage - this.capacityBytes);
  }

  get occupiedBytes(): number {
    return this.#head - this.oldestPosition;
  }

  /** Bytes of the buffer that have ever been written to. */
  get highWaterBytes(): number {
    return Math.min(this.#head, this.capacityBytes);
  }

  get reclaimedPages(): number {
    return this.oldestPosition / this.pageBytes;
  }
}

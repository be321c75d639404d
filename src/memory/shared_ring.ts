// A page ring in memory that threads share: one of them writes, the others read.
// Invariant: a reader that finds a position held, copies, and finds it held again, has copied what was written there.
import { ALIGN_BYTES, PageRing, RingAllocationError } from "./page_ring.ts";
import type { Ring } from "./ring.ts";

// Words of `control`, 32 bits each, which wrap:
//   0  number of the oldest page that is held
//   1  the head, in units of ALIGN_BYTES; its value is also what readers wait for
const OLDEST = 0;
const HEAD = 1;
const CONTROL_WORDS = 2;

/** The memory of a ring, to be sent to other threads. */
export interface SharedRingMemory {
  readonly bytes: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  /** As of the sending: a head of 32 bits has no beginning. */
  readonly headPosition: number;
  readonly pageBytes: number;
}

/**
 * The writing side. A record is written in this order: reserve(), which gives up the pages that it needs; the bytes;
 * publish(). Not for two writers.
 */
export class SharedRingWriter {
  readonly #ring: PageRing;
  readonly #bytes: SharedArrayBuffer;
  readonly #control: Int32Array<SharedArrayBuffer>;
  #oldestPage = 0;

  /** As {@linkcode PageRing}. Throws {@linkcode RingAllocationError}. */
  constructor(byteLength: number, options: { pageBytes?: number } = {}) {
    this.#bytes = allocateShared(byteLength);
    this.#ring = new PageRing(new Uint8Array(this.#bytes), options);
    this.#control = new Int32Array(
      allocateShared(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT),
    );
  }

  /** The ring's bytes; write them at `byteOffset(position)`. */
  get bytes(): Uint8Array {
    return this.#ring.bytes;
  }

  get pageBytes(): number {
    return this.#ring.pageBytes;
  }

  /** Reserves `byteLength` contiguous, aligned bytes. Returns their position; −1 when they can never fit. */
  reserve(byteLength: number): number {
    const position = this.#ring.reserve(byteLength);
    const oldestPage = this.#ring.oldestPosition / this.#ring.pageBytes;
    if (oldestPage !== this.#oldestPage) {
      this.#oldestPage = oldestPage;
      // Before the first byte is written. An exchange, since on ARM later writes may come before a store.
      Atomics.exchange(this.#control, OLDEST, oldestPage | 0);
    }
    return position;
  }

  /** Makes everything that was reserved visible; wakes the readers that wait. */
  publish(): void {
    const units = this.#ring.headPosition / ALIGN_BYTES;
    Atomics.store(this.#control, HEAD, units | 0);
    Atomics.notify(this.#control, HEAD);
  }

  byteOffset(position: number): number {
    return this.#ring.byteOffset(position);
  }

  /** What another thread makes a {@linkcode SharedRingReader} of. Between publish() and the next reserve() only. */
  memory(): SharedRingMemory {
    return {
      bytes: this.#bytes,
      control: this.#control.buffer,
      headPosition: this.#ring.headPosition,
      pageBytes: this.#ring.pageBytes,
    };
  }
}

/** A reading side, in any thread. */
export class SharedRingReader implements Ring {
  /** The ring's bytes; read them at `byteOffset(position)`. They may change at any time. */
  readonly bytes: Uint8Array;
  readonly capacityBytes: number;
  readonly pageBytes: number;
  readonly isWrittenElsewhere = true;
  /** What reserve() returns: where the record that is being delivered lies. */
  delivered = -1;
  readonly #control: Int32Array<SharedArrayBuffer>;
  #head: number;

  constructor({ bytes, control, headPosition, pageBytes }: SharedRingMemory) {
    this.bytes = new Uint8Array(bytes);
    this.pageBytes = pageBytes;
    this.capacityBytes = Math.floor(bytes.byteLength / pageBytes) * pageBytes;
    this.#control = new Int32Array(control);
    this.#head = headPosition;
  }

  /** Where the next record will begin. Call it at least once while 256 GiB are written. */
  get headPosition(): number {
    const units = Atomics.load(this.#control, HEAD);
    const known = this.#head / ALIGN_BYTES;
    this.#head += ((units - known) >>> 0) * ALIGN_BYTES;
    return this.#head;
  }

  /** Records before this position are lost. */
  get oldestPosition(): number {
    const headPage = Math.floor(this.headPosition / this.pageBytes);
    // Below 0 while more than the ring holds is reserved, and not published yet.
    const behind = (headPage - Atomics.load(this.#control, OLDEST)) | 0;
    return (headPage - behind) * this.pageBytes;
  }

  get occupiedBytes(): number {
    return Math.max(0, this.headPosition - this.oldestPosition);
  }

  get highWaterBytes(): number {
    return Math.min(this.headPosition, this.capacityBytes);
  }

  get reclaimedPages(): number {
    return this.oldestPosition / this.pageBytes;
  }

  /** Whether the record at a position, which was published, is complete. */
  holds(position: number): boolean {
    const oldestPage = Atomics.load(this.#control, OLDEST);
    // Numbers of 32 bits, of which the later one may have wrapped.
    return ((Math.floor(position / this.pageBytes) - oldestPage) | 0) >= 0;
  }

  /** On ARM a later load may be done before the reads that precede it, unless something is written between. */
  copied(): void {
    Atomics.add(this.#control, OLDEST, 0);
  }

  /** The record that is being delivered has been written by the other thread. */
  reserve(): number {
    return this.delivered;
  }

  /** Byte offset of a position in `bytes`. */
  byteOffset(position: number): number {
    return position % this.capacityBytes;
  }

  /** Resolves when the head is no longer at `headPosition`, at the latest after `timeoutMs`. Keeps no thread alive. */
  async moved(headPosition: number, timeoutMs: number): Promise<void> {
    const units = (headPosition / ALIGN_BYTES) | 0;
    const { async, value } = Atomics.waitAsync(
      this.#control,
      HEAD,
      units,
      timeoutMs,
    );
    if (async) await value;
  }
}

function allocateShared(byteLength: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(byteLength);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RingAllocationError(
      `Cannot allocate a shared buffer of ${byteLength} bytes on this machine`,
    );
  }
}

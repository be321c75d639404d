// Counters in memory that the supervisor and its worker share, so that the supervisor can distinguish a hung worker from
// a busy one without exchanging messages. Invariant: each counter has one writer; readers only compare or show it.

/** Cells of the shared memory, 32 bits each. Overflow is harmless: a reader only checks whether the value has changed. */
const TICKS = 0;
const CONNECTIONS = 1;
const MISSED_LOOP = 2;
const MISSED_LISTENER = 3;
const CELLS = 4;

/** A part of the service that the watchdog checks. */
export type WatchedPart = "event-loop" | "listener";

/** One thread's view of the counters. */
export class LifeSigns {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;

  /** `buffer`: that of the other thread's LifeSigns. @default a new one */
  constructor(
    buffer: SharedArrayBuffer = new SharedArrayBuffer(
      CELLS * Int32Array.BYTES_PER_ELEMENT,
    ),
  ) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
  }

  /** The worker's event loop has completed a turn. */
  countTick(): void {
    Atomics.add(this.#cells, TICKS, 1);
  }

  /** The worker's listener has accepted a connection. */
  countConnection(): void {
    Atomics.add(this.#cells, CONNECTIONS, 1);
  }

  /** A part did not answer a probe of the watchdog. */
  countMissed(part: WatchedPart): void {
    Atomics.add(this.#cells, cellOf(part), 1);
  }

  get ticks(): number {
    return Atomics.load(this.#cells, TICKS);
  }

  get connections(): number {
    return Atomics.load(this.#cells, CONNECTIONS);
  }

  /** Probes that each part has missed since the start. */
  missedByPart(): Readonly<Record<WatchedPart, number>> {
    return {
      "event-loop": Atomics.load(this.#cells, MISSED_LOOP),
      "listener": Atomics.load(this.#cells, MISSED_LISTENER),
    };
  }
}

function cellOf(part: WatchedPart): number {
  return part === "event-loop" ? MISSED_LOOP : MISSED_LISTENER;
}

// The memory of one recorded trend in shared memory: the bins of its rings, and how far it is recorded.
// Invariant: what was read between two looks at the same even version is what one thread had written.
import { type DataType, SAMPLE_BYTES } from "../channels/channel.ts";
import { SAMPLE_ARRAYS, type Samples } from "../channels/sample_arrays.ts";

// Layout of the buffer:
//   int32 word 0       version: odd while the rest is written; it wraps
//   int32 word 1       1 when it is no longer recorded
//   float64 at byte 8  blocks below it are recorded
//   float64 at 16      for each length of bins: the first and the newest one
//   from byte 64       for each length that is kept: the arrays of its bins, each at a multiple of 8
const VERSION = 0;
const STOPPED = 1;
const RECORDED_TO = 1;
const HEADS = 2;
const HEAD_BYTES = 64;
const HEAD_NUMBERS = HEAD_BYTES / Float64Array.BYTES_PER_ELEMENT;

/** A look at the version that finds it odd is repeated so often before the thread waits for the writer. */
const SPINS = 200;
/** How often it waits, 1 ms each: the writer may have no core. After that it has died, and the process ends. */
const WAITS = 200;

/** A version that is never the result of `settledVersion()` while the writer lives. It is odd. */
export const UNFINISHED = -1;

/** The arrays of the bins of one length; a bin's place is the same in all. */
export interface BinArrays {
  readonly min: Samples;
  readonly max: Samples;
  readonly sum: Float64Array;
  /** Number of samples plus one; 0: no block. */
  readonly counts: Uint32Array;
}

/** What another thread reads a trend by. */
export interface TrendMemory {
  /** Of the record: a channel that is recorded again has another one. */
  readonly id: number;
  readonly dataType: DataType;
  /** Bins of each length of `TREND_BINS`; 0: not kept. */
  readonly capacities: readonly number[];
  readonly buffer: SharedArrayBuffer;
}

/** Zeroed memory for a record. */
export function allocateTrend(
  { id, dataType, capacities }: Omit<TrendMemory, "buffer">,
): TrendMemory {
  let bytes = HEAD_BYTES;
  for (const capacity of capacities) bytes += arrayBytes(dataType, capacity);
  const buffer = new SharedArrayBuffer(bytes);
  return { id, dataType, capacities, buffer };
}

/** Both sides. */
class TrendViews {
  readonly memory: TrendMemory;
  /** By the index of `TREND_BINS`. */
  readonly arrays: readonly (BinArrays | null)[];
  protected readonly words: Int32Array<SharedArrayBuffer>;
  protected readonly numbers: Float64Array<SharedArrayBuffer>;

  constructor(memory: TrendMemory) {
    const { buffer, dataType, capacities } = memory;
    this.memory = memory;
    this.words = new Int32Array(buffer, 0, 2);
    this.numbers = new Float64Array(buffer, 0, HEAD_NUMBERS);
    let at = HEAD_BYTES;
    this.arrays = capacities.map((capacity) => {
      const from = at;
      at += arrayBytes(dataType, capacity);
      return capacity === 0 ? null : arraysAt(memory, from, capacity);
    });
  }
}

/** The side of the one thread that writes. */
export class TrendMemoryWriter extends TrendViews {
  /** Call it before bins are changed. */
  begin(): void {
    Atomics.add(this.words, VERSION, 1);
  }

  /** Call it after bins were changed. `rings`: by the index of `TREND_BINS`. */
  end(
    rings:
      readonly ({ readonly first: number; readonly newest: number } | null)[],
    recordedTo: number,
  ): void {
    const { numbers } = this;
    numbers[RECORDED_TO] = recordedTo;
    for (let i = 0; i < rings.length; i++) {
      const ring = rings[i];
      if (!ring) continue;
      numbers[HEADS + 2 * i] = ring.first;
      numbers[HEADS + 2 * i + 1] = ring.newest;
    }
    Atomics.add(this.words, VERSION, 1);
  }

  /** Nothing is recorded here from now on. */
  stop(): void {
    Atomics.store(this.words, STOPPED, 1);
  }
}

/** The side of a thread that reads. */
export class TrendMemoryReader extends TrendViews {
  get isStopped(): boolean {
    return Atomics.load(this.words, STOPPED) !== 0;
  }

  /** The version now, when nothing is being written; {@linkcode UNFINISHED} where the writer does not finish. */
  settledVersion(): number {
    for (let spin = 0; spin < SPINS; spin++) {
      const version = Atomics.load(this.words, VERSION);
      if ((version & 1) === 0) return version;
    }
    for (let wait = 0; wait < WAITS; wait++) {
      const version = Atomics.load(this.words, VERSION);
      if ((version & 1) === 0) return version;
      Atomics.wait(this.words, VERSION, version, 1);
    }
    return UNFINISHED;
  }

  /** Whether what was read since `settledVersion()` is whole. On ARM a load could be done before that reading. */
  isStill(version: number): boolean {
    return Atomics.add(this.words, VERSION, 0) === version;
  }

  /** Blocks below it are recorded; −1 before the first. May be half-written, as the following. */
  get recordedTo(): number {
    return this.numbers[RECORDED_TO]!;
  }

  /** First bin of a length. */
  firstOf(length: number): number {
    return this.numbers[HEADS + 2 * length]!;
  }

  /** Newest bin of a length. */
  newestOf(length: number): number {
    return this.numbers[HEADS + 2 * length + 1]!;
  }
}

function arrayBytes(dataType: DataType, capacity: number): number {
  const samples = aligned(capacity * SAMPLE_BYTES[dataType]);
  return 2 * samples + aligned(capacity * 8) + aligned(capacity * 4);
}

function arraysAt(
  { buffer: shared, dataType }: TrendMemory,
  at: number,
  capacity: number,
): BinArrays {
  // The constructors take both kinds of buffers; their common type names one.
  const buffer = shared as unknown as ArrayBuffer;
  const Samples = SAMPLE_ARRAYS[dataType];
  const samples = aligned(capacity * SAMPLE_BYTES[dataType]);
  const sumAt = at + 2 * samples;
  const countsAt = sumAt + aligned(capacity * 8);
  return {
    min: new Samples(buffer, at, capacity),
    max: new Samples(buffer, at + samples, capacity),
    sum: new Float64Array(buffer, sumAt, capacity),
    counts: new Uint32Array(buffer, countsAt, capacity),
  };
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

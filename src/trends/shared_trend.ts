// A trend that another thread records, read in place.
// Invariant: what it returns was whole when it was read, or there are no bins.
import type { Channel } from "../channels/channel.ts";
import type { RecordedBins, RecordedTrend } from "./recorded_trend.ts";
import type { SampleStats } from "./sample_stats.ts";
import {
  type TrendMemory,
  TrendMemoryReader,
  UNFINISHED,
} from "./trend_memory.ts";
import { TrendRing } from "./trend_ring.ts";

/** How often one reading begins again because the writer has changed the record meanwhile. */
const TRIES = 1000;
/** How long bins wait for a record that does not come any further, ms. */
const WAIT_MS = 2000;

export interface SharedTrendOptions {
  readonly channel: Channel;
  readonly memory: TrendMemory;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  /** Is called when bins wait for blocks to be recorded. */
  readonly onWait: () => void;
}

/** One channel. */
export class SharedTrend implements RecordedTrend {
  readonly channel: Channel;
  readonly rings: readonly (RecordedBins | null)[];
  /** Leases in this thread. */
  leases = 0;
  /** Leases of this thread, as the recording one counts them; and whether a client has used one of them. */
  held = 0;
  isUsed = false;
  readonly #heads: TrendHeads;
  readonly #clockMs: () => number;
  readonly #onWait: () => void;
  /** The last block that it was recorded to, and since when bins wait for more; −1: none does. */
  #recordedTo = -1;
  #waitsSinceMs = -1;

  constructor({ channel, memory, clockMs, onWait }: SharedTrendOptions) {
    this.channel = channel;
    this.#clockMs = clockMs;
    this.#onWait = onWait;
    const heads = this.#heads = new TrendHeads(memory);
    this.rings = heads.rings.map((ring) => ring && new SharedBins(ring, heads));
  }

  get id(): number {
    return this.#heads.memory.memory.id;
  }

  /** It is recorded no more. */
  get isStopped(): boolean {
    return this.#heads.memory.isStopped;
  }

  isRecordedTo(block: number): boolean {
    if (block <= 0) return true;
    const { recordedTo } = this.#heads.load();
    if (recordedTo !== this.#recordedTo) this.#waitsSinceMs = -1;
    this.#recordedTo = recordedTo;
    if (recordedTo >= block) return true;
    const nowMs = this.#clockMs();
    if (this.#waitsSinceMs < 0) this.#waitsSinceMs = nowMs;
    // The two threads may see a publisher's silence differently.
    if (nowMs - this.#waitsSinceMs >= WAIT_MS) return true;
    this.#onWait();
    return false;
  }

  step(): boolean {
    return false;
  }

  catchUp(): void {}
}

/** The heads of a record, as of one version. */
class TrendHeads {
  readonly memory: TrendMemoryReader;
  /** Over the shared arrays, with the heads of this version. */
  readonly rings: readonly (TrendRing | null)[];
  recordedTo = -1;
  #version = UNFINISHED;

  constructor(memory: TrendMemory) {
    const reader = this.memory = new TrendMemoryReader(memory);
    const { dataType, capacities } = memory;
    this.rings = reader.arrays.map((arrays, i) =>
      arrays && new TrendRing(dataType, capacities[i]!, arrays)
    );
  }

  /** Brings them up to date. There are no bins where the writer does not finish. */
  load(): this {
    const { memory, rings } = this;
    for (let tries = TRIES; tries > 0; tries--) {
      const version = memory.settledVersion();
      if (version === UNFINISHED) break;
      if (version === this.#version) return this;
      this.recordedTo = memory.recordedTo;
      for (let i = 0; i < rings.length; i++) {
        const ring = rings[i];
        if (!ring) continue;
        ring.first = memory.firstOf(i);
        ring.newest = memory.newestOf(i);
      }
      if (!memory.isStill(version)) continue;
      this.#version = version;
      return this;
    }
    this.#version = UNFINISHED;
    this.recordedTo = -1;
    for (const ring of rings) ring?.reset();
    return this;
  }

  /** Whether what was read since load() is whole. */
  isStill(): boolean {
    return this.#version === UNFINISHED || this.memory.isStill(this.#version);
  }
}

/** The bins of one length. */
class SharedBins implements RecordedBins {
  readonly #ring: TrendRing;
  readonly #heads: TrendHeads;

  constructor(ring: TrendRing, heads: TrendHeads) {
    this.#ring = ring;
    this.#heads = heads;
  }

  get first(): number {
    this.#heads.load();
    return this.#ring.first;
  }

  get oldest(): number {
    this.#heads.load();
    return this.#ring.oldest;
  }

  has(bin: number): boolean {
    for (let tries = TRIES; tries > 0; tries--) {
      this.#heads.load();
      const has = this.#ring.has(bin);
      if (this.#heads.isStill()) return has;
    }
    return false;
  }

  read(bin: number, out: SampleStats): boolean {
    for (let tries = TRIES; tries > 0; tries--) {
      this.#heads.load();
      const isRead = this.#ring.read(bin, out);
      if (this.#heads.isStill()) return isRead;
    }
    return false;
  }

  /** Looks at many bins: it checks at the end only whether the bin that it found was dropped meanwhile. */
  nextBin(from: number): number {
    for (let tries = TRIES; tries > 0; tries--) {
      this.#heads.load();
      const bin = this.#ring.nextBin(from);
      this.#heads.load();
      if (bin >= this.#ring.oldest) return bin;
    }
    return Infinity;
  }
}

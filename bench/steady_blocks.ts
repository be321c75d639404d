// Shared by the benches of blocks and rows: channels of one kind, and messages whose time can be changed.
// Invariant: a message is encoded once; only its times change, as in a steady partition.
import { encodeBlock } from "../src/arrow/block_encoder.ts";
import { PartitionBlocks } from "../src/blocks/partition_blocks.ts";
import type { Channel } from "../src/channels/channel.ts";
import type { PageRing } from "../src/memory/page_ring.ts";

export const STRIDE_NS = 62_500_000n;
export const SAMPLES = 128;
/** No sample and no id looks like it. */
const MARK_NS = 0x0123_4567_89ab_cdefn;

/** Channels of 2,048 Hz, float32, in one partition. */
export function channelsOf(count: number, partitionId = "P"): Channel[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `H1:BENCH-${partitionId}-${String(i).padStart(3, "0")}`,
    dataType: "float32",
    sampleRate: 2048,
    publisher: "P",
    partitionId,
    partitionIndex: i,
    strideNs: STRIDE_NS,
    maxLatencyNs: 0n,
    replayId: null,
  }));
}

/** Blocks of one partition, over a ring. */
export function blocksOf(topic: string, ring: PageRing): PartitionBlocks {
  return new PartitionBlocks({
    topic,
    strideNs: STRIDE_NS,
    maxLatencyNs: 0n,
    ring,
    futureToleranceMs: 0,
    outageWaitMs: 0,
    outageGraceMs: 0,
    hasClock: false,
  });
}

/** One block's message over and over. */
export class SteadyMessage {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #timesAt: number[] = [];

  constructor(series: readonly Float32Array[]) {
    this.bytes = encodeBlock(
      MARK_NS,
      "float32",
      series.map((_, i) => i),
      series,
    ).slice();
    this.#view = new DataView(this.bytes.buffer);
    for (let at = 0; at + 8 <= this.bytes.byteLength; at += 8) {
      if (this.#view.getBigInt64(at, true) === MARK_NS) this.#timesAt.push(at);
    }
  }

  /** Its bytes, with the time of this block. */
  at(index: number): Uint8Array {
    const timeNs = BigInt(index) * STRIDE_NS;
    for (const at of this.#timesAt) this.#view.setBigInt64(at, timeNs, true);
    return this.bytes;
  }
}

/** Noise, the same in every run. */
export function noise(count: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
}

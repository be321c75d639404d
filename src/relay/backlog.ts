// The blocks that the page ring had when a stream began, in steps of time over all topics.
// Invariant: it keeps no list of them; those of a topic are sent in the order of their times, each once, and a frame `lost`
// where the ring has overwritten some meanwhile.
import { NONE, NOT_HELD } from "../blocks/block_index.ts";
import type { BlockRecords } from "../blocks/block_records.ts";
import type { PartitionBlocks } from "../blocks/partition_blocks.ts";
import { FRAME, frameBytes } from "./wire.ts";

/** What is left of one topic. */
interface Lane {
  readonly number: number;
  readonly blocks: PartitionBlocks;
  /** Index of its next block, and the index after its last one. */
  next: number;
  readonly end: number;
  /** Blocks before the next one that never came, in a row. */
  missing: number;
}

/** So many blocks that never came are looked up one by one before the next one that came is searched. */
const LOOK_MAX = 1000;
/** One step sends the blocks of so much time, ms. */
const STEP_MS = 250;

/** The backlog of one stream. */
export class Backlog {
  readonly #records: BlockRecords;
  #lanes: Lane[] = [];
  /** The lane that is next in this step, which sends blocks that begin before a GPS ms. */
  #at = 0;
  #stepEndMs = -Infinity;

  constructor(records: BlockRecords) {
    this.#records = records;
  }

  /** Adds the blocks of a topic from an index on. Returns the index from which on the ring has lost none before them. */
  add(number: number, blocks: PartitionBlocks, from: number): number {
    const end = blocks.newest + 1;
    const next = Math.min(blocks.nextHeld(from), end);
    if (next < end) this.#lanes.push({ number, blocks, next, end, missing: 0 });
    for (let index = next - 1; index >= from; index--) {
      const isUnknown = next - index > LOOK_MAX;
      if (isUnknown || blocks.locate(index) === NOT_HELD) return index + 1;
    }
    return from;
  }

  clear(): void {
    this.#lanes = [];
  }

  /** Sends frames until `isFull`, or nothing is left. */
  send(send: (frame: Uint8Array) => void, isFull: () => boolean): void {
    while (!isFull() && this.#lanes.length > 0) {
      const lane = this.#lanes[this.#at];
      if (lane === undefined) this.#nextStep();
      else if (lane.next >= lane.end || startMs(lane) >= this.#stepEndMs) {
        this.#at++;
      } else {
        const frame = this.#frameOf(lane);
        if (frame !== null) send(frame);
      }
    }
  }

  #nextStep(): void {
    this.#at = 0;
    this.#lanes = this.#lanes.filter(({ next, end }) => next < end);
    const oldestMs = this.#lanes.reduce(
      (oldest, lane) => Math.min(oldest, startMs(lane)),
      Infinity,
    );
    this.#stepEndMs = oldestMs + STEP_MS;
  }

  /** The next block of a topic; null where it never came. */
  #frameOf(lane: Lane): Uint8Array | null {
    const { blocks, number: topic } = lane;
    // Time was set back, or the log was created again.
    if (blocks.newest < lane.end - 1) {
      lane.next = lane.end;
      return frameBytes(FRAME.lost, { topic });
    }
    const index = lane.next++;
    const position = blocks.locate(index);
    if (position === NONE) {
      if (++lane.missing < LOOK_MAX) return null;
      lane.next = Math.min(blocks.nextHeld(index), lane.end);
    }
    lane.missing = 0;
    if (position === NONE) return null;
    const payload = position < 0 ? null : this.#records.message(position);
    return payload === null
      ? frameBytes(FRAME.lost, { topic })
      : frameBytes(FRAME.message, { topic, first: -1, payload });
  }
}

/** When the next block of a lane begins, GPS ms. */
function startMs({ next, blocks }: Lane): number {
  return next * blocks.strideMs;
}

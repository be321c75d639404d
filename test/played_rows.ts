// What a source can meet, at the same rows for several sources: blocks that are missing, a message that cannot be read,
// records that were deleted, a disturbance, and a span of rows that never comes.
import type { DrivenSource } from "./driven_source.ts";

const ROWS = 60;
const JUMP_ROWS = 9;

/** How a test publishes. */
export interface Player {
  /** Row `index` of the topics that have it. */
  publish(
    source: DrivenSource,
    index: number,
    has: (topic: string) => boolean,
  ): void;
  /** Resolves when what was published has come through. */
  settle(): Promise<void>;
}

/** Plays the rows from index `first` on to all sources. Every ninth row is missing in all topics but the first. */
export async function playRows(
  first: number,
  sources: readonly DrivenSource[],
  { publish, settle }: Player,
): Promise<void> {
  const [one] = sources[0]!.blocks.topics;
  for (let i = 0; i < ROWS; i++) {
    const index = first + i + (i > 40 ? JUMP_ROWS : 0);
    for (const source of sources) {
      if (i === 20) {
        source.sink!.onMessage(one!, new Uint8Array(40).fill(7), index, 0);
      }
      if (i === 25) source.sink!.onHole(one!, index, index + 3);
      if (i === 30) source.sink!.onDisturbed(one!);
      publish(source, index, (topic) => i % 9 !== 5 || topic === one);
    }
    await settle();
  }
}

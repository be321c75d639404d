// The time of each replay context: the end of the newest block that was read of it.
// Invariant: a replay's time goes back only when its blocks' time was reset.
import type { PartitionBlocks } from "./partition_blocks.ts";

export class ReplayTimes {
  /** GPS ms, by replay id. */
  readonly #endMs = new Map<string, number>();

  /** Replays whose time is known. */
  get count(): number {
    return this.#endMs.size;
  }

  /** GPS ms; −Infinity before the first block. */
  of(replayId: string): number {
    return this.#endMs.get(replayId) ?? -Infinity;
  }

  /** A partition of the replay has a new block. `isReset`: its time jumped back. */
  advance(
    replayId: string,
    { newest, strideMs }: PartitionBlocks,
    isReset: boolean,
  ): void {
    const endMs = (newest + 1) * strideMs;
    const movedMs = isReset ? endMs : Math.max(this.of(replayId), endMs);
    this.#endMs.set(replayId, movedMs);
  }

  /** No partition of the replay is read any more: its next block sets a new time. */
  forget(replayId: string): void {
    this.#endMs.delete(replayId);
  }
}

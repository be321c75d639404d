// The window of resumes, in rows, and the permit that a client needs for a row.
// Invariant: no resume is so old that it keeps other resumes waiting.
import type { BlockStore } from "../blocks/block_store.ts";
import { holderOf } from "../shares/share_holder.ts";
import type { PermitKind } from "./permit.ts";
import type { GroupClient, SelectionGroup } from "./selection_group.ts";

export class ResumeWindow {
  readonly #windowMs: number;
  readonly #store: Pick<BlockStore, "gpsMs">;

  /** Rows that are older than `windowMs` before the newest row need a permit for histories. */
  constructor(windowMs: number, store: Pick<BlockStore, "gpsMs">) {
    this.#windowMs = windowMs;
    this.#store = store;
  }

  rowsOf({ timeline }: SelectionGroup): number {
    return Math.ceil(this.#windowMs / timeline.strideMs);
  }

  /** The permit that a client needs for the row at its cursor, where there are any for histories. */
  permitFor({ cursor, group, options }: GroupClient): PermitKind {
    const { timeline, shapes } = group;
    if (holderOf(options).limits.historiesMax === 0) return "resume";
    if (timeline.released < 0) {
      // A replay has no clock: without a row, any age is possible.
      if (shapes[0]!.replayId !== null) return "history";
      const agoMs = this.#store.gpsMs() - cursor * timeline.strideMs;
      return agoMs > this.#windowMs ? "history" : "resume";
    }
    const windowRows = this.rowsOf(group);
    return cursor < timeline.released - windowRows ? "history" : "resume";
  }
}

// What a history feed sends to its clients: each row is encoded once for those whose next row it is.
// Invariant: each client is sent its rows and gaps in order, as it would be alone. Those that are furthest behind come
// first, so that clients stay close to each other while all of them read.
import type { Frame } from "../frames/frame.ts";
import type { RowEncoder } from "../frames/row_encoder.ts";
import type { HistoryWindow } from "./history_window.ts";
import type { ClientLifecycle } from "./lifecycle.ts";
import type { GroupClient, SelectionGroup } from "./selection_group.ts";
import type { SlabShortage } from "./slab_shortage.ts";

export interface FeedRowsParts {
  readonly lifecycle: ClientLifecycle;
  readonly shortage: SlabShortage;
  readonly counters: { rows: number };
  /** A client leaves the feed, which feeds it no more. */
  readonly onLeft: (client: GroupClient, why: Leaving) => void;
}

/** `back`: the page ring has its next row. `outpaced`: other clients of the feed have read too far ahead of it. */
export type Leaving = "back" | "outpaced";

/** What a slice ended with: topics of which more must be read, or a word. */
export type SliceEnd = readonly string[] | "short" | "ahead" | "continue";

export interface RowsOfFeed {
  readonly group: SelectionGroup;
  readonly clients: Set<GroupClient>;
  readonly window: HistoryWindow;
  readonly encoder: RowEncoder;
  /** Whether all rows of the range are in memory. */
  readonly isHeld: boolean;
}

/** Longest work in one turn of the event loop, ms, so that history never delays live rows. */
const SLICE_MS = 2;
/** The clock is read after so many clients. */
const CLIENTS_PER_CLOCK_READ = 8;

/** Sends the rows of one feed. */
export class FeedRows {
  readonly #feed: RowsOfFeed;
  readonly #parts: FeedRowsParts;
  /** The frame of the row that is being sent. */
  #frame: Frame | null = null;
  /** The same with nulls instead of samples. */
  #fill: Frame | null = null;

  constructor(feed: RowsOfFeed, parts: FeedRowsParts) {
    this.#feed = feed;
    this.#parts = parts;
  }

  /** Sends rows and gaps for one slice. Returns why it stopped. */
  slice(): SliceEnd {
    const endMs = performance.now() + SLICE_MS;
    while (performance.now() < endMs) {
      const row = this.#lowestRow();
      if (row === Infinity) break;
      if (this.#isBack(row)) {
        this.#leaveAll(row, "back");
        continue;
      }
      const end = this.#serve(row, endMs);
      this.#dropFrames();
      if (end !== "continue") return end;
    }
    return "continue";
  }

  #dropFrames(): void {
    this.#frame?.release();
    this.#fill?.release();
    this.#frame = this.#fill = null;
  }

  /** The first row that a client can take; Infinity where none can take one. */
  #lowestRow(): number {
    let row = Infinity;
    for (const client of this.#feed.clients) {
      if (client.cursor < row && this.#canTake(client)) row = client.cursor;
    }
    return row;
  }

  #canTake(client: GroupClient): boolean {
    return client.ended === null && this.#parts.lifecycle.canTake(client);
  }

  /** Whether the page ring, or live delivery, has a row. */
  #isBack(row: number): boolean {
    const { group, isHeld } = this.#feed;
    const { timeline } = group;
    const isInRing = timeline.released >= 0 && timeline.isWhole(row);
    return isInRing && !isHeld || row >= reachedRow(group);
  }

  #leaveAll(row: number, why: Leaving): void {
    for (const client of this.#feed.clients) {
      if (client.cursor === row && this.#canTake(client)) {
        this.#leave(client, why);
      }
    }
  }

  #leave(client: GroupClient, why: Leaving): void {
    this.#feed.clients.delete(client);
    this.#parts.onLeft(client, why);
  }

  /** Sends a row, or reports a gap, to each client that can take it. */
  #serve(row: number, endMs: number): SliceEnd {
    let step: ReturnType<HistoryWindow["at"]> | null = null;
    let clients = 0;
    for (const client of this.#feed.clients) {
      if (client.cursor !== row || !this.#canTake(client)) continue;
      if (row < client.fillTo) {
        if (!this.#sendRow(client, row, true)) return "short";
      } else {
        step ??= this.#feed.window.at(row, this.#limit());
        if (step.kind === "need") return step.topics;
        if (step.kind === "more") return "continue";
        if (step.kind === "end") return this.#atEnd(row);
        if (step.kind === "gone") this.#leave(client, "outpaced");
        else if (step.kind === "gap") {
          this.#parts.lifecycle.reportGap(client, step.to, step.reason);
        } else if (
          client.endsAtGaps && this.#feed.window.isShort(row)
        ) {
          this.#parts.lifecycle.reportGap(client, row + 1, "missing");
        } else if (!this.#sendRow(client, row, false)) return "short";
      }
      const isDue = ++clients % CLIENTS_PER_CLOCK_READ === 0;
      if (isDue && performance.now() >= endMs) break;
    }
    return "continue";
  }

  /** False when the slab has no room. */
  #sendRow(client: GroupClient, row: number, isFill: boolean): boolean {
    const { lifecycle, shortage, counters } = this.#parts;
    const { encoder } = this.#feed;
    const frame = isFill
      ? this.#fill ??= encoder.encode(row, true)
      : this.#frame ??= encoder.encode(row);
    if (frame === null) {
      shortage.report();
      return false;
    }
    client.sendRow(frame, row, lifecycle.clockMs());
    counters.rows++;
    if (client.cursor >= client.endRow) lifecycle.end(client, "complete");
    return true;
  }

  /** The logs have nothing more at a row: what becomes of the clients that have reached it. */
  #atEnd(row: number): SliceEnd {
    const { group, clients } = this.#feed;
    const reached = reachedRow(group);
    let isAhead = false;
    for (const client of clients) {
      if (client.cursor < row || !this.#canTake(client)) continue;
      const limit = Math.min(client.endRow, reached);
      // A replay has no clock: the end of its logs is the end of what is known.
      if (limit === Infinity) this.#leave(client, "back");
      // The rest of the range may still come: the live reading has not begun.
      else if (reached === Infinity && !isReplay(group)) isAhead = true;
      else this.#parts.lifecycle.reportGap(client, limit, "missing");
    }
    return isAhead ? "ahead" : "continue";
  }

  /** Where the rows of all clients end. */
  #limit(): number {
    let last = 0;
    for (const { endRow } of this.#feed.clients) last = Math.max(last, endRow);
    return Math.min(last, reachedRow(this.#feed.group));
  }
}

function isReplay({ shapes }: SelectionGroup): boolean {
  return shapes[0]!.replayId !== null;
}

/**
 * The row that a group has reached: history is read up to there. Infinity in a replay, which has no clock, and until the
 * live reading has reached the end of the log.
 */
function reachedRow(
  { timeline: { released, seenRow } }: SelectionGroup,
): number {
  if (released >= 0) return released;
  return seenRow >= 0 ? seenRow : Infinity;
}

// Feeds one client with rows that the page ring does not have: it reads them from the source, at the client's pace,
// until the page ring has the next row. Invariant: a suspended feed has sent every row below its client's cursor, and
// another feed continues there.
import type { BlockStore } from "../blocks/block_store.ts";
import type { HistoryRows } from "../blocks/history_rows.ts";
import type { RowEncoder } from "../frames/row_encoder.ts";
import { traceFields } from "../telemetry/request_trace.ts";
import type { HistoryHandle } from "./client_phase.ts";
import type { HistoryFailures } from "../blocks/history_failures.ts";
import type { ClientLifecycle } from "./lifecycle.ts";
import type { Permit } from "./permit.ts";
import type { ShareHolder } from "../shares/share_holder.ts";
import type { GroupClient } from "./selection_group.ts";
import type { SlabShortage } from "./slab_shortage.ts";

/** What all feeds of an instance share. */
export interface HistoryFeedParts {
  readonly lifecycle: ClientLifecycle;
  readonly shortage: SlabShortage;
  readonly store: BlockStore;
  /** Runs one step while no other feed runs. */
  readonly inTurn: <T>(step: () => T) => Promise<T>;
  readonly counters: { rows: number; reads: number; failures: number };
  readonly failing: HistoryFailures;
  /** A client is ended after its reads have failed for this long, ms. */
  readonly outageWaitMs: number;
}

/**
 * How a feed ended. `back`: the page ring has the next row. `suspended`: its permit was needed for another client.
 * `over`: its client has ended.
 */
export type FeedEnd = "back" | "suspended" | "over";

/** Longest work in one turn of the event loop, ms, so that history never delays live rows. */
const SLICE_MS = 2;
const SHORT_RETRY_MS = 20;
const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 2000;

/** One client's reading of history. */
export class HistoryFeed implements HistoryHandle {
  readonly client: GroupClient;
  readonly permit: Permit;
  readonly #parts: HistoryFeedParts;
  #stalledSinceMs = Infinity;
  #isSuspended = false;
  /** Lets the feed continue after a write of its client has finished, or after a pause. */
  #onDrained: (() => void) | null = null;
  #onEnded: (() => void) | null = null;
  /** Whether all rows of the client's range were read before it began. */
  #isHeld = false;
  /** Why its last read failed; null where it has not. */
  #failure: string | null = null;

  /** The permit is the feed's until `run` has ended and its reader is closed. */
  constructor(client: GroupClient, permit: Permit, parts: HistoryFeedParts) {
    this.client = client;
    this.permit = permit;
    this.#parts = parts;
  }

  /** Since when it waits for a write of its client to finish, by the monotonic clock; Infinity while it does not. */
  get stalledSinceMs(): number {
    return this.#stalledSinceMs;
  }

  clientDrained(): void {
    this.#onDrained?.();
  }

  clientEnded(): void {
    this.#onEnded?.();
  }

  /**
   * Passes the permit on to another address, and ends this feed, whose client has stalled. Does nothing if that address
   * may not have one.
   */
  suspendFor(holder: ShareHolder): Permit | null {
    const passed = this.permit.passTo(holder);
    if (passed !== null) this.#suspend();
    return passed;
  }

  /** Returns the permit, and ends this feed, whose client has stalled. */
  suspend(): void {
    this.permit[Symbol.dispose]();
    this.#suspend();
  }

  #suspend(): void {
    this.#isSuspended = true;
    this.#onDrained?.();
  }

  async run(): Promise<FeedEnd> {
    const { group, cursor, options } = this.client;
    const prepared = this.permit.takePrepared();
    this.#isHeld = prepared !== null && options.isSettled === true;
    const history = prepared ?? this.#parts.store.openHistory(
      group.shapes,
      group.timeline.strideNs,
      group.timeline.startNs(cursor),
    );
    try {
      return await this.#serve(history, group.encoderFor(history.timeline));
    } finally {
      this.#parts.failing.over(this);
      history.close();
    }
  }

  async #serve(history: HistoryRows, rows: RowEncoder): Promise<FeedEnd> {
    const { client } = this;
    const { lifecycle, inTurn } = this.#parts;
    while (client.ended === null) {
      if (!lifecycle.canTake(client)) {
        await this.#clientCanTake();
        if (this.#isSuspended) return "suspended";
        continue;
      }
      const next = await inTurn(() => this.#slice(history, rows));
      if (next === "back") return "back";
      if (next === "short" || next === "ahead") {
        await this.#pause(SHORT_RETRY_MS);
      }
      if (typeof next === "string") continue;
      if (!await this.#read(history, next)) lifecycle.end(client, "error");
    }
    return "over";
  }

  /** Resolves after the client's next finished write, or when it ends or the feed is suspended. */
  #clientCanTake(): Promise<void> {
    this.#stalledSinceMs = this.#parts.lifecycle.clockMs();
    return new Promise((resolve) => {
      this.#onDrained = this.#onEnded = () => {
        this.#onDrained = this.#onEnded = null;
        this.#stalledSinceMs = Infinity;
        resolve();
      };
    });
  }

  /** Resolves after a while, or when the client ends: no timer outlives it. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#onEnded = null;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#onEnded = end;
    });
  }

  /** Sends rows and gaps for one slice. Returns why it stopped: topics of which more must be read, or a word. */
  #slice(
    history: HistoryRows,
    rows: RowEncoder,
  ): readonly string[] | "back" | "short" | "ahead" | "continue" {
    const { client } = this;
    const { lifecycle } = this.#parts;
    const { timeline } = client.group;
    const endMs = performance.now() + SLICE_MS;
    while (client.ended === null && performance.now() < endMs) {
      if (!lifecycle.canTake(client)) return "continue";
      const row = client.cursor;
      const isInRing = timeline.released >= 0 && timeline.isWhole(row);
      if (isInRing && !this.#isHeld) return "back";
      const reached = reachedRow(client);
      if (row >= reached) return "back";
      const limit = Math.min(client.endRow, reached);
      const isFill = row < client.fillTo;
      const step = isFill ? { kind: "row" } as const : history.next(row, limit);
      if (step.kind === "need") return step.topics;
      if (step.kind === "gap") {
        lifecycle.reportGap(client, step.to, step.reason);
      } else if (step.kind === "end") {
        // A replay has no clock: the end of its logs is the end of what is known.
        if (limit === Infinity) return "back";
        // The rest of the range may still come: the live reading has not begun.
        if (reached === Infinity && !isReplay(client)) return "ahead";
        lifecycle.reportGap(client, limit, "missing");
      } else if (
        !isFill && client.endsAtGaps && history.timeline.isShort(row)
      ) lifecycle.reportGap(client, row + 1, "missing");
      else if (!this.#sendRow(rows, row, isFill)) return "short";
    }
    return "continue";
  }

  /** False when the slab has no room. */
  #sendRow(rows: RowEncoder, row: number, isFill: boolean): boolean {
    const { client } = this;
    const { lifecycle, shortage, counters } = this.#parts;
    const frame = rows.encode(row, isFill);
    if (frame === null) {
      shortage.report();
      return false;
    }
    client.sendRow(frame, row, lifecycle.clockMs());
    frame.release();
    counters.rows++;
    if (client.cursor >= client.endRow) lifecycle.end(client, "complete");
    return true;
  }

  /** Reads more, and tries again after failures; false once that has taken too long. */
  async #read(
    history: HistoryRows,
    topics: readonly string[],
  ): Promise<boolean> {
    const { client } = this;
    const { lifecycle, counters, outageWaitMs } = this.#parts;
    const beganMs = lifecycle.clockMs();
    let backOffMs = BACK_OFF_MIN_MS;
    while (client.ended === null) {
      try {
        counters.reads++;
        await history.read(topics);
        this.#failure = null;
        this.#parts.failing.over(this);
        return true;
      } catch (error) {
        counters.failures++;
        this.#noteFailure(topics, (error as Error).message);
        const waitedMs = lifecycle.clockMs() - beganMs;
        if (waitedMs > outageWaitMs) return false;
        await this.#pause(backOffMs);
        backOffMs = Math.min(2 * backOffMs, BACK_OFF_MAX_MS);
      }
    }
    return true;
  }

  /** Logs a failure, once while it stays the same. */
  #noteFailure(topics: readonly string[], error: string): void {
    const isKnown = this.#failure === error;
    this.#failure = error;
    this.#parts.failing.failed(this, topics);
    if (isKnown) return;
    const { client } = this;
    this.#parts.lifecycle.log.warn("past-read-failed", {
      topics,
      error,
      ...traceFields(client.options.trace),
    });
  }
}

function isReplay({ group }: GroupClient): boolean {
  return group.shapes[0]!.replayId !== null;
}

/**
 * The row that a client's group has reached: history is read up to there. Infinity in a replay, which has no clock, and
 * until the live reading has reached the end of the log.
 */
function reachedRow({ group }: GroupClient): number {
  const { released, seenRow } = group.timeline;
  if (released >= 0) return released;
  return seenRow >= 0 ? seenRow : Infinity;
}

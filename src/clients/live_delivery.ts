// Hands the released rows of one group to its live clients: in order, in as many slices as it takes. One row at a time,
// or, where several wait because the delivery is behind, a run of them in one write.
// Invariant: after a row or run, each client whose next row it was has it, has ended, or is behind.
import type { RowGap } from "../blocks/row_gap.ts";
import type { TimelineListener } from "../blocks/timeline_listener.ts";
import type { Frame } from "../frames/frame.ts";
import { STREAM_FORMATS } from "../frames/stream_format.ts";
import type { RowEncoders } from "../frames/row_encoders.ts";
import type { CatchUp } from "./catch_up.ts";
import { resumed } from "./client_phase.ts";
import type { ClientLifecycle } from "./lifecycle.ts";
import type { LaneGroup, LiveLanes } from "./live_lanes.ts";
import { type RowRuns, takesRun } from "./row_runs.ts";
import type { CooperativeScheduler } from "./scheduler.ts";
import type { GroupClient, SelectionGroup } from "./selection_group.ts";
import type { SlabShortage } from "./slab_shortage.ts";
import type { StartPosition } from "./start_position.ts";

/** What all groups of an instance share. */
export interface LiveDeliveryParts {
  readonly scheduler: CooperativeScheduler;
  readonly liveQueue: LiveLanes;
  readonly lifecycle: ClientLifecycle;
  readonly shortage: SlabShortage;
  readonly catchUp: CatchUp;
  readonly startPosition: StartPosition;
  readonly encoders: RowEncoders;
}

/** The clock is read after so many writes: 50 ns each time, where a write takes about 8 µs. */
const WRITES_PER_CLOCK_READ = 8;

/** Delivers the rows of one group. */
export class LiveDelivery implements TimelineListener, LaneGroup {
  readonly group: SelectionGroup;
  readonly #parts: LiveDeliveryParts;
  /** Also in `#parts`: it is asked for each client and row. */
  readonly #lifecycle: ClientLifecycle;
  /** Rows from `group.pendingRow` to here, exclusive, have been released and not handed out. */
  #releasedTo = -1;
  /** Also in `#parts`. */
  readonly #runs: RowRuns;
  #gaps: RowGap[] = [];
  /** The row that is being handed out, or the first one of a run; −1 between rows. */
  #row = -1;
  /** The row behind what is being handed out. */
  #rowEnd = -1;
  #frame: Frame | null = null;
  /** Whether the row of `#frame` is short; the page ring may not know any more. */
  #isShort = false;
  /** Clients that could not take the row. */
  #skipped: GroupClient[] | null = null;

  constructor(group: SelectionGroup, parts: LiveDeliveryParts) {
    this.group = group;
    this.#parts = parts;
    this.#lifecycle = parts.lifecycle;
    this.#runs = parts.catchUp.runs;
    group.timeline.listeners.add(this);
  }

  get isLast(): boolean {
    return STREAM_FORMATS[this.group.format].isSlowToWrite;
  }

  get pendingMs(): number {
    return this.group.pendingRow * this.group.timeline.strideMs;
  }

  onRow(row: number): void {
    this.#release(row, row + 1);
  }

  onGap(gap: RowGap): void {
    this.#gaps.push(gap);
    this.#release(gap.from, gap.to);
  }

  onReset(): void {
    // Rows of the same time come again, with other samples.
    this.#parts.encoders.dropTexts();
    this.#clear();
    for (const client of [...this.group.clients]) {
      // History is in the log as it was.
      if (!("handle" in client.phase)) {
        this.#parts.lifecycle.end(client, "time-reset");
      }
    }
  }

  onReady(): void {
    for (const client of [...this.group.clients]) {
      this.#parts.startPosition.place(client);
    }
  }

  deliver(endMs: number, nowMs: number): "done" | "more" | "time-up" {
    const { group } = this;
    const hasGap = this.#gaps.length > 0;
    if (this.#row < 0 && !this.#beginRow()) return "done";
    // To report a gap takes time.
    if (hasGap) nowMs = this.#lifecycle.clockMs();
    if (!this.#handOut(endMs, nowMs)) return "time-up";
    // Cleared meanwhile, if the last client has ended or time was reset.
    if (this.#row >= 0) this.#finishRow();
    return group.pendingRow < 0 ? "done" : "more";
  }

  /** Stops listening to the timeline, and drops what is pending. */
  close(): void {
    this.#clear();
    this.group.timeline.listeners.delete(this);
  }

  /** The timeline has released rows, or a gap. */
  #release(from: number, to: number): void {
    const { group } = this;
    const wasIdle = group.pendingRow < 0;
    if (wasIdle) group.pendingRow = from;
    this.#releasedTo = to;
    if (wasIdle) this.#parts.liveQueue.add(this);
  }

  #clear(): void {
    this.#frame?.release();
    this.#frame = null;
    this.#row = this.group.pendingRow = -1;
    this.group.clients.endWalk();
    this.#gaps = [];
    this.#skipped = null;
  }

  /** Reports gaps that come first, skips what the page ring has lost, and begins with a row if there is one. */
  #beginRow(): boolean {
    const { group } = this;
    let isAfterGap = false;
    while (group.pendingRow >= 0) {
      const gap = this.#gaps[0];
      if (group.pendingRow >= this.#releasedTo && !gap) {
        group.pendingRow = -1;
      } else if (gap && gap.from <= group.pendingRow) {
        this.#gaps.shift();
        this.#reportGap(gap);
        isAfterGap = true;
        if (group.pendingRow >= 0) {
          group.pendingRow = Math.max(group.pendingRow, gap.to);
        }
      } else if (group.timeline.stateOf(group.pendingRow) === "gone") {
        this.#skipToNewest();
      } else {
        this.#row = group.pendingRow;
        // Arrow clients are sent the gap with the first row behind it.
        const limit = isAfterGap
          ? this.#row + 1
          : Math.min(this.#releasedTo, gap?.from ?? Infinity);
        this.#rowEnd = this.#runs.endOf(group, this.#row, limit);
        group.clients.startWalk();
        return true;
      }
    }
    return false;
  }

  /** The page ring lost a row before it was handed out: the clients catch up, and the group skips to its newest row. */
  #skipToNewest(): void {
    const { group } = this;
    const from = Math.max(group.pendingRow + 1, this.#releasedTo - 1);
    group.pendingRow = from;
    this.#gaps = this.#gaps.filter((gap) => gap.to > from);
    for (const client of group.clients) this.#parts.catchUp.assign(client);
  }

  #reportGap(gap: RowGap): void {
    for (const client of [...this.group.clients]) {
      // Clients that are behind, or read history, find it themselves.
      if (client.phase.kind !== "live") continue;
      if (client.cursor < gap.from || client.cursor >= gap.to) continue;
      this.#parts.lifecycle.reportGap(client, gap.to, gap.reason);
    }
  }

  /** False when the time is up before all clients have been visited. */
  #handOut(endMs: number, nowMs: number): boolean {
    const { clients } = this.group;
    const { scheduler } = this.#parts;
    const lifecycle = this.#lifecycle;
    let finished: GroupClient[] | null = null;
    const row = this.#row;
    let writes = 0;
    let rows = 0;
    let isInTime = true;
    for (
      let client = clients.nextOfWalk();
      client !== null;
      client = clients.nextOfWalk()
    ) {
      if (!this.#serve(client, nowMs)) continue;
      rows = this.#rowEnd - row;
      if (client.cursor >= client.endRow) (finished ??= []).push(client);
      if (++writes % WRITES_PER_CLOCK_READ !== 0 || !clients.hasNext) continue;
      isInTime = scheduler.clockMs() < endMs;
      if (!isInTime) break;
    }
    lifecycle.books.counters.framesSent += writes * rows;
    if (rows > 1) lifecycle.books.counters.rowsInRuns += writes * rows;
    if (finished !== null) {
      for (const client of finished) lifecycle.end(client, "complete");
    }
    return isInTime;
  }

  /** Writes the row or run to a client if it is its next one. */
  #serve(client: GroupClient, nowMs: number): boolean {
    const row = this.#row;
    const { phase } = client;
    const lifecycle = this.#lifecycle;
    if (phase.kind !== "live" || client.cursor !== row) {
      // A client that comes back from history, or gets null rows for a gap, may reach this row by the end of the walk.
      if (client.cursor >= 0 && client.cursor < this.#rowEnd) {
        this.#skip(client);
      }
      return false;
    }
    const isRun = this.#rowEnd > row + 1;
    if (
      !lifecycle.canTake(client) || isRun && !takesRun(client, this.#rowEnd)
    ) {
      this.#skip(client);
      return false;
    }
    const frame = this.#frame ??= this.#encode(row, nowMs);
    if (frame === null) {
      this.#skip(client);
      return false;
    }
    if (client.endsAtGaps && this.#isShort) {
      lifecycle.reportGap(client, row + 1, "missing");
      return false;
    }
    if (phase.isResuming) client.become(resumed(phase));
    client.isSlow = false;
    client.sendRow(frame, row, nowMs, this.#rowEnd);
    return true;
  }

  /** Null if the page ring has overwritten the row, or the slab has no room: then all clients fall behind. */
  #encode(row: number, beganMs: number): Frame | null {
    const { scheduler, lifecycle: { books }, shortage } = this.#parts;
    const { group } = this;
    if (group.timeline.stateOf(row) === "gone") {
      this.#skipRest();
      return null;
    }
    this.#isShort = group.timeline.isShort(row);
    const run = this.#runs.encode(group, row, this.#rowEnd);
    books.counters.encodeSeconds += (scheduler.clockMs() - beganMs) / 1000;
    if (run === "full" || run === "gone") {
      if (run === "full") shortage.report();
      this.#skipRest();
      return null;
    }
    this.#rowEnd = run.to;
    books.counters.framesEncoded += run.to - row;
    return run.frame;
  }

  #skip(client: GroupClient): void {
    (this.#skipped ??= []).push(client);
  }

  #skipRest(): void {
    const { clients } = this.group;
    while (clients.hasNext) this.#skip(clients.nextOfWalk()!);
  }

  #finishRow(): void {
    const { group } = this;
    this.#frame?.release();
    this.#frame = null;
    group.pendingRow = this.#rowEnd;
    this.#row = -1;
    group.clients.endWalk();
    if (group.pendingRow >= this.#releasedTo && this.#gaps.length === 0) {
      group.pendingRow = -1;
    }
    const skipped = this.#skipped;
    this.#skipped = null;
    if (skipped === null) return;
    for (const client of skipped) this.#parts.catchUp.assign(client);
  }
}

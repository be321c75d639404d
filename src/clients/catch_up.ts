// Feeds the clients that are behind, from the page ring, several rows in one write. Clients whose next rows end at the
// same time are served one after the other, so that the texts and the frame of these rows are made once.
// Invariant: a client is in the queue at most once; a turn makes a bounded number of rows in a bounded time.
import type { RowEncoders } from "../frames/row_encoders.ts";
import { caughtUp, fellBehind, resumed } from "./client_phase.ts";
import type { HistoryFeeds } from "./history_feeds.ts";
import type { ClientLifecycle } from "./lifecycle.ts";
import { LostSpan } from "./lost_span.ts";
import { type RowRun, RowRuns, takesRun } from "./row_runs.ts";
import type { CooperativeScheduler, Task } from "./scheduler.ts";
import type { GroupClient, SelectionGroup } from "./selection_group.ts";
import type { SlabShortage } from "./slab_shortage.ts";
import type { GapReason } from "../blocks/row_gap.ts";

export interface CatchUpParts {
  readonly scheduler: CooperativeScheduler;
  readonly lifecycle: ClientLifecycle;
  readonly shortage: SlabShortage;
  readonly history: HistoryFeeds;
  readonly encoders: RowEncoders;
  /** Most rows that are made in one turn. */
  readonly catchUpRowsMax: number;
}

/** In one of so many turns the clients that are furthest behind come first. */
const OLDEST_FIRST_EVERY = 8;

/** `idle`, `more`: nothing was sent. `wait`: for trends to be recorded. `short`: the slab has no room. */
type Step = "done" | "idle" | "more" | "wait" | "short";

/** The clients that are behind and can take a row, by the time at which their next row ends. */
export class CatchUp implements Task {
  readonly runs: RowRuns;
  readonly #parts: CatchUpParts;
  /** GPS ms at a row's end → the clients whose next row it is. Row numbers of different strides cannot be compared. */
  readonly #queue = new Map<number, GroupClient[]>();
  /** The frame of the rows that are being served, by group. */
  readonly #shared = new Map<SelectionGroup, RowRun>();
  /** Clients whose lost rows another thread is still recording. */
  #waiting: GroupClient[] = [];
  /** Rows that may still be made in this turn. */
  #rowsLeft = 0;
  #turn = 0;

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
    this.runs = new RowRuns(parts.encoders, parts.lifecycle.books);
  }

  /**
   * Finds out which part feeds a client from its cursor on: live delivery, or this queue. Does nothing for a client
   * that has not been placed, that history feeds, or that has ended. A client that cannot take a row is queued after
   * its next finished write.
   */
  assign(client: GroupClient): void {
    if (!this.#isBehind(client)) return;
    if (client.isQueued || !this.#parts.lifecycle.canTake(client)) return;
    client.isQueued = true;
    const endMs = (client.cursor + 1) * client.group.timeline.strideMs;
    const same = this.#queue.get(endMs);
    if (same) same.push(client);
    else this.#queue.set(endMs, [client]);
    this.#parts.scheduler.schedule(this);
  }

  run(endMs: number): boolean {
    const { clockMs } = this.#parts.scheduler;
    // Slightly lagging clients are served first, so that stalled ones never delay them; at times the oldest come first,
    // so that they do not wait without end.
    const isNewestFirst = ++this.#turn % OLDEST_FIRST_EVERY !== 0;
    this.#rowsLeft = this.#parts.catchUpRowsMax;
    let isShort = false;
    while (this.#rowsLeft > 0 && !isShort && this.#queue.size > 0) {
      const rowEndMs = this.#nextEndMs(isNewestFirst);
      const clients = this.#queue.get(rowEndMs)!;
      this.#queue.delete(rowEndMs);
      let next = 0;
      while (next < clients.length && this.#rowsLeft > 0 && !isShort) {
        const client = clients[next++]!;
        client.isQueued = false;
        const step = this.#step(client);
        if (step === "short") isShort = true;
        if (step === "done") this.#rowsLeft--;
        if (clockMs() >= endMs) this.#rowsLeft = 0;
        if (step === "wait") this.#waiting.push(client);
        // When the slab is short, all clients are assigned again a little later.
        else if (!isShort) this.assign(client);
      }
      for (const { frame } of this.#shared.values()) frame.release();
      this.#shared.clear();
      if (next < clients.length) this.#putBack(rowEndMs, clients.slice(next));
    }
    return !isShort && this.#queue.size > 0;
  }

  /** Continues after the slab was short. */
  resume(): void {
    if (this.#queue.size > 0) this.#parts.scheduler.schedule(this);
  }

  /** Continues after trends have been recorded. */
  trendsRecorded(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const client of waiting) this.assign(client);
  }

  #nextEndMs(isNewest: boolean): number {
    let next = isNewest ? -1 : Infinity;
    for (const endMs of this.#queue.keys()) {
      if (isNewest ? endMs > next : endMs < next) next = endMs;
    }
    return next;
  }

  #putBack(endMs: number, clients: GroupClient[]): void {
    const others = this.#queue.get(endMs);
    this.#queue.set(endMs, others ? clients.concat(others) : clients);
  }

  /**
   * Brings a client's phase up to date: it is behind while it does not have all that was handed out. Rows that fill a
   * reported gap are sent at once, even before the group has reached them.
   */
  #isBehind(client: GroupClient): boolean {
    const { phase, group } = client;
    if (phase.kind !== "live" && phase.kind !== "behind") return false;
    const isBehind = client.cursor < Math.max(group.served, client.fillTo);
    if (isBehind && phase.kind === "live") client.become(fellBehind(phase));
    if (!isBehind && phase.kind === "behind") client.become(caughtUp(phase));
    return isBehind;
  }

  /** A row, a run of rows or a gap for a client that is behind. */
  #step(client: GroupClient): Step {
    const { lifecycle, shortage } = this.#parts;
    if (!this.#isBehind(client) || !lifecycle.canTake(client)) return "idle";
    if (client.lostSpan !== null) {
      return this.#sendLost(client, client.lostSpan);
    }
    const row = client.cursor;
    const newest = client.group.served - 1;
    if (row < newest && skipsToNewest(client)) {
      lifecycle.reportGap(client, newest, "slow");
      return "done";
    }
    if (row >= client.fillTo) {
      const step = this.#stepOverGap(client, row);
      if (step !== null) return step;
    }
    const isSent = this.#send(client, row);
    if (isSent === "full") {
      shortage.report();
      return "short";
    }
    // Its next step finds what has become of the row.
    if (isSent === "gone") return "done";
    const sent = client.cursor - row;
    const { counters } = lifecycle.books;
    counters.catchUpRows += sent;
    if (sent > 1) counters.rowsInRuns += sent;
    this.#rowsLeft -= sent - 1;
    if (client.cursor > newest) {
      const { phase } = client;
      if (phase.kind === "behind") client.become(resumed(phase));
      client.isSlow = false;
    }
    if (client.cursor >= client.endRow) lifecycle.end(client, "complete");
    return "done";
  }

  /** Reports what a client does not get at its cursor; null where the page ring has a row for it. */
  #stepOverGap(client: GroupClient, row: number): Step | null {
    const { lifecycle } = this.#parts;
    const { timeline, served } = client.group;
    if (!timeline.isWhole(row)) return this.#notInRing(client);
    if (timeline.stateOf(row) === "empty") {
      const next = Math.max(timeline.nextRow(row), row + 1);
      lifecycle.reportGap(client, Math.min(next, served), "missing");
      return "done";
    }
    if (client.endsAtGaps && timeline.isShort(row)) {
      lifecycle.reportGap(client, row + 1, "missing");
      return "done";
    }
    return null;
  }

  /** `full`: the slab has no room. `gone`: the ring has overwritten the row meanwhile. */
  #send(client: GroupClient, row: number): "sent" | "full" | "gone" {
    const { group } = client;
    const isFill = row < client.fillTo;
    const known = isFill ? undefined : this.#shared.get(group);
    const isShared = known !== undefined &&
      (known.to === row + 1 || takesRun(client, known.to));
    const run = isShared ? known : this.#encode(client, row, isFill);
    if (run === "full" || run === "gone") return run;
    const { frame, to } = run;
    client.sendRow(frame, row, this.#parts.lifecycle.clockMs(), to);
    if (isShared) return "sent";
    if (isFill || group.clients.size === 1 || known) frame.release();
    else this.#shared.set(group, run);
    return "sent";
  }

  /** The row, and those behind it that the client can take in the same write. */
  #encode(
    client: GroupClient,
    row: number,
    isFill: boolean,
  ): RowRun | "full" | "gone" {
    const { group } = client;
    if (isFill) {
      const frame = group.rows.encode(row, true);
      return frame === null ? "full" : { frame, to: row + 1 };
    }
    const { runs } = this;
    const limit = Math.min(
      group.served,
      client.endRow,
      row + Math.max(1, this.#rowsLeft),
    );
    const to = takesRun(client, row + 1)
      ? runs.endOf(group, row, limit)
      : row + 1;
    return runs.encode(group, row, to);
  }

  /** The page ring does not have a client's next row: history has it, or it is reported as a gap. */
  #notInRing(client: GroupClient): Step {
    const { lifecycle, history } = this.#parts;
    const { group, cursor, phase } = client;
    if (group.trend !== null) {
      const { to, reason } = group.trend.timeline.lostFrom(cursor);
      const end = Math.max(cursor + 1, Math.min(to, group.served));
      lifecycle.reportGap(client, end, reason);
      return "done";
    }
    if (phase.kind === "behind" && phase.isResuming) {
      history.begin(client);
      return "idle";
    }
    // A client that took all it was given is not slow: its rows waited for a late block, or for an overloaded
    // instance, until newer blocks had taken their place in the page ring.
    const reason = client.isSlow ? "slow" : "retention";
    if (client.options.slow === "close" && reason === "slow") {
      lifecycle.end(client, "slow");
      return "idle";
    }
    const to = Math.max(group.served - 1, cursor + 1);
    client.lostSpan = this.#lostSpanOf(client, to, reason);
    if (client.lostSpan === null) lifecycle.reportGap(client, to, reason);
    return "done";
  }

  /** The trend of the rows from a client's cursor to `to`, if the client asked for it. */
  #lostSpanOf(
    client: GroupClient,
    to: number,
    reason: GapReason,
  ): LostSpan | null {
    const { group, cursor, endRow, reservation: { trends } } = client;
    if (trends === null) return null;
    const { timeline, coding } = group;
    return new LostSpan(trends, {
      encoders: this.#parts.encoders,
      coding,
      timeline,
      fromNs: timeline.startNs(cursor),
      toNs: timeline.startNs(Math.min(to, endRow)),
      toRow: to,
      reason,
    });
  }

  /** One event of a span that a client has lost; after the last one, the gap. */
  #sendLost(client: GroupClient, lost: LostSpan): Step {
    const { lifecycle, shortage } = this.#parts;
    const step = lost.step();
    if (step === "short") {
      shortage.report();
      return "short";
    }
    if (step === "more" || step === "wait") return step;
    if (step === "done") {
      client.lostSpan = null;
      lifecycle.reportGap(client, lost.toRow, lost.reason);
    } else {
      client.sendFrame(step, lifecycle.clockMs());
      step.release();
    }
    return "done";
  }
}

/** Whether a client that was slow gets only the newest row (`slow=latest`). */
function skipsToNewest({ phase, options, isSlow }: GroupClient): boolean {
  return options.slow === "latest" && isSlow &&
    phase.kind === "behind" && !phase.isResuming;
}

// Checks all clients for what is due without a row: heartbeats, stalls, and the end of a range. No client has a timer.
// Invariant: one round over all clients at a time, in slices, so that thousands of heartbeats delay no row.
import { STREAM_FORMATS } from "../frames/stream_format.ts";
import type { ClientLifecycle } from "./lifecycle.ts";
import type { CooperativeScheduler, Task } from "./scheduler.ts";
import type { GroupClient } from "./selection_group.ts";
import type { StartPosition } from "./start_position.ts";

export interface ClientMonitorParts {
  readonly scheduler: CooperativeScheduler;
  readonly lifecycle: ClientLifecycle;
  readonly startPosition: StartPosition;
  readonly heartbeatMs: number;
  /** A client whose writes make no progress for so long is dropped, ms. */
  readonly writeStallMs: number;
}

/**
 * Longest silence in a format whose heartbeats are rows, ms. Arrakis's client gives a connection up after its channels'
 * stride and latency and 30 s.
 */
const ROW_SILENCE_MS = 15_000;
/** A tick that is this late, ms, means that this process was stopped: no client could make progress meanwhile. */
const PROCESS_STOPPED_MS = 5000;

/** Checks each client once a second. */
export class ClientMonitor implements Task {
  readonly #parts: ClientMonitorParts;
  /** The round that is under way. */
  #round: Iterator<GroupClient> | null = null;
  /** The client of the round whose check has not ended. */
  #unfinished: GroupClient | null = null;
  #lastTickMs = Infinity;
  /** When this process began to run after it was stopped: no stall is counted from before then. */
  #runsSinceMs = -Infinity;

  constructor(parts: ClientMonitorParts) {
    this.#parts = parts;
  }

  /** Starts a round; call it once a second. */
  tick(): void {
    const { lifecycle } = this.#parts;
    const clockMs = lifecycle.clockMs();
    if (clockMs - this.#lastTickMs > PROCESS_STOPPED_MS) {
      this.#runsSinceMs = clockMs;
    }
    this.#lastTickMs = clockMs;
    this.#dropLeaving(clockMs);
    if (this.#round === null) this.checkAll();
  }

  /** Starts a round with all clients, also while one is under way: their rights may have changed. */
  checkAll(): void {
    const { lifecycle, scheduler } = this.#parts;
    this.#round = lifecycle.clients();
    this.#unfinished = null;
    scheduler.runNow(this);
  }

  run(endMs: number): boolean {
    const { lifecycle, scheduler } = this.#parts;
    const clockMs = lifecycle.clockMs();
    for (;;) {
      const client = this.#unfinished ?? this.#nextClient();
      if (client === null) break;
      this.#unfinished = this.#check(client, clockMs) ? null : client;
      if (scheduler.clockMs() >= endMs) return true;
    }
    this.#round = null;
    return false;
  }

  #nextClient(): GroupClient | null {
    const next = this.#round?.next();
    return !next || next.done ? null : next.value;
  }

  /** Drops the ended clients whose last writes have stalled. */
  #dropLeaving(clockMs: number): void {
    const { lifecycle: { leaving }, writeStallMs } = this.#parts;
    for (const client of leaving) {
      const { outlet } = client;
      const isStuck = outlet.inFlight > 0;
      if (isStuck && this.#stalledMs(client, clockMs) < writeStallMs) continue;
      leaving.delete(client);
      if (isStuck) outlet.destroy();
    }
  }

  /** Checks one client. False: its rights need another call. */
  #check(client: GroupClient, clockMs: number): boolean {
    const { lifecycle } = this.#parts;
    if (client.ended !== null) return true;
    const lost = client.options.rights?.lost(client.group.channels) ?? null;
    if (lost === "unfinished") return false;
    if (lost !== null) lifecycle.end(client, lost);
    else this.#checkProgress(client, clockMs);
    return true;
  }

  /** Its stall; or else its first row, its end and its heartbeat. */
  #checkProgress(client: GroupClient, clockMs: number): void {
    client.outlet.watchForEnd?.();
    if (client.outlet.inFlight > 0) return this.#checkStall(client, clockMs);
    this.#parts.startPosition.place(client);
    if (client.ended === null) this.#checkQuiet(client, clockMs);
  }

  #checkStall(client: GroupClient, clockMs: number): void {
    const { lifecycle, writeStallMs } = this.#parts;
    if (this.#stalledMs(client, clockMs) >= writeStallMs) {
      lifecycle.drop(client, "stalled");
    } else if (client.options.slow === "close" && hasLostRows(client)) {
      lifecycle.end(client, "slow");
    }
  }

  /** Ends a client whose range is over though no row says so, or sends it a heartbeat. */
  #checkQuiet(client: GroupClient, clockMs: number): void {
    const { lifecycle, heartbeatMs } = this.#parts;
    const { options } = client;
    const { timeline, format } = client.group;
    const { isHeartbeatRow } = STREAM_FORMATS[format];
    const silenceMs = isHeartbeatRow
      ? Math.min(heartbeatMs, ROW_SILENCE_MS)
      : heartbeatMs;
    const isQuiet = clockMs - client.lastWriteMs >= silenceMs;
    const isBounded = client.endRow < Infinity;
    if (!isQuiet && !isBounded) return;
    timeline.promiseQuiet();
    const isLive = client.phase.kind !== "waiting" &&
      client.phase.kind !== "history" && client.cursor >= timeline.released;
    const settled = isLive
      ? Math.max(client.cursor, timeline.quietRow)
      : client.cursor;
    // The null rows of a reported gap are on their way.
    if (client.cursor < client.fillTo) return;
    if (isBounded && isLive && settled >= client.endRow) {
      lifecycle.reportGap(client, client.endRow, "missing");
    } else if (isQuiet && isHeartbeatRow) {
      this.#sendHeartbeatRow(client, settled, clockMs);
    } else if (isQuiet && options.isSettled !== true) {
      client.sendHeartbeat(settled, clockMs);
    }
  }

  /**
   * Reports the rows below `settled` as missing, if any are, and sends a row of nulls: the newest one that is missing,
   * or again the time of the last row. A client without a first row gets none.
   */
  #sendHeartbeatRow(
    client: GroupClient,
    settled: number,
    clockMs: number,
  ): void {
    const { lifecycle } = this.#parts;
    if (client.cursor < 0) return;
    if (settled > client.cursor) {
      lifecycle.reportGap(client, settled, "missing");
      // Short gaps are filled with rows of nulls anyway.
      if (client.ended !== null || client.cursor < client.fillTo) return;
    }
    const frame = client.group.rows.encode(client.cursor - 1, true);
    if (frame === null) return;
    client.sendHeartbeatRow(frame, clockMs);
    frame.release();
  }

  /** How long a client's writes have made no progress while this process ran, ms. */
  #stalledMs({ lastProgressMs }: GroupClient, clockMs: number): number {
    return clockMs - Math.max(lastProgressMs, this.#runsSinceMs);
  }
}

/** Whether the page ring has lost rows that a client did not take. */
function hasLostRows(client: GroupClient): boolean {
  const { cursor, group: { timeline }, isSlow, phase } = client;
  if (phase.kind !== "live" && phase.kind !== "behind") return false;
  return isSlow && !phase.isResuming && cursor < timeline.released &&
    !timeline.isWhole(cursor);
}

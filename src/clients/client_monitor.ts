// Heartbeats, stalls and ends that no row brings, for all clients without a timer each.
// Invariant: one round at a time; it goes on in slices, so that thousands of heartbeats hold up no row.
import type { ClientHub } from "./client_hub.ts";
import type { Client } from "./client.ts";
import type { Task } from "./scheduler.ts";

export interface ClientMonitorOptions {
  readonly heartbeatMs: number;
  readonly writeStallMs: number;
}

/** A round that comes so late means that this process stood still: nothing could be written, whoever read or not. */
const STOPPED_MS = 5000;

/** Looks at each client once a round. */
export class ClientMonitor implements Task {
  readonly #hub: ClientHub;
  readonly #options: ClientMonitorOptions;
  /** Ended, with writes that have not left yet. */
  readonly #leaving = new Set<Client>();
  /** The round that is under way. */
  #looked: Iterator<Client> | null = null;
  #lastTickMs = Infinity;
  /** Stalls are counted from then at the earliest. */
  #runsSinceMs = -Infinity;

  constructor(hub: ClientHub, options: ClientMonitorOptions) {
    this.#hub = hub;
    this.#options = options;
  }

  /** A client has ended, and its last writes are still on their way. */
  leaves(client: Client): void {
    this.#leaving.add(client);
  }

  /** Heartbeats, stalls, stragglers; once a second. No timer per client. */
  tick(): void {
    const clockMs = this.#hub.clockMs();
    const { writeStallMs } = this.#options;
    if (clockMs - this.#lastTickMs > STOPPED_MS) this.#runsSinceMs = clockMs;
    this.#lastTickMs = clockMs;
    for (const client of this.#leaving) {
      const { outlet } = client;
      const isStuck = outlet.inFlight > 0;
      if (isStuck && this.#stalledMs(client, clockMs) < writeStallMs) continue;
      this.#leaving.delete(client);
      if (isStuck) outlet.destroy();
    }
    if (this.#looked !== null) return;
    this.#looked = this.#hub.clients();
    this.#hub.scheduler.begin(this);
  }

  /** Looks at clients for a slice; true when there are more. */
  work(endMs: number): boolean {
    const clockMs = this.#hub.clockMs();
    for (;;) {
      const next = this.#looked?.next();
      if (!next || next.done) break;
      this.#lookAt(next.value, clockMs);
      if (this.#hub.scheduler.clockMs() >= endMs) return true;
    }
    this.#looked = null;
    return false;
  }

  /** A client's outlet, its stall, its place, its end and its heartbeat. */
  #lookAt(client: Client, clockMs: number): void {
    const { heartbeatMs, writeStallMs } = this.#options;
    const { outlet, group } = client;
    const { timeline } = group;
    if (client.ended !== null) return;
    outlet.watchForEnd?.();
    if (outlet.inFlight > 0) {
      if (this.#stalledMs(client, clockMs) >= writeStallMs) {
        this.#hub.drop(client, "stalled");
      } else if (client.options.slow === "close" && this.#isPassed(client)) {
        this.#hub.end(client, "slow");
      }
      return;
    }
    this.#hub.startPosition.place(client);
    const isQuiet = clockMs - client.lastWriteMs >= heartbeatMs;
    const isBounded = client.endRow < Infinity;
    if (client.ended !== null || !isQuiet && !isBounded) return;
    timeline.promiseQuiet();
    const { released } = timeline;
    const isLive = client.historyState === "none" && client.cursor >= released;
    const settled = isLive
      ? Math.max(client.cursor, timeline.quietRow)
      : client.cursor;
    // Rows of a gap that was told are on their way.
    if (client.cursor < client.fillTo) return;
    if (isBounded && isLive && settled >= client.endRow) {
      this.#hub.reportGap(client, client.endRow, "missing");
    } else if (isQuiet) {
      client.sendHeartbeat(settled, clockMs);
    }
  }

  /** How long its writes have stood still while this process ran. */
  #stalledMs({ lastProgressMs }: Client, clockMs: number): number {
    return clockMs - Math.max(lastProgressMs, this.#runsSinceMs);
  }

  /** Whether the ring has passed a client that does not read. */
  #isPassed(client: Client): boolean {
    const { cursor, group, hasStalled, resuming, historyState } = client;
    const { timeline } = group;
    return hasStalled && !resuming && historyState === "none" && cursor >= 0 &&
      cursor < timeline.released && !timeline.isWhole(cursor);
  }
}

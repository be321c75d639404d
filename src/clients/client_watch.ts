// Heartbeats, stalls and ends that no row brings, for all clients without a timer each.
// Invariant: one round at a time; it goes on in slices, so that thousands of heartbeats hold up no row.
import type { Broadcast } from "./broadcast.ts";
import type { Client } from "./client.ts";
import type { Work } from "./turns.ts";

export interface ClientWatchOptions {
  readonly heartbeatMs: number;
  readonly writeStallMs: number;
}

/** Looks at each client once a round. */
export class ClientWatch implements Work {
  readonly #broadcast: Broadcast;
  readonly #options: ClientWatchOptions;
  /** Ended, with writes that have not left yet. */
  readonly #leaving = new Set<Client>();
  /** The round that is under way. */
  #looked: Iterator<Client> | null = null;

  constructor(broadcast: Broadcast, options: ClientWatchOptions) {
    this.#broadcast = broadcast;
    this.#options = options;
  }

  /** A client has ended, and its last writes are still on their way. */
  leaves(client: Client): void {
    this.#leaving.add(client);
  }

  /** Heartbeats, stalls, stragglers; once a second. No timer per client. */
  tick(): void {
    const nowMs = this.#broadcast.nowMs();
    const { writeStallMs } = this.#options;
    for (const client of this.#leaving) {
      const { outlet, lastProgressMs } = client;
      const isStuck = outlet.inFlight > 0;
      if (isStuck && nowMs - lastProgressMs < writeStallMs) continue;
      this.#leaving.delete(client);
      if (isStuck) outlet.destroy();
    }
    if (this.#looked !== null) return;
    this.#looked = this.#broadcast.clients();
    this.#broadcast.turns.begin(this);
  }

  /** Looks at clients for a slice; true when there are more. */
  work(endMs: number): boolean {
    const nowMs = this.#broadcast.nowMs();
    for (;;) {
      const next = this.#looked?.next();
      if (!next || next.done) break;
      this.#lookAt(next.value, nowMs);
      if (this.#broadcast.turns.clockMs() >= endMs) return true;
    }
    this.#looked = null;
    return false;
  }

  /** A client's outlet, its stall, its place, its end and its heartbeat. */
  #lookAt(client: Client, nowMs: number): void {
    const { heartbeatMs, writeStallMs } = this.#options;
    const { outlet, group } = client;
    const { timeline } = group;
    if (client.ended !== null) return;
    outlet.settle?.();
    if (outlet.inFlight > 0) {
      if (nowMs - client.lastProgressMs >= writeStallMs) {
        this.#broadcast.drop(client, "stalled");
      } else if (client.options.slow === "close" && this.#isPassed(client)) {
        this.#broadcast.end(client, "slow");
      }
      return;
    }
    this.#broadcast.placement.place(client);
    const isQuiet = nowMs - client.lastWriteMs >= heartbeatMs;
    const isBounded = client.endRow < Infinity;
    if (client.ended !== null || !isQuiet && !isBounded) return;
    timeline.settleQuiet();
    const { released } = timeline;
    const isLive = client.pastState === "none" && client.cursor >= released;
    const settled = isLive
      ? Math.max(client.cursor, timeline.quietRow)
      : client.cursor;
    // Rows of a gap that was told are on their way.
    if (client.cursor < client.fillTo) return;
    if (isBounded && isLive && settled >= client.endRow) {
      this.#broadcast.tellGap(client, client.endRow, "missing");
    } else if (isQuiet) {
      client.sendBytes(group.heartbeatBytes(settled), nowMs);
    }
  }

  /** Whether the ring has passed a client that does not read. */
  #isPassed({ cursor, group, resuming, pastState }: Client): boolean {
    const { timeline } = group;
    return !resuming && pastState === "none" && cursor >= 0 &&
      cursor < timeline.released && !timeline.isWhole(cursor);
  }
}

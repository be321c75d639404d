// Serves the clients that are behind what their group has handed out, from the page ring, each in its order.
// Invariant: a client stands in the queue once; a turn makes a bounded number of rows in a bounded time.
import type { Broadcast } from "./broadcast.ts";
import type { Client } from "./client.ts";
import type { Work } from "./turns.ts";

/** The queue of clients that are behind and can take a row. */
export class CatchUp implements Work {
  readonly #broadcast: Broadcast;
  readonly #rowsMax: number;
  #waiting: Client[] = [];

  /** `rowsMax`: made in one turn. */
  constructor(broadcast: Broadcast, rowsMax: number) {
    this.#broadcast = broadcast;
    this.#rowsMax = rowsMax;
  }

  /** Queues a client that is behind and can take a row; its next drain queues one that cannot. */
  add(client: Client): void {
    if (client.queued || !this.#isBehind(client)) return;
    client.queued = true;
    this.#waiting.push(client);
    this.#broadcast.turns.ask(this);
  }

  work(endMs: number): boolean {
    const { clockMs } = this.#broadcast.turns;
    let rows = this.#rowsMax;
    const waiting = this.#waiting;
    this.#waiting = [];
    let isShort = false;
    for (const client of waiting) {
      client.queued = false;
      while (rows > 0 && !isShort) {
        const step = this.#step(client);
        if (step === "short") isShort = true;
        if (step !== "done") break;
        rows--;
        if (clockMs() >= endMs) rows = 0;
      }
      // When the slab is short, slabIsShort() tries again a little later.
      if (!isShort) this.add(client);
    }
    return this.#waiting.length > 0;
  }

  #isBehind(client: Client): boolean {
    return client.ended === null && client.pastState === "none" &&
      client.cursor >= 0 && client.cursor < client.group.served &&
      client.outlet.inFlight < this.#broadcast.inFlightFramesMax;
  }

  /** One row or gap for a client that is behind. */
  #step(client: Client): "done" | "idle" | "short" {
    if (!this.#isBehind(client)) return "idle";
    const broadcast = this.#broadcast;
    const { timeline, rows, served } = client.group;
    const row = client.cursor;
    const newest = served - 1;
    if (client.options.slow === "latest" && !client.resuming && row < newest) {
      broadcast.tellGap(client, newest, "slow");
      return "done";
    }
    if (row >= client.fillTo) {
      if (!timeline.isWhole(row)) return this.#pass(client);
      if (timeline.stateOf(row) === "empty") {
        const next = Math.max(timeline.nextRow(row), row + 1);
        broadcast.tellGap(client, Math.min(next, served), "missing");
        return "done";
      }
      if (client.endsAtGaps && timeline.isShort(row)) {
        broadcast.tellGap(client, row + 1, "missing");
        return "done";
      }
    }
    const frame = rows.encode(row, row < client.fillTo);
    if (frame === null) {
      broadcast.slabIsShort();
      return "short";
    }
    client.sendRow(frame, row, broadcast.nowMs());
    frame.release();
    broadcast.counters.catchUpRows++;
    if (client.cursor > newest) client.resuming = false;
    if (client.cursor >= client.endRow) broadcast.end(client, "complete");
    return "done";
  }

  /** The ring does not have a client's next row: it is read from the source again, or told as a gap. */
  #pass(client: Client): "done" | "idle" {
    const broadcast = this.#broadcast;
    if (client.resuming) {
      broadcast.past.begin(client);
      return "idle";
    }
    if (client.options.slow === "close") {
      broadcast.end(client, "slow");
      return "idle";
    }
    const newest = client.group.served - 1;
    broadcast.tellGap(client, Math.max(newest, client.cursor + 1), "slow");
    return "done";
  }
}

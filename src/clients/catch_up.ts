// Serves the clients that are behind what their group has handed out, from the page ring, row by row. Clients whose
// next rows end at the same time are served one after the other, so that a row's text and frames are made once.
// Invariant: a client stands in the queue once; a turn makes a bounded number of rows in a bounded time.
import type { Frame } from "../frames/frame.ts";
import type { ClientHub } from "./client_hub.ts";
import type { Client } from "./client.ts";
import type { LostSpan } from "./lost_span.ts";
import type { SelectionGroup } from "./selection_group.ts";
import type { Task } from "./scheduler.ts";

/** Every so many turns those that are behind most come first. */
const OLDEST_FIRST_EVERY = 8;

/** The clients that are behind and can take a row, by the time at which the row they want ends. */
export class CatchUp implements Task {
  readonly #hub: ClientHub;
  readonly #rowsMax: number;
  /** GPS ms of a row's end → the clients that want it. Row numbers of different strides cannot be compared. */
  readonly #waiting = new Map<number, Client[]>();
  /** Each group's frame of the row that is being served. */
  readonly #frames = new Map<SelectionGroup, Frame>();
  #turn = 0;

  /** `rowsMax`: made in one turn. */
  constructor(hub: ClientHub, rowsMax: number) {
    this.#hub = hub;
    this.#rowsMax = rowsMax;
  }

  /** Queues a client that is behind and can take a row; its next drain queues one that cannot. */
  add(client: Client): void {
    if (client.queued || !this.#isBehind(client)) return;
    client.queued = true;
    const endMs = (client.cursor + 1) * client.group.timeline.strideMs;
    const same = this.#waiting.get(endMs);
    if (same) same.push(client);
    else this.#waiting.set(endMs, [client]);
    this.#hub.scheduler.ask(this);
  }

  work(endMs: number): boolean {
    const { clockMs } = this.#hub.scheduler;
    // Who is behind by little is soon live again, and pays for nobody who has stalled; who is behind by much must not
    // wait for ever.
    const isNewestFirst = ++this.#turn % OLDEST_FIRST_EVERY !== 0;
    let rows = this.#rowsMax;
    let isShort = false;
    while (rows > 0 && !isShort && this.#waiting.size > 0) {
      const rowEndMs = this.#nextEndMs(isNewestFirst);
      const clients = this.#waiting.get(rowEndMs)!;
      this.#waiting.delete(rowEndMs);
      let at = 0;
      while (at < clients.length && rows > 0 && !isShort) {
        const client = clients[at++]!;
        client.queued = false;
        const step = this.#step(client);
        if (step === "short") isShort = true;
        if (step === "done") rows--;
        if (clockMs() >= endMs) rows = 0;
        // When the slab is short, goOn() follows a little later.
        if (!isShort) this.add(client);
      }
      for (const frame of this.#frames.values()) frame.release();
      this.#frames.clear();
      if (at < clients.length) this.#putBack(rowEndMs, clients.slice(at));
    }
    return !isShort && this.#waiting.size > 0;
  }

  /** Goes on after the slab was short. */
  goOn(): void {
    if (this.#waiting.size > 0) this.#hub.scheduler.ask(this);
  }

  #nextEndMs(isNewest: boolean): number {
    let next = isNewest ? -1 : Infinity;
    for (const endMs of this.#waiting.keys()) {
      if (isNewest ? endMs > next : endMs < next) next = endMs;
    }
    return next;
  }

  #putBack(endMs: number, clients: Client[]): void {
    const others = this.#waiting.get(endMs);
    this.#waiting.set(endMs, others ? clients.concat(others) : clients);
  }

  /** Rows of a gap that is filled are due at once: what was handed out says nothing of them. */
  #isBehind(client: Client): boolean {
    return client.ended === null && client.historyState === "none" &&
      client.cursor >= 0 &&
      client.cursor < Math.max(client.group.served, client.fillTo) &&
      this.#hub.canTake(client);
  }

  /** One row or gap for a client that is behind. */
  #step(client: Client): "done" | "idle" | "short" {
    if (!this.#isBehind(client)) return "idle";
    const hub = this.#hub;
    const { timeline, served } = client.group;
    if (client.lost !== null) return this.#tellLost(client, client.lost);
    const row = client.cursor;
    const newest = served - 1;
    const { hasStalled, resuming, options } = client;
    const skips = options.slow === "latest" && hasStalled && !resuming;
    if (skips && row < newest) {
      hub.reportGap(client, newest, "slow");
      return "done";
    }
    if (row >= client.fillTo) {
      if (!timeline.isWhole(row)) return this.#pass(client);
      if (timeline.stateOf(row) === "empty") {
        const next = Math.max(timeline.nextRow(row), row + 1);
        hub.reportGap(client, Math.min(next, served), "missing");
        return "done";
      }
      if (client.endsAtGaps && timeline.isShort(row)) {
        hub.reportGap(client, row + 1, "missing");
        return "done";
      }
    }
    if (!this.#send(client, row)) {
      hub.slabIsShort();
      return "short";
    }
    hub.counters.catchUpRows++;
    if (client.cursor > newest) {
      client.resuming = false;
      client.hasStalled = false;
    }
    if (client.cursor >= client.endRow) hub.end(client, "complete");
    return "done";
  }

  /** False when the slab has no room. */
  #send(client: Client, row: number): boolean {
    const { group } = client;
    const isFill = row < client.fillTo;
    const known = isFill ? undefined : this.#frames.get(group);
    const frame = known ?? group.rows.encode(row, isFill);
    if (frame === null) return false;
    client.sendRow(frame, row, this.#hub.clockMs());
    if (known) return true;
    if (isFill || group.delivery.clients.length === 1) frame.release();
    else this.#frames.set(group, frame);
    return true;
  }

  /** The ring does not have a client's next row: it is read from the source again, or told as a gap. */
  #pass(client: Client): "done" | "idle" {
    const hub = this.#hub;
    const { group, cursor } = client;
    if (group.trend !== null) {
      const { to, reason } = group.trend.timeline.lostFrom(cursor);
      const end = Math.max(cursor + 1, Math.min(to, group.served));
      hub.reportGap(client, end, reason);
      return "done";
    }
    if (client.resuming) {
      hub.history.begin(client);
      return "idle";
    }
    // A client that took all it was given is not slow: its rows waited for a late block, or for an overloaded
    // instance, until newer blocks had taken their place in the ring.
    const reason = client.hasStalled ? "slow" : "retention";
    if (client.options.slow === "close" && reason === "slow") {
      hub.end(client, "slow");
      return "idle";
    }
    const to = Math.max(group.served - 1, cursor + 1);
    client.lost = hub.lostSpanOf(client, to, reason);
    if (client.lost === null) hub.reportGap(client, to, reason);
    return "done";
  }

  /** One event of a span that a client has lost; behind the last one, the gap. */
  #tellLost(client: Client, lost: LostSpan): "done" | "idle" | "short" {
    const hub = this.#hub;
    const step = lost.step();
    if (step === "short") {
      hub.slabIsShort();
      return "short";
    }
    if (step === "more") return "idle";
    if (step === "done") {
      client.lost = null;
      hub.reportGap(client, lost.toRow, lost.reason);
    } else {
      client.sendFrame(step, hub.clockMs());
      step.release();
    }
    return "done";
  }
}

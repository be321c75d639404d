// Hands the released rows of one group to its clients: in order, a row at a time, in as many slices as it takes.
// Invariant: when a row is through, each client whose next row it was has it, has ended, or is known to be behind.
import type { RowGap } from "../blocks/row_gap.ts";
import type { Frame } from "../frames/frame.ts";
import type { ClientHub } from "./client_hub.ts";
import type { Client } from "./client.ts";
import { rotation } from "./live_queue.ts";
import type { SelectionGroup } from "./selection_group.ts";

/** The clock is looked at after so many writes: 50 ns each time, about 8 µs a write. */
const WRITES_A_LOOK = 8;

/** The clients of a group, and what is on its way to them. */
export class LiveDelivery {
  readonly clients: Client[] = [];
  readonly #hub: ClientHub;
  readonly #group: SelectionGroup;
  /** Rows released and not handed out yet; from −1: none. */
  #from = -1;
  #to = -1;
  #gaps: RowGap[] = [];
  /** The row that is being handed out; −1 between rows. */
  #row = -1;
  #frame: Frame | null = null;
  /** Where the next client stands, and how many are to be looked at. */
  #at = 0;
  #left = 0;
  #round = 0;
  /** Moved into a place that had been looked at, or joined. */
  #moved: Client[] | null = null;
  /** Could not take the row. */
  #skipped: Client[] | null = null;

  constructor(hub: ClientHub, group: SelectionGroup) {
    this.#hub = hub;
    this.#group = group;
  }

  /** Rows below this have been handed out or told as a gap. */
  get served(): number {
    return this.#from >= 0 ? this.#from : this.#group.timeline.released;
  }

  /** When the next row that is pending begins, GPS ms: for order alone, it is not exact. */
  get pendingMs(): number {
    return this.#from * this.#group.timeline.strideMs;
  }

  add(client: Client): void {
    client.place = this.clients.length;
    this.clients.push(client);
    if (this.#row < 0) return;
    // One place more to go round; and what lies behind may have been looked at.
    this.#left++;
    (this.#moved ??= []).push(client);
  }

  remove(client: Client): void {
    const { place } = client;
    const last = this.clients.pop()!;
    if (last === client) return;
    this.clients[place] = last;
    last.place = place;
    if (this.#row >= 0) (this.#moved ??= []).push(last);
  }

  /** A row or a gap has been released. True when nothing was pending before. */
  release(from: number, to: number, gap?: RowGap): boolean {
    const wasIdle = this.#from < 0;
    if (wasIdle) this.#from = from;
    this.#to = to;
    if (gap) this.#gaps.push(gap);
    return wasIdle;
  }

  /** One row, or what of it fits. `done`: nothing is pending any more. */
  deliver(endMs: number): "done" | "more" | "time-up" {
    if (this.#row < 0 && !this.#begin()) return "done";
    if (!this.#handOut(endMs)) return "time-up";
    // Cleared meanwhile, as the last client has ended or time was reset.
    if (this.#row >= 0) this.#finish();
    return this.#from < 0 ? "done" : "more";
  }

  /** Forgets what is pending. */
  clear(): void {
    this.#frame?.release();
    this.#frame = null;
    this.#row = this.#from = -1;
    this.#left = 0;
    this.#gaps = [];
    this.#moved = this.#skipped = null;
  }

  /** Tells what gaps come first, passes over what the ring has lost, and begins with a row if there is one. */
  #begin(): boolean {
    while (this.#from >= 0) {
      const gap = this.#gaps[0];
      if (this.#from >= this.#to && !gap) {
        this.#from = -1;
      } else if (gap && gap.from <= this.#from) {
        this.#gaps.shift();
        this.#tell(gap);
        if (this.#from >= 0) this.#from = Math.max(this.#from, gap.to);
      } else if (this.#group.timeline.stateOf(this.#from) === "gone") {
        this.#passOver();
      } else {
        this.#row = this.#from;
        this.#left = this.clients.length;
        this.#at = rotation(this.#round++, this.#left);
        return true;
      }
    }
    return false;
  }

  /** The ring has lost a row before its turn: who wants it catches up, and all go on with the newest. */
  #passOver(): void {
    const from = Math.max(this.#from + 1, this.#to - 1);
    this.#from = from;
    this.#gaps = this.#gaps.filter((gap) => gap.to > from);
    for (const client of this.clients) this.#hub.catchUp.add(client);
  }

  #tell(gap: RowGap): void {
    for (const client of [...this.clients]) {
      if (client.ended !== null || client.historyState !== "none") continue;
      if (client.cursor < gap.from || client.cursor >= gap.to) continue;
      // It was told of this one before.
      if (client.cursor < client.fillTo) continue;
      this.#hub.reportGap(client, gap.to, gap.reason);
    }
  }

  /** False when the time is up before all clients have been looked at. */
  #handOut(endMs: number): boolean {
    const { clients } = this;
    const { scheduler } = this.#hub;
    const clockMs = this.#hub.clockMs();
    let finished: Client[] | null = null;
    let writes = 0;
    let isInTime = true;
    while (this.#left > 0 && clients.length > 0) {
      if (writes >= WRITES_A_LOOK) {
        writes = 0;
        if (scheduler.clockMs() >= endMs) {
          isInTime = false;
          break;
        }
      }
      if (this.#at >= clients.length) this.#at = 0;
      const client = clients[this.#at++]!;
      this.#left--;
      if (!this.#serve(client, clockMs)) continue;
      writes++;
      if (client.cursor >= client.endRow) (finished ??= []).push(client);
    }
    if (isInTime && this.#moved !== null) {
      for (const client of this.#moved) {
        if (!this.#serve(client, clockMs)) continue;
        if (client.cursor >= client.endRow) (finished ??= []).push(client);
      }
    }
    if (finished !== null) {
      for (const client of finished) this.#hub.end(client, "complete");
    }
    return isInTime;
  }

  /** Writes the row to a client whose next one it is. */
  #serve(client: Client, clockMs: number): boolean {
    const row = this.#row;
    if (client.ended !== null) return false;
    // Whoever comes back from the past, or has rows to be filled, may be at this one when it is through.
    const isElsewhere = client.historyState !== "none" || row < client.fillTo;
    if (client.cursor !== row || isElsewhere) {
      if (client.cursor >= 0 && client.cursor <= row) this.#skip(client);
      return false;
    }
    const hub = this.#hub;
    if (!hub.canTake(client)) {
      this.#skip(client);
      return false;
    }
    const { timeline } = this.#group;
    if (client.endsAtGaps && timeline.isShort(row)) {
      hub.reportGap(client, row + 1, "missing");
      return false;
    }
    const frame = this.#frame ??= this.#encode(row);
    if (frame === null) {
      this.#skip(client);
      return false;
    }
    client.resuming = false;
    client.hasStalled = false;
    client.sendRow(frame, row, clockMs);
    hub.counters.framesSent++;
    return true;
  }

  /** Null when the row is gone from the ring, or the slab is short: then all fall behind. */
  #encode(row: number): Frame | null {
    const hub = this.#hub;
    const { timeline, rows } = this.#group;
    if (timeline.stateOf(row) === "gone") {
      this.#skipRest();
      return null;
    }
    const { clockMs } = hub.scheduler;
    const beganMs = clockMs();
    const frame = rows.encode(row);
    hub.counters.encodeSeconds += (clockMs() - beganMs) / 1000;
    if (frame !== null) hub.counters.framesEncoded++;
    else {
      hub.slabIsShort();
      this.#skipRest();
    }
    return frame;
  }

  #skip(client: Client): void {
    (this.#skipped ??= []).push(client);
  }

  #skipRest(): void {
    for (; this.#left > 0 && this.clients.length > 0; this.#left--) {
      if (this.#at >= this.clients.length) this.#at = 0;
      this.#skip(this.clients[this.#at++]!);
    }
  }

  #finish(): void {
    this.#frame?.release();
    this.#frame = null;
    this.#from = this.#row + 1;
    this.#row = -1;
    if (this.#from >= this.#to && this.#gaps.length === 0) this.#from = -1;
    const skipped = this.#skipped;
    this.#moved = this.#skipped = null;
    if (skipped === null) return;
    for (const client of skipped) this.#hub.catchUp.add(client);
  }
}

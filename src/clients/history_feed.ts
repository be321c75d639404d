// Feeds clients of one group with rows that the page ring does not have: it reads them from the source once, at the pace of
// the fastest client, until the page ring has each client's next row. A client that is too far behind the others leaves.
// Invariant: a client that leaves has been sent every row below its cursor. Memory is that of one history, whatever the
// number of clients. Why: docs/decisions/0055.
import type { BlockStore } from "../blocks/block_store.ts";
import { holderOf, type ShareHolder } from "../shares/share_holder.ts";
import { traceFields } from "../telemetry/request_trace.ts";
import type { HistoryHandle } from "./client_phase.ts";
import { FeedRows, type FeedRowsParts } from "./feed_rows.ts";
import { HistoryRead, type HistoryReadParts } from "./history_read.ts";
import { HistoryWindow } from "./history_window.ts";
import type { Permit } from "./permit.ts";
import type { GroupClient, SelectionGroup } from "./selection_group.ts";

/** What all feeds of an instance share. */
export interface HistoryFeedParts
  extends FeedRowsParts, Omit<HistoryReadParts, "log" | "clockMs"> {
  readonly store: BlockStore;
  /** Runs one step while no other feed runs. */
  readonly inTurn: <T>(step: () => T) => Promise<T>;
  readonly counters: { rows: number; reads: number; failures: number };
}

/** How a feed ended. `suspended`: its permit was needed elsewhere, `clients` are left. `over`: it has no clients left. */
export type FeedEnd = "suspended" | "over";

const SHORT_RETRY_MS = 20;

/** One reading of history. */
export class HistoryFeed implements HistoryHandle {
  readonly group: SelectionGroup;
  readonly clients: Set<GroupClient>;
  /** Whether other clients of the group may join. */
  readonly isShared: boolean;
  readonly #parts: HistoryFeedParts;
  readonly #read: HistoryRead;
  #permit: Permit;
  /** The client whose holder has the permit. */
  #owner: GroupClient;
  #window: HistoryWindow | null = null;
  #stalledSinceMs = Infinity;
  #isSuspended = false;
  /** Lets the feed continue while all of its clients have stalled, or in a pause. */
  #wake: (() => void) | null = null;
  #endPause: (() => void) | null = null;

  /**
   * The permit, which is the first client's, belongs to the feed until `run` has ended and its reader is closed.
   */
  constructor(
    clients: readonly GroupClient[],
    permit: Permit,
    isShared: boolean,
    parts: HistoryFeedParts,
  ) {
    this.#owner = clients[0]!;
    this.group = this.#owner.group;
    this.clients = new Set(clients);
    this.#permit = permit;
    this.isShared = isShared;
    this.#parts = parts;
    const { log, clockMs } = parts.lifecycle;
    this.#read = new HistoryRead({ ...parts, log, clockMs }, {
      isOver: () => this.#hasEnded(),
      pause: (ms) => this.#pause(ms),
      trace: () => this.trace,
    });
  }

  get permit(): Permit {
    return this.#permit;
  }

  /** By whom its permit is counted. */
  get holder(): ShareHolder {
    return holderOf(this.#owner.options);
  }

  /** Fields for the log. */
  get trace(): Readonly<Record<string, string>> {
    return traceFields(this.#owner.options.trace);
  }

  /** Since when none of its clients can take a row, by the monotonic clock; Infinity while one can. */
  get stalledSinceMs(): number {
    return this.#stalledSinceMs;
  }

  /** Whether a client of the group may join: its next row comes within so many rows, or is still in memory. */
  reaches({ cursor }: GroupClient, rowsMax: number): boolean {
    const window = this.#window;
    return this.isShared && !this.#isSuspended && !this.#read.isFailing &&
      window !== null && cursor <= window.next + rowsMax &&
      window.reaches(cursor);
  }

  /** Adds a client that it reaches. */
  join(client: GroupClient): void {
    this.clients.add(client);
    this.#wake?.();
  }

  clientDrained(): void {
    this.#wake?.();
  }

  clientEnded(): void {
    this.#wake?.();
    if (this.#hasEnded()) this.#endPause?.();
  }

  /**
   * Passes the permit on to another holder, and ends this feed, whose clients have stalled. Does nothing if that holder
   * may not have one.
   */
  suspendFor(holder: ShareHolder): Permit | null {
    const passed = this.#permit.passTo(holder);
    if (passed !== null) this.#suspend();
    return passed;
  }

  /** Returns the permit, and ends this feed, whose clients have stalled. */
  suspend(): void {
    this.#permit[Symbol.dispose]();
    this.#suspend();
  }

  #suspend(): void {
    this.#isSuspended = true;
    this.#wake?.();
  }

  async run(): Promise<FeedEnd> {
    const { group } = this;
    const { options } = this.#owner;
    const { store, inTurn } = this.#parts;
    const first = Math.min(...[...this.clients].map((c) => c.cursor));
    const prepared = this.#permit.takePrepared();
    const isHeld = prepared !== null && options.isSettled === true;
    const history = prepared ?? store.openHistory(
      group.shapes,
      group.timeline.strideNs,
      group.timeline.startNs(first),
    );
    try {
      const window = this.#window = new HistoryWindow(history, first);
      const { clients } = this;
      const encoder = group.encoderFor(history.timeline);
      const rows = new FeedRows(
        { group, clients, window, encoder, isHeld },
        this.#parts,
      );
      while (this.#keepsPermit()) {
        if (!this.#canOneTake()) {
          await this.#oneCanTake();
          continue;
        }
        const next = await inTurn(() => rows.slice());
        if (next === "short" || next === "ahead") {
          await this.#pause(SHORT_RETRY_MS);
        }
        if (typeof next === "string") continue;
        if (!await this.#read.more(history, next)) this.#endAll();
      }
      return this.clients.size > 0 ? "suspended" : "over";
    } finally {
      this.#window = null;
      this.#read.close();
      history.close();
    }
  }

  /** Whether no client needs rows any more. */
  #hasEnded(): boolean {
    for (const client of this.clients) if (client.ended === null) return false;
    return true;
  }

  /** Ends those that are left, after an error. */
  #endAll(): void {
    for (const client of [...this.clients]) {
      this.#parts.lifecycle.end(client, "error");
    }
  }

  /**
   * False when the feed is over, or suspended. When it no longer feeds the client whose holder has the permit, the holder of
   * another client gets it; where none of them may have one, the clients wait for a permit.
   */
  #keepsPermit(): boolean {
    for (const client of this.clients) {
      if (client.ended !== null) this.clients.delete(client);
    }
    if (this.#isSuspended || this.clients.size === 0) return false;
    if (this.clients.has(this.#owner)) return true;
    const { key } = this.holder;
    for (const client of this.clients) {
      const holder = holderOf(client.options);
      const permit = holder.key === key
        ? this.#permit
        : this.#permit.passTo(holder);
      if (permit === null) continue;
      this.#permit = permit;
      this.#owner = client;
      return true;
    }
    return false;
  }

  #canOneTake(): boolean {
    const { lifecycle } = this.#parts;
    for (const client of this.clients) {
      if (lifecycle.canTake(client)) return true;
    }
    return false;
  }

  /** Resolves after a finished write of a client, or when one ends or joins, or the feed is suspended. */
  #oneCanTake(): Promise<void> {
    this.#stalledSinceMs = this.#parts.lifecycle.clockMs();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        this.#stalledSinceMs = Infinity;
        resolve();
      };
    });
  }

  /** Resolves after a while, or when the last client ends: no timer outlives it. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#endPause = null;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#endPause = end;
    });
  }
}

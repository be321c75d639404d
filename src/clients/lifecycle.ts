// How clients begin and end, and what they are sent about it: opening, gaps, end. Also decides whether a client may
// take one more frame. Invariant: an open client is in `clients` and in its group's list; the reservation of its
// admission is released once, when it ends.
import type { GapReason } from "../blocks/row_gap.ts";
import type { Logger } from "../telemetry/log.ts";
import { ClientBooks } from "./client_books.ts";
import { ClientLog } from "./client_log.ts";
import { ended } from "./client_phase.ts";
import type { ClientHost } from "./client.ts";
import { CloseQueue } from "./close_queue.ts";
import { CUT_SHORT, type EndReason, MOVED } from "./end_reason.ts";
import type { CooperativeScheduler } from "./scheduler.ts";
import type { GroupClient, SelectionGroup } from "./selection_group.ts";
import { STREAM_FORMATS } from "../frames/stream_format.ts";
import type { Slab } from "../memory/slab.ts";
import type { SharePools } from "../shares/share_pools.ts";

export interface LifecycleOptions {
  readonly slab: Slab;
  readonly log: Logger;
  /** Milliseconds, monotonic: for waits and ages. */
  readonly clockMs: () => number;
  readonly inFlightFramesMax: number;
  /** Longest gap that is filled with null rows. */
  readonly gapFillRowsMax: number;
  readonly retryMs: number;
  /** Clients whose stream the server ends come back within this time after `retryMs`. */
  readonly retrySpreadMs: number;
  /** Called once for each client that has ended, after its last byte was counted. */
  readonly onEnded?: ((client: GroupClient) => void) | undefined;
  /** Threads that serve. */
  readonly workers: number;
  readonly sharePools: Pick<SharePools, "nextClientNumber">;
  /** From 0 to below 1. @default Math.random */
  readonly random?: (() => number) | undefined;
}

/** What the lifecycle needs of the parts above it. */
export interface LifecycleOwner {
  /** Finds out which part feeds a client from its cursor on. */
  assignFeeder(client: GroupClient): void;
  /** Called when a client was removed from its group. */
  closeGroupIfIdle(group: SelectionGroup): void;
}

/** The open clients of one instance. */
export class ClientLifecycle implements ClientHost {
  readonly books: ClientBooks;
  readonly closeQueue: CloseQueue<GroupClient>;
  /** Ended clients whose last writes have not finished. */
  readonly leaving = new Set<GroupClient>();
  readonly clockMs: () => number;
  readonly log: Logger;
  readonly inFlightFramesMax: number;
  readonly #clients = new Set<GroupClient>();
  readonly #options: LifecycleOptions;
  readonly #owner: LifecycleOwner;
  readonly #clientLog: ClientLog;

  constructor(
    scheduler: CooperativeScheduler,
    options: LifecycleOptions,
    owner: LifecycleOwner,
  ) {
    this.#options = options;
    this.#owner = owner;
    this.books = new ClientBooks(options.slab);
    this.clockMs = options.clockMs;
    this.log = options.log;
    this.inFlightFramesMax = options.inFlightFramesMax;
    this.#clientLog = new ClientLog(
      options.log,
      options.clockMs,
      options.workers,
    );
    this.closeQueue = new CloseQueue(scheduler, (client) => {
      this.#finishEnd(client);
      client.outlet.destroy();
    });
  }

  clients(): IterableIterator<GroupClient> {
    return this.#clients.values();
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** Bytes handed to clients since the start. Linear in clients: for /metrics. */
  get bytesSent(): number {
    let bytes = this.books.bytesOfEnded;
    for (const client of this.#clients) bytes += client.bytes;
    return bytes;
  }

  /** Takes in an admitted client and sends what begins its body. */
  open(client: GroupClient): void {
    const { group } = client;
    const { books } = this;
    this.#clients.add(client);
    group.clients.add(client);
    books.idleReserveBytes += group.slotBytes;
    books.counters.opened++;
    client.number = this.#options.sharePools.nextClientNumber();
    client.outlet.owner = client;
    client.sendOpening(this.clockMs());
    this.#clientLog.opened(client);
  }

  /** Ends a client: properly, or so that its reader sees that something is missing. Idempotent. */
  end(client: GroupClient, reason: EndReason): void {
    if (client.ended !== null) return;
    client.become(ended(reason));
    const { format } = client.group;
    const { isEvents, isLines } = STREAM_FORMATS[format];
    const isCut = isLines || client.options.isSettled === true
      ? reason !== "complete"
      : format === "arrow" && CUT_SHORT.has(reason);
    const isSpread = isEvents && MOVED.has(reason);
    const retryMs = isSpread ? this.#spreadRetryMs() : null;
    client.sendClosing({ reason, isCut, retryMs }, this.clockMs());
    this.#giveBack(client, reason);
    this.#finishEnd(client);
    if (isCut) client.outlet.cutShort();
    else client.outlet.end(reason);
    if (client.outlet.inFlight > 0) this.leaving.add(client);
  }

  /** Ends a client and drops its connection: its writes do not finish. Idempotent. */
  drop(client: GroupClient, reason: EndReason): void {
    if (client.ended !== null) return;
    client.become(ended(reason));
    this.#giveBack(client, reason);
    this.#finishEnd(client);
    client.outlet.destroy();
  }

  /** A client has closed its connection. Frees what it held now; the cleanup is deferred. Idempotent. */
  leave(client: GroupClient): void {
    if (client.ended !== null) return;
    client.become(ended("client-left"));
    this.#giveBack(client, "client-left");
    this.closeQueue.add(client);
  }

  /** Ends every client properly. */
  endAll(reason: EndReason): void {
    for (const client of [...this.#clients]) this.end(client, reason);
  }

  /** Reports the rows from a client's cursor to `to` as missing, by the client's policy. */
  reportGap(client: GroupClient, to: number, reason: GapReason): void {
    const { gaps = "fill" } = client.options;
    const end = Math.min(to, client.endRow);
    const isMissing = reason === "missing" || reason === "future";
    const isFilled = gaps === "fill" && isMissing &&
      end - client.cursor <= this.#options.gapFillRowsMax;
    this.books.gapsReported[reason]++;
    client.sendGap(end, reason, isFilled, this.clockMs());
    if (gaps === "fail") this.end(client, "gap");
    else if (client.cursor >= client.endRow) this.end(client, "complete");
    else this.#owner.assignFeeder(client);
  }

  /**
   * Whether a client may have one more frame. It may always have its first frame. It may have more only while the slab
   * has room beyond what is reserved for clients that have none. So stalled clients never take what the others need.
   */
  canTake(client: GroupClient): boolean {
    const { inFlight } = client.outlet;
    if (inFlight === 0) return true;
    if (
      inFlight < this.inFlightFramesMax &&
      this.books.hasRoomFor(client.group.slotBytes)
    ) return true;
    client.isSlow = true;
    return false;
  }

  /** A write of a client has finished. */
  drained(client: GroupClient): void {
    const { phase } = client;
    if (client.hasInFlight && client.outlet.inFlight === 0) {
      client.hasInFlight = false;
      if (phase.kind !== "ended") {
        this.books.idleReserveBytes += client.group.slotBytes;
      }
    }
    client.lastProgressMs = this.clockMs();
    if ("handle" in phase) phase.handle.clientDrained();
    else this.#owner.assignFeeder(client);
  }

  /** Reports clients that were not logged one by one; call once a second. */
  tick(): void {
    this.#clientLog.tick();
  }

  /** Finishes the cleanup of all clients that have disconnected. */
  close(): void {
    this.closeQueue.finish();
    this.#clientLog.tick();
  }

  /** Drops the ended clients whose last writes have not completed, at a shutdown that has waited for them. */
  dropLeaving(): void {
    for (const { outlet } of this.leaving) {
      if (outlet.inFlight > 0) outlet.destroy();
    }
    this.leaving.clear();
  }

  /** Everything that a client holds. Cheap, however many end at once. */
  #giveBack(client: GroupClient, reason: EndReason): void {
    const { group } = client;
    const { books } = this;
    this.#clients.delete(client);
    group.clients.remove(client);
    client.reservation[Symbol.dispose]();
    if (!client.hasInFlight) books.idleReserveBytes -= group.slotBytes;
    books.bytesOfEnded += client.bytes;
    books.ends[reason] = (books.ends[reason] ?? 0) + 1;
    if (client.options.isSettled !== true) return;
    books.settledAnswers[reason === "complete" ? "sent" : "cut"]++;
  }

  /** The line in the log, and the end of the group if this was its last client. */
  #finishEnd(client: GroupClient): void {
    this.#clientLog.closed(client);
    this.#options.onEnded?.(client);
    this.#owner.closeGroupIfIdle(client.group);
  }

  /** When a client that is sent to another instance comes back, ms. Many streams end together, so each gets another time. */
  #spreadRetryMs(): number {
    const { retryMs, retrySpreadMs, random = Math.random } = this.#options;
    return retryMs + Math.floor(random() * (retrySpreadMs + 1));
  }
}

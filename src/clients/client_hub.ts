// All clients, from the moment that they are let in: what they are told, and how they end.
// Invariant: a group lives while it has clients; at close no client, lease or slot is left.
import type { BlockStore } from "../blocks/block_store.ts";
import { GAP_REASONS, type GapReason } from "../blocks/row_gap.ts";
import type { Channel } from "../channels/channel.ts";
import { RowEncoders } from "../frames/row_encoders.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Slab } from "../memory/slab.ts";
import type { Taken } from "../memory/taken.ts";
import { CatchUp } from "./catch_up.ts";
import {
  type Client,
  type ClientOptions,
  CUT_SHORT,
  type EndReason,
} from "./client.ts";
import { ClientLog } from "./client_log.ts";
import { ClientMonitor } from "./client_monitor.ts";
import { LiveQueue } from "./live_queue.ts";
import { CloseQueue } from "./close_queue.ts";
import {
  type Admission,
  AdmissionControl,
  type AdmissionOptions,
} from "./admission_control.ts";
import { LostSpan } from "./lost_span.ts";
import { AdmissionQueue } from "./admission_queue.ts";
import { HistoryFeeds } from "./history_feeds.ts";
import { StartPosition } from "./start_position.ts";
import type { StreamFormat, StreamShape } from "../frames/stream_format.ts";
import {
  SelectionGroups,
  type SelectionGroupsOptions,
} from "./selection_groups.ts";
import { CooperativeScheduler, type Task } from "./scheduler.ts";

export interface ClientHubOptions
  extends AdmissionOptions, SelectionGroupsOptions {
  readonly slab: Slab;
  readonly log: Logger;
  /** Milliseconds, monotonic: for slices, waits and ages. */
  readonly clockMs: () => number;
  readonly inFlightFramesMax: number;
  readonly heartbeatMs: number;
  readonly writeStallMs: number;
  readonly catchUpRowsMax: number;
  readonly retryMs: number;
  /** Clients of a stop come back within so long after `retryMs`. */
  readonly drainSpreadMs: number;
  /** From 0 to below 1. @default Math.random */
  readonly random?: (() => number) | undefined;
  readonly gapFillRowsMax: number;
  readonly historyStallMs: number;
  readonly outageWaitMs: number;
  /** Longest work in one turn of the event loop, of each kind. */
  readonly sliceMs: number;
  /** See {@linkcode CooperativeScheduler}. */
  readonly later?: ((turn: () => void) => void) | undefined;
}

/** How long a client's writes may stand still while the slab is short. */
const SHORT_GRACE_MS = 500;
const SHORT_RETRY_MS = 20;

/** Hands rows to clients. Knows no HTTP. */
export class ClientHub {
  readonly slab: Slab;
  readonly encoders: RowEncoders;
  readonly inFlightFramesMax: number;
  readonly retryMs: number;
  readonly clockMs: () => number;
  readonly counters = {
    framesEncoded: 0,
    framesSent: 0,
    catchUpRows: 0,
    /** Making live frames, and all else of handing them out. */
    encodeSeconds: 0,
    /** Bytes of rows that packing has spared. */
    bytesSaved: 0,
    writeSeconds: 0,
    opened: 0,
    slabShort: 0,
    /** Private bytes for which the slab had no room. */
    unchargedBytes: 0,
  };
  readonly ends: Partial<Record<EndReason, number>> = {};
  /** By reason, from 0 on: what first appears above 0 has not increased for Prometheus. */
  readonly gapsReported = Object.fromEntries(
    GAP_REASONS.map((reason) => [reason, 0]),
  ) as Record<GapReason, number>;
  /** Kept in the slab for clients that have no frame on its way. */
  idleReserveBytes = 0;
  readonly history: HistoryFeeds;
  readonly log: Logger;
  readonly store: BlockStore;
  readonly #options: ClientHubOptions;
  readonly #clients = new Set<Client>();
  readonly admission: AdmissionControl;
  readonly groups: SelectionGroups;
  readonly scheduler: CooperativeScheduler;
  readonly liveQueue: LiveQueue;
  readonly catchUp: CatchUp;
  readonly admissionQueue: AdmissionQueue;
  readonly startPosition: StartPosition;
  readonly #closeQueue: CloseQueue;
  readonly #watch: ClientMonitor;
  readonly #clientLog: ClientLog;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #bytesOfEnded = 0;

  constructor(options: ClientHubOptions) {
    this.#options = options;
    this.slab = options.slab;
    this.encoders = new RowEncoders(options.slab);
    this.inFlightFramesMax = options.inFlightFramesMax;
    this.retryMs = options.retryMs;
    this.clockMs = options.clockMs;
    this.log = options.log;
    this.#clientLog = new ClientLog(options.log, options.clockMs);
    this.store = options.store;
    this.scheduler = new CooperativeScheduler(options);
    this.liveQueue = new LiveQueue(this.scheduler.clockMs);
    this.catchUp = new CatchUp(this, options.catchUpRowsMax);
    this.admissionQueue = new AdmissionQueue(this.scheduler, {
      waitingMax: options.clientsMax,
      sharePercent: options.addressSharePercent,
    });
    const live: Task = { work: (endMs) => this.#handOut(endMs) };
    const { trends } = options;
    this.startPosition = new StartPosition(this, options.resumeWindowMs);
    this.#watch = new ClientMonitor(this, options);
    this.#closeQueue = new CloseQueue(this.scheduler, (client) => {
      this.#closeBehind(client);
      client.outlet.destroy();
    });
    this.scheduler.serve(
      live,
      this.catchUp,
      this.admissionQueue,
      this.#closeQueue,
      this.#watch,
      trends,
    );
    options.store.onAdvanced = () => {
      if (this.liveQueue.waiting > 0) this.scheduler.begin(live);
      if (trends.isDue) this.scheduler.begin(trends);
    };
    this.admission = new AdmissionControl(this, options);
    this.history = new HistoryFeeds(this, {
      historiesMax: options.historyReadersMax,
      failureWaitMs: options.outageWaitMs,
      stallMs: options.historyStallMs,
      addressSharePercent: options.addressSharePercent,
    });
    this.groups = new SelectionGroups(this, options);
  }

  clients(): IterableIterator<Client> {
    return this.#clients.values();
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** Bytes handed to clients, whole life. Linear in clients: for /metrics. */
  get bytesSent(): number {
    let bytes = this.#bytesOfEnded;
    for (const client of this.#clients) bytes += client.bytes;
    return bytes;
  }

  /** Reserves a place for a client of these channels (sorted by name, all of one context). */
  admit(
    channels: readonly Channel[],
    shape: StreamFormat | StreamShape,
    options: ClientOptions,
  ): Admission {
    return this.admission.admit(
      channels,
      typeof shape === "string" ? { format: shape } : shape,
      options,
    );
  }

  /** Tells a span without rows, by the client's policy. */
  reportGap(client: Client, to: number, reason: GapReason): void {
    const { gaps = "fill" } = client.options;
    const end = Math.min(to, client.endRow);
    const isMissing = reason === "missing" || reason === "future";
    const isFilled = gaps === "fill" && isMissing &&
      end - client.cursor <= this.#options.gapFillRowsMax;
    this.gapsReported[reason]++;
    client.reportGap(end, reason, isFilled, this.clockMs());
    if (gaps === "fail") this.end(client, "gap");
    else if (client.cursor >= client.endRow) this.end(client, "complete");
    else this.catchUp.add(client);
  }

  /** The trend of the rows from a client's cursor to `to`, where it wants that in their place. */
  lostSpanOf(
    client: Client,
    to: number,
    reason: GapReason,
  ): LostSpan | null {
    const { trends, group, cursor, endRow } = client;
    if (trends === null) return null;
    const { timeline, coding } = group;
    return new LostSpan(trends, {
      encoders: this.encoders,
      coding,
      fromNs: timeline.startNs(cursor),
      toNs: timeline.startNs(Math.min(to, endRow)),
      toRow: to,
      reason,
    });
  }

  /** The ring goes on with a client whose past was read. */
  takeBack(client: Client): void {
    this.catchUp.add(client);
  }

  /** Ends a client: properly, or so that its reader sees that something is missing. Idempotent. */
  end(client: Client, reason: EndReason): void {
    if (client.ended !== null) return;
    client.ended = reason;
    const { format } = client.group;
    const isCut = format === "arrow" && CUT_SHORT.has(reason);
    const isSpread = format !== "arrow" && reason === "drain";
    const retryMs = isSpread ? this.#comeBackMs() : null;
    client.sendClosing({ reason, isCut, retryMs }, this.clockMs());
    if (!isCut) client.sendTrailer(this.clockMs());
    this.#forget(client);
    if (client.outlet.inFlight > 0) this.#watch.leaves(client);
    if (isCut) {
      client.outlet.cutShort();
    } else client.outlet.end();
  }

  /** Drops a client whose writes do not leave. */
  drop(client: Client, reason: EndReason): void {
    if (client.ended !== null) return;
    client.ended = reason;
    this.#forget(client);
    client.outlet.destroy();
  }

  /** The other side of a client has gone: its place is free at once, all else in time. Idempotent. */
  leave(client: Client): void {
    if (client.ended !== null) return;
    client.ended = "client-left";
    this.#giveBack(client);
    this.#closeQueue.add(client);
  }

  /**
   * No slot for a frame. The row is tried again from the ring; clients whose writes have not moved for
   * {@linkcode SHORT_GRACE_MS} are closed, the oldest first, and give their slots back.
   */
  slabIsShort(): void {
    this.counters.slabShort++;
    if (this.#retryTimer !== null) return;
    this.#dropStalled();
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = null;
      for (const client of this.#clients) this.catchUp.add(client);
      this.catchUp.goOn();
    }, SHORT_RETRY_MS);
  }

  /** An eighth of the clients whose writes stand still, the oldest first. */
  #dropStalled(): void {
    const beforeMs = this.clockMs() - SHORT_GRACE_MS;
    const stalled: Client[] = [];
    for (const client of this.#clients) {
      const isStill = client.lastProgressMs <= beforeMs;
      if (isStill && client.outlet.inFlight > 0) stalled.push(client);
    }
    stalled.sort((a, b) => a.lastProgressMs - b.lastProgressMs);
    const count = Math.ceil(stalled.length / 8);
    for (const client of stalled.slice(0, count)) this.drop(client, "slow");
  }

  /** Heartbeats, stalls, stragglers; call it once a second. */
  tick(): void {
    this.#clientLog.tick();
    this.history.tick();
    this.#watch.tick();
  }

  /** Rows to clients for a slice. */
  #handOut(endMs: number): boolean {
    const { counters, scheduler } = this;
    const beganMs = scheduler.clockMs();
    const encodedBefore = counters.encodeSeconds;
    const isLeft = this.liveQueue.work(endMs);
    counters.writeSeconds += (scheduler.clockMs() - beganMs) / 1000 -
      (counters.encodeSeconds - encodedBefore);
    return isLeft;
  }

  /**
   * Whether a client may have one more frame: its first always, further ones while the slab has room beyond what
   * is kept for clients that have none. So those that stall never take what the others need.
   */
  canTake(client: Client): boolean {
    const { inFlight } = client.outlet;
    if (inFlight === 0) return true;
    if (inFlight < this.inFlightFramesMax && this.#hasRoomFor(client)) {
      return true;
    }
    client.hasStalled = true;
    return false;
  }

  #hasRoomFor({ group }: Client): boolean {
    const { budgetBytes, usedBytes } = this.slab;
    return budgetBytes - usedBytes >=
      this.idleReserveBytes + group.reservedBytes;
  }

  /** A write of a client has left. */
  drained(client: Client): void {
    if (client.hasInFlight && client.outlet.inFlight === 0) {
      client.hasInFlight = false;
      if (client.ended === null) {
        this.idleReserveBytes += client.group.reservedBytes;
      }
    }
    client.lastProgressMs = this.clockMs();
    if (client.wakeHistory !== null) client.wakeHistory();
    else this.catchUp.add(client);
  }

  /** When a client of a stop comes back, ms: each at another time, as all streams of an instance end at once. */
  #comeBackMs(): number {
    const { drainSpreadMs, random = Math.random } = this.#options;
    return this.retryMs + Math.floor(random() * (drainSpreadMs + 1));
  }

  /** Ends every client properly. */
  drain(): void {
    this.admission.shut();
    for (const client of [...this.#clients]) this.end(client, "drain");
  }

  close(): void {
    this.drain();
    this.admissionQueue.close();
    this.scheduler.close();
    this.#closeQueue.finish();
    this.#clientLog.tick();
    this.#options.store.onAdvanced = () => {};
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.groups.close();
  }

  /** A client has come through the admission, and gives back itself from now on what was `taken` for it. */
  open(client: Client, taken: Taken): void {
    taken.keep();
    this.#clients.add(client);
    client.group.delivery.add(client);
    this.idleReserveBytes += client.group.reservedBytes;
    this.counters.opened++;
    client.outlet.owner = client;
    try {
      this.#begin(client);
    } catch (error) {
      this.drop(client, "error");
      throw error;
    }
  }

  #begin(client: Client): void {
    const { group, options } = client;
    const clockMs = this.clockMs();
    client.sendHead(clockMs);
    client.sendBytes(group.text.opening(), clockMs);
    this.#clientLog.opened({
      address: options.address,
      format: group.format,
      channels: group.channels.length,
    });
    this.startPosition.place(client);
    if (this.admission.isShut) this.end(client, "drain");
  }

  #forget(client: Client): void {
    this.#giveBack(client);
    this.#closeBehind(client);
  }

  /** All that a client had. Cheap, however many go at once. */
  #giveBack(client: Client): void {
    const { group } = client;
    this.history.forget(client);
    if (client.trends) this.#options.trends.release(client.trends);
    this.#clients.delete(client);
    group.delivery.remove(client);
    this.slab.unreserve(group.reservedBytes);
    this.admission.slabShares.release(
      client.options.address,
      group.reservedBytes,
    );
    if (!client.hasInFlight) this.idleReserveBytes -= group.reservedBytes;
    this.admission.addresses.release(client.options.address);
    this.#bytesOfEnded += client.bytes;
    const reason = client.ended!;
    this.ends[reason] = (this.ends[reason] ?? 0) + 1;
  }

  /** The line of the log, and the group if this was its last client. */
  #closeBehind(client: Client): void {
    const { group } = client;
    this.#clientLog.closed({
      address: client.options.address,
      format: group.format,
      channels: group.channels.length,
      rows: client.rows,
      bytes: client.bytes,
      gaps: client.gaps,
      seconds: (this.clockMs() - client.openedMs) / 1000,
      reason: client.ended,
    });
    this.groups.closeIfIdle(group);
  }
}

// Wires the parts that serve the clients of one instance. It has no behaviour of its own.
import type { BlockStore } from "../blocks/block_store.ts";
import type { RowListener } from "../blocks/row_listener.ts";
import type { Catalog } from "../channels/catalog.ts";
import { RowEncoders } from "../frames/row_encoders.ts";
import type { SharePools } from "../shares/share_pools.ts";
import type { Trends } from "../trends/recorded_trend.ts";
import {
  AdmissionControl,
  type AdmissionOptions,
} from "./admission_control.ts";
import { CatchUp } from "./catch_up.ts";
import { ClientFigures } from "./client_figures.ts";
import { ClientMonitor } from "./client_monitor.ts";
import { DrainWindow } from "./drain_window.ts";
import { HandOut } from "./hand_out.ts";
import { HistoryFeeds } from "./history_feeds.ts";
import { ClientLifecycle, type LifecycleOptions } from "./lifecycle.ts";
import { LiveLanes } from "./live_lanes.ts";
import { CooperativeScheduler } from "./scheduler.ts";
import { SelectionGroups } from "./selection_groups.ts";
import { SettledRanges, type SettledRangesOptions } from "./settled_ranges.ts";
import { SlabShortage } from "./slab_shortage.ts";
import { StartPosition } from "./start_position.ts";
import { StreamAge } from "./stream_age.ts";

export interface ClientHubOptions
  extends AdmissionOptions, LifecycleOptions, SettledRangesOptions {
  readonly store: BlockStore;
  readonly catalog: Catalog;
  readonly trends: Trends;
  readonly sharePools: SharePools;
  readonly heartbeatMs: number;
  readonly writeStallMs: number;
  readonly catchUpRowsMax: number;
  readonly historyStallMs: number;
  readonly outageWaitMs: number;
  readonly drainSpreadS: number;
  readonly streamAgeMaxS: number;
  /** Longest work of each task in one turn of the event loop, ms. */
  readonly sliceMs: number;
  /** See {@linkcode CooperativeScheduler}. */
  readonly later?: ((turn: () => void) => void) | undefined;
}

/** Serves the clients of one instance. Knows no HTTP. */
export class ClientHub implements RowListener {
  readonly lifecycle: ClientLifecycle;
  readonly admission: AdmissionControl;
  readonly groups: SelectionGroups;
  readonly settledRanges: SettledRanges;
  readonly sharePools: SharePools;
  readonly history: HistoryFeeds;
  readonly liveQueue: LiveLanes;
  readonly encoders: RowEncoders;
  /** The shutdown. */
  readonly drainWindow: DrainWindow;
  /** What /metrics and /v1/status show. */
  readonly figures: ClientFigures = new ClientFigures(this);
  readonly #store: BlockStore;
  readonly #scheduler: CooperativeScheduler;
  readonly #shortage: SlabShortage;
  readonly #catchUp: CatchUp;
  readonly #monitor: ClientMonitor;
  readonly #streamAge: StreamAge;
  readonly #handOut: HandOut;

  constructor(options: ClientHubOptions) {
    const { store, trends, slab, catalog: { notes } } = options;
    this.#store = store;
    this.sharePools = options.sharePools;
    const scheduler = this.#scheduler = new CooperativeScheduler(options);
    const encoders = this.encoders = new RowEncoders(slab, notes);
    const lifecycle = this.lifecycle = new ClientLifecycle(scheduler, options, {
      assignFeeder: (client) => this.#catchUp.assign(client),
      closeGroupIfIdle: (group) => this.groups.closeIfIdle(group),
    });
    const shortage = this.#shortage = new SlabShortage(
      lifecycle,
      () => this.#retry(),
    );
    const shared = { ...options, scheduler, lifecycle, shortage, encoders };

    const history = this.history = new HistoryFeeds({
      ...shared,
      onBack: (client) => this.#catchUp.assign(client),
    });
    const catchUp = this.#catchUp = new CatchUp({ ...shared, history });
    const startPosition = new StartPosition({ ...shared, history, catchUp });
    const liveQueue = this.liveQueue = new LiveLanes(scheduler.clockMs);
    const groups = this.groups = new SelectionGroups({
      ...shared,
      liveQueue,
      catchUp,
      startPosition,
    });
    const admission = this.admission = new AdmissionControl({
      ...shared,
      history,
      startPosition,
      groups,
    });
    this.settledRanges = new SettledRanges({ ...options, history });
    const monitor = this.#monitor = new ClientMonitor({
      ...shared,
      startPosition,
    });
    const drainWindow = this.drainWindow = new DrainWindow(shared);
    const streamAge = this.#streamAge = new StreamAge(shared);
    const handOut = this.#handOut = new HandOut({
      scheduler,
      liveQueue,
      lifecycle,
      trends,
    });
    scheduler.setOrder(
      handOut.first,
      handOut.last,
      catchUp,
      admission.queue,
      lifecycle.closeQueue,
      monitor,
      drainWindow,
      streamAge,
      trends,
    );
  }

  /** The block store has released rows: hands them out. */
  rowsReleased(): void {
    this.#handOut.rowsReleased();
  }

  /** The shutdown, and permits of other threads; call it ten times a second. */
  look(): void {
    this.drainWindow.tick();
    this.history.look();
  }

  /** Another thread has recorded trends: releases the bins, and continues with the clients, that waited for them. */
  trendsRecorded(): void {
    this.#store.advance({ binsOnly: true });
    this.#catchUp.trendsRecorded();
  }

  /** Heartbeats, stalls, suspended histories and old streams; call it once a second. */
  tick(): void {
    this.lifecycle.tick();
    this.history.tick();
    this.#monitor.tick();
    if (!this.admission.isClosed) this.#streamAge.tick();
  }

  /** The rights of clients may have changed: ends those who may not read on. */
  rightsChanged(): void {
    this.#monitor.checkAll();
  }

  /** Ends every client properly, and admits none from now on. */
  drain(): void {
    this.admission.close();
    this.lifecycle.endAll("drain");
  }

  /** The same over `drainSpreadS`: clients get their rows until it is their turn. Resolves when none is left. */
  drainSpread(): Promise<void> {
    this.admission.close();
    return this.drainWindow.begin();
  }

  /** Throws when a group is left. */
  close(): void {
    this.drain();
    this.drainWindow.close();
    this.admission.queue.close();
    this.#scheduler.close();
    this.lifecycle.close();
    this.#shortage.close();
    this.groups.close();
  }

  /** The slab may have room again: feeds all clients that are behind. */
  #retry(): void {
    for (const client of this.lifecycle.clients()) {
      this.#catchUp.assign(client);
    }
    this.#catchUp.resume();
  }
}

// What /metrics and /v1/status show of the clients: a read-only view of the parts that count.
import type { GapReason } from "../blocks/row_gap.ts";
import type { AdmissionControl } from "./admission_control.ts";
import type { ClientBooks } from "./client_books.ts";
import type { DrainWindow } from "./drain_window.ts";
import type { EndReason } from "./end_reason.ts";
import type { HistoryFeeds } from "./history_feeds.ts";
import type { ClientLifecycle } from "./lifecycle.ts";
import type { LiveLanes } from "./live_lanes.ts";
import type { SharePools } from "../shares/share_pools.ts";
import type { Refusal } from "./refusals.ts";
import type { SelectionGroups } from "./selection_groups.ts";

export interface ClientFiguresParts {
  readonly lifecycle: ClientLifecycle;
  readonly groups: SelectionGroups;
  readonly liveQueue: LiveLanes;
  readonly history: HistoryFeeds;
  readonly admission: AdmissionControl;
  readonly drainWindow: DrainWindow;
  readonly sharePools: Pick<SharePools, "refusedHolders">;
}

/** Figures of one instance's clients. Counters count from the start of the instance. */
export class ClientFigures {
  readonly #parts: ClientFiguresParts;

  constructor(parts: ClientFiguresParts) {
    this.#parts = parts;
  }

  /** Open clients. */
  get clients(): number {
    return this.#parts.lifecycle.clientCount;
  }

  /** Clients that a shutdown has still to end. */
  get clientsToDrain(): number {
    return this.#parts.drainWindow.clientsLeft;
  }

  get selections(): number {
    return this.#parts.groups.size;
  }

  /** Owners and addresses that have open clients. */
  get addresses(): number {
    return this.#parts.admission.shares.size;
  }

  /** Requests that wait to be admitted. */
  get admissionsWaiting(): number {
    return this.#parts.admission.queue.size;
  }

  /** Owners and addresses for which there was no memory to count them. */
  get refusedHolders(): number {
    return this.#parts.sharePools.refusedHolders;
  }

  /** For how long there have been rows to hand out without a pause, ms. */
  get liveBusyMs(): number {
    return this.#parts.liveQueue.busyMs;
  }

  get counters(): Readonly<ClientBooks["counters"]> {
    return this.#parts.lifecycle.books.counters;
  }

  /** Bytes handed to clients. Linear in clients. */
  get bytesSent(): number {
    return this.#parts.lifecycle.bytesSent;
  }

  get gapsReported(): Readonly<Record<GapReason, number>> {
    return this.#parts.lifecycle.books.gapsReported;
  }

  /** Requests for a range that has ended, by what became of them. */
  get settledAnswers(): Readonly<ClientBooks["settledAnswers"]> {
    return this.#parts.lifecycle.books.settledAnswers;
  }

  /** Ended clients by reason. */
  get ends(): Readonly<Partial<Record<EndReason, number>>> {
    return this.#parts.lifecycle.books.ends;
  }

  /** Refused clients by limit. */
  get refusals(): Readonly<Record<Refusal, number>> {
    return this.#parts.admission.refusals;
  }

  /** Reading of history: now, and counted. */
  get history(): Readonly<
    Pick<
      HistoryFeeds,
      | "histories"
      | "resumes"
      | "historiesWaiting"
      | "resumesWaiting"
      | "waiting"
      | "counters"
    >
  > {
    return this.#parts.history;
  }
}

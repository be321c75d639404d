// Admits clients, or says which limit refuses them.
// Invariant: a refused or cancelled admission releases every reservation; an admitted client has reserved all it needs.
import type { BlockStore } from "../blocks/block_store.ts";
import type { Catalog } from "../channels/catalog.ts";
import type { Channel } from "../channels/channel.ts";
import type { StreamFormat, StreamShape } from "../frames/stream_format.ts";
import { type Rollback, withRollback } from "../memory/rollback.ts";
import type { Slab } from "../memory/slab.ts";
import type { Trends } from "../trends/recorded_trend.ts";
import type { Admission, FullAdmission, ReadyAdmission } from "./admission.ts";
import { AdmissionQueue } from "./admission_queue.ts";
import type { ClientOptions } from "./client_options.ts";
import { Client } from "./client.ts";
import type { HistoryFeeds } from "./history_feeds.ts";
import type { ClientLifecycle } from "./lifecycle.ts";
import { HISTORY_FAILS, needsHistory } from "./needs_history.ts";
import { Permit } from "./permit.ts";
import { mostText, newRefusals, type Refusal, shareText } from "./refusals.ts";
import { Reservation, type ReservationPools, slabPool } from "./reservation.ts";
import {
  frameTooLarge,
  rowTooLarge,
  trendEventTooLarge,
} from "./row_limits.ts";
import type { CooperativeScheduler } from "./scheduler.ts";
import type { GroupClient, SelectionGroup } from "./selection_group.ts";
import type { SelectionGroups } from "./selection_groups.ts";
import {
  holderOf,
  type ShareHolder,
  type SharingClient,
} from "../shares/share_holder.ts";
import type { PoolRefusal, SharePool } from "../shares/share_pool.ts";
import type { SharePools } from "../shares/share_pools.ts";
import type { StartPosition } from "./start_position.ts";

export interface AdmissionOptions {
  readonly clientsMax: number;
  /** Clients of one address; 0 for any number. @default 0 */
  readonly clientsPerAddressMax?: number;
  /** Most of each pool that one address may have, percent of what the others leave. */
  readonly addressSharePercent: number;
  readonly historyReadersMax: number;
  readonly resumeWindowMs: number;
  /** Whether other threads have found that a topic's history cannot be read. @default never */
  readonly historyFails?: (topic: string) => boolean;
}

export interface AdmissionParts extends AdmissionOptions {
  readonly scheduler: CooperativeScheduler;
  readonly lifecycle: ClientLifecycle;
  readonly history: HistoryFeeds;
  readonly startPosition: StartPosition;
  readonly groups: SelectionGroups;
  readonly store: BlockStore;
  readonly slab: Slab;
  readonly catalog: Catalog;
  readonly trends: Trends;
  readonly sharePools: SharePools;
}

/** Admits the clients of one instance. */
export class AdmissionControl {
  readonly refusals = newRefusals();
  /** Whether it admits no client any more; set by close(). */
  isClosed = false;
  readonly queue: AdmissionQueue;
  /** Clients by owner or address, and the bytes of this thread's slab that are reserved for them. */
  readonly shares: SharePool;
  readonly slabShares: SharePool;
  readonly #parts: AdmissionParts;
  readonly #pools: ReservationPools;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    const { addressSharePercent: sharePercent, sharePools, slab, trends } =
      parts;
    const capacity = parts.clientsMax;
    this.queue = new AdmissionQueue(
      parts.scheduler,
      sharePools.pool("admissions", { capacity, sharePercent }),
    );
    const clients = this.shares = sharePools.pool("clients", {
      capacity,
      sharePercent,
      maxOf: ({ limits }) =>
        limits.clientsMax ?? (parts.clientsPerAddressMax || undefined),
    });
    const slabShares = this.slabShares = slabPool(slab, sharePercent);
    this.#pools = { slab, slabShares, clients, trends };
  }

  /** Admits no client from now on. */
  close(): void {
    this.isClosed = true;
  }

  /** Waits for the turn of a request for so many channels, and until `trends` can be leased. Returns null, or why not. */
  async waitForTurn(
    client: SharingClient,
    channels: number,
    trends: readonly Channel[] = [],
  ): Promise<FullAdmission | null> {
    const holder = holderOf(client);
    const refusal = await this.queue.waitForTurn(holder, channels, trends);
    if (refusal === null) {
      if (trends.length > 0) await this.#parts.trends.prepare(trends);
      return null;
    }
    const limit = `${this.queue.queuedMax} requests that wait to be let in`;
    return this.#refused(refusal, "openings", { limit, holder });
  }

  /** Reserves what a client of these channels (sorted by name, all of one context) needs. */
  admit(
    channels: readonly Channel[],
    format: StreamFormat | StreamShape,
    options: ClientOptions,
  ): Admission {
    const shape = typeof format === "string" ? { format } : format;
    const { catalog, clientsMax, groups } = this.#parts;
    if (this.isClosed) return this.#full("draining", "draining");
    if (this.shares.used >= clientsMax) {
      return this.#full("clients", `${clientsMax} clients`);
    }
    if (options.rights?.lost(channels)) return { kind: "other-rights" };
    // Whether a channel still is what it was when the request looked it up.
    const stale = channels.find((c) => catalog.get(c.name, c.replayId) !== c);
    if (stale) return { kind: "changed", name: stale.name };
    const tooLarge = groups.has(channels, shape)
      ? null
      : rowTooLarge(channels, shape);
    if (tooLarge !== null) return this.#tooLarge(tooLarge);
    return withRollback((rollback) => {
      const admission = this.#reserve(channels, shape, options, rollback);
      if (admission.kind !== "ready") rollback.rollBack();
      return admission;
    });
  }

  /** Reserves one thing after the other, and notes each in `rollback`. */
  #reserve(
    channels: readonly Channel[],
    shape: StreamShape,
    options: ClientOptions,
    rollback: Rollback,
  ): Admission {
    const { groups, history } = this.#parts;
    const holder = holderOf(options);
    const group = groups.of(channels, shape);
    if (group === null) return this.#trendsFull();
    rollback.add(() => groups.closeIfIdle(group));
    const tooLarge = frameTooLarge(group.rows.frameBytesMax);
    if (tooLarge !== null) return this.#tooLarge(tooLarge);

    let permit: Permit | null = null;
    if (needsHistory(group, options, this.#parts)) {
      const { historyFails = () => false } = this.#parts;
      const fails = history.failing.includes(group.shapes) ||
        group.shapes.some(({ topic }) => historyFails(topic));
      if (fails) {
        return { ...this.#full("histories", ""), reason: HISTORY_FAILS };
      }
      const outcome = history.takePermit(holder);
      if (!(outcome instanceof Permit)) {
        const limit = `${this.#parts.historyReadersMax} histories at once`;
        return this.#refused(outcome, "histories", { limit, holder });
      }
      permit = outcome;
      rollback.add(() => outcome[Symbol.dispose]());
    }
    const reservation = new Reservation(this.#pools, holder);
    rollback.add(() => reservation[Symbol.dispose]());
    const refusal = this.#reserveAll(reservation, group, options);
    if (refusal !== null) return refusal;
    return this.#ready({ group, permit, reservation, options }, rollback);
  }

  /** Reserves what a client holds while it is open. Returns null, or why it is refused. */
  #reserveAll(
    reservation: Reservation,
    { slotBytes, channels }: SelectionGroup,
    { slow }: ClientOptions,
  ): Admission | null {
    const { slab } = this.#parts;
    const { holder } = reservation;
    const noSlab = reservation.takeSlab(slotBytes);
    if (noSlab !== null) {
      const limit = `${slab.budgetBytes} bytes in flight`;
      return this.#refused(noSlab, "memory", { limit, holder });
    }
    const noClient = reservation.takeClient();
    if (noClient !== null) {
      const limit = `${this.shares.capacity} clients`;
      return this.#refused(noClient, "clients", { limit, holder });
    }
    if (slow !== "trend") return null;
    const tooLarge = trendEventTooLarge(channels);
    if (tooLarge !== null) return this.#tooLarge(tooLarge);
    return reservation.takeTrends(channels) ? null : this.#trendsFull();
  }

  #ready(
    admitted: {
      readonly group: SelectionGroup;
      readonly permit: Permit | null;
      readonly reservation: Reservation;
      readonly options: ClientOptions;
    },
    rollback: Rollback,
  ): ReadyAdmission {
    const { group } = admitted;
    group.admitted++;
    let isUsed = false;
    const use = () => {
      if (isUsed) return false;
      group.admitted--;
      return isUsed = true;
    };
    return {
      kind: "ready",
      admitted: () => admitted,
      open: (outlet, isSettled = false) => {
        if (!use()) throw new Error("Cannot open what is open or cancelled");
        try {
          const { lifecycle: host } = this.#parts;
          const clockMs = host.clockMs();
          const options = isSettled
            ? { ...admitted.options, gaps: "fail" as const, isSettled }
            : admitted.options;
          const client = new Client({
            ...admitted,
            options,
            host,
            outlet,
            clockMs,
          });
          this.#open(client, rollback);
          return client;
        } catch (error) {
          rollback.rollBack();
          throw error;
        }
      },
      cancel: () => {
        if (use()) rollback.rollBack();
      },
    };
  }

  /** From now on the client releases what was taken for it, when it ends. */
  #open(client: GroupClient, rollback: Rollback): void {
    const { lifecycle, startPosition } = this.#parts;
    rollback.commit();
    try {
      lifecycle.open(client);
      startPosition.place(client);
      if (this.isClosed) lifecycle.end(client, "drain");
    } catch (error) {
      lifecycle.drop(client, "error");
      throw error;
    }
  }

  /** The answer when a pool refuses: all of it is taken, or the holder has what it may have. */
  #refused(
    refusal: PoolRefusal,
    pool: "clients" | "histories" | "memory" | "openings",
    about: { readonly limit: string; readonly holder: ShareHolder },
  ): FullAdmission {
    if (refusal === "full") return this.#full(pool, about.limit);
    const { kind, limits } = about.holder;
    const { sharePercent = this.shares.sharePercent, historiesMax } = limits;
    const limit = refusal === "share"
      ? shareText(about, sharePercent)
      : pool === "histories"
      ? mostText(historiesMax, "history", kind)
      : mostText(this.shares.maxOf(about.holder), "client", kind);
    return this.#full(refusal, limit, kind);
  }

  #full(
    refusal: Refusal,
    limit: string,
    of: FullAdmission["of"] = null,
  ): FullAdmission {
    this.refusals[refusal]++;
    return { kind: "full", refusal, limit, of };
  }

  #trendsFull(): FullAdmission {
    const limit = `${this.#parts.trends.budgetBytes} bytes of trends`;
    return this.#full("trends", limit);
  }

  #tooLarge(detail: string): Admission {
    this.refusals.row++;
    return { kind: "too-large", detail };
  }
}

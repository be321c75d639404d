// All clients and their groups: admission, catching up, heartbeats, ends.
// Invariant: a group lives while it has clients; at close no client, lease or slot is left.
import type { BlockStore, TopicShape } from "../blocks/block_store.ts";
import { rowStrideOf } from "../blocks/timeline.ts";
import type { Catalog } from "../channels/catalog.ts";
import { type Channel, topicOf } from "../channels/channel.ts";
import { TextScratch } from "../frames/event_rows.ts";
import type { Logger } from "../log.ts";
import { type Slab, SLOT_BYTES_MAX } from "../memory/slab.ts";
import { Client, type ClientOptions, type EndReason } from "./client.ts";
import type { Outlet } from "./outlet.ts";
import { SelectionGroup, type StreamFormat } from "./selection_group.ts";

export interface BroadcastOptions {
  readonly store: BlockStore;
  readonly catalog: Catalog;
  readonly slab: Slab;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly clientsMax: number;
  readonly inFlightFramesMax: number;
  readonly heartbeatMs: number;
  readonly writeStallMs: number;
  readonly catchUpRowsMax: number;
  readonly retryMs: number;
}

/** Whether one more client can be served. */
export type Admission =
  | { readonly kind: "ready"; open(outlet: Outlet): Client; cancel(): void }
  | { readonly kind: "full"; readonly limit: string }
  | { readonly kind: "too-large"; readonly detail: string };

/** How long a client's writes may stand still while the slab is short. */
const SHORT_GRACE_MS = 500;
const SHORT_RETRY_MS = 20;

/** Hands rows to clients. Knows no HTTP. */
export class Broadcast {
  readonly slab: Slab;
  readonly scratch = new TextScratch();
  readonly inFlightFramesMax: number;
  readonly retryMs: number;
  readonly nowMs: () => number;
  readonly counters = {
    framesEncoded: 0,
    framesSent: 0,
    catchUpRows: 0,
    opened: 0,
    refused: 0,
    slabShort: 0,
  };
  readonly ends: Partial<Record<EndReason, number>> = {};
  readonly #options: BroadcastOptions;
  readonly #groups = new Map<string, SelectionGroup>();
  readonly #clients = new Set<Client>();
  readonly #unwatch: () => void;
  #behind: Client[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #draining = false;
  #opening = 0;

  constructor(options: BroadcastOptions) {
    this.#options = options;
    this.slab = options.slab;
    this.inFlightFramesMax = options.inFlightFramesMax;
    this.retryMs = options.retryMs;
    this.nowMs = options.nowMs;
    this.#unwatch = options.catalog.onChange(
      (_name, _replayId, before, after) => {
        if (before) this.#channelChanged(before, after);
      },
    );
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  /** Reserves a place for a client of these channels (sorted by name, all of one context). */
  admit(
    channels: readonly Channel[],
    format: StreamFormat,
    options: ClientOptions,
  ): Admission {
    const { clientsMax } = this.#options;
    if (this.#draining) return { kind: "full", limit: "draining" };
    if (this.#clients.size + this.#opening >= clientsMax) {
      this.counters.refused++;
      return { kind: "full", limit: `${clientsMax} clients` };
    }
    const group = this.#groupOf(channels, format);
    const { frameBytes } = group.rows;
    if (frameBytes > SLOT_BYTES_MAX) {
      this.#closeIfIdle(group);
      return {
        kind: "too-large",
        detail: `A row of this selection takes about ${frameBytes} bytes, ` +
          `at most ${SLOT_BYTES_MAX} can be sent`,
      };
    }
    if (!this.slab.reserve(frameBytes)) {
      this.#closeIfIdle(group);
      this.counters.refused++;
      return {
        kind: "full",
        limit: `${this.slab.budgetBytes} bytes in flight`,
      };
    }
    this.#opening++;
    group.opening++;
    return {
      kind: "ready",
      open: (outlet) => {
        this.#opening--;
        group.opening--;
        return this.#open(group, outlet, options);
      },
      cancel: () => {
        this.#opening--;
        group.opening--;
        this.slab.unreserve(frameBytes);
        this.#closeIfIdle(group);
      },
    };
  }

  /** Gives a client its first row once its timeline has found its place. */
  place(client: Client): void {
    const { timeline } = client.group;
    if (client.cursor >= 0 || timeline.frontier < 0) return;
    const { afterNs, durationNs } = client.options;
    client.cursor = timeline.frontier;
    if (afterNs !== undefined) {
      const row = afterNs === null ? Infinity : timeline.rowAt(afterNs);
      // A frontier may trail the clock by the row in flight; an id beyond that was never given out.
      if (row > timeline.frontier + 1) {
        this.#tellUnknownId(client, afterNs);
      } else {
        client.cursor = row;
        client.resuming = row < timeline.frontier;
      }
    }
    if (durationNs !== undefined) {
      const rows = (durationNs + timeline.strideNs - 1n) / timeline.strideNs;
      client.endRow = client.cursor + Number(rows);
    }
    this.#enqueue(client);
  }

  /** Ends a client properly. Idempotent. */
  end(client: Client, reason: EndReason): void {
    if (client.ended !== null) return;
    client.ended = reason;
    const bytes = client.group.closingBytes(reason);
    if (bytes.byteLength > 0) client.sendBytes(bytes, this.nowMs());
    this.#forget(client, reason);
    client.outlet.end();
  }

  /** Drops a client whose writes do not leave. */
  drop(client: Client, reason: EndReason): void {
    if (client.ended !== null) return;
    client.ended = reason;
    this.#forget(client, reason);
    client.outlet.destroy();
  }

  /**
   * No slot for a frame. The row is tried again from the ring; a client whose writes have not moved for
   * {@linkcode SHORT_GRACE_MS} is closed, the oldest first, and gives its slots back.
   */
  slabIsShort(): void {
    this.counters.slabShort++;
    let oldest: Client | null = null;
    for (const client of this.#clients) {
      if (client.outlet.inFlight === 0) continue;
      if (oldest === null || client.lastProgressMs < oldest.lastProgressMs) {
        oldest = client;
      }
    }
    if (oldest && this.nowMs() - oldest.lastProgressMs >= SHORT_GRACE_MS) {
      this.drop(oldest, "slow");
    }
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = null;
      for (const client of this.#clients) this.#enqueue(client);
    }, SHORT_RETRY_MS);
  }

  /** Heartbeats, stalls, stragglers; once a second. No timer per client. */
  tick(): void {
    const nowMs = this.nowMs();
    const { heartbeatMs, writeStallMs } = this.#options;
    for (const client of this.#clients) {
      const { outlet, group } = client;
      if (outlet.inFlight > 0) {
        if (nowMs - client.lastProgressMs >= writeStallMs) {
          this.drop(client, "stalled");
        }
        continue;
      }
      this.#enqueue(client);
      if (nowMs - client.lastWriteMs >= heartbeatMs) {
        client.sendBytes(group.heartbeatBytes(client.cursor), nowMs);
      }
    }
  }

  /** Ends every client properly. */
  drain(): void {
    this.#draining = true;
    for (const client of [...this.#clients]) this.end(client, "drain");
  }

  close(): void {
    this.drain();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#unwatch();
    if (this.#groups.size > 0) {
      throw new Error(
        `Cannot close the broadcast as ${this.#groups.size} groups are left`,
      );
    }
  }

  #groupOf(
    channels: readonly Channel[],
    format: StreamFormat,
  ): SelectionGroup {
    const replayId = channels[0]!.replayId;
    const key = `${format}\n${replayId ?? ""}\n${
      channels.map((c) => c.name).join("\n")
    }`;
    const known = this.#groups.get(key);
    if (known) return known;
    const shapes = new Map<string, TopicShape>();
    for (const channel of channels) {
      const topic = topicOf(channel);
      shapes.set(topic, {
        topic,
        strideNs: channel.strideNs,
        maxLatencyNs: channel.maxLatencyNs,
        replayId: channel.replayId,
      });
    }
    const strideNs = rowStrideOf(channels.map((c) => c.strideNs));
    const timeline = this.#options.store.lease([...shapes.values()], strideNs);
    const group = new SelectionGroup(this, key, channels, format, timeline);
    this.#groups.set(key, group);
    return group;
  }

  #open(
    group: SelectionGroup,
    outlet: Outlet,
    options: ClientOptions,
  ): Client {
    const nowMs = this.nowMs();
    const client = new Client(group, outlet, options, nowMs);
    this.#clients.add(client);
    group.clients.add(client);
    this.counters.opened++;
    outlet.onDrain = () => {
      client.lastProgressMs = this.nowMs();
      this.#enqueue(client);
    };
    outlet.onClose = () => this.drop(client, "client-left");
    client.sendBytes(group.openingBytes(), nowMs);
    this.#options.log.info("client-open", {
      address: options.address,
      format: group.format,
      channels: group.channels.length,
    });
    this.place(client);
    if (this.#draining) this.end(client, "drain");
    return client;
  }

  #forget(client: Client, reason: EndReason): void {
    const { group } = client;
    this.#clients.delete(client);
    group.clients.delete(client);
    this.slab.unreserve(group.rows.frameBytes);
    this.ends[reason] = (this.ends[reason] ?? 0) + 1;
    this.#options.log.info("client-close", {
      address: client.options.address,
      format: group.format,
      channels: group.channels.length,
      rows: client.rows,
      bytes: client.bytes,
      gaps: client.gaps,
      seconds: (this.nowMs() - client.openedMs) / 1000,
      reason,
    });
    this.#closeIfIdle(group);
  }

  #closeIfIdle(group: SelectionGroup): void {
    if (group.clients.size > 0 || group.opening > 0) return;
    if (this.#groups.get(group.key) !== group) return;
    this.#groups.delete(group.key);
    group.close();
    this.#options.store.release(group.timeline);
  }

  /** Queues a client that is behind and can take a row; its next drain queues one that cannot. */
  #enqueue(client: Client): void {
    if (client.queued || !this.#isBehind(client)) return;
    client.queued = true;
    this.#behind.push(client);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== null || this.#behind.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#catchUp();
    }, 0);
  }

  /** Serves clients that are behind, a bounded number of rows a turn, each in its order. */
  #catchUp(): void {
    let budget = this.#options.catchUpRowsMax;
    const waiting = this.#behind;
    this.#behind = [];
    let isShort = false;
    for (const client of waiting) {
      client.queued = false;
      while (budget > 0 && !isShort) {
        const step = this.#step(client);
        if (step === "short") isShort = true;
        if (step !== "done") break;
        budget--;
      }
      // When the slab is short, slabIsShort() tries again a little later.
      if (!isShort) this.#enqueue(client);
    }
  }

  #isBehind(client: Client): boolean {
    return client.ended === null && client.cursor >= 0 &&
      client.cursor < client.group.timeline.frontier &&
      client.outlet.inFlight < this.inFlightFramesMax;
  }

  /** One row or gap for a client that is behind. */
  #step(client: Client): "done" | "idle" | "short" {
    if (!this.#isBehind(client)) return "idle";
    const { timeline, rows } = client.group;
    const row = client.cursor;
    const nowMs = this.nowMs();
    const state = timeline.stateOf(row);
    if (state === "held") {
      const frame = rows.encode(row);
      if (frame === null) {
        this.slabIsShort();
        return "short";
      }
      client.resuming = false;
      client.sendRow(frame, row, nowMs);
      frame.release();
      this.counters.catchUpRows++;
    } else {
      const next = Math.max(timeline.nextRow(row), row + 1);
      const to = Math.min(next, timeline.frontier);
      const reason = client.resuming
        ? "retention"
        : state === "gone"
        ? "slow"
        : "missing";
      client.skip(to, reason, nowMs);
    }
    if (client.cursor >= client.endRow) this.end(client, "complete");
    return "done";
  }

  #tellUnknownId(client: Client, afterNs: bigint | null): void {
    const { group } = client;
    const bytes = group.gapBytes(
      afterNs === null ? null : String(afterNs),
      group.timeline.endNsText(client.cursor - 1),
      "unknown-id",
    );
    if (!bytes) return;
    client.gaps++;
    client.sendBytes(bytes, this.nowMs());
  }

  #channelChanged(before: Channel, after: Channel | undefined): void {
    const topic = topicOf(before);
    // A stride is its partition's: every stream of the topic must be joined anew.
    const isStrideNew = after !== undefined &&
      after.strideNs !== before.strideNs;
    for (const group of [...this.#groups.values()]) {
      const isHeld = group.channels.some((c) =>
        c.replayId === before.replayId &&
        (c.name === before.name || isStrideNew && topicOf(c) === topic)
      );
      if (isHeld) group.endAll(after ? "changed" : "removed");
    }
  }
}

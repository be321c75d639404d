// Lets clients in, or says by which limit not.
// Invariant: whoever is refused or turns back leaves nothing taken; whoever comes in has all that it needs reserved.
import { rowStrideOf } from "../blocks/row_stride.ts";
import type { Catalog } from "../channels/catalog.ts";
import type { Channel } from "../channels/channel.ts";
import { ENVELOPE_BYTES } from "../frames/frame.ts";
import { rowBlocksOf, rowBytesOf } from "../frames/row_size.ts";
import { binTextBytesMax } from "../frames/bin_texts.ts";
import { SLOT_BYTES_MAX } from "../memory/slab.ts";
import { type Taken, taking } from "../memory/taken.ts";
import type { TrendRecorder } from "../trends/trend_recorder.ts";
import { AddressPool, type PoolRefusal } from "./address_pool.ts";
import { newRefusals, type Refusal } from "./refusals.ts";
import type { ClientHub } from "./client_hub.ts";
import { Client, type ClientOptions } from "./client.ts";
import type { Outlet } from "./outlet.ts";
import type { StreamShape } from "../frames/stream_format.ts";
import type { SelectionGroup } from "./selection_group.ts";

export interface AdmissionOptions {
  readonly trends: TrendRecorder;
  readonly catalog: Catalog;
  readonly clientsMax: number;
  /** Of one address; 0 for any number. @default 0 */
  readonly clientsPerAddressMax?: number;
  /** Of each pool, at most so much to one address. */
  readonly addressSharePercent: number;
  readonly historyReadersMax: number;
  readonly resumeWindowMs: number;
}

/** Whether one more client can be served. */
export type Admission =
  | {
    readonly kind: "ready";
    /** Throws when it cannot; then all that was reserved has gone back. */
    open(outlet: Outlet): Client;
    /** Gives back what was reserved; once opened, nothing. */
    cancel(): void;
  }
  | {
    readonly kind: "full";
    readonly refusal: Refusal;
    /** The limit in words. */
    readonly limit: string;
  }
  | { readonly kind: "too-large"; readonly detail: string }
  /** A channel is not what it was when the request looked it up. */
  | { readonly kind: "changed"; readonly name: string };

/** Blocks that one row is joined of: looking each up takes some 10 ms in all. */
const ROW_BLOCKS_MAX = 1 << 20;

/** Counts who is on the way in, and takes and gives back what a client needs. */
export class AdmissionControl {
  readonly refusals = newRefusals();
  /** Clients, and bytes of the slab that are kept for them, by address. */
  readonly addresses: AddressPool;
  readonly slabShares: AddressPool;
  readonly #hub: ClientHub;
  readonly #options: AdmissionOptions;
  #opening = 0;
  #isShut = false;

  constructor(hub: ClientHub, options: AdmissionOptions) {
    this.#hub = hub;
    this.#options = options;
    const { addressSharePercent: sharePercent } = options;
    this.addresses = new AddressPool({
      capacity: options.clientsMax,
      sharePercent,
      perAddressMax: options.clientsPerAddressMax ?? 0,
    });
    this.slabShares = new AddressPool({
      capacity: hub.slab.budgetBytes,
      sharePercent,
    });
  }

  get isShut(): boolean {
    return this.#isShut;
  }

  /** Lets nobody in from now on. */
  shut(): void {
    this.#isShut = true;
  }

  /** Waits for the turn of one more request for so many channels. Why it is refused, or null. */
  async turn(
    address: string,
    channels: number,
  ): Promise<Extract<Admission, { kind: "full" }> | null> {
    const { admissionQueue } = this.#hub;
    const refusal = await admissionQueue.turn(address, channels);
    if (refusal === null) return null;
    const limit =
      `${admissionQueue.waitingMax} requests that wait to be let in`;
    return this.#refused(refusal, "openings", limit);
  }

  /** Reserves a place for a client of these channels (sorted by name, all of one context). */
  admit(
    channels: readonly Channel[],
    shape: StreamShape,
    options: ClientOptions,
  ): Admission {
    const { clientsMax } = this.#options;
    const { groups, clientCount } = this.#hub;
    if (this.#isShut) return this.#full("draining", "draining");
    if (clientCount + this.#opening >= clientsMax) {
      return this.#full("clients", `${clientsMax} clients`);
    }
    const stale = channels.find((channel) => !this.#isKnown(channel));
    if (stale) return { kind: "changed", name: stale.name };
    // By arithmetic, before a template of it is made or a topic is read for it.
    const tooLarge = groups.has(channels, shape)
      ? null
      : this.#tooLarge(channels, shape);
    if (tooLarge) return tooLarge;
    return taking((taken) => {
      const group = groups.of(channels, shape);
      if (group === null) return this.#trendsFull();
      taken.add(() => groups.closeIfIdle(group));
      const { frameBytesMax } = group.rows;
      if (frameBytesMax + ENVELOPE_BYTES > SLOT_BYTES_MAX) {
        taken.giveBack();
        return this.#rowOf(frameBytesMax);
      }
      return this.#reserve(group, options, taken);
    });
  }

  /** Whether a channel still is what it was when the request looked it up. */
  #isKnown(channel: Channel): boolean {
    const { catalog } = this.#options;
    return catalog.get(channel.name, channel.replayId) === channel;
  }

  #tooLarge(
    channels: readonly Channel[],
    { format, trend }: StreamShape,
  ): Admission | null {
    if (trend) return null;
    const strideNs = rowStrideOf(channels.map((c) => c.strideNs));
    const bytes = rowBytesOf(channels, strideNs, format);
    if (bytes + ENVELOPE_BYTES > SLOT_BYTES_MAX) return this.#rowOf(bytes);
    const blocks = rowBlocksOf(channels, strideNs);
    if (blocks <= ROW_BLOCKS_MAX) return null;
    this.refusals.row++;
    return {
      kind: "too-large",
      detail:
        `A row of this selection is made of ${blocks} blocks, at most ${ROW_BLOCKS_MAX} can be joined: ask for ` +
        "fewer channels, or for channels of more similar strides",
    };
  }

  #rowOf(bytes: number): Admission {
    this.refusals.row++;
    return {
      kind: "too-large",
      detail: `A row of this selection can take ${bytes} bytes, ` +
        `at most ${SLOT_BYTES_MAX - ENVELOPE_BYTES} can be sent: ask for ` +
        `fewer channels, or for Arrow where text is asked for`,
    };
  }

  /** Takes one thing after the other; where one is refused, those before it go back. */
  #reserve(
    group: SelectionGroup,
    options: ClientOptions,
    taken: Taken,
  ): Admission {
    const { history, slab } = this.#hub;
    const { trends } = this.#options;
    const { reservedBytes } = group;
    const { address } = options;

    const hasPermit = this.#needsPast(group, options);
    if (hasPermit) {
      const refusal = history.takePermit(address);
      if (refusal !== null) {
        taken.giveBack();
        const { historyReadersMax } = this.#options;
        const limit = `${historyReadersMax} histories at once`;
        return this.#refused(refusal, "histories", limit);
      }
      taken.add(() => history.releasePermit(address));
    }
    if (!slab.reserve(reservedBytes)) {
      taken.giveBack();
      return this.#full("memory", `${slab.budgetBytes} bytes in flight`);
    }
    taken.add(() => slab.unreserve(reservedBytes));
    const bytesRefusal = this.slabShares.take(address, reservedBytes);
    if (bytesRefusal !== null) {
      taken.giveBack();
      const limit = `${slab.budgetBytes} bytes in flight`;
      return this.#refused(bytesRefusal, "memory", limit);
    }
    taken.add(() => this.slabShares.release(address, reservedBytes));
    const refusal = this.addresses.take(address);
    if (refusal !== null) {
      taken.giveBack();
      const limit = `${this.addresses.capacity} clients`;
      return this.#refused(refusal, "clients", limit);
    }
    taken.add(() => this.addresses.release(address));
    const wantsTrends = options.slow === "trend";
    const textBytes = wantsTrends ? binTextBytesMax(group.channels) : 0;
    if (textBytes + ENVELOPE_BYTES > SLOT_BYTES_MAX) {
      taken.giveBack();
      this.refusals.row++;
      return {
        kind: "too-large",
        detail:
          `A trend event of this selection can take ${textBytes} bytes, ` +
          `at most ${SLOT_BYTES_MAX - ENVELOPE_BYTES} can be sent: ask for ` +
          `fewer channels, or for another slow= than trend`,
      };
    }
    const records = wantsTrends ? trends.lease(group.channels) : null;
    if (wantsTrends && records === null) {
      taken.giveBack();
      return this.#trendsFull();
    }
    if (records !== null) taken.add(() => trends.release(records));

    this.#opening++;
    group.opening++;
    let isThrough = false;
    const pass = () => {
      if (isThrough) return false;
      this.#opening--;
      group.opening--;
      return isThrough = true;
    };
    return {
      kind: "ready",
      open: (outlet) => {
        if (!pass()) throw new Error("Cannot open what is open or cancelled");
        try {
          const clockMs = this.#hub.clockMs();
          const client = new Client(group, outlet, options, clockMs);
          client.hasPermit = hasPermit;
          client.trends = records;
          this.#hub.open(client, taken);
          return client;
        } catch (error) {
          taken.giveBack();
          throw error;
        }
      },
      cancel: () => {
        if (pass()) taken.giveBack();
      },
    };
  }

  /** A pool has refused: all of it is taken, or the address holds its part. */
  #refused(
    refusal: PoolRefusal,
    pool: "clients" | "histories" | "memory" | "openings",
    limit: string,
  ): Extract<Admission, { kind: "full" }> {
    const { addressSharePercent, clientsPerAddressMax } = this.#options;
    switch (refusal) {
      case "full":
        return this.#full(pool, limit);
      case "address":
        return this.#full(
          "address",
          `${clientsPerAddressMax} clients an address`,
        );
      case "share":
        return this.#full(
          "share",
          `${addressSharePercent} % for one address of what others leave of ${limit}`,
        );
    }
  }

  #full(
    refusal: Refusal,
    limit: string,
  ): Extract<Admission, { kind: "full" }> {
    this.refusals[refusal]++;
    return { kind: "full", refusal, limit };
  }

  #trendsFull(): Admission {
    const { budgetBytes } = this.#options.trends;
    return this.#full("trends", `${budgetBytes} bytes of trends`);
  }

  /** Whether what a client asks for begins where the page ring does not reach. */
  #needsPast(
    { timeline, trend }: SelectionGroup,
    options: ClientOptions,
  ): boolean {
    const { startNs, afterNs } = options;
    // Bins are not made again from the source.
    if (trend !== null) return false;
    // A resume never needs a permit, and where it goes on is where it was.
    if (startNs === undefined || typeof afterNs === "bigint") return false;
    const row = timeline.rowOf(startNs);
    if (timeline.released >= 0) {
      return row < timeline.released && !timeline.isWhole(row);
    }
    // The ring is about to be filled so far back.
    const gpsMs = this.#hub.store.gpsMs();
    return gpsMs - row * timeline.strideMs > this.#options.resumeWindowMs;
  }
}

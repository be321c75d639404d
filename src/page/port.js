// One tab, as the hub sees it: its subscriptions, and the rows that it was sent and has not acknowledged.
// Invariant: a live row is sent at once or counted as lost; the tab gets one gap for a span of lost rows.
import { laneIdOf } from "./lane.js";

/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./lane.js").ChannelRequest} ChannelRequest */
/** @typedef {import("./qanat.d.ts").Row} Row */
/** @typedef {import("./qanat.d.ts").StreamState} StreamState */

/** The hub does not wait for a tab that has acknowledged nothing for so long. */
export const STALLED_MS = 10_000;
/** A tab that sends nothing for this time counts as closed (hidden tabs have timers once a minute). */
const SILENCE_MS = 200_000;

export class Port {
  /** Channels by subscription. @type {Map<number, (ChannelRequest & { lane: string })[]>} */
  #subscriptions = new Map();
  /** Requests for history. @type {Map<number, import("./event_stream.js").EventStream>} */
  ranges = new Map();
  #unread = 0;
  #unreadHistory = 0;
  /** Spans that this tab was too slow for and does not know of yet. @type {Map<Lane, { fromNs: bigint, toNs: bigint }>} */
  #lost = new Map();
  /** When it last sent something, by the hub's clock. */
  #heardMs;
  /** When it last acknowledged rows or became full, by the hub's clock. */
  #tookMs = 0;
  #now;
  #unreadMax;

  /**
   * @param {(message: unknown) => void} post
   * @param {{ now: () => number, unreadMax: number }} options now: the hub's clock, ms
   */
  constructor(post, { now, unreadMax }) {
    this.post = post;
    this.#now = now;
    this.#unreadMax = unreadMax;
    this.#heardMs = now();
  }

  hear() {
    this.#heardMs = this.#now();
  }

  get isSilent() {
    return this.#now() - this.#heardMs > SILENCE_MS;
  }

  /** Whether it has no room for rows, but acknowledges those that it was sent. */
  get isFull() {
    return Math.max(this.#unread, this.#unreadHistory) >= this.#unreadMax &&
      this.#now() - this.#tookMs < STALLED_MS;
  }

  /**
   * @param {number} id
   * @param {ChannelRequest[]} channels
   */
  subscribe(id, channels) {
    const all = channels.map((one) => ({ ...one, lane: laneIdOf(one) }));
    this.#subscriptions.set(id, all);
    return all;
  }

  /** @param {number} id */
  unsubscribe(id) {
    this.#subscriptions.delete(id);
  }

  /**
   * Adds the channels that a lane brings to this tab, with their rates.
   * @param {Lane} lane
   * @param {Map<string, number>} [rates]
   */
  channelsOf(lane, rates = new Map()) {
    for (const channels of this.#subscriptions.values()) {
      for (const { name, lane: id, rate } of channels) {
        if (id === lane.id) rates.set(name, rate);
      }
    }
    return rates;
  }

  /**
   * Sends this tab's channels of a row; a tab without room gets a gap later.
   * @param {Lane} lane
   * @param {Row} row
   */
  sendRow(lane, row) {
    /** @type {Record<string, import("./qanat.d.ts").Samples | null>} */
    const channels = {};
    let count = 0;
    for (const name of this.channelsOf(lane).keys()) {
      // Subscribed to, but not requested yet; a channel may be named `constructor`, which every object has.
      if (!Object.hasOwn(row.channels, name)) continue;
      channels[name] = row.channels[name];
      count++;
    }
    if (count === 0) return;
    if (this.#unread >= this.#unreadMax || this.#lost.has(lane)) {
      const fromNs = this.#lost.get(lane)?.fromNs ?? row.timeNs;
      this.#lost.set(lane, { fromNs, toNs: row.timeNs + row.strideNs });
      return;
    }
    if (++this.#unread === this.#unreadMax) this.#tookMs = this.#now();
    this.post({ type: "row", trend: lane.trend, row: { ...row, channels } });
  }

  /**
   * @param {number} id
   * @param {Row} row
   */
  sendHistoryRow(id, row) {
    if (++this.#unreadHistory === this.#unreadMax) this.#tookMs = this.#now();
    this.post({ type: "range-row", id, row });
  }

  /**
   * @param {Lane} lane
   * @param {import("./qanat.d.ts").Gap} gap
   */
  sendGap(lane, gap) {
    const names = [...this.channelsOf(lane).keys()];
    if (names.length === 0) return;
    this.post({ type: "gap", trend: lane.trend, names, gap });
  }

  /** Sends a lane's state, and that of each channel that the server does not know. @param {Lane} lane */
  sendState(lane) {
    const { trend, stride, unknown } = lane;
    const names = [...this.channelsOf(lane).keys()];
    const post = (
      /** @type {string[]} */ some,
      /** @type {StreamState} */ state,
    ) => this.post({ type: "state", trend, stride, names: some, state });
    const known = names.filter((name) => !unknown.has(name));
    if (known.length > 0) post(known, lane.state);
    for (const name of names) {
      const refused = unknown.get(name);
      if (refused) post([name], refused.state);
    }
  }

  /** The tab has taken live rows: reports what it has lost, once there is room. @param {number} rows */
  acknowledge(rows) {
    this.#unread = Math.max(0, this.#unread - rows);
    this.#tookMs = this.#now();
    for (const [lane, { fromNs, toNs }] of this.#lost) {
      if (this.#unread >= this.#unreadMax / 2) break;
      this.#lost.delete(lane);
      const names = [...this.channelsOf(lane).keys()];
      const gap = { fromNs, toNs, reason: "page-slow" };
      this.post({ type: "gap", trend: lane.trend, names, gap });
    }
  }

  /** The tab has taken rows of history. @param {number} rows */
  acknowledgeHistory(rows) {
    this.#unreadHistory = Math.max(0, this.#unreadHistory - rows);
    this.#tookMs = this.#now();
  }

  /** Ends its requests and subscriptions. */
  close() {
    for (const stream of this.ranges.values()) stream.close();
    this.ranges.clear();
    this.#subscriptions.clear();
    this.#unread = this.#unreadHistory = 0;
  }
}

// The public module: see qanat.d.ts for what it gives. Finds the hub (SharedWorker, Worker, or in the page) and talks to it.
// Invariant: a page has one link to a hub for each (base, share, encoding); a stream's callbacks come from there.
import { Hub } from "./hub.js";

/** @typedef {import("./qanat.d.ts").ConnectOptions} ConnectOptions */
/** @typedef {import("./qanat.d.ts").ChannelHint} ChannelHint */
/** @typedef {import("./qanat.d.ts").Trend} Trend */
/** @typedef {import("./qanat.d.ts").OpenOptions & { trend?: Trend | undefined }} OpenOptions onRow() takes what was asked for: rows or bins */
/** @typedef {import("./qanat.d.ts").RangeOptions & { trend?: Trend | undefined }} RangeOptions */

const ACK_ROWS = 8;
const PING_MS = 20_000;
/** Part of the worker's name: tabs of another version get a worker of theirs. */
const VERSION = 4;
const HOME = new URL("../", import.meta.url).href;

/** One page's link to its hub. */
class Link {
  clock = {
    gpsMinusLocalMs: 18_000 - 315_964_800_000,
    gpsMinusUnixMs: 18_000 - 315_964_800_000,
    errorMs: Infinity,
  };
  /** @type {Map<number, { names: Set<string>, wanted: import("./lane.js").ChannelRequest[], options: OpenOptions }>} */
  #streams = new Map();
  /** @type {Map<number, { options: RangeOptions, resolve: (state: any) => void }>} */
  #ranges = new Map();
  #lastId = 0;
  #unacked = 0;
  #unackedRange = 0;
  /** @type {(message: unknown) => void} */
  #post;

  /**
   * @param {string} base
   * @param {ConnectOptions} options
   */
  constructor(base, { share = true, encoding }) {
    this.#post = connect(
      base,
      share,
      encoding,
      (message) => this.#take(message),
    );
    globalThis.addEventListener?.(
      "pagehide",
      () => this.#post({ type: "leave" }),
    );
    // Back from the browser's cache of pages.
    globalThis.addEventListener?.("pageshow", (event) => {
      if (!(/** @type {PageTransitionEvent} */ (event)).persisted) return;
      for (const [id, { wanted }] of this.#streams) {
        this.#post({ type: "subscribe", id, channels: wanted });
      }
    });
  }

  /** @param {OpenOptions} options */
  open(options) {
    const id = ++this.#lastId;
    /** @param {readonly (string | ChannelHint)[]} channels */
    const want = (channels) => {
      const { trend } = options;
      const wanted = channels.map((c) => ({ ...wantedOf(c), trend }));
      const names = new Set(wanted.map(({ name }) => name));
      this.#streams.set(id, { names, wanted, options });
      this.#post({ type: "subscribe", id, channels: wanted });
    };
    want(options.channels);
    return {
      update: want,
      close: () => {
        if (this.#streams.delete(id)) this.#post({ type: "unsubscribe", id });
      },
    };
  }

  /**
   * @param {RangeOptions} options
   * @returns {Promise<import("./qanat.d.ts").StreamState>}
   */
  range(options) {
    const id = ++this.#lastId;
    const { channels, startNs, endNs, signal, encoding, trend } = options;
    const wanted = channels.map(wantedOf);
    const rate = wanted.reduce((sum, w) => sum + w.rate, 0);
    return new Promise((resolve) => {
      this.#ranges.set(id, { options, resolve });
      this.#post({
        type: "range",
        id,
        channels: wanted.map((w) => w.name),
        start: gpsText(startNs),
        end: gpsText(endNs),
        trend,
        encoding: trend ? "json" : encoding ?? (rate > 5000 ? "arrow" : "json"),
      });
      signal?.addEventListener("abort", () => {
        if (!this.#ranges.delete(id)) return;
        this.#post({ type: "cancel", id });
        resolve({ state: "ended", reason: "cancelled", reconnects: 0 });
      });
    });
  }

  /** @param {any} message */
  #take(message) {
    switch (message.type) {
      case "row":
        this.#ack();
        for (const { names, options } of this.#streams.values()) {
          if (!options.onRow || options.trend !== message.trend) continue;
          const row = rowFor(message.row, names);
          if (row) options.onRow(row);
        }
        return;
      case "gap":
      case "state":
        for (const { names, options } of this.#streams.values()) {
          if (options.trend !== message.trend) continue;
          const theirs = message.names.filter((/** @type {string} */ n) =>
            names.has(n)
          );
          if (theirs.length === 0) continue;
          if (message.type === "gap") {
            options.onGap?.({ ...message.gap, channels: theirs });
          } else {options.onState?.({
              ...message.state,
              channels: theirs,
              stride: message.stride,
            });}
        }
        return;
      case "clock":
        this.clock = message.clock;
        return;
      case "range-row":
        if (++this.#unackedRange >= ACK_ROWS) {
          this.#post({ type: "ack-range", rows: this.#unackedRange });
          this.#unackedRange = 0;
        }
        return this.#ranges.get(message.id)?.options.onRow(message.row);
      case "range-gap":
        return this.#ranges.get(message.id)?.options.onGap?.(message.gap);
      case "range-state": {
        const { state } = message;
        this.#ranges.get(message.id)?.options.onState?.(state);
        if (state.state !== "ended" && state.state !== "refused") return;
        this.#ranges.get(message.id)?.resolve(state);
        this.#ranges.delete(message.id);
      }
    }
  }

  #ack() {
    if (++this.#unacked < ACK_ROWS) return;
    this.#post({ type: "ack", rows: this.#unacked });
    this.#unacked = 0;
  }
}

/**
 * A hub, as near as can be had; returns the way to tell it something.
 * @param {string} base
 * @param {boolean} share
 * @param {string | undefined} encoding
 * @param {(message: any) => void} take
 * @returns {(message: unknown) => void}
 */
function connect(base, share, encoding, take) {
  // A worker's script must come from the page's own origin; a page elsewhere holds its connection itself.
  const isOwn = typeof location !== "undefined" && base === HOME &&
    new URL(base).origin === location.origin;
  if (share && isOwn) {
    const script = new URL("./hub_worker.js", import.meta.url);
    if (encoding) script.searchParams.set("encoding", encoding);
    const init =
      /** @type {const} */ ({ type: "module", name: `qanat ${VERSION}` });
    if (typeof SharedWorker !== "undefined") {
      const { port } = new SharedWorker(script, init);
      port.onmessage = (event) => take(event.data);
      // Where a tab's end is not told, its silence is.
      setInterval(() => port.postMessage({ type: "ping" }), PING_MS);
      return (message) => port.postMessage(message);
    }
    if (typeof Worker !== "undefined") {
      const worker = new Worker(script, init);
      worker.onmessage = (event) => take(event.data);
      return (message) => worker.postMessage(message);
    }
  }
  const hub = new Hub(base, { encoding: /** @type {any} */ (encoding) });
  const port = hub.join((message) => queueMicrotask(() => take(message)));
  return (message) => hub.take(port, message);
}

/** @type {Map<string, Link>} */
const links = new Map();
/** The defaults: a page that asks for the clock in every picture should not parse an address each time. */
const HERE = {};
/** @type {Link | null} */
let here = null;

/** @param {ConnectOptions} options */
function linkOf(options) {
  if (options === HERE && here) return here;
  const base = new URL(options.base ?? HOME, HOME).href;
  const { share = true, encoding = null } = options;
  const key = JSON.stringify([base, share, encoding]);
  let link = links.get(key);
  if (!link) links.set(key, link = new Link(base, options));
  if (options === HERE) here = link;
  return link;
}

/**
 * @param {string | ChannelHint} channel
 * @returns {import("./lane.js").ChannelRequest}
 */
function wantedOf(channel) {
  if (typeof channel === "string") {
    return { name: channel, stride: "", rate: 0 };
  }
  const { name, strideNs, sampleRate } = channel;
  return { name, stride: String(strideNs ?? ""), rate: sampleRate ?? 0 };
}

/**
 * @param {import("./qanat.d.ts").Row} row
 * @param {Set<string>} names
 */
function rowFor(row, names) {
  /** @type {Record<string, import("./qanat.d.ts").Samples | null>} */
  const channels = {};
  let count = 0;
  for (const name in row.channels) {
    if (!names.has(name)) continue;
    channels[name] = row.channels[name];
    count++;
  }
  return count === 0 ? null : { ...row, channels };
}

/** @param {bigint} ns */
function gpsText(ns) {
  const text = String(ns).padStart(10, "0");
  return `${text.slice(0, -9)}.${text.slice(-9)}`;
}

/** @type {typeof import("./qanat.d.ts").openStream} */
export const openStream = (/** @type {any} */ options) =>
  linkOf(options).open(options);

/** @type {typeof import("./qanat.d.ts").readRange} */
export const readRange = (/** @type {any} */ options) =>
  linkOf(options).range(options);

/** @type {typeof import("./qanat.d.ts").serverClock} */
export const serverClock = (options = HERE) => linkOf(options).clock;

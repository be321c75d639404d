// The public module, described in qanat.d.ts: connects to the hub in a SharedWorker, a Worker, or the page itself.
// Invariant: a page has one link to a hub for each (base, share, encoding, token); it calls the callbacks of all streams.
import { connect, HOME } from "./hub_link.js";

/** @typedef {import("./qanat.d.ts").ConnectOptions} ConnectOptions */
/** @typedef {import("./qanat.d.ts").ChannelHint} ChannelHint */
/** @typedef {import("./qanat.d.ts").Trend} Trend */
/** @typedef {import("./qanat.d.ts").OpenOptions & { trend?: Trend | undefined }} OpenOptions onRow() takes rows, or bins of the trend */
/** @typedef {import("./qanat.d.ts").RangeOptions & { trend?: Trend | undefined }} RangeOptions */

const ACK_ROWS = 8;
/** In a request, a negative time would be one before now. */
const BEFORE_GPS = /** @type {const} */ ({
  state: "refused",
  reason: "Not a range of time",
  detail:
    "The range begins before GPS time 0, 1980-01-06 00:00:00 UTC, the earliest time",
  reconnects: 0,
});

/** The link of a page to its hub. */
class Link {
  clock = {
    gpsMinusLocalMs: 18_000 - 315_964_800_000,
    gpsMinusUnixMs: 18_000 - 315_964_800_000,
    errorMs: Infinity,
  };
  /** @type {Map<number, { names: Set<string>, requests: import("./lane.js").ChannelRequest[], options: OpenOptions }>} */
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
  constructor(base, options) {
    this.#post = connect(base, options, (message) => this.#take(message));
    globalThis.addEventListener?.(
      "pagehide",
      () => this.#post({ type: "leave" }),
    );
    // The browser shows the page again from its cache.
    globalThis.addEventListener?.("pageshow", (event) => {
      if (!(/** @type {PageTransitionEvent} */ (event)).persisted) return;
      for (const [id, { requests }] of this.#streams) {
        this.#post({ type: "subscribe", id, channels: requests });
      }
    });
  }

  /** @param {OpenOptions} options */
  open(options) {
    const id = ++this.#lastId;
    /** @param {readonly (string | ChannelHint)[]} channels */
    const subscribe = (channels) => {
      const { trend, latest } = options;
      const requests = channels.map((c) => ({
        ...requestOf(c),
        trend,
        latest,
      }));
      const names = new Set(requests.map(({ name }) => name));
      this.#streams.set(id, { names, requests, options });
      this.#post({ type: "subscribe", id, channels: requests });
    };
    subscribe(options.channels);
    return {
      update: subscribe,
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
    const requests = channels.map(requestOf);
    const rate = requests.reduce((sum, one) => sum + one.rate, 0);
    if (startNs < 0n || endNs < 0n) return Promise.resolve(BEFORE_GPS);
    return new Promise((resolve) => {
      // A signal may outlive many requests.
      const end = (/** @type {any} */ state) => {
        signal?.removeEventListener("abort", cancel);
        resolve(state);
      };
      const cancel = () => {
        if (!this.#ranges.delete(id)) return;
        this.#post({ type: "cancel", id });
        end({ state: "ended", reason: "cancelled", reconnects: 0 });
      };
      signal?.addEventListener("abort", cancel);
      this.#ranges.set(id, { options, resolve: end });
      if (signal?.aborted) return cancel();
      this.#post({
        type: "range",
        id,
        channels: requests.map(({ name }) => name),
        start: gpsText(startNs),
        end: gpsText(endNs),
        trend,
        encoding: trend ? "json" : encoding ?? (rate > 5000 ? "arrow" : "json"),
      });
    });
  }

  /** Streams that wait try again at once. */
  retryNow() {
    this.#post({ type: "retry" });
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

/** The default options: with them of() parses no address, since a page reads the clock for each picture. */
const DEFAULTS = {};

/** The links of this page, made when they are first used. */
class Links {
  /** @type {Map<string, Link>} */
  #all = new Map();
  /** Numbers of functions that give tokens. @type {Map<() => string | Promise<string>, number>} */
  #tokens = new Map();
  /** @type {Link | null} */
  #default = null;

  /** @param {ConnectOptions} options */
  of(options) {
    if (options === DEFAULTS && this.#default) return this.#default;
    const base = new URL(options.base ?? HOME, HOME).href;
    const { share = true, encoding = null, token } = options;
    const key = JSON.stringify([base, share, encoding, this.#numberOf(token)]);
    let link = this.#all.get(key);
    if (!link) this.#all.set(key, link = new Link(base, options));
    if (options === DEFAULTS) this.#default = link;
    return link;
  }

  /** @param {ConnectOptions["token"]} token */
  #numberOf(token) {
    if (token === undefined) return 0;
    const number = this.#tokens.get(token) ?? this.#tokens.size + 1;
    this.#tokens.set(token, number);
    return number;
  }
}

const links = new Links();

/**
 * @param {string | ChannelHint} channel
 * @returns {import("./lane.js").ChannelRequest}
 */
function requestOf(channel) {
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
  links.of(options).open(options);

/** @type {typeof import("./qanat.d.ts").readRange} */
export const readRange = (/** @type {any} */ options) =>
  links.of(options).range(options);

/** @type {typeof import("./qanat.d.ts").serverClock} */
export const serverClock = (options = DEFAULTS) => links.of(options).clock;

/** @type {typeof import("./qanat.d.ts").retryNow} */
export const retryNow = (options = DEFAULTS) => links.of(options).retryNow();

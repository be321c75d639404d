// Holds the connections of a browser: one for each stride and trend, for the union of what all tabs subscribe to.
// Invariant: a tab gets each row once, with the channels that it subscribes to. Rows that an outage has missed wait until
// a tab has room; live rows never wait: a tab without room gets a gap.
import { withToken } from "./bearer.js";
import { EventStream } from "./event_stream.js";
import { Lane } from "./lane.js";
import { Port, STALLED_MS } from "./port.js";
import { ServerTime } from "./server_time.js";

/** @typedef {import("./qanat.d.ts").Row} Row */

/** Rows on their way to a tab: ten seconds of 16 a second. */
const UNREAD_MAX = 160;
/** How often the server's clock is read. */
const CLOCK_MS = 60_000;
/** When it is read after the first subscription. */
const CLOCK_FIRST_MS = [0, 1500, 5000];
/** How often the hub checks whether the computer's clock was set. */
const STEP_CHECK_MS = 1000;

export class Hub {
  /** @type {Set<Port>} */
  #ports = new Set();
  /** @type {Map<string, Lane>} */
  #lanes = new Map();
  #base;
  #fetch;
  #renewsCredential;
  #unreadMax;
  #now;
  #setTimer;
  /** Streams that wait for room call these again. @type {Set<() => void>} */
  #waiting = new Set();
  #time;
  /** @type {ReturnType<typeof setInterval>[]} */
  #intervals = [];
  /** @type {import("./lane.js").LaneHost} */
  #laneHost;

  /**
   * @param {string} base
   * @param {{ encoding?: "json" | "arrow" | undefined, token?: (() => string | Promise<string>) | undefined, hasSession?: boolean, fetch?: typeof fetch, unreadMax?: number, now?: () => number, unixNow?: () => number, setTimer?: (call: () => void, ms: number) => unknown }} [options]
   *   token: sent with each request; hasSession: the user may sign in meanwhile, so that a 401 is tried again;
   *   now: a monotonic clock, ms; unixNow: the computer's clock, ms
   */
  constructor(base, options = {}) {
    const { token, hasSession = false } = options;
    const plain = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
    this.#base = base;
    this.#fetch = token ? withToken(plain, token) : plain;
    this.#renewsCredential = hasSession || token !== undefined;
    this.#unreadMax = options.unreadMax ?? UNREAD_MAX;
    this.#now = options.now ?? (() => performance.now());
    this.#setTimer = options.setTimer ??
      ((call, ms) => setTimeout(call, ms));
    this.#time = new ServerTime({
      now: this.#now,
      unixNow: options.unixNow ?? (() => Date.now()),
      request: () => this.#fetch(`${base}v1/time`, { cache: "no-store" }),
      onClock: (clock) => {
        for (const port of this.#ports) port.post({ type: "clock", clock });
      },
    });
    this.#laneHost = {
      base,
      fetch: this.#fetch,
      renewsCredential: this.#renewsCredential,
      encoding: options.encoding,
      now: this.#now,
      channelsOf: (lane) => this.#channelsOf(lane),
      room: (lane) =>
        this.#mustWait(lane) ? this.#until(() => !this.#mustWait(lane)) : null,
      onRow: (lane, row) => this.#sendRow(lane, row),
      onGap: (lane, gap) => {
        for (const port of this.#ports) port.sendGap(lane, gap);
      },
      onState: (lane) => {
        for (const port of this.#ports) port.sendState(lane);
      },
      onIdle: (lane) => this.#remove(lane),
    };
    globalThis.addEventListener?.("online", () => this.#retryNow());
  }

  /**
   * A tab (or the page itself) joins; its messages are handed to take().
   * @param {(message: unknown) => void} post
   */
  join(post) {
    const port = new Port(post, {
      now: this.#now,
      unreadMax: this.#unreadMax,
    });
    this.#ports.add(port);
    post({ type: "clock", clock: this.#time.clock });
    return port;
  }

  /** @param {Port} port */
  leave(port) {
    this.#ports.delete(port);
    port.close();
    this.#wakeAll();
    this.#settleAll();
  }

  /**
   * Takes a message of a tab.
   * @param {Port} port
   * @param {any} message
   */
  take(port, message) {
    port.hear();
    switch (message.type) {
      case "subscribe":
        return this.#subscribe(port, message);
      case "unsubscribe":
        port.unsubscribe(message.id);
        return this.#settleAll();
      case "ack":
        port.acknowledge(message.rows);
        return this.#wakeAll();
      case "ack-range":
        port.acknowledgeHistory(message.rows);
        return this.#wakeAll();
      case "range":
        return this.#openRange(port, message);
      case "cancel":
        port.ranges.get(message.id)?.close();
        port.ranges.delete(message.id);
        return;
      case "retry":
        return this.#retryNow();
      case "leave":
        return this.leave(port);
    }
  }

  /** Reads the server's clock, and removes closed tabs. Called by a timer. */
  tick() {
    this.#time.read();
    for (const port of this.#ports) if (port.isSilent) this.leave(port);
  }

  /** Reads the server's clock again when the computer's clock was set or has slept. Called by a timer and with each row. */
  noticeStep() {
    this.#time.noticeStep();
  }

  /**
   * @param {Port} port
   * @param {any} message
   */
  #subscribe(port, { id, channels }) {
    this.#keepTime();
    // A tab that was removed because of its silence joins again.
    this.#ports.add(port);
    for (const one of port.subscribe(id, channels)) {
      let lane = this.#lanes.get(one.lane);
      if (!lane) {
        this.#lanes.set(one.lane, lane = new Lane(one, this.#laneHost));
      }
      if (one.latest) lane.wantsLatest = true;
    }
    for (const lane of this.#lanes.values()) {
      lane.settle();
      port.sendState(lane);
    }
  }

  /**
   * @param {Port} port
   * @param {any} message
   */
  #openRange(port, { id, channels, start, end, encoding, trend }) {
    const stream = new EventStream({
      base: this.#base,
      fetch: this.#fetch,
      renewsCredential: this.#renewsCredential,
      query: {
        channels,
        start,
        end,
        gaps: "skip",
        encoding,
        trend,
        // A browser reports each 404 in its console, and that data is too old is no fault.
        errors: "event",
      },
      room: () => port.isFull ? this.#until(() => !port.isFull) : null,
      onRow: (row) => port.sendHistoryRow(id, row),
      onGap: (gap) => port.post({ type: "range-gap", id, gap }),
      onState: (state) => {
        port.post({ type: "range-state", id, state });
        if (state.state === "ended" || state.state === "refused") {
          port.ranges.delete(id);
        }
      },
    });
    port.ranges.set(id, stream);
  }

  /** Streams that wait try again at once. */
  #retryNow() {
    for (const lane of this.#lanes.values()) lane.retryNow();
    for (const port of this.#ports) {
      for (const stream of port.ranges.values()) stream.retryNow();
    }
    if (this.#intervals.length > 0) this.#time.read();
  }

  /** Reads the server's clock at intervals, for as long as there is a lane. */
  #keepTime() {
    if (this.#intervals.length > 0) return;
    for (const ms of CLOCK_FIRST_MS) setTimeout(() => this.#time.read(), ms);
    this.#intervals = [
      setInterval(() => this.tick(), CLOCK_MS),
      setInterval(() => this.noticeStep(), STEP_CHECK_MS),
    ];
  }

  /** @param {Lane} lane */
  #remove(lane) {
    this.#lanes.delete(lane.id);
    if (this.#lanes.size === 0) {
      this.#intervals.splice(0).forEach(clearInterval);
    }
  }

  #settleAll() {
    for (const lane of this.#lanes.values()) lane.settle();
  }

  /** @param {Lane} lane */
  #channelsOf(lane) {
    /** @type {Map<string, number>} */
    const rates = new Map();
    for (const port of this.#ports) port.channelsOf(lane, rates);
    return rates;
  }

  /**
   * @param {Lane} lane
   * @param {Row} row
   */
  #sendRow(lane, row) {
    const endMs = Number((row.timeNs + row.strideNs) / 1000n) / 1000;
    this.noticeStep();
    const gpsMs = this.#time.gpsMs();
    const latencyMs = gpsMs === undefined ? undefined : gpsMs - endMs;
    lane.noteLatency(latencyMs);
    const timed = /** @type {Row} */ ({ ...row, latencyMs });
    for (const port of this.#ports) port.sendRow(lane, timed);
  }

  /** Whether the next row of a lane must wait until a tab has room. @param {Lane} lane */
  #mustWait(lane) {
    if (!lane.mayWait) return false;
    for (const port of this.#ports) {
      if (port.isFull && port.channelsOf(lane).size > 0) return true;
    }
    return false;
  }

  /**
   * Waits until a condition is true. It is checked after each change of the tabs, and when one of them may count as
   * stalled.
   * @param {() => boolean} isTrue
   * @returns {Promise<void>}
   */
  #until(isTrue) {
    return new Promise((resolve) => {
      const check = () => {
        if (!isTrue()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      const checkAgain = () => {
        check();
        if (this.#waiting.has(check)) this.#setTimer(checkAgain, STALLED_MS);
      };
      this.#setTimer(checkAgain, STALLED_MS);
    });
  }

  #wakeAll() {
    for (const check of [...this.#waiting]) check();
  }
}

// Holds the connections of a browser: one a stride and one a trend, for the union of what all ports (tabs) want.
// Invariant: a row goes to a port once, with the channels it wants. What an outage has missed waits for a port's room;
// what is live waits for none: a port without room is told a gap.
import { EventStream } from "./event_stream.js";
import { ServerTime } from "./server_time.js";

/** @typedef {import("./qanat.d.ts").StreamState} StreamState */
/** @typedef {import("./qanat.d.ts").Row} Row */
/** @typedef {import("./qanat.d.ts").Gap} Gap */
/** @typedef {import("./qanat.d.ts").Trend} Trend */
/** @typedef {{ name: string, stride: string, rate: number, trend?: Trend | undefined }} Wanted */
/** @typedef {Wanted & { lane: string }} Placed */

/** Rows on their way to a port: ten seconds of 16 a second. */
const UNREAD_MAX = 160;
/** A port that has taken nothing for so long is not waited for. */
const STALLED_MS = 10_000;
/** Catching up with what an outage has missed waits no longer for slow ports. */
const CATCH_UP_MAX_MS = 60_000;
/** A stream has caught up with the present when a row is no older. */
const FRESH_MS = 3000;
/** Channels that come and go together make one new request. */
const SETTLE_MS = 30;
/** A reloaded tab finds the connection still there. */
const LINGER_MS = 1500;
/** A channel that the server does not know is asked for again. */
const UNKNOWN_MS = 30_000;
const CLOCK_MS = 60_000;
const CLOCK_FIRST_MS = [0, 1500, 5000];
/** How often the computer's clock is looked at. */
const STEP_LOOK_MS = 1000;
/** A tab that says nothing is gone (hidden tabs have timers once a minute). */
const PORT_SILENCE_MS = 200_000;
const BIN_NS = { "1s": 1e9, "10s": 1e10, "60s": 6e10 };
/** Above it numbers as text cost more than base64. */
const ARROW_RATE = 50_000;

/** What a tab is to the hub. */
class Port {
  /** Wanted channels by subscription. @type {Map<number, Placed[]>} */
  wants = new Map();
  unread = 0;
  /** Spans this port was too slow for, by lane, until it can be told. @type {Map<Lane, { fromNs: bigint, toNs: bigint }>} */
  lost = new Map();
  /** @type {Map<number, EventStream>} */
  ranges = new Map();
  /** When it last said something, by the hub's clock. */
  heardMs;
  /** When it last took something or became full, by the hub's clock. */
  takesMs = 0;
  /** Rows of histories on their way to it. */
  unreadRange = 0;

  /**
   * @param {(message: unknown) => void} post
   * @param {number} nowMs by the hub's clock
   */
  constructor(post, nowMs) {
    this.post = post;
    this.heardMs = nowMs;
  }
}

/** The channels of one stride, or the bins of one trend, and the stream that brings them. */
class Lane {
  /** @type {EventStream | null} */
  stream = null;
  /** What is coming in is older than now: rows that an outage, or a new request, has missed. */
  isCatchingUp = false;
  /** When its stream last became live, by the hub's clock. */
  liveMs = 0;
  /** Names of the stream under way, sorted, and its encoding. */
  key = "";
  /** @type {string | undefined} */
  lastId = undefined;
  reconnects = 0;
  /** @type {StreamState} */
  state = { state: "connecting", reconnects: 0 };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;
  /** Channels the server refused, until when by the hub's clock. @type {Map<string, { untilMs: number, state: StreamState }>} */
  unknown = new Map();

  /** @param {Placed} first one of its channels */
  constructor({ lane, stride, trend }) {
    this.id = lane;
    this.trend = trend;
    this.stride = trend ? String(BIN_NS[trend]) : stride;
  }
}

export class Hub {
  /** @type {Set<Port>} */
  #ports = new Set();
  /** @type {Map<string, Lane>} */
  #lanes = new Map();
  #base;
  #encoding;
  #fetch;
  #unreadMax;
  #now;
  #setTimer;
  /** Streams that wait for room. @type {Set<() => void>} */
  #waiting = new Set();
  #time;
  /** @type {ReturnType<typeof setInterval>[]} */
  #ticking = [];

  /**
   * @param {string} base
   * @param {{ encoding?: "json" | "arrow" | undefined, fetch?: typeof fetch, unreadMax?: number, now?: () => number, unixNow?: () => number, setTimer?: (call: () => void, ms: number) => unknown }} [options]
   *   now: a clock that is never set, ms; unixNow: the computer's clock, ms
   */
  constructor(base, options = {}) {
    this.#fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
    this.#unreadMax = options.unreadMax ?? UNREAD_MAX;
    this.#now = options.now ?? (() => performance.now());
    this.#time = new ServerTime({
      now: this.#now,
      unixNow: options.unixNow ?? (() => Date.now()),
      ask: () => this.#fetch(`${base}v1/status`, { cache: "no-store" }),
      onClock: (clock) => {
        for (const port of this.#ports) port.post({ type: "clock", clock });
      },
    });
    this.#setTimer = options.setTimer ??
      ((call, ms) => setTimeout(call, ms));
    this.#encoding = options.encoding;
    this.#base = base;
    globalThis.addEventListener?.("online", () => {
      for (const lane of this.#lanes.values()) lane.stream?.retryNow();
    });
  }

  /**
   * A tab (or the page itself) joins; what it sends is handed to take().
   * @param {(message: unknown) => void} post
   */
  join(post) {
    const port = new Port(post, this.#now());
    this.#ports.add(port);
    post({ type: "clock", clock: this.#time.clock });
    return port;
  }

  /** @param {Port} port */
  leave(port) {
    this.#ports.delete(port);
    for (const stream of port.ranges.values()) stream.close();
    port.ranges.clear();
    port.wants.clear();
    port.unread = port.unreadRange = 0;
    this.#wakeAll();
    for (const lane of this.#lanes.values()) this.#settle(lane);
  }

  /** Reads the server's clock now and then, for as long as anything is live. */
  #keepTime() {
    if (this.#ticking.length > 0) return;
    for (const ms of CLOCK_FIRST_MS) setTimeout(() => this.#time.read(), ms);
    this.#ticking = [
      setInterval(() => this.tick(), CLOCK_MS),
      setInterval(() => this.noticeStep(), STEP_LOOK_MS),
    ];
  }

  /**
   * @param {Port} port
   * @param {any} message
   */
  take(port, message) {
    port.heardMs = this.#now();
    switch (message.type) {
      case "want":
        port.wants.set(message.id, message.channels.map(placed));
        this.#keepTime();
        this.#ports.add(port);
        for (const one of port.wants.get(message.id) ?? []) {
          if (!this.#lanes.has(one.lane)) {
            this.#lanes.set(one.lane, new Lane(one));
          }
        }
        for (const lane of this.#lanes.values()) {
          this.#settle(lane);
          if (this.#wanted(lane, port).size > 0) this.#sayState(lane, port);
        }
        return;
      case "drop":
        port.wants.delete(message.id);
        for (const lane of this.#lanes.values()) this.#settle(lane);
        return;
      case "ack":
        port.unread = Math.max(0, port.unread - message.rows);
        port.takesMs = this.#now();
        for (const [lane, { fromNs, toNs }] of port.lost) {
          if (port.unread >= this.#unreadMax / 2) break;
          port.lost.delete(lane);
          const names = [...this.#wanted(lane, port).keys()];
          port.post({
            type: "gap",
            trend: lane.trend,
            names,
            gap: { fromNs, toNs, reason: "page-slow" },
          });
        }
        return this.#wakeAll();
      case "ack-range":
        port.unreadRange = Math.max(0, port.unreadRange - message.rows);
        port.takesMs = this.#now();
        return this.#wakeAll();
      case "range":
        return this.#openRange(port, message);
      case "cancel":
        port.ranges.get(message.id)?.close();
        port.ranges.delete(message.id);
        return;
      case "leave":
        return this.leave(port);
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
      query: { channels, start, end, gaps: "skip", encoding, trend },
      room: () =>
        this.#isFull(port) ? this.#until(() => !this.#isFull(port)) : null,
      onRow: (row) => {
        if (++port.unreadRange === this.#unreadMax) port.takesMs = this.#now();
        port.post({ type: "range-row", id, row });
      },
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

  /**
   * Names that a lane brings (to one port), with their rates.
   * @param {Lane} lane
   * @param {Port} [only]
   * @returns {Map<string, number>}
   */
  #wanted(lane, only) {
    const names = new Map();
    for (const port of only ? [only] : this.#ports) {
      for (const channels of port.wants.values()) {
        for (const { name, lane: id, rate } of channels) {
          if (id === lane.id) names.set(name, rate);
        }
      }
    }
    return names;
  }

  /**
   * Soon asks for what is wanted now.
   * @param {Lane} lane
   */
  #settle(lane) {
    const isWanted = this.#wanted(lane).size > 0;
    clearTimeout(lane.timer);
    lane.timer = setTimeout(
      () => this.#ask(lane),
      isWanted ? SETTLE_MS : LINGER_MS,
    );
  }

  /** @param {Lane} lane */
  #ask(lane) {
    const wanted = this.#wanted(lane);
    const nowMs = this.#now();
    for (const [name, { untilMs }] of lane.unknown) {
      if (untilMs < nowMs || !wanted.has(name)) lane.unknown.delete(name);
    }
    const names = [...wanted.keys()].filter((n) => !lane.unknown.has(n)).sort();
    let rate = 0;
    for (const name of names) rate += wanted.get(name) ?? 0;
    // Bins are few, whatever the rates are.
    const encoding = lane.trend
      ? "json"
      : this.#encoding ?? (rate > ARROW_RATE ? "arrow" : "json");
    const key = JSON.stringify([encoding, ...names]);
    if (key === lane.key && lane.stream) return;
    lane.lastId = lane.stream?.lastId ?? lane.lastId;
    lane.reconnects += lane.stream?.state.reconnects ?? 0;
    lane.stream?.close();
    lane.stream = null;
    lane.key = key;
    if (names.length === 0) {
      // Nobody waits for what comes in the meantime.
      lane.lastId = undefined;
      if (wanted.size === 0) this.#lanes.delete(lane.id);
      if (this.#lanes.size > 0) return;
      this.#ticking.splice(0).forEach(clearInterval);
      return;
    }
    const stream = new EventStream({
      base: this.#base,
      fetch: this.#fetch,
      query: {
        channels: names,
        encoding,
        gaps: "skip",
        after: lane.lastId,
        trend: lane.trend,
      },
      room: () =>
        this.#waitsFor(lane) ? this.#until(() => !this.#waitsFor(lane)) : null,
      onRow: (row) => this.#sendRow(lane, row),
      onGap: (gap) => this.#sendGap(lane, gap),
      onState: (state) => this.#takeState(lane, state),
    });
    lane.stream = stream;
  }

  /**
   * @param {Lane} lane
   * @param {StreamState} state
   */
  #takeState(lane, state) {
    const unknown =
      /** @type {{ name: string, near: string[] }[] | undefined} */ (
        state.problem?.unknown
      );
    if (state.state === "refused" && unknown) {
      // The others go on without them.
      for (const { name, near } of unknown) {
        const detail = `There is no channel '${name}'` +
          (near.length > 0 ? `; near: ${near.slice(0, 3).join(", ")}` : "");
        lane.unknown.set(name, {
          untilMs: this.#now() + UNKNOWN_MS,
          state: { ...state, detail },
        });
      }
      // They go on where they were.
      lane.lastId = lane.stream?.lastId ?? lane.lastId;
      lane.stream = null;
      this.#sayAll(lane);
      this.#ask(lane);
      setTimeout(() => this.#settle(lane), UNKNOWN_MS + 1000);
      return;
    }
    if (state.state === "live") {
      lane.isCatchingUp = true;
      lane.liveMs = this.#now();
    }
    lane.state = { ...state, reconnects: lane.reconnects + state.reconnects };
    this.#sayAll(lane);
  }

  /** @param {Lane} lane */
  #sayAll(lane) {
    for (const port of this.#ports) this.#sayState(lane, port);
  }

  /**
   * @param {Lane} lane
   * @param {Port} port
   */
  #sayState(lane, port) {
    const names = [...this.#wanted(lane, port).keys()];
    const known = names.filter((name) => !lane.unknown.has(name));
    if (known.length > 0) {
      port.post({
        type: "state",
        trend: lane.trend,
        stride: lane.stride,
        names: known,
        state: lane.state,
      });
    }
    for (const name of names) {
      const refused = lane.unknown.get(name);
      if (refused) {
        port.post({
          type: "state",
          trend: lane.trend,
          stride: lane.stride,
          names: [name],
          state: refused.state,
        });
      }
    }
  }

  /**
   * Whether the next row of a lane waits for a port: only what comes out of the past does, which makes nobody late.
   * @param {Lane} lane
   */
  #waitsFor(lane) {
    const nowMs = this.#now();
    if (!lane.isCatchingUp || nowMs - lane.liveMs > CATCH_UP_MAX_MS) {
      return false;
    }
    for (const port of this.#ports) {
      if (this.#isFull(port) && this.#wanted(lane, port).size > 0) return true;
    }
    return false;
  }

  /**
   * Whether a port has no room, but takes what it was given.
   * @param {Port} port
   */
  #isFull({ unread, unreadRange, takesMs }) {
    return Math.max(unread, unreadRange) >= this.#unreadMax &&
      this.#now() - takesMs < STALLED_MS;
  }

  /**
   * Waits until something is so; asked after each change of the ports, and when one of them may count as stalled.
   * @param {() => boolean} isSo
   * @returns {Promise<void>}
   */
  #until(isSo) {
    return new Promise((resolve) => {
      const look = () => {
        if (!isSo()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      const lookAgain = () => {
        look();
        if (this.#waiting.has(look)) this.#setTimer(lookAgain, STALLED_MS);
      };
      this.#setTimer(lookAgain, STALLED_MS);
    });
  }

  #wakeAll() {
    for (const look of [...this.#waiting]) look();
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
    if (latencyMs !== undefined && latencyMs < FRESH_MS) {
      lane.isCatchingUp = false;
    }
    for (const port of this.#ports) {
      /** @type {Record<string, import("./qanat.d.ts").Samples | null>} */
      const channels = {};
      let count = 0;
      for (const name of this.#wanted(lane, port).keys()) {
        const samples = row.channels[name];
        if (samples === undefined) continue; // wanted, but not asked for yet
        channels[name] = samples;
        count++;
      }
      if (count === 0) continue;
      if (port.unread >= this.#unreadMax || port.lost.has(lane)) {
        const fromNs = port.lost.get(lane)?.fromNs ?? row.timeNs;
        port.lost.set(lane, { fromNs, toNs: row.timeNs + row.strideNs });
        continue;
      }
      if (++port.unread === this.#unreadMax) port.takesMs = this.#now();
      port.post({
        type: "row",
        trend: lane.trend,
        row: { ...row, channels, latencyMs },
      });
    }
  }

  /**
   * @param {Lane} lane
   * @param {Gap} gap
   */
  #sendGap(lane, gap) {
    for (const port of this.#ports) {
      const names = [...this.#wanted(lane, port).keys()];
      if (names.length > 0) {
        port.post({ type: "gap", trend: lane.trend, names, gap });
      }
    }
  }

  /** Reads the server's clock, and lets ports go that have said nothing for long. Called by a timer. */
  tick() {
    this.#time.read();
    for (const port of this.#ports) {
      if (this.#now() - port.heardMs > PORT_SILENCE_MS) this.leave(port);
    }
  }

  /** Reads the server's clock again when the computer's clock was set or has slept. Called by a timer and with each row. */
  noticeStep() {
    this.#time.noticeStep();
  }
}

/**
 * Which lane brings a channel: all bins of a length come together, but for those of strides that do not fill them, which
 * the server refuses.
 * @param {Wanted} wanted
 * @returns {Placed}
 */
function placed(wanted) {
  const { stride, trend } = wanted;
  if (!trend) return { ...wanted, lane: stride };
  const isOdd = stride !== "" && BIN_NS[trend] % Number(stride) !== 0;
  return { ...wanted, lane: `trend ${trend}${isOdd ? ` ${stride}` : ""}` };
}

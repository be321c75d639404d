// A lane is the stream of one stride, or of the bins of one trend, for all tabs; it requests the union of their channels.
// Invariant: at most one request is under way. A new request continues at the last id, so that no row is lost.
import { EventStream } from "./event_stream.js";
import { printable } from "./quoting.js";

/** @typedef {import("./qanat.d.ts").StreamState} StreamState */
/** @typedef {import("./qanat.d.ts").Row} Row */
/** @typedef {import("./qanat.d.ts").Gap} Gap */
/** @typedef {import("./qanat.d.ts").Trend} Trend */
/**
 * A channel that a tab subscribes to.
 * @typedef {{ name: string, stride: string, rate: number, trend?: Trend | undefined, latest?: boolean | undefined }} ChannelRequest
 */
/**
 * What a lane needs of the hub.
 * @typedef {object} LaneHost
 * @property {string} base where Qanat is served, with a slash at its end
 * @property {typeof fetch} fetch
 * @property {boolean} renewsCredential
 * @property {"json" | "arrow" | undefined} encoding
 * @property {() => number} now a monotonic clock, ms
 * @property {(lane: Lane) => Map<string, number>} channelsOf channels that tabs subscribe to, with their rates
 * @property {(lane: Lane) => Promise<void> | null} room what to wait for before the next row
 * @property {(lane: Lane, row: Row) => void} onRow
 * @property {(lane: Lane, gap: Gap) => void} onGap
 * @property {(lane: Lane) => void} onState
 * @property {(lane: Lane) => void} onIdle no tab subscribes to it any more
 */

/** Catching up after an outage waits for slow tabs for so long. */
const CATCH_UP_MAX_MS = 60_000;
/** A stream has caught up with the present when a row is no older. */
const FRESH_MS = 3000;
/** Channels that come and go together make one new request. */
const SETTLE_MS = 30;
/** A tab that is reloaded finds the connection still open. */
const LINGER_MS = 1500;
/** A channel that the server does not know is requested again. */
const UNKNOWN_MS = 30_000;
/** Above so many samples per second, numbers as text cost more than base64. */
const ARROW_RATE = 50_000;
const BIN_NS = { "1s": 1e9, "10s": 1e10, "60s": 6e10 };

export class Lane {
  /** @type {StreamState} */
  state = { state: "connecting", reconnects: 0 };
  /** Channels that the server refused, until when by the hub's clock. @type {Map<string, { untilMs: number, state: StreamState }>} */
  unknown = new Map();
  /** A tab asks for the newest row at once: the next request asks for it, unless it continues at an id. */
  wantsLatest = false;
  #host;
  /** @type {EventStream | null} */
  #stream = null;
  /** Rows are older than now: an outage, or a new request, has missed them. */
  #isCatchingUp = false;
  /** When its stream last became live, by the hub's clock. */
  #liveMs = 0;
  /** Encoding and sorted names of the request under way. */
  #key = "";
  /** @type {string | undefined} */
  #lastId = undefined;
  #reconnects = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer = undefined;

  /**
   * @param {ChannelRequest} first one of its channels
   * @param {LaneHost} host
   */
  constructor(first, host) {
    const { stride, trend } = first;
    this.id = laneIdOf(first);
    this.trend = trend;
    this.stride = trend ? String(BIN_NS[trend]) : stride;
    this.#host = host;
  }

  /** Soon requests what tabs subscribe to now. */
  settle() {
    const isRequested = this.#host.channelsOf(this).size > 0;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#request(),
      isRequested ? SETTLE_MS : LINGER_MS,
    );
  }

  retryNow() {
    this.#stream?.retryNow();
  }

  /** Whether its next row may wait for a slow tab: only while it catches up, when the wait makes no live row late. */
  get mayWait() {
    return this.#isCatchingUp &&
      this.#host.now() - this.#liveMs <= CATCH_UP_MAX_MS;
  }

  /** Takes the latency of a row, ms; undefined where it is not known. @param {number | undefined} latencyMs */
  noteLatency(latencyMs) {
    if (latencyMs !== undefined && latencyMs < FRESH_MS) {
      this.#isCatchingUp = false;
    }
  }

  #request() {
    const rates = this.#host.channelsOf(this);
    const names = this.#knownOf(rates);
    const encoding = this.#encodingFor(names, rates);
    const key = JSON.stringify([encoding, ...names]);
    if (key === this.#key && this.#stream) return;
    this.#lastId = this.#stream?.lastId ?? this.#lastId;
    this.#reconnects += this.#stream?.state.reconnects ?? 0;
    this.#stream?.close();
    this.#stream = null;
    this.#key = key;
    if (names.length === 0) {
      // No tab waits for the rows between now and the next request.
      this.#lastId = undefined;
      if (rates.size === 0) this.#host.onIdle(this);
      return;
    }
    const { base, fetch, renewsCredential, room, onRow, onGap } = this.#host;
    this.#stream = new EventStream({
      base,
      fetch,
      renewsCredential,
      query: {
        channels: names,
        encoding,
        gaps: "skip",
        after: this.#lastId,
        trend: this.trend,
        latest: this.wantsLatest && !this.#lastId ? "1" : undefined,
      },
      room: () => room(this),
      onRow: (row) => onRow(this, row),
      onGap: (gap) => onGap(this, gap),
      onState: (state) => this.#takeState(state),
    });
    this.wantsLatest = false;
  }

  /** Sorted names without those that the server refused a short time ago. @param {Map<string, number>} rates */
  #knownOf(rates) {
    const nowMs = this.#host.now();
    for (const [name, { untilMs }] of this.unknown) {
      if (untilMs < nowMs || !rates.has(name)) this.unknown.delete(name);
    }
    return [...rates.keys()].filter((n) => !this.unknown.has(n)).sort();
  }

  /**
   * @param {string[]} names
   * @param {Map<string, number>} rates
   */
  #encodingFor(names, rates) {
    // Bins are few, whatever the rates are.
    if (this.trend) return "json";
    let rate = 0;
    for (const name of names) rate += rates.get(name) ?? 0;
    return this.#host.encoding ?? (rate > ARROW_RATE ? "arrow" : "json");
  }

  /** @param {StreamState} state */
  #takeState(state) {
    const unknown =
      /** @type {{ name: string, near: string[] }[] | undefined} */ (
        state.problem?.unknown
      );
    if (state.state === "refused" && unknown) {
      return this.#goOnWithout(unknown, state);
    }
    if (state.state === "live") {
      this.#isCatchingUp = true;
      this.#liveMs = this.#host.now();
    }
    this.state = { ...state, reconnects: this.#reconnects + state.reconnects };
    this.#host.onState(this);
  }

  /**
   * Requests the other channels, from where the stream was.
   * @param {{ name: string, near: string[] }[]} unknown
   * @param {StreamState} state
   */
  #goOnWithout(unknown, state) {
    const untilMs = this.#host.now() + UNKNOWN_MS;
    for (const { name, near } of unknown) {
      const detail = `There is no channel '${printable(name)}'` +
        (near.length > 0 ? `; near: ${near.slice(0, 3).join(", ")}` : "");
      this.unknown.set(name, { untilMs, state: { ...state, detail } });
    }
    this.#lastId = this.#stream?.lastId ?? this.#lastId;
    this.#stream = null;
    this.#host.onState(this);
    this.#request();
    setTimeout(() => this.settle(), UNKNOWN_MS + 1000);
  }
}

/**
 * Which lane brings a channel. All bins of a length come together, except those of strides that do not fill a bin, which
 * the server refuses.
 * @param {ChannelRequest} request
 */
export function laneIdOf({ stride, trend }) {
  if (!trend) return stride;
  const isOdd = stride !== "" && BIN_NS[trend] % Number(stride) !== 0;
  return `trend ${trend}${isOdd ? ` ${stride}` : ""}`;
}

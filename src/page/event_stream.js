// One stream of /v1/events: reads it with fetch (EventSource hides the text of a refusal), and resumes by its last id.
// Invariant: at most one request is under way, and onState() reports each change of the state. While room() waits,
// nothing is read from the server; every row up to lastId was handed to onRow().
import { EventReader } from "./event_reader.js";
import { decoderOf } from "./rows.js";
import { SILENCE_MS, SilenceTimer } from "./silence_timer.js";

/** @typedef {import("./qanat.d.ts").StreamState} StreamState */
/** @typedef {import("./qanat.d.ts").Row} Row */
/** @typedef {import("./qanat.d.ts").Gap} Gap */
/** @typedef {import("./qanat.d.ts").Problem} Problem */

const RETRY_MAX_MS = 15_000;
/** The longest wait that an answer may ask for: some proxies ask for an hour. */
const ASKED_MAX_MS = 60_000;
/** Below 500, answers to requests that are not wrong. */
const TOO_SOON = [408, 425, 429];
/** A GET longer than this is sent as a POST. */
const QUERY_MAX = 2000;
/** Ends after which nothing more will come. */
const FINAL_ENDS = ["complete", "gap", "closed-by-operator"];

/** @typedef {Omit<StreamState, "reconnects">} Outcome how a request ended */
/** @typedef {{ decode: ((data: string) => Row) | null, ended: Outcome | null, problem: Problem | null }} Connection what a request's stream has said so far */

/**
 * The parameters of a request, by the names of docs/protocol.md.
 * @typedef {{ channels: string[], encoding?: "json" | "arrow", start?: string, end?: string, gaps?: string, slow?: string, after?: string, latest?: "1" | undefined, errors?: "event", trend?: import("./qanat.d.ts").Trend | undefined }} Query
 */

/**
 * @typedef {object} EventStreamOptions
 * @property {string} base where Qanat is served, with a slash at its end
 * @property {Query} query
 * @property {(row: Row) => void} onRow
 * @property {(gap: Gap) => void} onGap
 * @property {(state: StreamState) => void} onState
 * @property {() => Promise<void> | null} [room] called before each row: what to wait for until there is room for it
 * @property {typeof fetch} [fetch]
 * @property {boolean} [renewsCredential] a token or a session that was not accepted may be replaced: tries again
 * @property {() => number} [random] 0 to 1, for the jitter of retries
 */

export class EventStream {
  /** Id of the last event; a resumed stream begins after it. @type {string | undefined} */
  lastId;
  /** @type {StreamState} */
  state = { state: "connecting", reconnects: 0 };
  #options;
  #random;
  #controller = new AbortController();
  #retryMs = 1000;
  #failures = 0;
  #reconnects = 0;
  #isClosed = false;
  /** Ends the pause before a retry. @type {(() => void) | null} */
  #wake = null;

  /** @param {EventStreamOptions} options */
  constructor(options) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.lastId = options.query.after;
    this.#run();
  }

  /** Ends the stream; onState() is not called any more. Idempotent. */
  close() {
    this.#isClosed = true;
    this.#controller.abort();
    this.#wake?.();
  }

  /** Tries again now instead of at the end of the pause. */
  retryNow() {
    this.#wake?.();
  }

  async #run() {
    while (!this.#isClosed) {
      this.#report({ state: "connecting" });
      const outcome = await this.#connect();
      if (this.#isClosed) return;
      if (outcome.state === "ended" || outcome.state === "refused") {
        return this.#report(outcome);
      }
      const waitMs = outcome.retryInMs ?? this.#pauseMs();
      this.#report({ ...outcome, retryInMs: waitMs });
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve(undefined);
        };
      });
      this.#wake = null;
      this.#reconnects++;
    }
  }

  /** One request, to its end. @returns {Promise<Outcome>} */
  async #connect() {
    const controller = new AbortController();
    this.#controller = controller;
    const silence = new SilenceTimer(() => controller.abort());
    /** @type {ReadableStreamDefaultReader<Uint8Array> | undefined} */
    let reader;
    try {
      const request = requestOf(this.#options, this.lastId);
      const response = await (this.#options.fetch ?? fetch)(request.url, {
        ...request.init,
        signal: controller.signal,
        cache: "no-store",
      });
      if (response.status === 204) {
        return { state: "ended", reason: "complete" };
      }
      if (!response.ok) {
        const afterMs = Number(response.headers.get("retry-after")) * 1000;
        return this.#refused(await problemOf(response), afterMs);
      }
      if (!response.body) throw new Error("the answer has no body");
      reader = response.body.getReader();
      return await this.#readAll(reader, silence);
    } catch (error) {
      const detail = controller.signal.aborted
        ? `nothing was heard for ${SILENCE_MS / 1000} s`
        : /** @type {Error} */ (error).message;
      return { state: "waiting", reason: "connection", detail };
    } finally {
      silence.stop();
      reader?.cancel().catch(() => {});
      controller.abort();
    }
  }

  /**
   * Hands out the rows and gaps of a response.
   * @param {ReadableStreamDefaultReader<Uint8Array>} reader
   * @param {SilenceTimer} silence
   * @returns {Promise<Outcome>}
   */
  async #readAll(reader, silence) {
    const events = new EventReader((ms) => (this.#retryMs = ms));
    /** @type {Connection} */
    const connection = { decode: null, ended: null, problem: null };
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        const { ended, problem } = connection;
        if (!problem) return this.#afterEnd(ended);
        // `retry:` came with it.
        return this.#refused(problem, Math.min(this.#retryMs, RETRY_MAX_MS));
      }
      if (this.#isClosed) return { state: "ended" };
      silence.restart();
      for (const one of events.read(value)) {
        const room = one.event === "" ? this.#options.room?.() : null;
        if (room) {
          // The server is not silent: nothing is read from it.
          silence.stop();
          await room;
          if (this.#isClosed) return { state: "ended" };
          silence.restart();
        }
        this.#take(one, connection);
        if (one.id !== undefined) this.lastId = one.id;
        if (this.#isClosed) return { state: "ended" };
      }
    }
  }

  /**
   * @param {import("./event_reader.js").Read} read
   * @param {Connection} connection
   */
  #take({ event, data = "" }, connection) {
    if (event === undefined) return;
    if (event === "hello") {
      connection.decode = decoderOf(JSON.parse(data));
      this.#failures = 0;
      this.#report({ state: "live" });
    } else if (event === "gap") {
      const { from, to, reason } = JSON.parse(data);
      this.#options.onGap({
        fromNs: BigInt(from ?? to),
        toNs: BigInt(to),
        reason,
      });
    } else if (event === "end") {
      connection.ended = { state: "waiting", reason: JSON.parse(data).reason };
    } else if (event === "error") {
      connection.problem = JSON.parse(data);
    } else if (connection.decode) {
      this.#options.onRow(connection.decode(data));
    }
  }

  /**
   * @param {Outcome | null} ended
   * @returns {Outcome}
   */
  #afterEnd(ended) {
    const reason = ended?.reason ?? "cut";
    if (FINAL_ENDS.includes(reason)) return { state: "ended", reason };
    // The server's time began again: an id of the time before means nothing.
    if (reason === "time-reset") this.lastId = undefined;
    return { state: "waiting", reason };
  }

  /**
   * @param {Problem} problem
   * @param {number} afterMs the wait that the server asks for; 0: none
   * @returns {Outcome}
   */
  #refused(problem, afterMs) {
    const { detail, status } = problem;
    if (problem.code === "range_not_available") {
      this.#options.onGap({
        fromNs: BigInt(String(problem.from)),
        toNs: BigInt(String(problem.to)),
        reason: "retention",
      });
      return { state: "ended", reason: problem.title, detail, problem };
    }
    const isRenewed = status === 401 && this.#options.renewsCredential;
    // A request that is wrong stays wrong: no retry.
    if (status < 500 && !TOO_SOON.includes(status) && !isRenewed) {
      return { state: "refused", reason: problem.title, detail, problem };
    }
    const askedMs = Math.min(afterMs, ASKED_MAX_MS);
    const retryInMs = Math.round(askedMs * (1 + this.#random()));
    const waiting = { reason: problem.title, detail, problem };
    return { state: "waiting", ...waiting, ...(afterMs > 0 && { retryInMs }) };
  }

  #pauseMs() {
    const grown = this.#retryMs * 1.6 ** Math.min(this.#failures++, 10);
    // From half of it to one and a half: clients that were cut off together do not come back together.
    return Math.round(Math.min(grown, RETRY_MAX_MS) * (0.5 + this.#random()));
  }

  /** @param {Outcome} state */
  #report(state) {
    if (this.#isClosed) return;
    this.state = { ...state, reconnects: this.#reconnects };
    this.#options.onState(this.state);
  }
}

/**
 * What a refusal says: Qanat's problem+json, or a proxy's own page.
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function problemOf(response) {
  const plain = {
    status: response.status,
    title: response.statusText || `Status ${response.status}`,
    detail: `The server answered ${response.status}`,
  };
  try {
    return { ...plain, ...await response.json() };
  } catch {
    return plain;
  }
}

/**
 * @param {EventStreamOptions} options
 * @param {string | undefined} lastId
 * @returns {{ url: string, init: RequestInit }}
 */
function requestOf({ base, query }, lastId) {
  const { channels, ...rest } = query;
  /** @type {Record<string, string>} */
  const fields = {};
  for (const [name, value] of Object.entries(rest)) {
    if (value !== undefined && name !== "after") fields[name] = value;
  }
  if (lastId !== undefined) fields.after = lastId;
  const search = new URLSearchParams(fields).toString();
  const url = `${base}v1/events`;
  const list = channels.map(encodeURIComponent).join(",");
  const get = `${url}?channels=${list}${search === "" ? "" : `&${search}`}`;
  // A comma in a query separates names: a name with a comma needs a body.
  const isGet = channels.every((name) => !name.includes(","));
  if (isGet && get.length <= QUERY_MAX) return { url: get, init: {} };
  return {
    url,
    init: {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ channels, ...fields }),
    },
  };
}

// One stream of /v1/events: reads it with fetch (which, unlike EventSource, tells what a refusal says), comes back by its last id.
// Invariant: at most one request is under way; what onState() was last told is what is so. Nothing more is read from the
// server while room() waits, and lastId is behind no row that was not handed out.
import { createParser } from "eventsource-parser";
import { decoderOf } from "./rows.js";

/** @typedef {import("./qanat.d.ts").StreamState} StreamState */
/** @typedef {import("./qanat.d.ts").Row} Row */
/** @typedef {import("./qanat.d.ts").Gap} Gap */
/** @typedef {import("./qanat.d.ts").Problem} Problem */

/** Longer than two heartbeats: the connection is dead though nobody has said so. */
const SILENCE_MS = 40_000;
const RETRY_MAX_MS = 15_000;
/** A GET longer than this is sent as a POST. */
const QUERY_MAX = 2000;
/** Ends after which nothing more will come. */
const FINAL_ENDS = ["complete", "gap"];

/**
 * What is asked of the server, by the names of docs/protocol.md.
 * @typedef {{ channels: string[], encoding?: "json" | "arrow", start?: string, end?: string, gaps?: string, slow?: string, after?: string, trend?: import("./qanat.d.ts").Trend | undefined }} Query
 */

/**
 * An event; or, without `event`, an id alone.
 * @typedef {{ id?: string | undefined, event?: string, data?: string }} Read
 */

/**
 * @typedef {object} EventStreamOptions
 * @property {string} base where Qanat is served, with a slash at its end
 * @property {Query} query
 * @property {(row: Row) => void} onRow
 * @property {(gap: Gap) => void} onGap
 * @property {(state: StreamState) => void} onState
 * @property {() => Promise<void> | null} [room] asked before each row: what to wait for until somebody can take it
 * @property {typeof fetch} [fetch]
 * @property {() => number} [random] 0 to 1, for the jitter of retries
 */

export class EventStream {
  /** Id of the last event: everything before it is settled. @type {string | undefined} */
  lastId;
  /** @type {StreamState} */
  state = { state: "connecting", reconnects: 0 };
  #options;
  #controller = new AbortController();
  #retryMs = 1000;
  #failures = 0;
  #reconnects = 0;
  #isClosed = false;
  /** Wakes a pause before a retry. @type {(() => void) | null} */
  #wake = null;

  /** @param {EventStreamOptions} options */
  constructor(options) {
    this.#options = options;
    this.lastId = options.query.after;
    this.#run();
  }

  /** Ends the stream; onState() is told nothing more. Idempotent. */
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
      this.#tell({ state: "connecting" });
      const outcome = await this.#connect();
      if (this.#isClosed) return;
      if (outcome.state === "ended" || outcome.state === "refused") {
        return this.#tell(outcome);
      }
      const waitMs = outcome.retryInMs ?? this.#pauseMs();
      this.#tell({ ...outcome, retryInMs: waitMs });
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

  /** One request, to its end. @returns {Promise<Omit<StreamState, "reconnects">>} */
  async #connect() {
    const controller = new AbortController();
    this.#controller = controller;
    /** @type {ReadableStreamDefaultReader<Uint8Array> | undefined} */
    let reader;
    let silence = setTimeout(() => controller.abort(), SILENCE_MS);
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
      if (!response.ok) return await this.#refused(response);
      if (!response.body) throw new Error("the answer has no body");
      /** @type {Omit<StreamState, "reconnects"> | null} */
      let ended = null;
      /** @type {((data: string) => Row) | null} */
      let decode = null;
      /** What was read and not handed out yet. @type {Read[]} */
      let read = [];
      const parser = createParser({
        onRetry: (ms) => (this.#retryMs = ms),
        // Of heartbeats, too: they have no data, but move what is settled.
        onId: (id) => void read.push({ id }),
        onEvent: ({ id, event, data }) => {
          // The same id came just before.
          if (id !== undefined) read.pop();
          read.push({ id, event: event ?? "", data });
        },
      });
      /** @param {Read} one */
      const take = ({ event, data = "" }) => {
        if (event === undefined) return;
        if (event === "hello") {
          decode = decoderOf(JSON.parse(data));
          this.#failures = 0;
          this.#tell({ state: "live" });
        } else if (event === "gap") {
          const { from, to, reason } = JSON.parse(data);
          this.#options.onGap({
            fromNs: BigInt(from ?? to),
            toNs: BigInt(to),
            reason,
          });
        } else if (event === "end") {
          ended = { state: "waiting", reason: JSON.parse(data).reason };
        } else if (decode) this.#options.onRow(decode(data));
      };
      const text = new TextDecoder();
      reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        if (this.#isClosed) return { state: "ended" };
        clearTimeout(silence);
        silence = setTimeout(() => controller.abort(), SILENCE_MS);
        parser.feed(text.decode(value, { stream: true }));
        const some = read;
        read = [];
        for (const one of some) {
          const room = one.event === "" ? this.#options.room?.() : null;
          if (room) {
            // It is not the server that is silent.
            clearTimeout(silence);
            await room;
            if (this.#isClosed) return { state: "ended" };
            silence = setTimeout(() => controller.abort(), SILENCE_MS);
          }
          take(one);
          if (one.id !== undefined) this.lastId = one.id;
          if (this.#isClosed) return { state: "ended" };
        }
      }
      return this.#afterEnd(ended);
    } catch (error) {
      const detail = controller.signal.aborted
        ? `nothing was heard for ${SILENCE_MS / 1000} s`
        : /** @type {Error} */ (error).message;
      return { state: "waiting", reason: "connection", detail };
    } finally {
      clearTimeout(silence);
      reader?.cancel().catch(() => {});
      controller.abort();
    }
  }

  /**
   * @param {Omit<StreamState, "reconnects"> | null} ended
   * @returns {Omit<StreamState, "reconnects">}
   */
  #afterEnd(ended) {
    const reason = ended?.reason ?? "cut";
    if (FINAL_ENDS.includes(reason)) return { state: "ended", reason };
    // Time has begun anew: the old place in it means nothing.
    if (reason === "time-reset") this.lastId = undefined;
    return { state: "waiting", reason };
  }

  /**
   * @param {Response} response
   * @returns {Promise<Omit<StreamState, "reconnects">>}
   */
  async #refused(response) {
    const problem = await problemOf(response);
    const detail = problem.detail;
    // What the request itself is wrong about does not get right by asking again.
    if (response.status < 500 && response.status !== 429) {
      return { state: "refused", reason: problem.title, detail, problem };
    }
    const seconds = Number(response.headers.get("retry-after"));
    return {
      state: "waiting",
      reason: problem.title,
      detail,
      problem,
      ...(seconds > 0 ? { retryInMs: seconds * 1000 } : {}),
    };
  }

  #pauseMs() {
    const grown = this.#retryMs * 1.6 ** Math.min(this.#failures++, 10);
    const jitter = 0.75 + 0.5 * (this.#options.random ?? Math.random)();
    return Math.round(Math.min(grown, RETRY_MAX_MS) * jitter);
  }

  /** @param {Omit<StreamState, "reconnects">} state */
  #tell(state) {
    if (this.#isClosed) return;
    this.state = { ...state, reconnects: this.#reconnects };
    this.#options.onState(this.state);
  }
}

/**
 * What a refusal says, whoever wrote it: Qanat's problem+json, or a proxy's page.
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
  // A comma in a query parts names: one that has a comma inside goes into a body.
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

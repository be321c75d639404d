// Channels by name, as the server describes them; and names that the server does not know, with the reason.
// Invariant: a name is requested again only after a while: at once only when it was not requested before. While the server
// does not answer, one timer waits, however often names are needed.
import { describe } from "./known.js";

/** @typedef {import("./series.js").Channel} Channel */

/** Time until the next try when the server does not answer. */
const AGAIN_MS = 3000;
const UNKNOWN_AGAIN_MS = 30_000;

export class ChannelBook {
  /** @type {Map<string, Channel>} */
  #channels = new Map();
  /** Until when by performance.now() a name is not requested again. @type {Map<string, { why: string, untilMs: number }>} */
  #unknown = new Map();
  #get;
  #onNote;
  #onRetry;
  #later;
  /** Names that the server did not answer for. @type {Set<string>} */
  #unanswered = new Set();

  /**
   * @param {{ get: (path: string) => Promise<Response>, onNote: (text: string) => void, onRetry: (names: string[]) => void, later?: (call: () => void, ms: number) => unknown }} options
   *   onRetry: it is time to learn() these names again, if they are still needed; later: for tests
   */
  constructor({ get, onNote, onRetry, later = setTimer }) {
    this.#later = later;
    this.#get = get;
    this.#onNote = onNote;
    this.#onRetry = onRetry;
  }

  /** @param {string} name */
  get(name) {
    return this.#channels.get(name);
  }

  /** @param {string} name */
  has(name) {
    return this.#channels.has(name);
  }

  /** @param {Channel} channel */
  add(channel) {
    this.#channels.set(channel.name, channel);
  }

  /** Forgets channels whose metadata have changed. @param {readonly string[]} names */
  forget(names) {
    for (const name of names) this.#channels.delete(name);
  }

  /** The user has signed in: what was not found may be there. */
  forgetUnknown() {
    this.#unknown.clear();
  }

  /** Why a name has no channel; empty where there is no reason yet. @param {string} name */
  whyUnknown(name) {
    return this.#unknown.get(name)?.why ?? "";
  }

  /** Requests the channels that are not known. @param {string[]} names */
  async learn(names) {
    const nowMs = performance.now();
    const asked = names.filter((name) =>
      !this.#channels.has(name) &&
      nowMs >= (this.#unknown.get(name)?.untilMs ?? 0)
    );
    if (asked.length === 0) return;
    try {
      const { found, unknown } = await describe(asked, this.#get);
      for (const [name, channel] of found) {
        this.#channels.set(name, channel);
        this.#unknown.delete(name);
      }
      for (const [name, why] of unknown) {
        this.#unknown.set(name, { why, untilMs: nowMs + UNKNOWN_AGAIN_MS });
      }
      if (unknown.size === 0) return;
      this.#later(() => this.#onRetry([...unknown.keys()]), UNKNOWN_AGAIN_MS);
    } catch {
      this.#onNote("The server does not answer; trying again");
      this.#retryLater(asked);
    }
  }

  /** @param {readonly string[]} names */
  #retryLater(names) {
    const isWaiting = this.#unanswered.size > 0;
    for (const name of names) this.#unanswered.add(name);
    if (isWaiting) return;
    this.#later(() => {
      const all = [...this.#unanswered];
      this.#unanswered.clear();
      this.#onRetry(all);
    }, AGAIN_MS);
  }
}

/** @param {() => void} call @param {number} ms */
function setTimer(call, ms) {
  return setTimeout(call, ms);
}

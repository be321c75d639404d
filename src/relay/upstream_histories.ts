// The histories that a relay reads from its upstream: equal ones are asked for once.
// Invariant: what is kept for readers that come later has a limit in bytes, and in time. The limit holds for all
// histories together, without what one piece of an answer brings.
import type { HistoryReader, HistoryTopic } from "../source/source.ts";
import { SharedHistory } from "./shared_history.ts";
import type { UpstreamError } from "./upstream_error.ts";
import {
  type SharedHistories,
  UpstreamHistory,
  type UpstreamTopic,
} from "./upstream_history.ts";
import type { Upstreams } from "./upstreams.ts";

export interface UpstreamHistoriesOptions {
  readonly upstreams: Upstreams;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
}

/** Most bytes that are kept. */
export const HISTORY_KEPT_BYTES_MAX: number = 16 * 1024 * 1024;
/** A history is joined by others for so long after it was opened, ms: late blocks may have been added since. */
const JOINED_MAX_MS = 30_000;
/** After the upstream had no free stream, the next request comes so much later. */
const BUSY_MS = 1000;

/** The histories of one relay. */
export class UpstreamHistories implements SharedHistories {
  readonly counters = { upstream_histories: 0, upstream_histories_shared: 0 };
  readonly #options: UpstreamHistoriesOptions;
  /** By what was asked for, the one that was opened first at the beginning. */
  readonly #joinable = new Map<string, SharedHistory>();
  /** Those that keep something, or are read. */
  readonly #all = new Set<SharedHistory>();
  #bytes = 0;
  #busy: UpstreamError | null = null;
  #busyUntilClockMs = -Infinity;

  constructor(options: UpstreamHistoriesOptions) {
    this.#options = options;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  open(topics: readonly UpstreamTopic[]): HistoryReader {
    return new UpstreamHistory(this, topics, this.#options.clockMs);
  }

  join(topics: readonly HistoryTopic[], afterClockMs: number): SharedHistory {
    const { clockMs, upstreams } = this.#options;
    const nowMs = clockMs();
    this.#forget(nowMs);
    const key = keyOf(topics);
    const known = this.#joinable.get(key);
    const isLate = known !== undefined && known.openedClockMs > afterClockMs;
    const mustBeNew = topics.some(({ isNew }) => isNew);
    if (isLate && (mustBeNew ? known.isNew : known.isWhole)) {
      this.counters.upstream_histories_shared++;
      known.join();
      return known;
    }
    if (nowMs < this.#busyUntilClockMs) throw this.#busy!;
    this.counters.upstream_histories++;
    const history = new SharedHistory({
      upstreams,
      topics,
      openedClockMs: nowMs,
      clockMs,
      onBytes: (bytes) => this.#bytes += bytes,
    });
    history.join();
    if (known !== undefined) this.#remove(known);
    this.#joinable.set(key, history);
    this.#all.add(history);
    return history;
  }

  leave(history: SharedHistory): void {
    history.leave();
    if (history.hasReaders) return;
    const isJoinable = [...this.#joinable.values()].includes(history);
    if (!isJoinable || history.bytes === 0) this.#remove(history);
  }

  /** What does not fit is dropped, of the oldest histories first. */
  read(): void {
    this.#options.upstreams.historyRefused(null);
    for (const history of this.#all) {
      while (this.#bytes > HISTORY_KEPT_BYTES_MAX && history.drop()) {
        // The next one may be needed no more, either.
      }
      if (this.#bytes <= HISTORY_KEPT_BYTES_MAX) return;
    }
  }

  failed(history: SharedHistory, error: UpstreamError): void {
    const { clockMs, upstreams } = this.#options;
    this.#remove(history);
    if (error.kind !== "busy") return;
    if (this.#busy !== error) upstreams.historyRefused(error);
    this.#busy = error;
    this.#busyUntilClockMs = clockMs() + BUSY_MS;
  }

  /** Forgets what is too old; call it about once a second. */
  tick(): void {
    this.#forget(this.#options.clockMs());
  }

  #forget(nowMs: number): void {
    for (const [key, history] of this.#joinable) {
      const isOld = nowMs - history.openedClockMs > JOINED_MAX_MS;
      if (!isOld && history.isWhole) continue;
      this.#joinable.delete(key);
      if (history.hasReaders) continue;
      this.#remove(history);
    }
  }

  #remove(history: SharedHistory): void {
    for (const [key, other] of this.#joinable) {
      if (other === history) this.#joinable.delete(key);
    }
    if (history.hasReaders) return;
    while (history.drop()) {
      // Until nothing is kept.
    }
    this.#all.delete(history);
  }
}

function keyOf(topics: readonly HistoryTopic[]): string {
  const pairs = topics.map(({ topic, fromMs }) => [topic, Math.max(0, fromMs)]);
  return JSON.stringify(pairs.sort(([a], [b]) => a! < b! ? -1 : 1));
}

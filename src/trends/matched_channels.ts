// The channels of `--trend-match` whose recording has not begun, and begins a few at a time.
// Invariant: a channel that cannot be recorded ends nothing: it is refused where the limit is reached, and tried again
// where the system has no memory.
import type { Catalog } from "../channels/catalog.ts";
import { nameMatcher } from "../channels/expression.ts";
import type { Channel } from "../channels/channel.ts";
import type { TrendCounters } from "./recorded_trend.ts";

/** Why a channel is not recorded: the limit is reached, or the system has no memory. */
export type NoMemory = "full" | "no-memory";

export interface MatchedChannelsOptions {
  readonly catalog: Catalog;
  /** Monotonic clock, ms. */
  readonly clockMs: () => number;
  /** RE2 expression for names of live channels; empty: none. */
  readonly trendMatch: string;
  readonly counters: Pick<TrendCounters, "refused">;
  /** Begins to record a channel. */
  readonly begin: (channel: Channel) => object | NoMemory;
  /** Is called for the first channel that is refused. */
  readonly onFull: (channel: string) => void;
}

/** Most channels whose recording begins in one call, so that a large catalogue does not block the event loop. */
const STARTS_MAX = 100;
/** After an allocation has failed, nothing is begun for so long: each failure makes the runtime look for garbage. */
const NO_MEMORY_MS = 60_000;

/** Those of one instance. */
export class MatchedChannels {
  readonly #options: MatchedChannelsOptions;
  readonly #matches: (name: string) => boolean;
  /** By name. */
  readonly #toStart = new Map<string, Channel>();
  #retryAtMs = -Infinity;

  /** Throws BadExpressionError when `trendMatch` is not an RE2 expression. */
  constructor(options: MatchedChannelsOptions) {
    this.#options = options;
    const { trendMatch: match, catalog } = options;
    this.#matches = match === "" ? () => false : nameMatcher(match);
    if (match === "") return;
    for (const channel of catalog.find({ match })) this.add(channel);
  }

  /** Its recording begins in one of the next calls of start(), if it is a live channel that matches. */
  add(channel: Channel): void {
    if (channel.replayId !== null || !this.#matches(channel.name)) return;
    this.#toStart.set(channel.name, channel);
  }

  /** It is not to be recorded any more. */
  remove(name: string, replayId: string | null): void {
    if (replayId === null) this.#toStart.delete(name);
  }

  clear(): void {
    this.#toStart.clear();
  }

  /** Begins to record some channels; call it a few times per second. */
  start(): void {
    const { begin, clockMs, counters, onFull } = this.#options;
    if (this.#toStart.size === 0 || clockMs() < this.#retryAtMs) return;
    let left = STARTS_MAX;
    for (const [name, channel] of this.#toStart) {
      if (left-- === 0) return;
      this.#toStart.delete(name);
      const outcome = begin(channel);
      if (outcome === "no-memory") {
        this.#toStart.set(name, channel);
        this.#retryAtMs = clockMs() + NO_MEMORY_MS;
        return;
      }
      if (outcome === "full" && counters.refused++ === 0) onFull(name);
    }
  }
}

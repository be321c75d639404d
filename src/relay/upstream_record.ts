// What a relay knows of one upstream: whether it is connected, since when, and why not.
// Invariant: a reason is logged once until the upstream answers again, however often it comes.
import type { UpstreamStatus } from "../source/source.ts";
import type { Logger } from "../telemetry/log.ts";
import type { UpstreamError } from "./upstream_error.ts";

/** Most reasons that are remembered as logged. */
const LOGGED_MAX = 16;

/** One upstream. */
export class UpstreamRecord {
  /** `HOST:PORT`. */
  readonly host: string;
  readonly #log: Logger;
  readonly #clockMs: () => number;
  readonly #logged = new Set<string>();
  #state: UpstreamStatus["state"] = "idle";
  #sinceClockMs: number;
  #error: UpstreamError | null = null;
  #refusal: string | null = null;

  constructor(address: string, log: Logger, clockMs: () => number) {
    this.host = new URL(address).host;
    this.#log = log;
    this.#clockMs = clockMs;
    this.#sinceClockMs = clockMs();
  }

  /** It has answered with frames. */
  connected(): void {
    this.#error = null;
    if (this.#state === "connected") return;
    this.#become("connected");
    this.#logged.clear();
    this.#log.info("upstream-connected", { upstream: this.host });
  }

  /** It has failed. */
  failed(error: UpstreamError): void {
    this.#error = error;
    if (this.#state !== "failed") this.#become("failed");
    const { kind, message } = error;
    if (!this.#mayLog(message)) return;
    const { host: upstream } = this;
    this.#log.warn("upstream-failed", { upstream, kind, reason: message });
  }

  /** It works, and has refused a history; null: it has granted one. */
  refused(error: UpstreamError | null): void {
    this.#refusal = error?.message ?? null;
    if (error === null || !this.#mayLog(`history: ${error.message}`)) return;
    const { host: upstream } = this;
    const { kind, message: reason } = error;
    this.#log.warn("upstream-history-refused", { upstream, kind, reason });
  }

  /** `delayMs`: see {@linkcode UpstreamStatus}. */
  status(isUsed: boolean, delayMs: number): UpstreamStatus {
    return {
      host: this.host,
      isUsed,
      state: this.#state,
      sinceClockMs: this.#sinceClockMs,
      kind: this.#error?.kind ?? null,
      reason: this.#error?.message ?? null,
      historyRefusal: this.#refusal,
      delayMs: isUsed && this.#state === "connected" ? delayMs : NaN,
    };
  }

  #become(state: UpstreamStatus["state"]): void {
    this.#state = state;
    this.#sinceClockMs = this.#clockMs();
  }

  #mayLog(reason: string): boolean {
    if (this.#logged.has(reason) || this.#logged.size >= LOGGED_MAX) {
      return false;
    }
    this.#logged.add(reason);
    return true;
  }
}

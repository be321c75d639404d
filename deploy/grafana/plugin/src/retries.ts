// When a request that failed is sent again.
// Invariant: after abort() no timer runs; no wait is longer than a minute, whatever an answer asks for.
import { Refusal } from "./qanat_api.js";

/** Between attempts: the first wait, and the longest. */
const RETRY_MS = 1000;
const RETRY_MAX_MS = 15_000;
/** What an answer may ask for: with 0 s nothing would pause, with a day the panel would seem to hang. */
const ASKED_MIN_MS = 500;
const ASKED_MAX_MS = 60_000;
/** The server's answers after which a later request may succeed. */
const PASSING = [408, 429, 500, 502, 503, 504];

export class Retries {
  /** As the server asks for it. [ms] */
  retryMs = RETRY_MS;
  readonly #signal: AbortSignal;
  readonly #failuresMax: number;
  #failures = 0;

  /** `failuresMax`: in succession; after more of them the last one is thrown. */
  constructor(signal: AbortSignal, failuresMax = Infinity) {
    this.#signal = signal;
    this.#failuresMax = failuresMax;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Waits before the next attempt, or throws the error where another one would not help. `onTrouble` gets why. */
  async next(error: Error, onTrouble: (why: string) => void): Promise<void> {
    const refusal = error instanceof Refusal ? error : null;
    if (refusal !== null && !PASSING.includes(refusal.status)) throw error;
    if (this.#failures >= this.#failuresMax) throw error;
    const backoffMs = Math.min(
      this.retryMs * 2 ** this.#failures,
      RETRY_MAX_MS,
    );
    this.#failures++;
    onTrouble(`${error.message}; trying again`);
    // Many panels do not reconnect at the same moment.
    const ms = refusal?.retryAfterMs ?? backoffMs * (1 + Math.random()) / 2;
    const atLeastMs = Math.max(ms, ASKED_MIN_MS);
    await wait(Math.min(atLeastMs, ASKED_MAX_MS), this.#signal);
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

// Detects that the worker's event loop hangs, or that its listener accepts no connections any more.
// Invariant: a missed probe counts only if the watchdog itself ran on schedule. Elapsed time does not count, so a process
// that was stopped, a machine that slept, and a machine too busy to run this thread are all healthy.
import type { WatchedPart } from "./life_signs.ts";

/** How often check() is called. */
export const CHECK_MS = 1000;
/** A check that is later than this does not judge the worker: the same delay may have stopped both threads. */
const LATE_MS = 500;
/**
 * The worker makes ten ticks between two checks. With fewer than this its event loop is late, and may have looked at its
 * sockets only once in many turns: that accepts connections late, and is no fault of the listener.
 */
const TICKS_ON_TIME = 8;

/** One attempt to reach the listener. It must succeed before the next check. */
export interface ListenerProbe {
  readonly state: "waiting" | "answered" | "failed";
  /** Why it failed. */
  readonly error: string;
  /** Closes its connection. Idempotent. */
  close(): void;
}

/** A part that has missed as many probes as are allowed. */
export interface Verdict {
  readonly part: WatchedPart;
  readonly missedProbes: number;
  /** When the part last answered, by the watchdog's clock. */
  readonly lastSeenMs: number;
  /** Why the last probe of the listener failed; empty when it got no answer. */
  readonly error: string;
}

export interface WatchdogOptions {
  /** The worker's counters. */
  readonly signs: { readonly ticks: number; readonly connections: number };
  /** Starts a probe of the listener. */
  readonly probe: () => ListenerProbe;
  /** Missed probes in a row after which a part counts as gone. */
  readonly probesMax: number;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly onMissed: (part: WatchedPart) => void;
  /** Called once; later checks do nothing. */
  readonly onGone: (verdict: Verdict) => void;
}

/** What is known of a part. */
interface Sightings {
  counter: number;
  lastSeenMs: number;
  missed: number;
}

/** Call check() every {@linkcode CHECK_MS} while the worker serves, until it is asked to stop. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #loop: Sightings;
  readonly #listener: Sightings;
  #checkedMs: number;
  #probe: ListenerProbe | null = null;
  /** A listener that never answered may be unreachable from this thread (a firewall); it is not judged. */
  #hasAnswered = false;
  #isClosed = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    const { signs, nowMs } = options;
    this.#checkedMs = nowMs();
    const seen = { lastSeenMs: this.#checkedMs, missed: 0 };
    this.#loop = { ...seen, counter: signs.ticks };
    this.#listener = { ...seen, counter: signs.connections };
    this.#probe = options.probe();
  }

  /** Checks both parts once, and starts the next probe of the listener. */
  check(): void {
    if (this.#isClosed) return;
    const { signs, nowMs, probe } = this.#options;
    const atMs = nowMs();
    const isLate = atMs - this.#checkedMs > CHECK_MS + LATE_MS;
    this.#checkedMs = atMs;
    const ticks = (signs.ticks - this.#loop.counter) | 0;
    const isLoopSeen = this.#look("event-loop", this.#loop, {
      counter: signs.ticks,
      isSeen: signs.ticks !== this.#loop.counter,
      isJudged: !isLate,
    });
    // While the event loop hangs the listener cannot answer; the loop is to blame.
    this.#look("listener", this.#listener, {
      counter: signs.connections,
      isSeen: this.#hasListened(signs.connections),
      isJudged: !isLate && isLoopSeen && ticks >= TICKS_ON_TIME &&
        this.#hasAnswered,
    });
    this.#probe?.close();
    this.#probe = this.#isClosed ? null : probe();
  }

  /** Closes the current probe. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#probe?.close();
    this.#probe = null;
  }

  /** Any accepted connection is a sign of life: a probe may wait in a queue of thousands of connections. */
  #hasListened(connections: number): boolean {
    const isAnswered = this.#probe?.state === "answered";
    if (isAnswered) this.#hasAnswered = true;
    return isAnswered || connections !== this.#listener.counter;
  }

  /** Records whether a part gave a sign of life, and reports a part that has missed too many probes. */
  #look(
    part: WatchedPart,
    sightings: Sightings,
    { counter, isSeen, isJudged }: {
      readonly counter: number;
      readonly isSeen: boolean;
      readonly isJudged: boolean;
    },
  ): boolean {
    const { onMissed, onGone, probesMax } = this.#options;
    if (isSeen) {
      sightings.counter = counter;
      sightings.lastSeenMs = this.#checkedMs;
      sightings.missed = 0;
      return true;
    }
    if (!isJudged || this.#isClosed) return false;
    sightings.missed++;
    onMissed(part);
    if (sightings.missed >= probesMax) {
      const error = part === "listener" ? this.#probe?.error ?? "" : "";
      this.close();
      onGone({
        part,
        missedProbes: sightings.missed,
        lastSeenMs: sightings.lastSeenMs,
        error,
      });
    }
    return false;
  }
}

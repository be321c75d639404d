// Notices that the worker's event loop hangs, or that its listener accepts nobody any more.
// Invariant: only probes count that were missed while the watchdog itself ran on schedule. Elapsed time never does, so
// that a process that was stopped, a machine that slept and one that is too busy to run this thread are healthy.
import type { WatchedPart } from "./life_signs.ts";

/** check() is called so often. */
export const CHECK_MS = 1000;
/** A check that comes later than this says nothing of the worker: whatever held it up may have held up the worker. */
const LATE_MS = 500;

/** One attempt to reach the own listener; it answers until the next check, or is given up. */
export interface ListenerProbe {
  readonly state: "waiting" | "answered" | "failed";
  /** Why it failed. */
  readonly error: string;
  /** Gives up what it holds. Idempotent. */
  close(): void;
}

/** A part that has missed all probes. */
export interface Verdict {
  readonly part: WatchedPart;
  readonly missedProbes: number;
  /** When it was last seen, by the watchdog's clock. */
  readonly lastSeenMs: number;
  /** Why the last probe of the listener failed; empty where it was not answered. */
  readonly error: string;
}

export interface WatchdogOptions {
  /** What the worker counts. */
  readonly signs: { readonly ticks: number; readonly connections: number };
  /** Begins to reach the listener. */
  readonly probe: () => ListenerProbe;
  /** So many in a row, and the part is gone. */
  readonly probesMax: number;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly onMissed: (part: WatchedPart) => void;
  /** Called once; checks do nothing after it. */
  readonly onGone: (verdict: Verdict) => void;
}

/** What was seen of a part. */
interface Sightings {
  counter: number;
  lastSeenMs: number;
  missed: number;
}

/** Call check() every {@linkcode CHECK_MS}, from when the worker serves until it is asked to stop. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #loop: Sightings;
  readonly #listener: Sightings;
  #checkedMs: number;
  #probe: ListenerProbe | null = null;
  /** A listener that was never reached may be out of this thread's reach (a firewall); it is not judged. */
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

  /** Looks at both parts once, and begins the next probe of the listener. */
  check(): void {
    if (this.#isClosed) return;
    const { signs, nowMs, probe } = this.#options;
    const atMs = nowMs();
    const isLate = atMs - this.#checkedMs > CHECK_MS + LATE_MS;
    this.#checkedMs = atMs;
    const isLoopSeen = this.#look("event-loop", this.#loop, {
      counter: signs.ticks,
      isSeen: signs.ticks !== this.#loop.counter,
      isJudged: !isLate,
    });
    // A listener behind a loop that hangs cannot answer: the loop is what is gone.
    this.#look("listener", this.#listener, {
      counter: signs.connections,
      isSeen: this.#hasListened(signs.connections),
      isJudged: !isLate && isLoopSeen && this.#hasAnswered,
    });
    this.#probe?.close();
    this.#probe = this.#isClosed ? null : probe();
  }

  /** Gives up the probe that is under way. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#probe?.close();
    this.#probe = null;
  }

  /** Any connection that was accepted will do: a probe may stand behind thousands that wait. */
  #hasListened(connections: number): boolean {
    const isAnswered = this.#probe?.state === "answered";
    if (isAnswered) this.#hasAnswered = true;
    return isAnswered || connections !== this.#listener.counter;
  }

  /** Takes down whether a part was seen, and reports one that has missed all its probes. */
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

// Detects that the event loop of a thread hangs, or that a listener accepts no connections any more.
// Invariant: a missed probe counts only if the watchdog itself ran on schedule. Elapsed time does not count, so a process
// that was stopped, a machine that slept, and a machine too busy to run this thread are all healthy.
import type { WatchedPart } from "./life_signs.ts";

/** How often check() is called. */
export const CHECK_MS = 1000;
/** A check that is later than this does not judge the others: the same delay may have stopped all threads. */
const LATE_MS = 500;
/**
 * A thread makes ten ticks between two checks. With fewer than this its event loop is late, and may have looked at its
 * sockets only once in many turns: that accepts connections late, and is no fault of the listener.
 */
const TICKS_ON_TIME = 8;
/**
 * Where several threads listen on one port, the kernel chooses the one that gets a connection. With so many probes for
 * each, a check misses one of them by chance once in 55 times, and 12 checks in a row less than once in 10^20.
 */
const PROBES_PER_LISTENER = 4;
/**
 * A thread that starts compiles its modules before its first tick. Among threads that use all cores this takes many
 * times as long as on an idle machine, so it may miss so many times more probes.
 */
const STARTING_FACTOR = 10;

/** One attempt to reach the listener. It must succeed before the next check. */
export interface ListenerProbe {
  readonly state: "waiting" | "answered" | "failed";
  /** Why it failed. */
  readonly error: string;
  /** Closes its connection. Idempotent. */
  close(): void;
}

/** A thread that is watched. */
export interface WatchedThread {
  /** Its name in the log; empty where a process has one worker. */
  readonly name: string;
  /** Its counters. */
  readonly signs: { readonly ticks: number; readonly connections: number };
  /** Whether it accepts connections on the port that is probed. */
  readonly isListening: boolean;
  /** Whether it has not served yet. */
  readonly isStarting: boolean;
}

/** A part that has missed as many probes as are allowed. */
export interface Verdict {
  /** The name of its thread. */
  readonly thread: string;
  readonly part: WatchedPart;
  readonly missedProbes: number;
  /** When the part last answered, by the watchdog's clock. */
  readonly lastSeenMs: number;
  /** Why the last probe of the listener failed; empty when it got no answer. */
  readonly error: string;
}

export interface WatchdogOptions<Thread extends WatchedThread> {
  /** Those to watch at this moment: the same object for the same thread in all calls. */
  readonly threads: () => Iterable<Thread>;
  /** Starts a probe of the listener. */
  readonly probe: () => ListenerProbe;
  /** Missed probes in a row after which a part counts as gone. */
  readonly probesMax: number;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly onMissed: (part: WatchedPart, thread: Thread) => void;
  /** Called once; later checks do nothing. */
  readonly onGone: (verdict: Verdict) => void;
}

/** What is known of a part. */
interface Sightings {
  counter: number;
  lastSeenMs: number;
  missed: number;
}

/** What is known of a thread. */
type ThreadSightings = Record<WatchedPart, Sightings>;

/** Call check() every {@linkcode CHECK_MS} while the process serves, until it is asked to stop. */
export class Watchdog<Thread extends WatchedThread = WatchedThread> {
  readonly #options: WatchdogOptions<Thread>;
  readonly #sightings = new WeakMap<Thread, ThreadSightings>();
  #checkedMs: number;
  #probes: readonly ListenerProbe[] = [];
  /** A port that never answered may be unreachable from this thread (a firewall); its listeners are not judged. */
  #hasAnswered = false;
  #isClosed = false;

  constructor(options: WatchdogOptions<Thread>) {
    this.#options = options;
    this.#checkedMs = options.nowMs();
    const threads = [...options.threads()];
    for (const thread of threads) this.#begin(thread);
    this.#probe(threads);
  }

  /** Checks all threads once, and starts the next probes of the listener. */
  check(): void {
    if (this.#isClosed) return;
    const atMs = this.#options.nowMs();
    const isLate = atMs - this.#checkedMs > CHECK_MS + LATE_MS;
    this.#checkedMs = atMs;
    const isAnswered = this.#probes.some(({ state }) => state === "answered");
    if (isAnswered) this.#hasAnswered = true;
    const threads = [...this.#options.threads()];
    // Of several listeners, an answer does not say which one gave it; the counts of accepted connections do.
    const isAlone = threads.filter(isListening).length === 1;
    for (const thread of threads) {
      const known = this.#sightings.get(thread);
      if (known === undefined) this.#begin(thread);
      else {
        const evidence = { isLate, isAnswered: isAnswered && isAlone };
        this.#lookAt(thread, known, evidence);
      }
      if (this.#isClosed) return;
    }
    this.#probe(threads);
  }

  /** Closes the current probes. Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const probe of this.#probes) probe.close();
    this.#probes = [];
  }

  #probe(threads: readonly Thread[]): void {
    for (const probe of this.#probes) probe.close();
    const listeners = threads.filter(isListening).length;
    const count = listeners < 2 ? listeners : PROBES_PER_LISTENER * listeners;
    this.#probes = Array.from({ length: count }, this.#options.probe);
  }

  #begin(thread: Thread): void {
    const { ticks, connections } = thread.signs;
    const seen = { lastSeenMs: this.#checkedMs, missed: 0 };
    this.#sightings.set(thread, {
      "event-loop": { ...seen, counter: ticks },
      "listener": { ...seen, counter: connections },
    });
  }

  #lookAt(
    thread: Thread,
    sightings: ThreadSightings,
    { isLate, isAnswered }: {
      readonly isLate: boolean;
      readonly isAnswered: boolean;
    },
  ): void {
    const { ticks, connections } = thread.signs;
    const { "event-loop": loop, listener } = sightings;
    const ticked = (ticks - loop.counter) | 0;
    const isLoopSeen = this.#look(thread, "event-loop", loop, {
      counter: ticks,
      isSeen: ticked !== 0,
      isJudged: !isLate,
    });
    // While the event loop hangs the listener cannot answer; the loop is to blame.
    this.#look(thread, "listener", listener, {
      counter: connections,
      // Any accepted connection is a sign of life: a probe may wait in a queue of thousands of connections.
      isSeen: isAnswered || connections !== listener.counter,
      isJudged: thread.isListening && !isLate && isLoopSeen &&
        ticked >= TICKS_ON_TIME && this.#hasAnswered,
    });
  }

  /** Records whether a part gave a sign of life, and reports a part that has missed too many probes. */
  #look(
    thread: Thread,
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
    onMissed(part, thread);
    const factor = thread.isStarting ? STARTING_FACTOR : 1;
    if (sightings.missed >= factor * probesMax) {
      const error = part === "listener" ? errorOf(this.#probes) : "";
      this.close();
      onGone({
        thread: thread.name,
        part,
        missedProbes: sightings.missed,
        lastSeenMs: sightings.lastSeenMs,
        error,
      });
    }
    return false;
  }
}

function isListening({ isListening }: WatchedThread): boolean {
  return isListening;
}

/** Of the first one that has one. */
function errorOf(probes: readonly ListenerProbe[]): string {
  return probes.find(({ error }) => error !== "")?.error ?? "";
}

// GPS time of this instance, by which blocks are late or of the future: the monotonic clock plus an offset that follows
// the wall clock.
// Invariant: when the wall clock steps, this time follows only after the blocks that come in fit the new time better.
// Until then a block is late by the old time only, and counts as future only if both times say so (docs/decisions/0027).
import type { Logger } from "../telemetry/log.ts";
import { gpsMsOfUnixMs } from "./gps_time.ts";

/** The two clocks of an instance. Only {@linkcode GpsClock} makes decisions by the wall clock. */
export interface Clocks {
  /** The wall clock, Unix ms. It may step forward or back at any time. */
  readonly nowMs: () => number;
  /** The monotonic clock, ms since some moment. All waits, ages and deadlines are measured by it. */
  readonly clockMs: () => number;
}

/** The clocks of the system. */
export const SYSTEM_CLOCKS: Clocks = {
  nowMs: () => Date.now(),
  clockMs: () => performance.now(),
};

export interface GpsClockOptions extends Clocks {
  readonly log: Logger;
}

/** What a newly read block shows about the time. GPS ms. */
export interface Witness {
  readonly startMs: number;
  readonly endMs: number;
  /** The block may begin this far ahead of now. */
  readonly toleranceMs: number;
  /** The block may have ended this long ago. */
  readonly ageMsMax: number;
}

/** A larger difference from the monotonic clock is a step. ntpd corrects up to 128 ms slowly, and steps beyond that. */
const STEP_MS = 100;
/** The two clocks are read one after the other: if the process was stopped in between, both are read again. */
const READS_MAX = 3;
/** How long blocks are collected before they decide whether the wall clock is followed. */
const VOTE_MS = 2000;
/** When no block fits either time, the wall clock is followed after this time. */
const SILENCE_MS = 60_000;

/** Is informed of what happens to the clock. */
export interface ClockListener {
  /** The wall clock has stepped ahead: the machine may have slept. */
  onWallAhead(): void;
  /** The time was set, by this many ms. */
  onSet(byMs: number): void;
}

/** GPS time of one instance. */
export class GpsClock {
  readonly counters = { steps: 0 };
  readonly #nowMs: () => number;
  readonly #clockMs: () => number;
  readonly #log: Logger;
  /** GPS ms minus the monotonic clock. */
  #offsetMs: number;
  /** That offset before the time was last set: it is used for moments before then. */
  #formerOffsetMs: number;
  #formerUntilMs = -Infinity;
  #readMs: number;
  #listener: ClockListener | null = null;
  /** How far the wall clock is ahead of this time; 0 while it is followed. */
  #stepMs = 0;
  #steppedAtMs = 0;
  /** Of each topic that has voted: whether its newest block fits the wall clock rather than this time. */
  readonly #votes = new Map<string, boolean>();
  #wallVotes = 0;
  /** It was logged that this time is right and the wall clock is wrong. */
  #isWrongReported = false;

  constructor(options: GpsClockOptions) {
    this.#nowMs = options.nowMs;
    this.#clockMs = options.clockMs;
    this.#log = options.log;
    this.#readMs = this.#clockMs();
    this.#offsetMs = gpsMsOfUnixMs(this.#nowMs()) - this.#readMs;
    this.#formerOffsetMs = this.#offsetMs;
  }

  /** Informs `listener` from now on; there is at most one. */
  listen(listener: ClockListener): void {
    if (this.#listener) throw new Error("The clock already has a listener");
    this.#listener = listener;
  }

  /** GPS ms now. */
  gpsMs(): number {
    const clockMs = this.#clockMs();
    const wallMs = gpsMsOfUnixMs(this.#nowMs());
    this.#readMs = clockMs;
    const stepMs = wallMs - (clockMs + this.#offsetMs);
    if (Math.abs(stepMs) > STEP_MS) return this.#stepped(stepMs);
    this.#offsetMs = wallMs - clockMs;
    if (this.#stepMs !== 0) this.#agree();
    return wallMs;
  }

  /** The monotonic clock as of the last call of {@linkcode gpsMs}: it saves a second reading. */
  get readMs(): number {
    return this.#readMs;
  }

  /** A block that begins later is of the future by both times; so none is that was made while the machine slept. */
  latestMs(gpsMs: number): number {
    return this.#stepMs > 0 ? gpsMs + this.#stepMs : gpsMs;
  }

  /** GPS ms of an earlier moment of the monotonic clock. */
  gpsMsAt(clockMs: number): number {
    const isFormer = clockMs < this.#formerUntilMs;
    return clockMs + (isFormer ? this.#formerOffsetMs : this.#offsetMs);
  }

  /** How far the wall clock is ahead of this time, ms; 0 unless it has stepped. */
  get stepMs(): number {
    return this.#stepMs;
  }

  /** The monotonic clock, ms. */
  clockMs(): number {
    return this.#clockMs();
  }

  /** The wall clock as it is, Unix ms. */
  unixMs(): number {
    return this.#nowMs();
  }

  /** Takes the vote of a topic's newest block, which has just come and is the last in its log. */
  witness(topic: string, block: Witness): void {
    const gpsMs = this.gpsMs();
    if (this.#stepMs === 0) return;
    const fits = (ms: number) =>
      block.startMs <= ms + block.toleranceMs &&
      ms - block.endMs <= block.ageMsMax;
    const isWall = fits(gpsMs + this.#stepMs);
    if (this.#votes.get(topic)) this.#wallVotes--;
    this.#votes.delete(topic);
    if (!isWall && !fits(gpsMs)) return;
    this.#votes.set(topic, isWall);
    if (isWall) this.#wallVotes++;
  }

  /** Decides whether this time follows the wall clock again; call a few times a second. `readsLive`: votes may come. */
  tick(readsLive: boolean): void {
    this.gpsMs();
    if (this.#stepMs === 0) return;
    const sinceMs = this.#readMs - this.#steppedAtMs;
    if (readsLive && sinceMs < VOTE_MS) return;
    const others = this.#votes.size - this.#wallVotes;
    const isSilent = this.#votes.size === 0 &&
      (!readsLive || sinceMs >= SILENCE_MS);
    if (isSilent || this.#wallVotes > others) this.#follow();
    else if (this.#votes.size > 0 && !this.#isWrongReported) {
      this.#reportWrong();
    }
  }

  #stepped(firstMs: number): number {
    let stepMs = firstMs;
    for (let reads = 1; reads < READS_MAX; reads++) {
      const clockMs = this.#clockMs();
      const againMs = gpsMsOfUnixMs(this.#nowMs()) - clockMs - this.#offsetMs;
      this.#readMs = clockMs;
      if (Math.abs(againMs) < Math.abs(stepMs)) stepMs = againMs;
    }
    const gpsMs = this.#readMs + this.#offsetMs;
    if (Math.abs(stepMs) <= STEP_MS) return gpsMs;
    const isKnown = Math.abs(stepMs - this.#stepMs) <= STEP_MS;
    this.#stepMs = stepMs;
    if (isKnown) return gpsMs;
    this.counters.steps++;
    this.#steppedAtMs = this.#readMs;
    this.#forgetVotes();
    this.#log.warn("clock-stepped", { byMs: Math.round(stepMs) });
    if (stepMs > 0) this.#listener?.onWallAhead();
    return gpsMs;
  }

  /** The wall clock agrees with this time again. */
  #agree(): void {
    this.#stepMs = 0;
    this.#forgetVotes();
    this.#log.info("clock-back", {});
  }

  #reportWrong(): void {
    this.#isWrongReported = true;
    this.#log.error("clock-wrong", {
      wallAheadMs: Math.round(this.#stepMs),
      topics: this.#votes.size,
      fitting: this.#wallVotes,
    });
  }

  #follow(): void {
    const byMs = this.#stepMs;
    // Moments before the step was noticed are still counted by the former offset, see gpsMsAt().
    this.#formerOffsetMs = this.#offsetMs;
    this.#formerUntilMs = this.#steppedAtMs;
    this.#offsetMs += byMs;
    this.#stepMs = 0;
    const { size } = this.#votes;
    const topics = { topics: size, fitting: this.#wallVotes };
    this.#forgetVotes();
    this.#log.info("clock-followed", { byMs: Math.round(byMs), ...topics });
    this.#listener?.onSet(byMs);
  }

  #forgetVotes(): void {
    this.#votes.clear();
    this.#wallVotes = 0;
    this.#isWrongReported = false;
  }
}

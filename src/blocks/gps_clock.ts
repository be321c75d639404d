// The time by which blocks are late or of the future: the monotonic clock plus an offset that follows the wall clock.
// Invariant: a step of the wall clock moves this time only once the blocks that come in fit the new time better.
// Until then nothing is called late by the new time, and nothing of the future that is not so by both
// (docs/decisions/0027).
import type { Logger } from "../telemetry/log.ts";
import { gpsMsOfUnixMs } from "./gps_time.ts";

/** The two clocks of an instance. Only {@linkcode GpsClock} reads the first one to judge anything. */
export interface Clocks {
  /** The wall clock, Unix ms. It may step either way at any time. */
  readonly nowMs: () => number;
  /** The monotonic clock, ms since some moment: for every wait, age and deadline. */
  readonly clockMs: () => number;
}

export interface GpsClockOptions extends Clocks {
  readonly log: Logger;
}

/** A newly read block, by its own time. GPS ms. */
export interface Witness {
  readonly startMs: number;
  readonly endMs: number;
  /** How far ahead of now it may begin. */
  readonly toleranceMs: number;
  /** How long ago it may have ended. */
  readonly ageMsMax: number;
}

/** What the wall clock moves by more, beside the monotonic one, is a step. ntpd slews up to 128 ms, and steps beyond. */
const STEP_MS = 100;
/** Two clocks cannot be read at one instant: a process that was stopped between them reads again. */
const READS_MAX = 3;
/** So long blocks are asked which time they fit. */
const VOTE_MS = 2000;
/** Without any block that fits either time the wall clock is believed after so long. */
const SILENCE_MS = 60_000;

/** GPS time of one instance. */
export class GpsClock {
  readonly counters = { steps: 0 };
  /** Called when the wall clock was seen to have stepped ahead: the machine may have slept. */
  onAhead: () => void = () => {};
  /** Called when the time was set, by how much. */
  onSet: (byMs: number) => void = () => {};
  readonly #nowMs: () => number;
  readonly #clockMs: () => number;
  readonly #log: Logger;
  /** GPS ms minus the monotonic clock. */
  #offsetMs: number;
  /** The same before the last step that moved it, for what was noted before then. */
  #formerOffsetMs: number;
  #formerUntilMs = -Infinity;
  #readMs: number;
  /** How far the wall clock is ahead of this time; 0 while it is followed. */
  #stepMs = 0;
  #steppedAtMs = 0;
  /** Whether a topic's newest block fits the wall clock rather than this time. */
  readonly #votes = new Map<string, boolean>();
  #wallVotes = 0;
  /** It was said that this time is right and the wall clock is not. */
  #isWrongTold = false;

  constructor(options: GpsClockOptions) {
    this.#nowMs = options.nowMs;
    this.#clockMs = options.clockMs;
    this.#log = options.log;
    this.#readMs = this.#clockMs();
    this.#offsetMs = gpsMsOfUnixMs(this.#nowMs()) - this.#readMs;
    this.#formerOffsetMs = this.#offsetMs;
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

  /** The monotonic clock when this time was last read: one call less for who has just done that. */
  get readMs(): number {
    return this.#readMs;
  }

  /** What begins later than this is of the future by both times: what a machine slept through is not. */
  latestMs(gpsMs: number): number {
    return this.#stepMs > 0 ? gpsMs + this.#stepMs : gpsMs;
  }

  /** GPS ms of a past moment of the monotonic clock. */
  gpsMsAt(clockMs: number): number {
    const isFormer = clockMs < this.#formerUntilMs;
    return clockMs + (isFormer ? this.#formerOffsetMs : this.#offsetMs);
  }

  /** How far the wall clock is ahead of the time that blocks are judged by; 0 but after a step. */
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

  /** Takes what a topic's newest block says: it has just come, and was the last in its log. */
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

  /** Decides whether the wall clock is followed again; call a few times a second. `isAsked`: live topics are read. */
  tick(isAsked: boolean): void {
    this.gpsMs();
    if (this.#stepMs === 0) return;
    const sinceMs = this.#readMs - this.#steppedAtMs;
    if (isAsked && sinceMs < VOTE_MS) return;
    const others = this.#votes.size - this.#wallVotes;
    const isSilent = this.#votes.size === 0 &&
      (!isAsked || sinceMs >= SILENCE_MS);
    if (isSilent || this.#wallVotes > others) this.#follow();
    else if (this.#votes.size > 0 && !this.#isWrongTold) this.#tellWrong();
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
    if (stepMs > 0) this.onAhead();
    return gpsMs;
  }

  /** The wall clock is back at this time. */
  #agree(): void {
    this.#stepMs = 0;
    this.#forgetVotes();
    this.#log.info("clock-back", {});
  }

  #tellWrong(): void {
    this.#isWrongTold = true;
    this.#log.error("clock-wrong", {
      wallAheadMs: Math.round(this.#stepMs),
      topics: this.#votes.size,
      fitting: this.#wallVotes,
    });
  }

  #follow(): void {
    const byMs = this.#stepMs;
    // Before the step was seen the offset was the former one: a process that slept was read to its log's end then.
    this.#formerOffsetMs = this.#offsetMs;
    this.#formerUntilMs = this.#steppedAtMs;
    this.#offsetMs += byMs;
    this.#stepMs = 0;
    const { size } = this.#votes;
    const topics = { topics: size, fitting: this.#wallVotes };
    this.#forgetVotes();
    this.#log.info("clock-followed", { byMs: Math.round(byMs), ...topics });
    this.onSet(byMs);
  }

  #forgetVotes(): void {
    this.#votes.clear();
    this.#wallVotes = 0;
    this.#isWrongTold = false;
  }
}

// Decides whether a missing block of one partition is late, or its partition unreachable. It compares the block's
// deadline with the time up to which the log has been read, not with the time of day: a block that waits in the broker
// while this process stalls is not late.
// Invariant: within the grace period after an outage no block becomes late.

/** A reader that did not reach the end of its log for this long was away, ms: 4 times `MAX_WAIT_MS` of broker_loop.ts. */
const AWAY_MS = 1000;

export interface LatenessClockOptions {
  /** False in a replay context, whose time is that of its blocks: it has no outages by the clock. */
  readonly hasClock: boolean;
  /** How long rows wait for a partition that cannot be read, ms. */
  readonly outageWaitMs: number;
  /** How long after an outage no block becomes late, ms: publishers, too, need time to find the broker again. */
  readonly outageGraceMs: number;
  /** GPS ms at which reading began: an outage is counted from then on. */
  readonly startedMs: number;
}

/** The reading of one partition's log, in time. All times are GPS ms by the instance's clock. */
export class LatenessClock {
  /** When a fetch had last reached the end of the log. */
  caughtUpMs = -Infinity;
  /** As `caughtUpMs`, but it stops during a grace period. A missing block is late once this has reached its deadline. */
  seenMs = -Infinity;
  readonly #options: LatenessClockOptions;
  /** When the newest block arrived; −Infinity before the first. */
  #arrivedMs = -Infinity;
  #graceEndMs = -Infinity;
  #wasAway = false;
  /** When the log was last known to be readable; an outage is counted from then on. */
  #reachedMs: number;

  constructor(options: LatenessClockOptions) {
    this.#options = options;
    this.#reachedMs = options.startedMs;
  }

  /** A fetch has reached the end of the log, as of `atMs`. `isFirst`: no fetch has done so before. */
  caughtUp(atMs: number, isFirst: boolean): void {
    const wasAway = this.#wasAway || atMs - this.caughtUpMs > AWAY_MS;
    if (wasAway && !isFirst) {
      this.#graceEndMs = atMs + this.#options.outageGraceMs;
    }
    this.#wasAway = false;
    if (atMs > this.caughtUpMs) this.caughtUpMs = atMs;
    this.#reachedMs = this.caughtUpMs;
    if (this.caughtUpMs >= this.#graceEndMs) this.seenMs = this.caughtUpMs;
  }

  /** Whether a block with this deadline is late if it is missing: the log was read to its end after the deadline. */
  isLate(deadlineMs: number): boolean {
    return this.seenMs >= deadlineMs;
  }

  /** A new block arrived at GPS ms `atMs`; NaN in a replay context. */
  arrived(atMs: number): void {
    this.#arrivedMs = atMs;
  }

  /**
   * Whether no block has arrived for `forMs`, though the log was read to its end. Blocks that keep arriving are not
   * silence, however old they seem: this instance's clock may be ahead of the publisher's.
   */
  isSilentFor(forMs: number): boolean {
    return !(this.seenMs - this.#arrivedMs <= forMs);
  }

  /** Whether the log could not be read for longer than rows wait. */
  isUnreachable(gpsMs: number): boolean {
    return this.#options.hasClock &&
      gpsMs - this.#reachedMs > this.#options.outageWaitMs;
  }

  /** The reader may have been away for longer than the clock shows: the next fetch begins a grace period. */
  noteAway(): void {
    this.#wasAway = true;
  }

  /** The partition's broker failed or its leader moved at `gpsMs`: a grace period begins. */
  noteDisturbance(gpsMs: number): void {
    const endMs = gpsMs + this.#options.outageGraceMs;
    this.#graceEndMs = Math.max(this.#graceEndMs, endMs);
  }

  /**
   * The clock was set by some ms: waits last as long as they would have. Where the clock was set ahead, the log was
   * still read only up to the old time; where it was set back, the old time was never reached.
   */
  shift(byMs: number): void {
    this.#graceEndMs += byMs;
    this.#arrivedMs += byMs;
    this.#reachedMs += byMs;
    if (byMs > 0) return;
    this.caughtUpMs += byMs;
    this.seenMs += byMs;
  }
}

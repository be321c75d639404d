// The server's GPS clock, as its difference from this computer's clock: read from /v1/time.
// Invariant: the difference applies to the computer's clock as it is set now; after a step of that clock it is unknown
// until the next reading.

/** @typedef {import("./qanat.d.ts").ServerClock} ServerClock */

/** An older reading is replaced even by a less exact one: clocks drift. */
const OLD_MS = 600_000;
/** A larger change of the clock against a monotonic one is a step. */
const STEP_MS = 1000;
/** Time until a reading that failed after a step is tried again. */
const STEP_AGAIN_MS = 5000;

export class ServerTime {
  /** @type {ServerClock} */
  clock = {
    gpsMinusLocalMs: 18_000 - 315_964_800_000,
    gpsMinusUnixMs: 18_000 - 315_964_800_000,
    errorMs: Infinity,
  };
  #now;
  #unixNow;
  #request;
  #onClock;
  /** When it was read, by the monotonic clock. */
  #readMs = 0;
  /** When it was last requested, by the same clock. */
  #requestedMs = -Infinity;
  /** Unix time minus the monotonic clock when it was read, ms. */
  #unixMinusNowMs;
  #hasStepped = false;

  /**
   * @param {{ now: () => number, unixNow: () => number, request: () => Promise<Response>, onClock: (clock: ServerClock) => void }} options
   *   now: a monotonic clock, ms; unixNow: the computer's clock, ms; request: sends one for /v1/time
   */
  constructor({ now, unixNow, request, onClock }) {
    this.#now = now;
    this.#unixNow = unixNow;
    this.#request = request;
    this.#onClock = onClock;
    this.#unixMinusNowMs = unixNow() - now();
  }

  /** GPS time now, ms; undefined after a step. */
  gpsMs() {
    return this.#hasStepped
      ? undefined
      : this.#unixNow() + this.clock.gpsMinusLocalMs;
  }

  /** Reads the clock again when the computer's clock was set, or the computer has slept. */
  noticeStep() {
    const nowMs = this.#now();
    const stepMs = this.#unixNow() - nowMs - this.#unixMinusNowMs;
    if (!this.#hasStepped && Math.abs(stepMs) < STEP_MS) return;
    const isNew = !this.#hasStepped;
    this.#hasStepped = true;
    if (isNew || nowMs - this.#requestedMs > STEP_AGAIN_MS) this.read();
  }

  async read() {
    try {
      const sentMs = this.#now();
      const sentUnixMs = this.#unixNow();
      this.#requestedMs = sentMs;
      const { time_ns, unix_ms } = await (await this.#request()).json();
      const gotMs = this.#now();
      const gotUnixMs = this.#unixNow();
      if (time_ns === undefined) return;
      const stepMs = gotUnixMs - sentUnixMs - (gotMs - sentMs);
      if (Math.abs(stepMs) >= STEP_MS) {
        // The clock was set, or the computer slept, before the answer came: the answer is of no use.
        this.#hasStepped = true;
        this.#requestedMs = -Infinity;
        return;
      }
      const gpsMs = Number(BigInt(time_ns) / 1000n) / 1000;
      // The quickest answer is the most exact, unless it is old or came before a step.
      const errorMs = (gotMs - sentMs) / 2;
      const isOld = this.#hasStepped || gotMs - this.#readMs >= OLD_MS;
      if (!isOld && errorMs > this.clock.errorMs) return;
      this.#readMs = gotMs;
      this.#unixMinusNowMs = gotUnixMs - gotMs;
      this.#hasStepped = false;
      this.clock = {
        gpsMinusLocalMs: gpsMs - (gotUnixMs - errorMs),
        gpsMinusUnixMs: gpsMs - unix_ms,
        errorMs,
      };
      this.#onClock(this.clock);
    } catch {
      // The stream reports that the server does not answer.
    }
  }
}

// Plays history that is held: its right edge moves at a chosen speed, and what comes next is read ahead.
// Invariant: the edge never passes what was read, so nothing is skipped however slow the reading is.

/** Of history that is read ahead: seconds at least, and seconds of playing. */
const AHEAD_MIN_S = 2;
const AHEAD_PLAYED_S = 4;
/** A shorter piece is not worth a request. */
const PIECE_MIN_S = 0.25;
/** So close to the newest time the page is live again. */
const NEAR_S = 0.5;
/** After a longer pause between pictures (a hidden tab) playing continues where it was. */
const FRAME_MAX_MS = 500;

/** Speeds that the page offers. */
export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 60];

/** How much is read ahead, s. @param {number} speed */
export function aheadOf(speed) {
  return Math.max(AHEAD_MIN_S, speed * AHEAD_PLAYED_S);
}

export class Playback {
  /** Whether it waits for what it reads. */
  isWaiting = false;
  #edgeS;
  #speed;
  #read;
  #newestS;
  #onNewest;
  #onRefused;
  #readS;
  #isReading = true;
  #lastMs = NaN;

  /**
   * @param {{ edgeS: number, speed: number, readFirst: (toS: number) => Promise<boolean>,
   *   read: (fromS: number, toS: number) => Promise<boolean>, newestS: () => number, onNewest: () => void,
   *   onRefused: () => void }} options readFirst: reads what is shown at first, and up to a time after it; both resolve
   *   to whether the server sent the span; newestS: the newest time that can be read, GPS s
   */
  constructor(
    { edgeS, speed, readFirst, read, newestS, onNewest, onRefused },
  ) {
    this.#edgeS = edgeS;
    this.#readS = edgeS;
    this.#speed = speed;
    this.#read = read;
    this.#newestS = newestS;
    this.#onNewest = onNewest;
    this.#onRefused = onRefused;
    const toS = Math.min(edgeS + aheadOf(speed), newestS());
    this.#take(readFirst(toS), toS);
  }

  /** The newest time that is shown, GPS s. */
  get edgeS() {
    return this.#edgeS;
  }

  /** Moves the edge; once for each picture. @param {number} nowMs by a monotonic clock */
  advance(nowMs) {
    const passedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    const newestS = this.#newestS();
    if (this.#edgeS >= newestS - NEAR_S) return this.#onNewest();
    if (passedMs > 0 && passedMs <= FRAME_MAX_MS) {
      const nextS = this.#edgeS + passedMs / 1000 * this.#speed;
      this.isWaiting = nextS > this.#readS;
      this.#edgeS = Math.max(Math.min(nextS, this.#readS), this.#edgeS);
    }
    const aheadS = aheadOf(this.#speed);
    if (this.#isReading || this.#readS - this.#edgeS >= aheadS) return;
    const toS = Math.min(this.#readS + aheadS, newestS);
    if (toS - this.#readS < PIECE_MIN_S) return;
    this.#isReading = true;
    this.#take(this.#read(this.#readS, toS), toS);
  }

  /**
   * @param {Promise<boolean>} reading
   * @param {number} toS
   */
  async #take(reading, toS) {
    const isSent = await reading;
    this.#isReading = false;
    if (!isSent) return this.#onRefused();
    this.#readS = Math.max(toS, this.#readS);
  }
}

// Notices that a connection is dead: nothing was heard for longer than two heartbeats take.

export const SILENCE_MS = 40_000;

/** Calls back when it was not restarted in time. */
export class SilenceTimer {
  #onSilence;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => void} onSilence */
  constructor(onSilence) {
    this.#onSilence = onSilence;
    this.restart();
  }

  restart() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onSilence, SILENCE_MS);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

// A server that a test ends by its process id, and that is started again whenever it ends.
// Invariant: after close() none runs.
import type { Process } from "./chain.ts";

export class Restartable {
  readonly #launch: () => Process;
  readonly #onStart: () => void;
  #process: Process | null = null;
  #isClosed = false;

  /** `onStart` is called after each start, and then `pid` is the new one. */
  constructor(launch: () => Process, onStart: () => void) {
    this.#launch = launch;
    this.#onStart = onStart;
  }

  /** Null before the first start. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  start(): void {
    const process = this.#process = this.#launch();
    this.#onStart();
    process.ends().then(() => {
      if (!this.#isClosed) this.start();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#process?.stop();
  }
}

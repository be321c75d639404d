// Closes clients that have disconnected. The expensive part (log line, group, socket) is done in slices, so that thousands
// of clients that disconnect together delay no row. Invariant: first in, first out, each once; finish() leaves none.
import type { CooperativeScheduler, Task } from "./scheduler.ts";

/** Clients that have disconnected and are not closed yet. */
export class CloseQueue<Client> implements Task {
  readonly #scheduler: CooperativeScheduler;
  readonly #close: (client: Client) => void;
  #queue: Client[] = [];
  #next = 0;

  constructor(
    scheduler: CooperativeScheduler,
    close: (client: Client) => void,
  ) {
    this.#scheduler = scheduler;
    this.#close = close;
  }

  get size(): number {
    return this.#queue.length - this.#next;
  }

  /** Closes a client: a single one at once, one of many within the next turns. */
  add(client: Client): void {
    this.#queue.push(client);
    this.#scheduler.runNow(this);
  }

  run(endMs: number): boolean {
    while (this.#next < this.#queue.length) {
      this.#close(this.#queue[this.#next++]!);
      if (this.#scheduler.clockMs() >= endMs) break;
    }
    if (this.#next < this.#queue.length) return true;
    this.#queue = [];
    this.#next = 0;
    return false;
  }

  /** Closes all clients that are left. */
  finish(): void {
    this.run(Infinity);
  }
}

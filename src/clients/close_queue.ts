// Clients that have left. The dear part of it (the log's line, the group's end, the socket's) is done in slices, so that
// thousands that leave at once hold up no row. Invariant: first come, first served, each once; none is left by finish().
import type { Client } from "./client.ts";
import type { CooperativeScheduler, Task } from "./scheduler.ts";

/** Clients whose places are free already. */
export class CloseQueue implements Task {
  readonly #scheduler: CooperativeScheduler;
  readonly #close: (client: Client) => void;
  #waiting: Client[] = [];
  #next = 0;

  constructor(
    scheduler: CooperativeScheduler,
    close: (client: Client) => void,
  ) {
    this.#scheduler = scheduler;
    this.#close = close;
  }

  get waiting(): number {
    return this.#waiting.length - this.#next;
  }

  /** One client that leaves is done at once. */
  add(client: Client): void {
    this.#waiting.push(client);
    this.#scheduler.begin(this);
  }

  work(endMs: number): boolean {
    while (this.#next < this.#waiting.length) {
      this.#close(this.#waiting[this.#next++]!);
      if (this.#scheduler.clockMs() >= endMs) break;
    }
    if (this.#next < this.#waiting.length) return true;
    this.#waiting = [];
    this.#next = 0;
    return false;
  }

  /** Closes all that wait. */
  finish(): void {
    this.work(Infinity);
  }
}

// Ends the clients of an instance that shuts down over a window of time, those who came last first, so that a fleet does
// not reconnect in one instant. Invariant: a client is fed as before until its turn; after the window none is left.
import type { Logger } from "../telemetry/log.ts";
import type { ClientLifecycle } from "./lifecycle.ts";
import type { CooperativeScheduler, Task } from "./scheduler.ts";
import type { GroupClient } from "./selection_group.ts";

export interface DrainWindowParts {
  readonly scheduler: CooperativeScheduler;
  readonly lifecycle: ClientLifecycle;
  readonly log: Logger;
  /** Length of the window, s; 0: all clients end at once. */
  readonly drainSpreadS: number;
}

/** The shutdown of one instance's clients. */
export class DrainWindow implements Task {
  readonly #parts: DrainWindowParts;
  /** In the order in which they came. */
  readonly #waiting: GroupClient[] = [];
  #count = 0;
  #ended = 0;
  #beginMs = 0;
  #done: PromiseWithResolvers<void> | null = null;

  constructor(parts: DrainWindowParts) {
    this.#parts = parts;
  }

  /** Clients that are still to be ended; 0 before a shutdown. */
  get clientsLeft(): number {
    return this.#done === null ? 0 : this.#parts.lifecycle.clientCount;
  }

  /** Resolves when no client is left. Call it once, after admission has closed. */
  begin(): Promise<void> {
    const { lifecycle, log, drainSpreadS } = this.#parts;
    if (drainSpreadS === 0 || lifecycle.clientCount === 0) {
      lifecycle.endAll("drain");
      return Promise.resolve();
    }
    this.#waiting.push(...lifecycle.clients());
    this.#count = this.#waiting.length;
    this.#beginMs = lifecycle.clockMs();
    this.#done = Promise.withResolvers();
    log.info("drain-begins", { clients: this.#count, spreadS: drainSpreadS });
    return this.#done.promise;
  }

  /** Ends the clients whose turn has come; call it ten times a second. */
  tick(): void {
    if (this.#done !== null) this.#parts.scheduler.runNow(this);
  }

  run(endMs: number): boolean {
    const { lifecycle, scheduler, drainSpreadS } = this.#parts;
    if (this.#done === null) return false;
    const passedMs = lifecycle.clockMs() - this.#beginMs;
    const due = Math.floor(this.#count * passedMs / (drainSpreadS * 1000));
    const keep = Math.max(0, this.#count - due);
    while (this.#waiting.length > keep) {
      const client = this.#waiting.pop()!;
      if (client.ended !== null) continue;
      this.#ended++;
      lifecycle.end(client, "drain");
      if (scheduler.clockMs() >= endMs) return true;
    }
    if (lifecycle.clientCount === 0) this.close();
    return false;
  }

  /** Waits for no client from now on. Idempotent. */
  close(): void {
    if (this.#done === null) return;
    const { lifecycle, log } = this.#parts;
    log.info("drain-ends", {
      clients: this.#ended,
      seconds: (lifecycle.clockMs() - this.#beginMs) / 1000,
    });
    this.#waiting.length = 0;
    this.#done.resolve();
    this.#done = null;
  }
}

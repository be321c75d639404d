// Log lines about clients that connect and disconnect: one for each, up to a limit per second.
// Invariant: every client without a line is counted in the next `clients-not-logged`.
import type { Logger } from "../telemetry/log.ts";

type LogFields = Record<string, unknown>;

/** Lines of both kinds per second. (Without a limit, one client that opens and closes streams caused 80 GB a day.) */
const LINES_A_SECOND = 200;
const SECOND_MS = 1000;

/** Lines of one instance's clients. */
export class ClientLog {
  readonly #log: Logger;
  readonly #clockMs: () => number;
  #secondMs = -Infinity;
  #lines = 0;
  #opened = 0;
  #closed = 0;

  constructor(log: Logger, clockMs: () => number) {
    this.#log = log;
    this.#clockMs = clockMs;
  }

  opened(fields: LogFields): void {
    if (this.#hasRoom()) this.#log.info("client-open", fields);
    else this.#opened++;
  }

  closed(fields: LogFields): void {
    if (this.#hasRoom()) this.#log.info("client-close", fields);
    else this.#closed++;
  }

  /** Logs how many clients had no line; call once a second. */
  tick(): void {
    if (this.#opened + this.#closed === 0) return;
    this.#log.info("clients-not-logged", {
      opened: this.#opened,
      closed: this.#closed,
      reason: `more than ${LINES_A_SECOND} lines a second`,
    });
    this.#opened = this.#closed = 0;
  }

  #hasRoom(): boolean {
    const nowMs = this.#clockMs();
    if (nowMs - this.#secondMs >= SECOND_MS) {
      this.#secondMs = nowMs;
      this.#lines = 0;
    }
    return this.#lines++ < LINES_A_SECOND;
  }
}

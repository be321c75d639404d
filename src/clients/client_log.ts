// Log lines about clients that connect and disconnect: one for each, up to a limit per second.
// Invariant: every client without a line is counted in the next `clients-not-logged`.
import type { Logger } from "../telemetry/log.ts";
import { traceFields } from "../telemetry/request_trace.ts";
import type { ClientOptions } from "./client_options.ts";
import type { EndReason } from "./end_reason.ts";

type LogFields = Record<string, unknown>;

/** Lines of both kinds per second, of all threads. (Without a limit, one client that opens and closes streams caused 80 GB a day.) */
const LINES_A_SECOND = 200;
const SECOND_MS = 1000;

/** What the lines contain about a client. */
export interface LoggedClient {
  readonly group: {
    readonly format: string;
    readonly channels: readonly unknown[];
  };
  readonly options: Pick<ClientOptions, "address" | "rights" | "trace">;
  readonly rows: number;
  readonly bytes: number;
  readonly gaps: number;
  readonly openedMs: number;
  readonly ended: EndReason | null;
}

/** Whose a client is and what it reads, as the first fields of each of its lines. */
function clientFields({ group, options }: LoggedClient): LogFields {
  const { address, rights, trace } = options;
  return {
    address,
    ...(rights === undefined ? {} : { owner: rights.owner }),
    ...traceFields(trace),
    format: group.format,
    channels: group.channels.length,
  };
}

/** Lines of one instance's clients. */
export class ClientLog {
  readonly #log: Logger;
  readonly #clockMs: () => number;
  readonly #linesASecond: number;
  #secondMs = -Infinity;
  #lines = 0;
  #opened = 0;
  #closed = 0;

  /** `workers`: threads that serve; each has its part of the lines. */
  constructor(log: Logger, clockMs: () => number, workers: number) {
    this.#log = log;
    this.#clockMs = clockMs;
    this.#linesASecond = Math.max(1, Math.floor(LINES_A_SECOND / workers));
  }

  opened(client: LoggedClient): void {
    if (this.#hasRoom()) this.#log.info("client-open", clientFields(client));
    else this.#opened++;
  }

  closed(client: LoggedClient): void {
    if (!this.#hasRoom()) return void this.#closed++;
    this.#log.info("client-close", {
      ...clientFields(client),
      rows: client.rows,
      bytes: client.bytes,
      gaps: client.gaps,
      seconds: (this.#clockMs() - client.openedMs) / 1000,
      reason: client.ended,
    });
  }

  /** Logs how many clients had no line; call once a second. */
  tick(): void {
    if (this.#opened + this.#closed === 0) return;
    this.#log.info("clients-not-logged", {
      opened: this.#opened,
      closed: this.#closed,
      reason: `more than ${this.#linesASecond} lines a second`,
    });
    this.#opened = this.#closed = 0;
  }

  #hasRoom(): boolean {
    const nowMs = this.#clockMs();
    if (nowMs - this.#secondMs >= SECOND_MS) {
      this.#secondMs = nowMs;
      this.#lines = 0;
    }
    return this.#lines++ < this.#linesASecond;
  }
}

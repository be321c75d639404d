// What a process writes: its greeting to standard output, complaints and the log to standard error.
// Invariant: neither a closed pipe nor a full disk behind them stops the start or the service.
import { logLine } from "../telemetry/log.ts";
import { LogWriter } from "../telemetry/log_writer.ts";
import { SerialOutput } from "./serial_output.ts";
import { within } from "./within.ts";

/** Time for the last bytes to be written at an exit; a reader may have stopped reading. */
const FLUSH_MAX_MS = 300;

/** Standard output and standard error of this process. */
export class ProcessOutput {
  readonly #encoder = new TextEncoder();
  readonly #stdout = new SerialOutput((bytes) => Deno.stdout.write(bytes));
  readonly #stderr = new SerialOutput((bytes) => Deno.stderr.write(bytes));
  readonly #lines = new LogWriter({
    write: (bytes) => this.#stderr.write(bytes),
    lostLine: (count) => logLine("warn", "log-lines-lost", { count }),
  });

  /** Writes text to standard output. Resolves once it is written; rejects where that fails. */
  async print(text: string): Promise<void> {
    await this.#stdout.write(this.#encoder.encode(text));
  }

  /** Writes text to standard error. A failure is ignored: there is no other place to report it. */
  complain(text: string): void {
    this.#stderr.write(this.#encoder.encode(text)).catch(() => {});
  }

  /** Takes one log line, without its newline. */
  logLine(line: string): void {
    this.#lines.line(line);
  }

  /** Writes whole log lines of another thread; resolves with their length, rejects where that fails. */
  writeLog(bytes: Uint8Array): Promise<number> {
    return this.#stderr.write(bytes);
  }

  /** Ends the process once everything is written, or after {@linkcode FLUSH_MAX_MS}. */
  async exit(code: number): Promise<void> {
    const written = this.#lines.flush().then(() =>
      Promise.all([this.#stdout.settled(), this.#stderr.settled()])
    );
    await within(FLUSH_MAX_MS, written);
    Deno.exit(code);
  }
}

// A real process whose threads the test can break (hanging_main.ts).
import { freePort, Process, startArgs } from "./chain.ts";

/** A few times what the slowest end takes, on a machine that is busy with other tests. */
const GONE_MAX_MS = 120_000;

/** A line of the log. */
export interface Line {
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface BreakableOptions {
  /** Settings of Qanat. */
  readonly args: readonly string[];
  /** @default 1 */
  readonly workers?: number;
  /** Flags of V8. */
  readonly v8?: readonly string[];
  /** Permissions beyond those of the task `start`. */
  readonly permissions?: readonly string[];
}

/** One process, and the way to break its threads. */
export class Breakable {
  readonly qanat: Process;
  readonly port = freePort();
  readonly url = `http://127.0.0.1:${this.port}`;
  readonly #controlPorts: readonly number[];

  constructor(
    { args, workers = 1, v8 = [], permissions = [] }: BreakableOptions,
  ) {
    this.#controlPorts = Array.from({ length: workers + 1 }, freePort);
    const flags = startArgs().slice(0, -1).map((arg) =>
      arg.startsWith("--v8-flags=") ? [arg, ...v8].join(",") : arg
    );
    this.qanat = new Process("qanat", Deno.execPath(), [
      ...flags,
      ...permissions,
      "test/integration/hanging_main.ts",
      this.#controlPorts.join(),
      `--port=${this.port}`,
      `--workers=${workers}`,
      ...args,
    ]);
  }

  /** Breaks a worker, by its number, or the reading thread. */
  async break(how: string, thread: number | "reading" = 0): Promise<void> {
    const ports = this.#controlPorts;
    const port = thread === "reading" ? ports.at(-1)! : ports[thread]!;
    const connection = await Deno.connect({ port });
    await connection.write(new TextEncoder().encode(how));
    // The thread has read it.
    await connection.read(new Uint8Array(1)).catch(() => {});
    connection.close();
  }

  /** Its exit code, once it has ended by itself. */
  async ends(): Promise<number> {
    const timer = setTimeout(() => this.qanat.kill9(), GONE_MAX_MS);
    const code = await this.qanat.ends();
    clearTimeout(timer);
    return code;
  }

  /** The lines of its log about this event. */
  lines(event: string): Line[] {
    return this.qanat.log.split("\n").filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Line)
      .filter((line) => line.event === event);
  }

  /** Probes that this part of a thread that answers has missed. */
  async missed(part: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const name = `qanat_watchdog_missed_probes_total{part="${part}"}`;
    const line = text.split("\n").find((line) => line.startsWith(name));
    return Number(line!.slice(name.length));
  }
}

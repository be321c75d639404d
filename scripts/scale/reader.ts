// Builds and starts bench/floor/reader.c, and reads its lines.
// Invariant: the CPU time of the readers is reported apart from the server's.
import { Process } from "../../test/integration/chain.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { STRIDE_NS } from "./world.ts";

const ROOT = new URL("../..", import.meta.url);
const SOURCE = "bench/floor/reader.c";
const PROGRAM = ".qanat/bin/reader";
const UNIX_NS_PER_MS = 1_000_000n;

export interface GroupFigures {
  readonly clients: number;
  readonly rows: number;
  readonly lost: number;
  readonly gaps: number;
  readonly late: number;
  readonly behind: number;
  readonly overdue: number;
  readonly ended: number;
  readonly bytes: number;
  readonly rowsPerSecond: { readonly min: number; readonly median: number };
  readonly latencyMs: {
    readonly p50: number;
    readonly p99: number;
    readonly p999: number;
    readonly max: number;
  };
}

/** The last line of the reader. */
export interface ReaderFigures {
  readonly clients: number;
  readonly attached: number;
  readonly refused: number;
  readonly refusedStatus: number;
  readonly seconds: number;
  readonly cpuSeconds: { readonly user: number; readonly system: number };
  readonly steady: GroupFigures;
  readonly churn: GroupFigures;
  readonly stalled: GroupFigures;
}

export interface Attached {
  readonly clients: number;
  readonly refused: number;
  readonly afterMs: number;
  readonly firstByteMs: {
    readonly p50: number;
    readonly p99: number;
    readonly max: number;
  };
}

/** What came to the steady clients in one interval that ended at `unixMs`. */
export interface Tick {
  readonly unixMs: number;
  readonly rows: number;
  readonly lost: number;
  readonly maxMs: number;
  readonly open: number;
  readonly attached: number;
  readonly refused: number;
  readonly ended: number;
}

/** What the reader in C can read of Qanat. `flight`: Arrow Flight. */
export type ReaderFormat = "events" | "arrow" | "flight";

/** What runs readers: a `World`, or a test. */
export interface Home {
  readonly directory: string;
  adopt?(process: Process): void;
}

export interface ReaderOptions {
  readonly port: number;
  readonly clients: number;
  readonly format: ReaderFormat;
  readonly lines: readonly string[];
  /** Keeps its requests, and ends it if all ends before it. */
  readonly home: Home;
  readonly settleS: number;
  readonly seconds: number;
  /** More flags: see the head of reader.c. */
  readonly flags?: readonly string[];
}

/** Builds the reader unless it is newer than its source; its path. */
export function buildReader(compiler: string): string {
  const at = (name: string) => new URL(name, ROOT);
  const program = at(PROGRAM).pathname;
  const sources = [
    "reader.c",
    "framing.h",
    "flatbuffer.h",
    "flight.h",
    "histogram.h",
  ].map((
    name,
  ) => Deno.statSync(at(`bench/floor/${name}`)).mtime!.getTime());
  try {
    const builtMs = Deno.statSync(program).mtime!.getTime();
    if (sources.every((ms) => ms < builtMs)) return program;
  } catch {
    // Not built yet.
  }
  Deno.mkdirSync(at(".qanat/bin"), { recursive: true });
  const draft = `${program}.${Deno.pid}`;
  const { success, stderr } = new Deno.Command(compiler, {
    args: ["-O2", "-std=c11", "-o", draft, SOURCE],
    cwd: ROOT,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).outputSync();
  if (!success) {
    throw new Error(
      `${SOURCE} does not compile: ${new TextDecoder().decode(stderr)}`,
    );
  }
  Deno.renameSync(draft, program);
  return program;
}

let files = 0;

/** Some thousand clients, running. */
export class Reader {
  readonly #process: Process;
  readonly #file: string;

  constructor(program: string, options: ReaderOptions) {
    const { port, clients, format, settleS, seconds, home, flags = [] } =
      options;
    this.#file = `${home.directory}/requests-${files++}.txt`;
    Deno.writeTextFileSync(this.#file, options.lines.join("\n") + "\n");
    const nowMs = Date.now();
    const offsetNs = nowGpsNs(nowMs) - BigInt(nowMs) * UNIX_NS_PER_MS;
    this.#process = new Process("reader", program, [
      "--port",
      `${port}`,
      "--clients",
      `${clients}`,
      "--format",
      format,
      "--requests",
      this.#file,
      "--stride-ns",
      `${STRIDE_NS}`,
      "--gps-minus-unix-ns",
      `${offsetNs}`,
      "--settle",
      `${settleS}`,
      "--seconds",
      `${seconds}`,
      ...flags,
    ]);
    home.adopt?.(this.#process);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Once every client has its response's head, or the wait is over. */
  async attached(withinMs: number): Promise<Attached> {
    const [, text] = await this.#process.says(/^attached (.*)$/m, withinMs);
    return JSON.parse(text!);
  }

  /** Once the measurement has begun. */
  async measuring(withinMs: number): Promise<void> {
    await this.#process.says(/^measuring (.*)$/m, withinMs);
  }

  /** Its last line, once it has ended. */
  async figures(): Promise<ReaderFigures> {
    const code = await this.#process.ends();
    if (code !== 0) {
      throw new Error(`reader ended with ${code}: ${this.#process.log}`);
    }
    return JSON.parse(this.#process.output.trim().split("\n").at(-1)!);
  }

  /** Ends it before its time; its figures come all the same. */
  end(): void {
    Deno.kill(this.#process.pid, "SIGTERM");
  }

  /** So far. */
  ticks(): Tick[] {
    const lines = this.#process.output.matchAll(/^tick (.*)$/mg);
    return Array.from(lines, ([, text]) => JSON.parse(text!));
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    await Deno.remove(this.#file).catch(() => {});
  }
}

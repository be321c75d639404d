// Runs the reader in C against a server on this machine, and measures the CPU time of the server.
// Invariant: the reader ends by itself; CPU time is measured within its window, per second.
import { sleep } from "../../test/integration/chain.ts";
import { Reader, type ReaderFormat } from "../scale/reader.ts";
import { CpuMeter } from "./process_cpu.ts";

const SETTLE_S = 3;
const MEASURING_WAIT_MS = 120_000;
/** CPU is measured over the window less so much. */
const EDGE_MS = 200;

export interface FastReaderOptions {
  readonly program: string;
  readonly port: number;
  readonly clients: number;
  /** Request lines; clients take them in turns. */
  readonly requests: readonly string[];
  readonly directory: string;
  readonly seconds: number;
  /** Seconds between the last answer's head and the window. @default 3 */
  readonly settleS?: number;
  readonly serverPid: number;
  /** What Qanat sends. @default "arrow" */
  readonly format?: ReaderFormat;
  /** How rows are found in what others send: flags of the reader. */
  readonly flags?: readonly string[];
  /** Called when the window begins; it may last as long. */
  readonly during?: () => Promise<void>;
}

/** What was read in the window. Latencies in ms. */
export interface Reading {
  readonly seconds: number;
  readonly attached: number;
  /** Connections that were refused, or ended. */
  readonly failed: number;
  readonly rows: number;
  readonly lost: number;
  readonly behind: number;
  readonly rowsPerSecond: { readonly min: number; readonly median: number };
  readonly latencyMs: Readonly<Record<"p50" | "p99" | "p999" | "max", number>>;
  readonly serverCores: number;
  readonly readerCores: number;
  readonly stolenCores: number;
  /** Resident memory of the server at the end. */
  readonly serverRssBytes: number;
}

/** Reads for a while. */
export async function readFast(options: FastReaderOptions): Promise<Reading> {
  const { seconds } = options;
  const reader = new Reader(options.program, {
    port: options.port,
    clients: options.clients,
    format: options.format ?? "arrow",
    lines: options.requests,
    home: { directory: options.directory },
    settleS: options.settleS ?? SETTLE_S,
    seconds,
    flags: options.flags ?? [],
  });
  try {
    await reader.measuring(MEASURING_WAIT_MS);
    const beside = options.during?.();
    const meter = new CpuMeter(options.serverPid);
    await sleep(1000 * seconds - EDGE_MS);
    const serverCores = meter.cores();
    const stolenCores = meter.stolenCores();
    const { serverRssBytes } = meter;
    await beside;
    const figures = await reader.figures();
    const { steady, cpuSeconds } = figures;
    return {
      seconds: figures.seconds,
      attached: figures.attached,
      failed: figures.refused + steady.ended,
      rows: steady.rows,
      lost: steady.lost,
      behind: steady.behind,
      rowsPerSecond: steady.rowsPerSecond,
      latencyMs: steady.latencyMs,
      serverCores,
      readerCores: (cpuSeconds.user + cpuSeconds.system) / figures.seconds,
      stolenCores,
      serverRssBytes,
    };
  } finally {
    await reader.stop();
  }
}

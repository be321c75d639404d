// Runs bench/floor/reader.c against a server on this machine, and measures the server's CPU meanwhile.
// Invariant: the reader ends by itself; CPU is taken within its window, and per second, so that edges do not matter.
import { Process, sleep } from "../../test/integration/chain.ts";
import { gpsMsOfUnixMs } from "../../src/blocks/gps_time.ts";
import { CpuMeter } from "./process_cpu.ts";

const SETTLE_S = 3;
/** CPU is measured over the window less so much. */
const EDGE_MS = 200;

export interface ReaderOptions {
  readonly program: string;
  readonly port: number;
  readonly clients: number;
  /** Lines of METHOD TAB PATH; clients take them in turns. */
  readonly requests: readonly string[];
  readonly directory: string;
  readonly seconds: number;
  readonly serverPid: number;
  /** What Qanat sends; Arrow by default. */
  readonly layout?: "arrow" | "events";
  /** How rows are found in what others send. */
  readonly format?: readonly string[];
  /** Called when the window begins; it may last as long. */
  readonly during?: () => Promise<void>;
}

/** What was read in the window. Latencies in ms. */
export interface Reading {
  readonly seconds: number;
  readonly attached: number;
  readonly refused: number;
  readonly ended: number;
  readonly rows: number;
  readonly lost: number;
  readonly behind: number;
  readonly bytes: number;
  readonly rowsPerSecond: { readonly min: number; readonly median: number };
  readonly latencyMs: Record<"p50" | "p99" | "p999" | "max", number>;
  readonly serverCores: number;
  readonly readerCores: number;
}

/** Reads for a while. */
export async function readFast(options: ReaderOptions): Promise<Reading> {
  const { clients, seconds } = options;
  const file = `${options.directory}/requests.txt`;
  await Deno.writeTextFile(file, options.requests.join("\n") + "\n");
  const unixMs = Date.now();
  const gpsMinusUnixNs = Math.round(gpsMsOfUnixMs(unixMs) - unixMs) * 1e6;
  const reader = new Process("reader", options.program, [
    ...["--port", String(options.port)],
    ...["--clients", String(clients)],
    ...["--requests", file],
    ...["--settle", String(SETTLE_S)],
    ...["--seconds", String(seconds)],
    ...options.format ??
      [
        "--format",
        options.layout ?? "arrow",
        "--gps-minus-unix-ns",
        String(gpsMinusUnixNs),
      ],
  ]);
  try {
    await reader.says(/^measuring /m, 120_000);
    const beside = options.during?.();
    const meter = new CpuMeter(options.serverPid);
    await sleep(1000 * seconds - EDGE_MS);
    const serverCores = meter.cores();
    await beside;
    if (await reader.ends() !== 0) throw new Error(reader.log);
    const text = reader.output;
    const result = JSON.parse(text.slice(text.indexOf("measured\n") + 9));
    const { steady, cpuSeconds, attached, refused } = result;
    return {
      ...steady,
      seconds: result.seconds,
      attached,
      refused,
      serverCores,
      readerCores: (cpuSeconds.user + cpuSeconds.system) / result.seconds,
    };
  } finally {
    await reader.stop();
  }
}

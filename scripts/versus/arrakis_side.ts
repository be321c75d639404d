// arrakis-server under N clients, read by raw Flight readers in processes of their own.
// Invariant: the readers end by themselves; the caller starts and ends the server.
import { Process, sleep } from "../../test/integration/chain.ts";
import { isAll, median, type Side } from "./side.ts";
import { CpuMeter } from "./process_cpu.ts";

const PROCESSES = 4;
const SETTLE_S = 3;

export interface ArrakisOptions {
  readonly python: string;
  readonly url: string;
  readonly serverPid: number;
  readonly directory: string;
  readonly seconds: number;
  readonly strideNs: number;
}

interface Done {
  readonly readerCpuSeconds: number;
  readonly clients: readonly {
    rows: number;
    lost: number;
    behindMs: number;
    error: string | null;
  }[];
  readonly latenciesMs: readonly [number, number, number, number];
}

/** Reads these selections for a while. */
export async function measureArrakis(
  selections: readonly (readonly string[])[],
  options: ArrakisOptions,
): Promise<Side> {
  const { seconds, strideNs } = options;
  const file = `${options.directory}/flight-plan.json`;
  await Deno.writeTextFile(
    file,
    JSON.stringify({
      url: options.url,
      seconds,
      settleSeconds: SETTLE_S,
      strideNs,
      processes: PROCESSES,
      clients: selections,
    }),
  );
  const readers = new Process("flight_readers.py", options.python, [
    "test/integration/python/flight_readers.py",
    file,
  ]);
  try {
    await readers.says(/"event": "measuring"/, 120_000);
    const meter = new CpuMeter(options.serverPid);
    await sleep(1000 * seconds - 300);
    const cores = meter.cores();
    const stolenCores = meter.stolenCores();
    const [line] = await readers.says(/^\{"event": "done".*$/m, 120_000);
    const done = JSON.parse(line) as Done;
    const strideMs = strideNs / 1e6;
    const rates = done.clients.map((client) => client.rows / seconds);
    const [p50, p99, p999, max] = done.latenciesMs;
    const lost = done.clients.reduce((sum, client) => sum + client.lost, 0);
    const behind = done.clients.filter((c) => c.behindMs > strideMs).length;
    const failed = done.clients.filter((c) => c.error !== null).length;
    const rowsMin = Math.min(...done.clients.map((client) => client.rows));
    return {
      clients: selections.length,
      rowsMin: rowsMin / seconds,
      rowsMedian: median(rates),
      lost,
      behind,
      failed,
      held: lost + behind + failed === 0 && isAll(rowsMin, seconds),
      p50,
      p99,
      p999,
      max,
      serverCores: cores,
      readerCores: done.readerCpuSeconds / seconds,
      cpuMicrosPerRow: cores * 1e6 / rates.reduce((sum, r) => sum + r, 0),
      stolenCores,
    };
  } finally {
    await readers.stop();
  }
}

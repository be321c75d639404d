// Qanat under N clients of different selections, over Arrow, read by the cheap reader in C.
import { requestLine } from "../scale/selections.ts";
import { readFast, type Reading } from "./fast_reader.ts";
import { isAll, type Side } from "./side.ts";

export interface QanatSideOptions {
  readonly reader: string;
  readonly port: number;
  readonly pid: number;
  readonly directory: string;
  readonly seconds: number;
}

/** Reads these selections, a client each, for a while. */
export async function measureQanat(
  selections: readonly (readonly string[])[],
  options: QanatSideOptions,
): Promise<Side> {
  const reading = await readFast({
    program: options.reader,
    port: options.port,
    clients: selections.length,
    requests: selections.map((names) => requestLine(names, "arrow")),
    directory: options.directory,
    seconds: options.seconds,
    serverPid: options.pid,
  });
  return sideOf(reading, selections.length);
}

function sideOf(reading: Reading, clients: number): Side {
  const { lost, behind, failed, rowsPerSecond, seconds } = reading;
  const rowsMin = rowsPerSecond.min * seconds;
  return {
    clients,
    rowsMin: rowsPerSecond.min,
    rowsMedian: rowsPerSecond.median,
    lost,
    behind,
    failed,
    held: lost + behind + failed === 0 && reading.attached === clients &&
      isAll(Math.round(rowsMin), seconds),
    ...reading.latencyMs,
    serverCores: reading.serverCores,
    readerCores: reading.readerCores,
    stolenCores: reading.stolenCores,
    cpuMicrosPerRow: reading.serverCores * 1e6 * seconds / reading.rows,
  };
}

// One point of the table: so many clients, of one selection or all different, in one format, on a fresh Qanat.
// Invariant: the server's figures are taken inside the readers' window, never while clients come or leave.
import { sleep } from "../../test/integration/chain.ts";
import {
  budgetBytes,
  type Cores,
  coresBetween,
  growthOf,
  machineCoresBetween,
  machineFigures,
  Metrics,
  processFigures,
  shareBelow,
  tcpMemoryBytes,
} from "./process_figures.ts";
import { type Attached, Reader, type ReaderFigures } from "./reader.ts";
import { type Format, type Mode, requestLines } from "./selections.ts";
import { ROWS_PER_SECOND, STRIDE_MS, type World } from "./world.ts";

/** Connections begun in a second. */
const CONNECT_RATE = 800;
const ATTACH_MAX_MS = 90_000;
const LATE_SHARE_MAX = 0.01;
/** Those that came first have a backlog by then, which is worked off before the window. */
const settleS = (clients: number) => 3 + Math.ceil(clients / 1000);
/** The window's edges are kept clear by so much. */
const EDGE_MS = 400;
/** No multiple of the stride, so that sockets are seen at each of its parts. */
const SOCKET_SAMPLE_MS = 470;

export interface Point {
  readonly clients: number;
  readonly mode: Mode;
  readonly format: Format;
}

/** What one trial came to; null where this Qanat does not tell. */
export interface TrialFigures extends Point {
  readonly holds: boolean;
  readonly attached: number;
  readonly refused: number;
  readonly ended: number;
  readonly rowsPerSecondMin: number;
  readonly rowsPerSecondMedian: number;
  readonly lost: number;
  readonly gaps: number;
  readonly late: number;
  /** Clients that lacked a row due more than a stride ago, at the window's end. */
  readonly behind: number;
  /** Rows that the server sent without a partition. */
  readonly rowsShort: number | null;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  readonly firstByteP99Ms: number;
  readonly megabytesPerSecond: number;
  readonly serverUserCores: number;
  readonly serverSystemCores: number;
  readonly readerCores: number;
  readonly brokerCores: number;
  readonly publisherCores: number;
  /** Cores that programs outside this run used: above 0, its figures of time are not the machine's best. */
  readonly othersCores: number;
  /** Cores that the machine's host gave to others meanwhile. */
  readonly stolenCores: number;
  /** Of messages from their time in Kafka to their receipt. */
  readonly lagP99Ms: number | null;
  readonly rssBytes: number;
  /** Beyond an instance without clients, the ring and the slab's high water. */
  readonly rssPerClientBytes: number;
  /** The most that was seen. */
  readonly socketBytes: number;
  /** Share of time in garbage collection, and with Qanat's own allocation. */
  readonly gcShare: number | null;
  readonly memoryShare: number | null;
  /** Buffers made by slab and ring, a row encoded. */
  readonly allocationsPerRow: number | null;
  readonly heapBytesPerWrite: number | null;
  readonly microsecondsPerWrite: number;
}

/** Runs one. */
export async function trial(
  world: World,
  point: Point,
  { program, seconds }: { program: string; seconds: number },
): Promise<TrialFigures> {
  const { clients, format } = point;
  const instance = await world.launch();
  const { pid } = instance.process;
  try {
    const idle = processFigures(pid);
    const idleMetrics = await Metrics.of(instance.url);
    const idleSocketBytes = tcpMemoryBytes();
    const reader = new Reader(program, {
      port: instance.port,
      clients,
      format: format === "arrow" ? "arrow" : "events",
      lines: requestLines(instance.names, point),
      home: world,
      settleS: settleS(clients),
      seconds,
      flags: [
        "--rate",
        `${CONNECT_RATE}`,
        "--attach-seconds",
        `${ATTACH_MAX_MS / 1000}`,
      ],
    });
    try {
      const attached = await reader.attached(
        ATTACH_MAX_MS + 1000 * clients / CONNECT_RATE + 10_000,
      );
      await reader.measuring(settleS(clients) * 1000 + 10_000);
      const pids = [
        pid,
        reader.pid,
        world.broker.pid,
        world.publisherPid,
      ] as const;
      const metricsBefore = await Metrics.of(instance.url);
      const machineBefore = machineFigures();
      const before = pids.map(processFigures);
      const endMs = performance.now() + seconds * 1000 - 2 * EDGE_MS;
      let socketBytes = 0;
      while (performance.now() < endMs) {
        await sleep(Math.min(SOCKET_SAMPLE_MS, endMs - performance.now()));
        socketBytes = Math.max(socketBytes, tcpMemoryBytes() - idleSocketBytes);
      }
      const after = pids.map(processFigures);
      const machineAfter = machineFigures();
      const metricsAfter = await Metrics.of(instance.url);
      const read = await reader.figures();
      const [server, readers, broker, publisher] = before.map((figures, i) =>
        coresBetween(figures, after[i]!)
      ) as [Cores, Cores, Cores, Cores];
      const machine = machineCoresBetween(machineBefore, machineAfter);
      const lagS = shareBelow(
        "kafka_lag_seconds",
        0.99,
        metricsBefore,
        metricsAfter,
      );
      const rssBytes = after[0]!.rssBytes;
      const grown = rssBytes - idle.rssBytes -
        (budgetBytes(metricsAfter) - budgetBytes(idleMetrics));
      const elapsedS = ((metricsAfter?.atMs ?? 0) -
        (metricsBefore?.atMs ?? 0)) / 1000;
      const growth = (...names: string[]) =>
        growthOf(names, metricsBefore, metricsAfter);
      const over = (a: number | null, b: number | null) =>
        a === null || b === null || b === 0 ? null : a / b;
      const rowsShort = growth("rows_late_total");
      const { steady } = read;
      return {
        ...point,
        holds: holds(read, attached) && (rowsShort ?? 0) === 0,
        attached: attached.clients,
        refused: read.refused,
        ended: steady.ended,
        rowsPerSecondMin: steady.rowsPerSecond.min,
        rowsPerSecondMedian: steady.rowsPerSecond.median,
        lost: steady.lost,
        gaps: steady.gaps,
        late: steady.late,
        behind: steady.behind,
        rowsShort,
        p50Ms: steady.latencyMs.p50,
        p99Ms: steady.latencyMs.p99,
        p999Ms: steady.latencyMs.p999,
        maxMs: steady.latencyMs.max,
        firstByteP99Ms: attached.firstByteMs.p99,
        megabytesPerSecond: steady.bytes / read.seconds / 1e6,
        serverUserCores: server.user,
        serverSystemCores: server.system,
        readerCores: readers.all,
        brokerCores: broker.all,
        publisherCores: publisher.all,
        othersCores: Math.max(
          0,
          machine.busy - server.all - readers.all - broker.all -
            publisher.all,
        ),
        stolenCores: machine.stolen,
        lagP99Ms: lagS === null ? null : 1000 * lagS,
        rssBytes,
        rssPerClientBytes: grown / clients,
        socketBytes,
        gcShare: over(growth("gc_seconds_total"), elapsedS),
        memoryShare: over(growth("memory_management_seconds_total"), elapsedS),
        allocationsPerRow: over(
          growth("slab_commits_total"),
          growth("frames_encoded_total"),
        ),
        heapBytesPerWrite: over(
          growth("heap_allocated_bytes_total"),
          growth("frames_sent_total"),
        ),
        microsecondsPerWrite: 1e6 * server.all /
          Math.max(1, steady.rows / read.seconds),
      };
    } finally {
      await reader.stop();
    }
  } finally {
    await instance.process.stop();
  }
}

/** No client without its stream, no row lost, and 99 of 100 there within a stride, those that are overdue counted. */
function holds(read: ReaderFigures, attached: Attached): boolean {
  const { rows, late, overdue, ...steady } = read.steady;
  return attached.clients === read.clients && read.refused === 0 &&
    steady.ended === 0 && steady.lost === 0 && steady.gaps === 0 &&
    steady.latencyMs.p99 < STRIDE_MS &&
    late + overdue < LATE_SHARE_MAX * (rows + overdue) &&
    steady.rowsPerSecond.min > ROWS_PER_SECOND - 1;
}

/** The median of each figure of some rounds; what went wrong in one of them stays wrong. */
export function medianOf(rounds: readonly TrialFigures[]): TrialFigures {
  const worst = new Set<string>([
    "lost",
    "gaps",
    "refused",
    "ended",
    "rowsShort",
  ]);
  const result: Record<string, unknown> = { ...rounds[0]! };
  for (const key of Object.keys(result)) {
    const values = rounds.map((round) =>
      (round as unknown as Record<string, unknown>)[key]
    ).filter((value) => typeof value === "number").sort((a, b) => a - b);
    if (values.length === 0) continue;
    result[key] = worst.has(key)
      ? values.at(-1)
      : values[Math.floor((values.length - 1) / 2)];
  }
  result.holds = rounds.every((round) => round.holds || heldButSlow(round)) &&
    (result.p99Ms as number) < STRIDE_MS;
  return result as unknown as TrialFigures;
}

/** All arrived, but p99 was above a stride: the median over the rounds decides. */
function heldButSlow(round: TrialFigures): boolean {
  return round.attached === round.clients && round.refused === 0 &&
    round.ended === 0 && round.lost === 0 && round.gaps === 0 &&
    (round.rowsShort ?? 0) === 0 &&
    round.rowsPerSecondMin > ROWS_PER_SECOND - 1;
}

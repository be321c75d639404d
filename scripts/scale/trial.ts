// One point of the table: a number of clients, of one selection or all different, in one format, on a new Qanat.
// Invariant: the server's figures are taken inside the readers' window, never while clients come or leave.
import { freePort, sleep } from "../../test/integration/chain.ts";
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
import {
  threadCoresBetween,
  type Threads,
  threadsOf,
} from "./thread_figures.ts";
import { ROWS_PER_SECOND, STRIDE_MS, type World } from "./world.ts";

/** Connections begun in a second. */
const CONNECT_RATE = 800;
/** A connection of HTTP/2 costs the server more. */
const FLIGHT_CONNECT_RATE = 200;
const ATTACH_MAX_MS = 90_000;
const LATE_SHARE_MAX = 0.01;
/** Time before the window, in which the first clients read their backlog. */
const settleS = (clients: number) => 3 + Math.ceil(clients / 1000);
/** Nothing is measured so close to the window's edges. */
const EDGE_MS = 400;
/** Not a multiple of the stride, so that sockets are sampled at all parts of it. */
const SOCKET_SAMPLE_MS = 470;

export interface Point {
  readonly clients: number;
  readonly mode: Mode;
  readonly format: Format;
}

/** How a point is measured. */
export interface TrialOptions {
  /** The reader. */
  readonly program: string;
  readonly seconds: number;
  /** Below it p99 must be, ms. @default a stride */
  readonly p99MaxMs?: number;
  /** Threads of Qanat that serve; without it, threads are not measured. */
  readonly workers?: number;
  /** More flags for Qanat. */
  readonly args?: readonly string[];
  /** The checkout whose Qanat is measured. @default this one */
  readonly root?: URL;
  /** Called when all clients are connected, with Qanat's threads, where they are measured. */
  readonly onAttached?: (threads: Threads) => void;
}

/** The figures of one trial; null where this version of Qanat does not report them. */
export interface TrialFigures extends Point {
  readonly holds: boolean;
  readonly p99MaxMs: number;
  readonly attached: number;
  readonly refused: number;
  readonly ended: number;
  readonly rowsPerSecondMin: number;
  readonly rowsPerSecondMedian: number;
  /** Of all clients together. */
  readonly rowsPerSecondAll: number;
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
  /** Of the threads that serve, and of the one that reads for several; null where that was not measured. */
  readonly servingCores: number | null;
  readonly readingCores: number | null;
  readonly readerCores: number;
  readonly brokerCores: number;
  readonly publisherCores: number;
  /** Cores that programs outside this run used: above 0, its figures of time are not the machine's best. */
  readonly othersCores: number;
  /** Cores that the machine's host gave to others in the window. */
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
  /** Buffers made by slab and ring, per encoded row. */
  readonly allocationsPerRow: number | null;
  readonly heapBytesPerWrite: number | null;
  readonly microsecondsPerWrite: number;
}

/** What was measured in the readers' window, before and after it. */
interface Measured {
  readonly attached: Attached;
  readonly read: ReaderFigures;
  /** Of server, readers, broker and publisher. */
  readonly cores: readonly [Cores, Cores, Cores, Cores];
  readonly threads: ReturnType<typeof threadCoresBetween> | null;
  readonly machine: { readonly busy: number; readonly stolen: number };
  readonly metrics: readonly [Metrics | null, Metrics | null];
  readonly rssBytes: number;
  /** Resident memory beyond the idle instance, the ring and the slab's high water. */
  readonly grownBytes: number;
  readonly socketBytes: number;
}

/** Runs one trial. */
export async function trial(
  world: World,
  point: Point,
  options: TrialOptions,
): Promise<TrialFigures> {
  const { clients, format } = point;
  const { program, seconds, args = [], root } = options;
  const isFlight = format === "flight";
  const flightPort = isFlight ? freePort() : 0;
  const flags = isFlight ? [...args, `--flight-port=${flightPort}`] : args;
  const instance = await world.launch(flags, root);
  const connectRate = isFlight ? FLIGHT_CONNECT_RATE : CONNECT_RATE;
  try {
    const reader = () =>
      new Reader(program, {
        port: isFlight ? flightPort : instance.port,
        clients,
        format: isFlight || format === "arrow" ? format : "events",
        lines: requestLines(instance.names, point),
        home: world,
        settleS: settleS(clients),
        seconds,
        flags: [
          "--rate",
          `${connectRate}`,
          "--attach-seconds",
          `${ATTACH_MAX_MS / 1000}`,
        ],
      });
    return figuresOf(
      point,
      await measure(world, reader, {
        ...options,
        attachMaxMs: ATTACH_MAX_MS + 1000 * clients / connectRate + 10_000,
        clients,
        pid: instance.process.pid,
        url: instance.url,
      }),
      options.p99MaxMs ?? STRIDE_MS,
    );
  } catch (error) {
    const { isRunning, log } = instance.process;
    throw isRunning ? error : new Error(`Qanat has ended: ${log}`, {
      cause: error,
    });
  } finally {
    await instance.process.stop();
  }
}

async function measure(
  world: World,
  start: () => Reader,
  { attachMaxMs, clients, seconds, workers, onAttached, pid, url }:
    & Pick<TrialOptions, "seconds" | "workers" | "onAttached">
    & { attachMaxMs: number; clients: number; pid: number; url: string },
): Promise<Measured> {
  const threads = () => workers === undefined ? null : threadsOf(pid, workers);
  const idle = processFigures(pid);
  const idleMetrics = await Metrics.of(url);
  const idleSocketBytes = tcpMemoryBytes();
  const reader = start();
  try {
    const attached = await reader.attached(attachMaxMs);
    const attachedThreads = threads();
    if (attachedThreads !== null) onAttached?.(attachedThreads);
    await reader.measuring(settleS(clients) * 1000 + 10_000);
    const pids = [pid, reader.pid, world.broker.pid, world.publisherPid];
    const metricsBefore = await Metrics.of(url);
    const machineBefore = machineFigures();
    const before = pids.map(processFigures);
    const threadsBefore = threads();
    const endMs = performance.now() + seconds * 1000 - 2 * EDGE_MS;
    let socketBytes = 0;
    while (performance.now() < endMs) {
      await sleep(Math.min(SOCKET_SAMPLE_MS, endMs - performance.now()));
      socketBytes = Math.max(socketBytes, tcpMemoryBytes() - idleSocketBytes);
    }
    const after = pids.map(processFigures);
    const threadsAfter = threads();
    const machineAfter = machineFigures();
    const metricsAfter = await Metrics.of(url);
    const { rssBytes } = after[0]!;
    return {
      attached,
      read: await reader.figures(),
      cores: before.map((figures, i) => coresBetween(figures, after[i]!)) as [
        Cores,
        Cores,
        Cores,
        Cores,
      ],
      threads: threadsBefore === null || threadsAfter === null
        ? null
        : threadCoresBetween(threadsBefore, threadsAfter),
      machine: machineCoresBetween(machineBefore, machineAfter),
      metrics: [metricsBefore, metricsAfter],
      rssBytes,
      grownBytes: rssBytes - idle.rssBytes -
        (budgetBytes(metricsAfter) - budgetBytes(idleMetrics)),
      socketBytes,
    };
  } finally {
    await reader.stop();
  }
}

function figuresOf(
  point: Point,
  measured: Measured,
  p99MaxMs: number,
): TrialFigures {
  const { attached, read, machine, rssBytes, grownBytes, socketBytes } =
    measured;
  const [server, readers, broker, publisher] = measured.cores;
  const [before, after] = measured.metrics;
  const lagS = shareBelow("kafka_lag_seconds", 0.99, before, after);
  const elapsedS = ((after?.atMs ?? 0) - (before?.atMs ?? 0)) / 1000;
  const growth = (...names: string[]) => growthOf(names, before, after);
  const rowsShort = growth("rows_late_total");
  const { steady } = read;
  const ownCores = server.all + readers.all + broker.all + publisher.all;
  return {
    ...point,
    holds: holds(read, attached, p99MaxMs) && (rowsShort ?? 0) === 0,
    p99MaxMs,
    attached: attached.clients,
    refused: read.refused,
    ended: steady.ended,
    rowsPerSecondMin: steady.rowsPerSecond.min,
    rowsPerSecondMedian: steady.rowsPerSecond.median,
    rowsPerSecondAll: steady.rows / read.seconds,
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
    servingCores: measured.threads?.serving ?? null,
    readingCores: measured.threads?.reading ?? null,
    readerCores: readers.all,
    brokerCores: broker.all,
    publisherCores: publisher.all,
    othersCores: Math.max(0, machine.busy - ownCores),
    stolenCores: machine.stolen,
    lagP99Ms: lagS === null ? null : 1000 * lagS,
    rssBytes,
    rssPerClientBytes: grownBytes / point.clients,
    socketBytes,
    gcShare: ratioOf(growth("gc_seconds_total"), elapsedS),
    memoryShare: ratioOf(growth("memory_management_seconds_total"), elapsedS),
    allocationsPerRow: ratioOf(
      growth("slab_commits_total"),
      growth("frames_encoded_total"),
    ),
    heapBytesPerWrite: ratioOf(
      growth("heap_allocated_bytes_total"),
      growth("frames_sent_total"),
    ),
    microsecondsPerWrite: 1e6 * server.all /
      Math.max(1, steady.rows / read.seconds),
  };
}

function ratioOf(a: number | null, b: number | null): number | null {
  return a === null || b === null || b === 0 ? null : a / b;
}

/**
 * Every client has its stream, no row is lost, and p99 is below the limit. Where that is a stride, 99 of 100 rows came
 * within it, those that are overdue included.
 */
function holds(
  read: ReaderFigures,
  attached: Attached,
  p99MaxMs: number,
): boolean {
  const { rows, late, overdue, ...steady } = read.steady;
  return attached.clients === read.clients && read.refused === 0 &&
    steady.ended === 0 && steady.lost === 0 && steady.gaps === 0 &&
    steady.latencyMs.p99 < p99MaxMs &&
    (p99MaxMs > STRIDE_MS ||
      late + overdue < LATE_SHARE_MAX * (rows + overdue)) &&
    steady.rowsPerSecond.min > ROWS_PER_SECOND - 1;
}

/** The median of each figure over some rounds; of losses, the worst. */
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
    (result.p99Ms as number) < rounds[0]!.p99MaxMs;
  return result as unknown as TrialFigures;
}

/** All arrived, but p99 was above the limit: the median over the rounds decides. */
function heldButSlow(round: TrialFigures): boolean {
  return round.attached === round.clients && round.refused === 0 &&
    round.ended === 0 && round.lost === 0 && round.gaps === 0 &&
    (round.rowsShort ?? 0) === 0 &&
    round.rowsPerSecondMin > ROWS_PER_SECOND - 1;
}

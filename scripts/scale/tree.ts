// Instances that read from each other, with clients on some of them: what each one costs, sends and delivers.
// Invariant: all figures are of one window, in which all clients read; relays end before what they read from.
import { sleep } from "../../test/integration/chain.ts";
import {
  coresBetween,
  growthOf,
  machineCoresBetween,
  machineFigures,
  Metrics,
  type ProcessFigures,
  processFigures,
} from "./process_figures.ts";
import { type Home, Reader, type ReaderFigures } from "./reader.ts";
import { differentSelections, requestLine } from "./selections.ts";
import type { Instance } from "./world.ts";

const ATTACH_MAX_MS = 60_000;
/** Before the window: clients read their backlog. */
const SETTLE_S = 3;
/** A relay reads the minute before its first client: until rows come so soon again. */
const CAUGHT_UP_MS = 500;
const CATCH_UP_MAX_MS = 60_000;
const TICK_MS = 500;
/** The reader is ended when the window is over. */
const READER_MAX_S = 600;
const RELAY_STREAMS_ARGS = [
  "--relay-streams-max=200",
  "--address-share-percent=100",
];

/** One instance. `all` means clients that read all channels, else each reads ten of its own. */
export interface TreeInstance {
  /** Index of the instance that it reads from; null: Kafka. */
  readonly parent: number | null;
  readonly clients: number;
  readonly reads: "ten" | "all";
}

/** What starts instances and ends readers: a `World`, or a test. */
export interface TreeHome extends Home {
  /** Starts a Qanat. `source`: the flag of what it reads, instead of the home's Kafka. */
  launch(
    args: readonly string[],
    root?: URL,
    source?: string,
  ): Promise<Instance>;
}

export interface TreeOptions {
  /** The reader. */
  readonly program: string;
  readonly seconds: number;
}

/** What one instance cost, sent and delivered. */
export interface InstanceFigures {
  readonly cores: number;
  readonly rssBytes: number;
  /** To clients. */
  readonly clientBytesPerSecond: number;
  readonly relayBytesPerSecond: number;
  /** Of its clients; null without any. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly rows: number;
  /** Rows that its clients did not get, those in gaps included. */
  readonly lost: number;
  /** Clients that did not read all the time. */
  readonly failed: number;
}

export interface TreeFigures {
  /** In the order of the tree. */
  readonly instances: readonly InstanceFigures[];
  /** Cores that programs outside this run used, with readers, broker and publisher. */
  readonly otherCores: number;
  /** Load average of one minute at the window's end. */
  readonly load: number;
}

interface Moment {
  readonly process: ProcessFigures;
  readonly metrics: Metrics | null;
}

/** Measures a tree. Each instance comes after the one that it reads from. */
export async function measureTree(
  home: TreeHome,
  tree: readonly TreeInstance[],
  { program, seconds }: TreeOptions,
): Promise<TreeFigures> {
  const instances: Instance[] = [];
  const readers: (Reader | null)[] = [];
  const first: Reader[] = [];
  try {
    for (const [i, { parent }] of tree.entries()) {
      const args = tree.some((other) => other.parent === i)
        ? RELAY_STREAMS_ARGS
        : [];
      const source = parent === null
        ? undefined
        : `--upstream=${instances[parent]!.url}`;
      instances.push(await home.launch(args, undefined, source));
    }
    for (const [i, { parent, clients }] of tree.entries()) {
      if (parent === null || clients === 0) continue;
      first.push(
        readerOf(home, program, instances[i]!, { clients: 1, reads: "all" }),
      );
    }
    for (const reader of first) await caughtUp(reader);
    for (const [i, { clients, reads }] of tree.entries()) {
      readers.push(
        clients === 0
          ? null
          : readerOf(home, program, instances[i]!, { clients, reads }),
      );
    }
    for (const reader of readers) {
      await reader?.attached(ATTACH_MAX_MS + 10_000);
      await reader?.measuring(SETTLE_S * 1000 + 10_000);
    }
    // The others keep what they read in use.
    for (const reader of first) await reader.stop();
    if (readers.every((reader) => reader === null)) {
      await sleep(SETTLE_S * 1000);
    }
    return await inWindow(instances, readers, seconds);
  } finally {
    for (const reader of [...first, ...readers]) await reader?.stop();
    for (const { process } of instances.reverse()) await process.stop();
  }
}

/** Once the rows of a reader are timely. Rejects when they are not within a minute. */
async function caughtUp(reader: Reader): Promise<void> {
  await reader.attached(ATTACH_MAX_MS + 10_000);
  const untilMs = performance.now() + CATCH_UP_MAX_MS;
  while (performance.now() < untilMs) {
    const last = reader.ticks().at(-1);
    if (last && last.rows > 0 && last.maxMs < CAUGHT_UP_MS) return;
    await sleep(TICK_MS);
  }
  throw new Error(`A relay is not on time after ${CATCH_UP_MAX_MS} ms`);
}

function readerOf(
  home: TreeHome,
  program: string,
  { port, names }: Instance,
  { clients, reads }: Pick<TreeInstance, "clients" | "reads">,
): Reader {
  const selections = reads === "all"
    ? [names]
    : differentSelections(names, clients);
  return new Reader(program, {
    port,
    clients,
    format: "arrow",
    lines: selections.map((selection) => requestLine(selection, "arrow")),
    home,
    settleS: SETTLE_S,
    seconds: READER_MAX_S,
    flags: [
      "--attach-seconds",
      `${ATTACH_MAX_MS / 1000}`,
      "--tick-ms",
      `${TICK_MS}`,
    ],
  });
}

async function inWindow(
  instances: readonly Instance[],
  readers: readonly (Reader | null)[],
  seconds: number,
): Promise<TreeFigures> {
  const moments = () =>
    Promise.all(
      instances.map(async ({ process, url }): Promise<Moment> => ({
        // The request for the metrics comes first, so that only one of the two is in the window.
        metrics: await Metrics.of(url),
        process: processFigures(process.pid),
      })),
    );
  const before = await moments();
  const machineBefore = machineFigures();
  await sleep(seconds * 1000);
  const after = await moments();
  const machine = machineCoresBetween(machineBefore, machineFigures());
  for (const reader of readers) reader?.end();
  const read = await Promise.all(
    readers.map((reader) => reader?.figures() ?? null),
  );
  const figures = instances.map((_, i) =>
    figuresOf(before[i]!, after[i]!, read[i]!)
  );
  const own = figures.reduce((sum, { cores }) => sum + cores, 0);
  return {
    instances: figures,
    otherCores: Math.max(0, machine.busy - own),
    load: Deno.loadavg()[0]!,
  };
}

function figuresOf(
  before: Moment,
  after: Moment,
  read: ReaderFigures | null,
): InstanceFigures {
  const elapsedS = (after.process.atMs - before.process.atMs) / 1000;
  const perSecond = (name: string) =>
    (growthOf([name], before.metrics, after.metrics) ?? 0) / elapsedS;
  const steady = read?.steady ?? null;
  return {
    cores: coresBetween(before.process, after.process).all,
    rssBytes: after.process.rssBytes,
    clientBytesPerSecond: perSecond("bytes_sent_total"),
    relayBytesPerSecond: perSecond("relay_sent_bytes_total"),
    p50Ms: steady?.latencyMs.p50 ?? null,
    p99Ms: steady?.latencyMs.p99 ?? null,
    rows: steady?.rows ?? 0,
    lost: (steady?.lost ?? 0) + (steady?.gaps ?? 0),
    failed: read === null
      ? 0
      : read.clients - read.attached + read.refused + read.steady.ended,
  };
}

// A long run in which clients come, go and stall, with a slab that is just large enough to admit them.
// Invariant: the figures say whether memory grew, whether all slots were released, what steady clients lost, and how
// Qanat ended.
import { sleep } from "../../test/integration/chain.ts";
import { fitLine, type Point2 } from "./line_fit.ts";
import {
  budgetBytes,
  Metrics,
  processFigures,
  tcpMemoryBytes,
} from "./process_figures.ts";
import { type GroupFigures, Reader } from "./reader.ts";
import { type Format, requestLines } from "./selections.ts";
import type { World } from "./world.ts";

const MIB = 1024 * 1024;
const STALLED_PART = 0.5;
const CHURN_PART = 0.4;
const CHURN_PER_SECOND = 20;
/** Longest time of reading and of stalling, s. */
const STALL_FOR_MAX_S = 60;
const BASE_S = 20;
/**
 * Clients that come and go before memory is judged. With several workers, V8's heaps and malloc's arenas, one for each
 * thread, grew until about 45,000 clients had come (at 250 a second: 429 MB at 15,000, 438 at 45,000, 437 at 65,000).
 */
const WARM_UP_CLIENTS = 48_000;
const WARM_UP_PER_SECOND = 200;
const WARM_UP_AT_A_TIME = 200;
const SAMPLE_MS = 5000;
const ATTACH_MAX_MS = 60_000;
/** Time for the server to release all slots after the clients have disconnected. */
const EMPTY_MAX_MS = 15_000;

export interface SoakFigures {
  readonly clients: number;
  readonly seconds: number;
  readonly slabMb: number;
  readonly stallForS: number;
  /** The steady clients alone; then together with those that come, go and stall. */
  readonly alone: GroupFigures;
  readonly steady: GroupFigures;
  readonly churn: GroupFigures;
  readonly stalled: GroupFigures;
  readonly refused: number;
  readonly ends: Readonly<Record<string, number | null>>;
  /** Of the last three quarters. */
  readonly rssMb: { readonly first: number; readonly last: number };
  readonly rssKbPerMinute: number;
  readonly tcpMaxMb: number;
  readonly left: {
    readonly clients: number | null;
    readonly usedSlots: number | null;
    readonly reservedBytes: number | null;
    readonly afterMs: number;
  };
  readonly exitCode: number;
  readonly stopMs: number;
}

export interface SoakOptions {
  readonly program: string;
  readonly format: Format;
  readonly clients: number;
  readonly seconds: number;
  /** Null: the smallest that admits the clients. */
  readonly slabMb: number | null;
  /** Whether {@linkcode WARM_UP_CLIENTS} come and go first. */
  readonly warmsUp?: boolean;
  readonly onSample: (elapsedS: number, rssBytes: number) => void;
}

export async function soak(
  world: World,
  options: SoakOptions,
): Promise<SoakFigures> {
  const { clients, seconds } = options;
  const stallForS = Math.min(STALL_FOR_MAX_S, Math.ceil(seconds / 5));
  const { alone, reservedBytes } = await steadyAlone(world, options);
  // One megabyte more: sizes of slots are not those of frames.
  const slabMb = options.slabMb ?? Math.ceil(reservedBytes / MIB) + 1;
  const instance = await world.launch([`--slab-mb=${slabMb}`]);
  let reader: Reader | null = null;
  try {
    if (options.warmsUp) await warmUp(world, options, instance);
    reader = readerOf(world, options, {
      port: instance.port,
      names: instance.names,
      clients,
      seconds,
      flags: [
        "--churn",
        `${CHURN_PER_SECOND}`,
        "--churn-part",
        `${CHURN_PART}`,
        "--stall",
        `${STALLED_PART}`,
        "--stall-for",
        `${stallForS}`,
      ],
    });
    await reader.attached(ATTACH_MAX_MS + 10_000);
    await reader.measuring(10_000);
    const memory = await sampled(instance, options);
    const metrics = await Metrics.of(instance.url);
    const { steady, churn, stalled, refused } = await reader.figures();
    const left = await leftOver(instance.url);
    const { code, tookMs } = await instance.process.stop();
    return {
      clients,
      seconds,
      slabMb,
      stallForS,
      alone,
      steady,
      churn,
      stalled,
      refused,
      ends: Object.fromEntries(
        ["clients_opened_total", "clients_ended_total", "slab_short_total"]
          .map((name) => [name, metrics?.get(name) ?? null]),
      ),
      ...memory,
      left,
      exitCode: code,
      stopMs: Math.round(tookMs),
    };
  } finally {
    await reader?.stop();
    await instance.process.stop();
  }
}

type Instance = Awaited<ReturnType<World["launch"]>>;

/** Many clients that stay for a second each. */
async function warmUp(
  world: World,
  options: SoakOptions,
  { port, names }: Instance,
): Promise<void> {
  const seconds = WARM_UP_CLIENTS / WARM_UP_PER_SECOND;
  const reader = readerOf(world, options, {
    port,
    names,
    clients: WARM_UP_AT_A_TIME,
    seconds,
    flags: ["--churn", `${WARM_UP_PER_SECOND}`, "--churn-part", "0.9"],
  });
  try {
    await reader.attached(ATTACH_MAX_MS + 10_000);
    await reader.figures();
  } finally {
    await reader.stop();
  }
}

/** Memory of the server while the clients come, go and stall. */
async function sampled(
  { process, url }: Instance,
  { seconds, onSample }: SoakOptions,
): Promise<Pick<SoakFigures, "rssMb" | "rssKbPerMinute" | "tcpMaxMb">> {
  const startMs = performance.now();
  const rss: Point2[] = [];
  let tcpMaxBytes = 0;
  while (performance.now() - startMs < seconds * 1000 - SAMPLE_MS) {
    await sleep(SAMPLE_MS);
    const { rssBytes } = processFigures(process.pid);
    const elapsedS = (performance.now() - startMs) / 1000;
    // The ring fills up first: that is within its budget, not growth.
    const budget = budgetBytes(await Metrics.of(url));
    rss.push({ x: elapsedS, y: rssBytes - budget });
    tcpMaxBytes = Math.max(tcpMaxBytes, tcpMemoryBytes());
    onSample(elapsedS, rssBytes);
  }
  const counted = rss.filter(({ x }) => x > seconds / 4);
  return {
    rssMb: {
      first: (counted[0]?.y ?? 0) / 1e6,
      last: (counted.at(-1)?.y ?? 0) / 1e6,
    },
    rssKbPerMinute: counted.length > 1
      ? 60 * fitLine(counted).slope / 1e3
      : NaN,
    tcpMaxMb: tcpMaxBytes / 1e6,
  };
}

/** What the server still holds after all clients have disconnected. */
async function leftOver(url: string): Promise<SoakFigures["left"]> {
  const leftMs = performance.now();
  let metrics = await Metrics.of(url);
  while (!isEmpty(metrics) && performance.now() - leftMs < EMPTY_MAX_MS) {
    await sleep(200);
    metrics = await Metrics.of(url);
  }
  return {
    clients: metrics?.get("clients") ?? null,
    usedSlots: metrics?.get("slab_used_slots") ?? null,
    reservedBytes: metrics?.get("slab_reserved_bytes") ?? null,
    afterMs: Math.round(performance.now() - leftMs),
  };
}

function isEmpty(metrics: Metrics | null): boolean {
  return metrics?.get("clients") === 0 &&
    metrics.get("slab_used_slots") === 0 &&
    metrics.get("slab_reserved_bytes") === 0;
}

/** The figures of the steady clients without the others, and what the slab reserves for all clients. */
async function steadyAlone(
  world: World,
  options: SoakOptions,
): Promise<{ alone: GroupFigures; reservedBytes: number }> {
  const instance = await world.launch();
  let reader: Reader | null = null;
  try {
    const clients = Math.round(
      options.clients * (1 - STALLED_PART) * (1 - CHURN_PART),
    );
    reader = readerOf(world, options, {
      port: instance.port,
      names: instance.names,
      clients,
      seconds: BASE_S,
      flags: [],
    });
    await reader.attached(ATTACH_MAX_MS + 10_000);
    const metrics = await Metrics.of(instance.url);
    const reserved = metrics?.get("slab_reserved_bytes") ?? 0;
    return {
      alone: (await reader.figures()).steady,
      reservedBytes: reserved / clients * options.clients,
    };
  } finally {
    await reader?.stop();
    await instance.process.stop();
  }
}

function readerOf(
  world: World,
  { program, format }: SoakOptions,
  { port, names, clients, seconds, flags }: {
    port: number;
    names: readonly string[];
    clients: number;
    seconds: number;
    flags: readonly string[];
  },
): Reader {
  return new Reader(program, {
    port,
    clients,
    format: format === "arrow" ? "arrow" : "events",
    lines: requestLines(names, { clients, mode: "different", format }),
    home: world,
    settleS: 3,
    seconds,
    flags,
  });
}

export function soakText(f: SoakFigures): string {
  const group = (name: string, g: GroupFigures) =>
    `${name.padEnd(8)} ${String(g.clients).padStart(5)} clients, ${
      g.rowsPerSecond.min.toFixed(1)
    } to ${
      g.rowsPerSecond.median.toFixed(1)
    } rows/s, lost ${g.lost}, gaps ${g.gaps}, ended ${g.ended}, p50 ${
      g.latencyMs.p50.toFixed(1)
    } p99 ${g.latencyMs.p99.toFixed(1)} max ${g.latencyMs.max.toFixed(1)} ms`;
  return [
    `${f.clients} clients for ${f.seconds} s, ${
      STALLED_PART * 100
    }% of them stall in turns of ${f.stallForS} s, ${CHURN_PER_SECOND} leave and come per second, slab of ${f.slabMb} MiB`,
    group("alone", f.alone),
    group("steady", f.steady),
    group("churn", f.churn),
    group("stalled", f.stalled),
    `refused ${f.refused}; ${
      Object.entries(f.ends).map(([name, n]) => `${name} ${n}`).join(", ")
    }; TCP memory at most ${f.tcpMaxMb.toFixed(0)} MB`,
    `RSS without ring and slab, last three quarters: ${
      f.rssMb.first.toFixed(1)
    } to ${f.rssMb.last.toFixed(1)} MB, slope ${
      f.rssKbPerMinute.toFixed(1)
    } KB per minute`,
    `${f.left.afterMs} ms after they left: clients ${f.left.clients}, slots ${f.left.usedSlots}, reserved ${f.left.reservedBytes}; exit ${f.exitCode} in ${f.stopMs} ms`,
  ].join("\n");
}

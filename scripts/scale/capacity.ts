// How much several workers serve, or one of another checkout: rows per second when they are overloaded, the most clients
// that hold, and what rows cost. Each thread that serves has a CPU quota, so that readers on the same cores matter less.
// Invariant: contenders take turns in each round, so that what else the machine does meets all of them.
import { type Limit, limitOf } from "./limit.ts";
import type { Format, Mode } from "./selections.ts";
import { type CapacitySettings, CLIENTS_MAX } from "./settings.ts";
import type { ThreadQuotas } from "./thread_quotas.ts";
import {
  medianOf,
  type Point,
  trial,
  type TrialFigures,
  type TrialOptions,
} from "./trial.ts";
import { ROWS_PER_SECOND, STRIDE_MS, type World } from "./world.ts";

/** Clients for each percent of a core that are more than any worker can serve. */
const OVERLOAD: Record<Format, Record<Mode, number>> = {
  arrow: { same: 600, different: 200 },
  events: { same: 300, different: 150 },
  "events+gzip": { same: 300, different: 80 },
  flight: { same: 150, different: 80 },
};
/** Of the clients that the overloaded rows would be enough for, the first number that is tried. */
const FIRST_TRY_PART = 0.8;
const LIMIT_RATIO = 1.1;
const LIMIT_STEP = 10;
/** Clients whose latency is compared, without quotas. */
const FEW_CLIENTS = 60;

/** A Qanat that is measured. */
export interface Contender {
  readonly name: string;
  readonly workers: number;
  readonly options: Pick<TrialOptions, "args" | "root">;
}

/** What was measured of one. */
export interface CapacityFigures {
  readonly contender: Contender;
  readonly overloaded: TrialFigures;
  /** The most clients that hold; null where that was not asked for. */
  readonly limit: Limit | null;
  /** Of a few clients without quotas; null where only one number of workers is measured. */
  readonly few: TrialFigures | null;
}

/** What the others are compared with comes first. */
export function contendersOf(
  { workers, against }: CapacitySettings,
): Contender[] {
  const own = workers.map((count): Contender => ({
    name: `--workers ${count}`,
    workers: count,
    options: { args: count === 1 ? [] : [`--workers=${count}`] },
  }));
  if (against === null) return own;
  const root = new URL(`file://${Deno.realPathSync(against)}/`);
  return [{ name: against, workers: 1, options: { root } }, ...own];
}

export interface CapacityOptions {
  readonly program: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly settings: CapacitySettings;
  /** Clients of each worker when it is overloaded; null: more than any can serve. */
  readonly clients: readonly number[] | null;
  /** Null: this machine has none. */
  readonly quotas: ThreadQuotas | null;
  readonly format: Format;
  readonly mode: Mode;
  readonly onBegin: (what: string) => void;
}

/** Measures all contenders, the one first that the others are compared with. */
export async function capacity(
  world: World,
  options: CapacityOptions,
): Promise<CapacityFigures[]> {
  const { settings, format, mode, rounds } = options;
  const contenders = contendersOf(settings);
  const overload = options.clients?.[0] ??
    OVERLOAD[format][mode] * 100 * settings.quota;
  const overloaded = await inTurns(
    contenders,
    rounds,
    (contender) =>
      measured(world, contender, options, {
        clients: Math.min(
          CLIENTS_MAX,
          Math.round(overload * contender.workers),
        ),
        hasQuota: true,
      }),
  );
  const few = settings.workers.length === 1
    ? []
    : await inTurns(contenders, rounds, (contender) =>
      measured(world, contender, options, {
        clients: FEW_CLIENTS,
        hasQuota: false,
      }));
  const figures: CapacityFigures[] = [];
  for (const [i, contender] of contenders.entries()) {
    const limit = settings.hasLimit
      ? await limitFrom(
        overloaded[i]!.rowsPerSecondAll / ROWS_PER_SECOND,
        async (clients) => {
          const at = { clients, hasQuota: true };
          return (await measured(world, contender, options, at)).holds;
        },
      )
      : null;
    figures.push({
      contender,
      overloaded: overloaded[i]!,
      few: few[i] ?? null,
      limit,
    });
  }
  return figures;
}

/** The most clients that hold, where the overloaded rows would be enough for `clients`. */
async function limitFrom(
  clients: number,
  tryCount: (clients: number) => Promise<boolean>,
): Promise<Limit> {
  const first = Math.min(
    CLIENTS_MAX,
    Math.max(1, Math.round(FIRST_TRY_PART * clients)),
  );
  return await limitOf(tryCount, {
    known: new Map([[first, await tryCount(first)]]),
    clientsMax: CLIENTS_MAX,
    ratio: LIMIT_RATIO,
    step: LIMIT_STEP,
  });
}

/** The medians of each contender, of rounds in which all had their turn. */
async function inTurns(
  contenders: readonly Contender[],
  rounds: number,
  measure: (contender: Contender) => Promise<TrialFigures>,
): Promise<TrialFigures[]> {
  const all = contenders.map((): TrialFigures[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      all[i]!.push(await measure(contender));
    }
  }
  return all.map(medianOf);
}

async function measured(
  world: World,
  { name, workers, options: own }: Contender,
  { program, seconds, settings, quotas, format, mode, onBegin }:
    CapacityOptions,
  { clients, hasQuota }: { clients: number; hasQuota: boolean },
): Promise<TrialFigures> {
  const point: Point = { clients, mode, format };
  onBegin(`${name}, ${mode}, ${format}, ${clients} clients`);
  try {
    return await trial(world, point, {
      ...own,
      program,
      seconds,
      workers,
      p99MaxMs: settings.strides * STRIDE_MS,
      onAttached: ({ serving }) => {
        if (!hasQuota) return;
        for (const { tid } of serving) quotas?.limit(tid, settings.quota);
      },
    });
  } finally {
    // The trial has ended its Qanat, so the groups have no threads.
    quotas?.close();
  }
}

/** The figures as text. */
export function capacityText(
  figures: readonly CapacityFigures[],
  { settings, quotas, format, mode }: Pick<
    CapacityOptions,
    "settings" | "quotas" | "format" | "mode"
  >,
): string {
  const base = figures[0]!;
  const rows = figures.map((it) => {
    const { overloaded, few, limit } = it;
    const { servingCores, readingCores, rowsPerSecondAll } = overloaded;
    return [
      it.contender.name,
      String(overloaded.clients),
      String(Math.round(rowsPerSecondAll)),
      ratio(rowsPerSecondAll, base.overloaded.rowsPerSecondAll),
      overloaded.microsecondsPerWrite.toFixed(2),
      ratio(
        overloaded.microsecondsPerWrite,
        base.overloaded.microsecondsPerWrite,
      ),
      cores(servingCores),
      cores(readingCores),
      overloaded.othersCores.toFixed(2),
      limitCell(limit),
      ratio(limit?.holds ?? 0, base.limit?.holds ?? 0),
      few === null ? "-" : few.p99Ms.toFixed(1),
    ];
  });
  const quota = quotas === null
    ? "without quotas"
    : `each thread that serves has ${100 * settings.quota} % of a core`;
  const { strides } = settings;
  const late = strides === 1 ? "a stride" : `${strides} strides`;
  const held = settings.hasLimit ? `; p99 below ${late}` : "";
  return `${format}, ${mode}; ${quota}${held}\n` +
    aligned([TITLES, ...rows]);
}

const TITLES = [
  "",
  "clients",
  "rows/s",
  "ratio",
  "µs/row",
  "ratio",
  "serving",
  "reading",
  "others",
  "most",
  "ratio",
  `p99 of ${FEW_CLIENTS}`,
];

export const CAPACITY_LEGEND =
  `clients, rows/s, µs/row: overloaded; µs/row is the CPU of the whole server. serving, reading: cores of the threads that serve,
and of the one that reads for several (one worker reads by itself). others: cores that programs outside this run used. most: clients
that all get every row. p99 of ${FEW_CLIENTS}: of so many clients, without quotas, ms. Each ratio is to the first line.`;

function limitCell(limit: Limit | null): string {
  if (limit === null) return "-";
  return limit.fails === null ? `${limit.holds} or more` : String(limit.holds);
}

function cores(value: number | null): string {
  return value === null ? "-" : value.toFixed(3);
}

function ratio(value: number, base: number): string {
  return base === 0 ? "-" : (value / base).toFixed(2);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) =>
    Math.max(...rows.map((row) => row[i]!.length))
  );
  return rows.map((row) =>
    row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
    ).join("  ")
  ).join("\n");
}

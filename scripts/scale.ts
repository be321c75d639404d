// `deno task scale`: how many clients one Qanat holds, measured with a real broker, publisher and thousands of readers.
// Invariant: it starts and ends everything itself and loads only 127.0.0.1; a row says what the machine cannot do.
import { PARTS, say, sleep } from "../test/integration/chain.ts";
import {
  capacity,
  CAPACITY_LEGEND,
  type CapacityOptions,
  capacityText,
} from "./scale/capacity.ts";
import { type Limit, limitOf } from "./scale/limit.ts";
import { memorySeries, type Series } from "./scale/memory.ts";
import { memorySvg } from "./scale/memory_plot.ts";
import { Progress } from "./scale/progress.ts";
import { buildReader } from "./scale/reader.ts";
import {
  LEVEL_CLIENTS,
  levelCase,
  levelsText,
  measureCases,
  RELAY_CLIENTS,
  relayCases,
  RELAYS_LEGEND,
  relaysText,
} from "./scale/relays.ts";
import { servesGzip } from "./scale/serves_gzip.ts";
import type { Format } from "./scale/selections.ts";
import {
  CLIENTS_MAX,
  parseSettings,
  SCALE_HELP,
  type Settings,
  TABLE_CLIENTS,
} from "./scale/settings.ts";
import { soak, soakText } from "./scale/soak.ts";
import { storm, stormTable } from "./scale/storm.ts";
import { LEGEND, tableOf } from "./scale/table.ts";
import { ThreadQuotas } from "./scale/thread_quotas.ts";
import {
  medianOf,
  type Point,
  trial,
  type TrialFigures,
} from "./scale/trial.ts";
import { World } from "./scale/world.ts";
import { optionsOrExit } from "../src/settings/command.ts";

const ROOT = new URL("..", import.meta.url);
const RESULT = new URL(".qanat/scale.json", ROOT);
const PLOT = new URL("docs/img/memory.svg", ROOT);
/** Time of a trial without its measurement, s. */
const OUTSIDE_S = 9;
/** A limit is exact to a tenth. */
const LIMIT_RATIO = 1.1;
const LIMIT_TRIALS = 4;
const IDLE_COUNTS = [250, 500, 1000, 2000, 3000, 4000];
const MEMORY_S = 18;
/** Qanat's --resume-window-ms. */
const READ_BACK_MS = 60_000;

/** What every part of a run needs. */
interface Run {
  readonly asked: Settings;
  readonly world: World;
  readonly program: string;
  /** Null: threads have none here, or nothing needs them. */
  readonly quotas: ThreadQuotas | null;
}

function fail(message: string): never {
  Deno.stderr.writeSync(new TextEncoder().encode(message + "\n"));
  Deno.exit(2);
}

/** Adds this part of the results to those of other runs. */
function keep(name: string, figures: unknown): void {
  let kept: Record<string, unknown> = {};
  try {
    kept = JSON.parse(Deno.readTextFileSync(RESULT));
  } catch {
    // This is the first result.
  }
  kept[name] = { at: new Date().toISOString(), figures };
  Deno.writeTextFileSync(RESULT, JSON.stringify(kept, null, 1) + "\n");
}

/** The formats of the settings that this Qanat serves; prints the others. */
async function servedFormats({ asked, world }: Run): Promise<Format[]> {
  const served: Format[] = [];
  for (const format of asked.formats) {
    if (format !== "events+gzip" || await servesGzip(world)) {
      served.push(format);
    } else say(`${format}: this Qanat answers plain events; left out`);
  }
  return served;
}

async function table(run: Run, withLimit: boolean): Promise<void> {
  const { asked } = run;
  const { modes, rounds, seconds } = asked;
  const formats = await servedFormats(run);
  const counts = asked.clients ?? TABLE_CLIENTS;
  const weight = seconds + OUTSIDE_S;
  const curves = formats.flatMap((format) =>
    modes.map((mode) => ({ format, mode }))
  );
  const perCount = rounds * weight;
  const progress = new Progress(
    curves.length * perCount * (counts.length + (withLimit ? LIMIT_TRIALS : 0)),
  );
  const figures: TrialFigures[] = [];
  const limits: (Omit<Point, "clients"> & Limit)[] = [];
  const measure = async (point: Point) => {
    const all: TrialFigures[] = [];
    for (let round = 1; round <= rounds; round++) {
      const { clients, mode, format } = point;
      progress.begin(`${clients} clients, ${mode}, ${format}, round ${round}`);
      all.push(
        await trial(run.world, point, { program: run.program, seconds }),
      );
      progress.end(weight);
    }
    const median = medianOf(all);
    figures.push(median);
    keep("table", figures);
    return median.holds;
  };
  try {
    for (const curve of curves) {
      const known = new Map<number, boolean>();
      for (const clients of counts) {
        known.set(clients, await measure({ ...curve, clients }));
      }
      if (!withLimit) continue;
      const limit = await limitOf(
        (clients) => measure({ ...curve, clients }),
        { known, clientsMax: CLIENTS_MAX, ratio: LIMIT_RATIO },
      );
      limits.push({ ...curve, ...limit });
      keep("limits", limits);
    }
  } finally {
    progress.clear();
    if (figures.length > 0) say(`${tableOf(figures)}\n\n${LEGEND}`);
    for (const { format, mode, holds, fails } of limits) {
      say(
        `largest that holds, ${mode}, ${format}: ${holds} clients (${
          fails ?? "more"
        } did not)`,
      );
    }
  }
}

async function memory({ asked, world, program }: Run): Promise<void> {
  const counts = asked.clients ?? IDLE_COUNTS;
  const plan = [
    ["idle, same, events", "same", "events", false],
    ["idle, different, arrow", "different", "arrow", false],
    ["loaded, different, arrow", "different", "arrow", true],
  ] as const;
  const progress = new Progress(plan.length * counts.length * MEMORY_S);
  const all: Series[] = [];
  let isSilent = false;
  for (const [name, mode, format, isLoaded] of plan) {
    if (!isLoaded && !isSilent) await world.silence();
    if (isLoaded && isSilent) {
      await world.publish();
      // Each point's Qanat reads back so far: what that takes must not grow from point to point.
      await sleep(READ_BACK_MS);
    }
    isSilent = !isLoaded;
    all.push(
      await memorySeries(world, {
        program,
        name,
        counts,
        mode,
        format,
        onBegin: (clients) => {
          progress.begin(`${clients} clients, ${name}`);
          progress.end(MEMORY_S);
        },
      }),
    );
  }
  progress.clear();
  for (const { name, points, line, rows } of all) {
    const at = points.map(({ x, y }) => `${x}: ${(y / 1e6).toFixed(0)}`);
    say(
      `${name}: ${(line.slope / 1e3).toFixed(1)} KB per client, R² ${
        line.r2.toFixed(3)
      } (${rows} rows received; clients: MB ${at.join(", ")})`,
    );
  }
  keep("memory", all);
  await Deno.mkdir(new URL(".", PLOT), { recursive: true });
  const title = `Memory against clients, ${
    new Date().toISOString().slice(0, 10)
  }`;
  await Deno.writeTextFile(PLOT, memorySvg(all, title));
}

async function storms(run: Run): Promise<void> {
  const { asked, world, program } = run;
  const formats = await servedFormats(run);
  const progress = new Progress(formats.length * 40);
  for (const format of formats) {
    const events = await storm(world, {
      program,
      format,
      clients: asked.clients?.[0] ?? 2000,
      onBegin: (what) => {
        progress.begin(`${format}: ${what}`);
        progress.end(40 / 3);
      },
    });
    progress.clear();
    say(`${format}, 200 steady readers:\n${stormTable(events)}\n`);
    keep(`storm ${format}`, events);
  }
}

async function capacities(run: Run): Promise<void> {
  const { asked, world, program, quotas } = run;
  const formats = await servedFormats(run);
  for (const format of formats) {
    for (const mode of asked.modes) {
      const options: CapacityOptions = {
        ...asked,
        program,
        settings: asked.capacity,
        quotas,
        format,
        mode,
        onBegin: (what) => say(`${new Date().toISOString()} ${what}`),
      };
      const figures = await capacity(world, options);
      say(`\n${capacityText(figures, options)}\n`);
      keep(`capacity ${format} ${mode}`, figures);
    }
  }
  say(CAPACITY_LEGEND);
}

async function soaks({ asked, world, program }: Run): Promise<void> {
  const seconds = asked.soakS;
  const progress = new Progress(seconds);
  let doneS = 0;
  const figures = await soak(world, {
    program,
    format: asked.formats[0]!,
    clients: asked.clients?.[0] ?? 1000,
    seconds,
    slabMb: asked.slabMb,
    onSample: (elapsedS, rssBytes) => {
      progress.end(elapsedS - doneS);
      doneS = elapsedS;
      progress.begin(`soak, RSS ${(rssBytes / 1e6).toFixed(0)} MB`);
    },
  });
  progress.clear();
  say(soakText(figures));
  keep("soak", figures);
}

/** Trees of relays: what they cost their origin, or how late rows are at each level. */
async function trees({ asked, world, program }: Run): Promise<void> {
  const { what, levels, relays, clients } = asked;
  const isLevels = what === "levels";
  const cases = isLevels
    ? [levelCase(levels, clients?.[0] ?? LEVEL_CLIENTS)]
    : relayCases(relays, clients ?? [RELAY_CLIENTS]);
  const figures = await measureCases(world, cases, {
    ...asked,
    program,
    onBegin: (name) => say(`${new Date().toISOString()} ${name}`),
  });
  say(`\n${isLevels ? levelsText(figures[0]!) : relaysText(figures)}\n`);
  say(RELAYS_LEGEND);
  keep(what, figures);
}

/** Quotas for the threads of Qanat, where they are asked for and can be had. */
function quotasFor({ what }: Settings): ThreadQuotas | null {
  if (what !== "capacity") return null;
  const opened = ThreadQuotas.open();
  if (opened.quotas === null) {
    say(
      `Threads cannot have CPU quotas here (${opened.why}): measured without`,
    );
  }
  return opened.quotas;
}

async function main(): Promise<void> {
  const asked = optionsOrExit(SCALE_HELP, parseSettings(Deno.args));
  const needed = [
    PARTS.cc,
    PARTS.kafka,
    ...asked.publisher === "arrakis" ? [PARTS.python] : [],
  ];
  for (const part of needed) {
    if (part.program === null) fail(`No ${part.name}: ${part.howToGet}`);
  }
  const program = buildReader(PARTS.cc.program!);
  const quotas = quotasFor(asked);
  const world = await World.start(asked);
  // Asked to stop, it ends what it started.
  const stop = () =>
    void world.close().finally(() => {
      quotas?.close();
      Deno.exit(130);
    });
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  const run = { asked, world, program, quotas };
  try {
    switch (asked.what) {
      case "table":
      case "limit":
        await table(run, asked.what === "limit");
        break;
      case "memory":
        await memory(run);
        break;
      case "storm":
        await storms(run);
        break;
      case "capacity":
        await capacities(run);
        break;
      case "relays":
      case "levels":
        await trees(run);
        break;
      case "soak":
        await soaks(run);
    }
  } finally {
    await world.close();
  }
}

await main();
Deno.exit(0);

// Where Qanat's time goes under load: a V8 CPU profile by group, and a flame graph in docs/img/.
// Invariant: Qanat runs as usual, except for the profiler; everything that is started is ended.
import {
  type CpuProfile,
  type Group,
  GROUPS,
  selfTimesOf,
  timedNodesOf,
  timesByGroup,
} from "./profile/cpu_profile.ts";
import { flameGraph } from "./profile/flame_graph.ts";
import { inspectorUrlOf, profileFor } from "./profile/inspector.ts";
import { readFast } from "./versus/fast_reader.ts";
import { tableOf } from "./versus/report.ts";
import { CLIENTS_MAX, missingParts, World } from "./versus/world.ts";
import { Metrics } from "./scale/process_figures.ts";
import { buildReader, type ReaderFormat } from "./scale/reader.ts";
import {
  differentSelections,
  flightLine,
  requestLine,
} from "./scale/selections.ts";
import { optionsOrExit, parsedBy } from "../src/settings/command.ts";
import { type CommandHelp, HELP_FLAG } from "../src/settings/command_help.ts";
import { choiceOf, readFlags, wholeOf } from "../src/settings/flags.ts";
import { freePort, PARTS, say } from "../test/integration/chain.ts";

const FORMATS = ["arrow", "events", "flight"] as const;
const TOP = 12;
const MINUTES_MAX = 30;
/** The profiler starts and stops within the reader's window. */
const WINDOW_MORE_S = 3;

interface Settings {
  readonly clients: readonly number[];
  readonly format: ReaderFormat;
  readonly seconds: number;
}

interface Profiled {
  readonly clients: number;
  readonly cores: number;
  readonly rowsPerSecond: number;
  readonly lost: number;
  readonly p99: number;
  readonly gcShare: number;
  readonly micros: Readonly<Record<Group, number>>;
  readonly top: ReturnType<typeof selfTimesOf>;
}

const FLAGS = {
  clients: {
    type: "string",
    unit: "N,…",
    help: "numbers of clients, of 10 channels each",
    default: "20,40,60,4000",
  },
  format: {
    type: "string",
    unit: "NAME",
    help: FORMATS.join(", "),
    default: "arrow",
  },
  seconds: {
    type: "string",
    unit: "N",
    help: "length of each profile",
    default: "10",
  },
  ...HELP_FLAG,
} as const;

const HELP: CommandHelp = {
  task: "profile",
  does:
    "Show where Qanat's time goes under load, with flame graphs in docs/img/ (needs Java, Maven, Python, a C compiler)",
  usage: ["[flags]"],
  flags: FLAGS,
  more: "All figures are also written to .qanat/profile.json.",
};

function read(args: readonly string[]): Settings | "help" {
  const { values } = readFlags(args, FLAGS);
  if (values.help) return "help";
  return {
    clients: values.clients.split(",").map((text) =>
      wholeOf("--clients", text, 1, CLIENTS_MAX)
    ),
    format: choiceOf("--format", values.format, FORMATS),
    seconds: wholeOf("--seconds", values.seconds, 1, 60),
  };
}

async function profileOf(
  clients: number,
  world: World,
  { format, seconds, reader }: Settings & { reader: string },
): Promise<Profiled> {
  const flightPort = freePort();
  const { qanat, port, url } = await world.launchQanat(
    ["--inspect=127.0.0.1:0"],
    format === "flight" ? [`--flight-port=${flightPort}`] : [],
  );
  const selections = differentSelections(world.names, clients);
  try {
    const inspectorUrl = await inspectorUrlOf(qanat);
    let profile: CpuProfile | null = null;
    let gcShare = 0;
    const reading = await readFast({
      program: reader,
      port: format === "flight" ? flightPort : port,
      clients,
      requests: selections.map((names) =>
        format === "flight" ? flightLine(names) : requestLine(names, format)
      ),
      directory: world.directory,
      seconds: seconds + WINDOW_MORE_S,
      serverPid: qanat.pid,
      format,
      during: async () => {
        const [before, beganMs] = [await gcSeconds(url), performance.now()];
        profile = await profileFor(seconds, inspectorUrl);
        const spent = await gcSeconds(url) - before;
        gcShare = spent / ((performance.now() - beganMs) / 1000);
      },
    });
    const nodes = timedNodesOf(profile!);
    const picture = flameGraph(
      nodes,
      `Qanat, ${clients} clients of 10 channels each, ${format}: ${seconds} s`,
    );
    const folder = new URL("../docs/img/", import.meta.url);
    await Deno.mkdir(folder, { recursive: true });
    const suffix = format === "arrow" ? "" : `-${format}`;
    await Deno.writeTextFile(
      new URL(`flame-${clients}${suffix}.svg`, folder),
      picture,
    );
    return {
      clients,
      cores: reading.serverCores,
      rowsPerSecond: reading.rowsPerSecond.min,
      lost: reading.lost,
      p99: reading.latencyMs.p99,
      gcShare,
      micros: timesByGroup(nodes),
      top: selfTimesOf(nodes).filter((s) => s.group !== "idle").slice(0, TOP),
    };
  } finally {
    await qanat.stop();
  }
}

/** Seconds in garbage collection so far, by Qanat's own count. */
async function gcSeconds(url: string): Promise<number> {
  return (await Metrics.of(url))?.get("gc_seconds_total") ?? NaN;
}

function percent(part: number, of: number): string {
  return (100 * part / of).toFixed(2);
}

function groupTable(all: readonly Profiled[]): string {
  const total = (p: Profiled) =>
    GROUPS.reduce((sum, g) => sum + p.micros[g], 0);
  return tableOf([
    ["% of the time", ...all.map((p) => `${p.clients} clients`)],
    ...GROUPS.map((group) => [
      group,
      ...all.map((p) => percent(p.micros[group], total(p))),
    ]),
    ["GC by qanat_gc_seconds_total", ...all.map((p) => percent(p.gcShare, 1))],
    ["cores of the process", ...all.map((p) => p.cores.toFixed(2))],
    [
      "rows/s of the worst client",
      ...all.map((p) => p.rowsPerSecond.toFixed(2)),
    ],
    ["rows lost", ...all.map((p) => String(p.lost))],
    ["p99 ms", ...all.map((p) => p.p99.toFixed(1))],
  ]);
}

function topTable({ clients, micros, top }: Profiled): string {
  const total = GROUPS.reduce((sum, group) => sum + micros[group], 0);
  return tableOf([
    [`self time, ${clients} clients`, "group", "%"],
    ...top.map((self) => [
      `${self.name} ${self.place}`,
      self.group,
      percent(self.micros, total),
    ]),
  ]);
}

async function main(): Promise<number> {
  const settings = optionsOrExit(HELP, parsedBy(() => read(Deno.args)));
  const missing = missingParts();
  for (const line of missing) say(line);
  if (missing.length > 0) return 1;
  const reader = buildReader(PARTS.cc.program!);
  const world = await World.start(60 * MINUTES_MAX);
  const close = () => world.close().finally(() => Deno.exit(1));
  Deno.addSignalListener("SIGINT", close);
  Deno.addSignalListener("SIGTERM", close);
  const overdue = setTimeout(close, 60_000 * MINUTES_MAX);
  try {
    const all: Profiled[] = [];
    for (const clients of settings.clients) {
      const profiled = await profileOf(clients, world, { ...settings, reader });
      all.push(profiled);
      say(topTable(profiled) + "\n");
    }
    say(groupTable(all));
    await Deno.writeTextFile(
      new URL("../.qanat/profile.json", import.meta.url),
      JSON.stringify(
        { date: new Date().toISOString(), settings, all },
        null,
        2,
      ),
    );
  } finally {
    clearTimeout(overdue);
    await world.close();
  }
  return 0;
}

Deno.exit(await main());

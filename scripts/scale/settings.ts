// The command line of `deno task scale`.
// Invariant: the settings are complete and within bounds; otherwise one line says what is allowed.
import { type Parsed, parsedBy } from "../../src/settings/command.ts";
import {
  type CommandHelp,
  HELP_FLAG,
} from "../../src/settings/command_help.ts";
import {
  choiceOf as oneOf,
  FlagError,
  readFlags,
  wholeOf,
} from "../../src/settings/flags.ts";
import { type Format, FORMATS, type Mode } from "./selections.ts";
import type { PublisherKind } from "./world.ts";

export type What =
  | "table"
  | "limit"
  | "memory"
  | "storm"
  | "soak"
  | "capacity"
  | "relays"
  | "levels";

/** What is measured of several workers. */
export interface CapacitySettings {
  readonly workers: readonly number[];
  /** Of a core, for each thread that serves: 0.12 is 12 %. */
  readonly quota: number;
  /** p99 must be below so many strides. */
  readonly strides: number;
  readonly hasLimit: boolean;
  /** Another checkout; null: none. */
  readonly against: string | null;
}

export interface Settings {
  readonly what: What;
  /** Null: the default of `what`. */
  readonly clients: readonly number[] | null;
  readonly formats: readonly Format[];
  readonly modes: readonly Mode[];
  readonly rounds: number;
  readonly seconds: number;
  readonly soakS: number;
  readonly capacity: CapacitySettings;
  /** Numbers of relays of one origin. */
  readonly relays: readonly number[];
  readonly levels: number;
  /** Slab of a soak; null: the smallest that admits its clients. */
  readonly slabMb: number | null;
  readonly publisher: PublisherKind;
  readonly qanatArgs: readonly string[];
}

export const TABLE_CLIENTS = [20, 40, 60, 100, 500, 1000, 2000, 4000, 6000];
const QUICK_CLIENTS = [60, 500, 2000];
export const CLIENTS_MAX = 19_000;
const SOAK_MAX_S = 7000;
const WORKERS_MAX = 64;
const RELAYS_MAX = 32;
/** A relay refuses an upstream that has more relays above it. */
const LEVELS_MAX = 8;
const QUOTA_PERCENT = "12";
/** Measured by the table, and by --workers, unless others are named. */
const TABLE_FORMATS = ["events", "events+gzip", "arrow"];
const TABLE_MODES = ["same", "different"];
const CAPACITY_FORMATS = ["arrow"];
const CAPACITY_MODES = ["different"];

const FLAGS = {
  limit: {
    type: "boolean",
    group:
      "What is measured, one at a time; without: a table of clients × selections × formats",
    help:
      "the table, then the largest count that holds, for each selection and format; also with --workers",
    default: false,
  },
  memory: {
    type: "boolean",
    help: "memory per client, idle and under load: docs/img/memory.svg",
    default: false,
  },
  storm: {
    type: "boolean",
    help:
      "2,000 clients come within a second, come at once and leave at once, while 200 others read",
    default: false,
  },
  soak: {
    type: "string",
    unit: "SECONDS",
    help: "clients come, go and stall for this time",
  },
  workers: {
    type: "string",
    unit: "N,…",
    help:
      "capacity with so many workers, each thread that serves with a CPU quota (needs root and cgroups, else without quotas): rows per second and CPU per row when they are overloaded",
  },
  relays: {
    type: "string",
    unit: "N,…",
    help:
      "what so many relays with --clients (default 500) each cost their origin, compared with the origin without clients, with one reader of all channels, and (0) with the clients itself",
  },
  levels: {
    type: "string",
    unit: "N",
    help:
      "how late rows are at each level of N relays in a row, with --clients (default 100) at each",
  },
  "slab-mb": {
    type: "string",
    group: "With --soak",
    unit: "N",
    help: "slab of Qanat, MiB",
    preset: "the smallest that admits the clients",
  },
  strides: {
    type: "string",
    group: "With --workers",
    unit: "N",
    help: "a count holds if p99 is below N strides of 62.5 ms",
    preset: "1",
  },
  quota: {
    type: "string",
    unit: "PERCENT",
    help: "of a core for each thread that serves",
    preset: QUOTA_PERCENT,
  },
  against: {
    type: "string",
    unit: "DIR",
    help: "also with --workers 1 of another checkout; all ratios are to it",
  },
  clients: {
    type: "string",
    group: "How it is measured",
    unit: "N,…",
    help:
      "counts of the table; --storm (2000), --soak (1000) and --workers (clients of each worker when it is overloaded; by default more than it can serve) use the first one, --memory uses all",
    preset: TABLE_CLIENTS.join(","),
  },
  formats: {
    type: "string",
    unit: "NAME,…",
    help: FORMATS.join(", "),
    preset: "all but flight; --workers: arrow",
  },
  modes: {
    type: "string",
    unit: "NAME,…",
    help:
      "same, different; --relays and --levels measure arrow with different selections only",
    preset: "both; --workers: different",
  },
  rounds: {
    type: "string",
    unit: "N",
    help: "number of rounds; the table has their medians",
    preset: "3",
  },
  seconds: {
    type: "string",
    unit: "N",
    help: "length of each measurement",
    preset: "10",
  },
  quick: {
    type: "boolean",
    help: `${QUICK_CLIENTS.join(",")} clients, 1 round of 5 s`,
    default: false,
  },
  publisher: {
    type: "string",
    unit: "NAME",
    help: "embedded (uses little CPU) or arrakis (the real publisher)",
    default: "embedded",
  },
  "qanat-arg": {
    type: "string",
    multiple: true,
    unit: "FLAG",
    help: "a flag for Qanat, as --qanat-arg=FLAG; may be given several times",
    default: [],
  },
  ...HELP_FLAG,
} as const;

export const SCALE_HELP: CommandHelp = {
  task: "scale",
  does:
    "Measure how many clients one Qanat holds (needs Java, Maven and a C compiler)",
  usage: ["[what] [flags]"],
  flags: FLAGS,
  more: "All figures are also written to .qanat/scale.json.",
};

/** Reads the command line. */
export function parseSettings(args: readonly string[]): Parsed<Settings> {
  return parsedBy(() => read(args));
}

function read(args: readonly string[]): Settings | "help" {
  const { values } = readFlags(args, FLAGS);
  if (values.help) return "help";
  const { quick, soak } = values;
  const isCapacity = values.workers !== undefined;
  const whats = (["limit", "memory", "storm"] as const).filter((what) =>
    values[what] && !(isCapacity && what === "limit")
  );
  const all: What[] = [
    ...whats,
    ...soak === undefined ? [] : ["soak" as const],
    ...isCapacity ? ["capacity" as const] : [],
    ...values.relays === undefined ? [] : ["relays" as const],
    ...values.levels === undefined ? [] : ["levels" as const],
  ];
  if (all.length > 1) {
    const flags = all.map((one) => one === "capacity" ? "workers" : one);
    throw new FlagError(`one at a time: --${flags.join(", --")}`);
  }
  const what = all[0] ?? "table";
  for (const flag of ["quota", "strides", "against"] as const) {
    if (values[flag] !== undefined && !isCapacity) {
      throw new FlagError(`--${flag} belongs to --workers`);
    }
  }
  const formats = namesOf(
    "--formats",
    values.formats,
    isCapacity ? CAPACITY_FORMATS : TABLE_FORMATS,
    FORMATS,
  );
  if (
    formats.includes("flight") && ["memory", "storm", "soak"].includes(what)
  ) {
    throw new FlagError(`--${what} does not measure flight`);
  }
  return {
    what,
    clients:
      values.clients?.split(",").map((text) =>
        whole("--clients", text, CLIENTS_MAX)
      ) ?? (quick ? QUICK_CLIENTS : null),
    formats,
    modes: namesOf(
      "--modes",
      values.modes,
      isCapacity ? CAPACITY_MODES : TABLE_MODES,
      ["same", "different"] as const,
    ),
    rounds: whole("--rounds", values.rounds ?? (quick ? "1" : "3"), 20),
    seconds: whole("--seconds", values.seconds ?? (quick ? "5" : "10"), 600),
    capacity: {
      workers: (values.workers ?? "1").split(",").map((text) =>
        whole("--workers", text, WORKERS_MAX)
      ),
      quota: whole("--quota", values.quota ?? QUOTA_PERCENT, 100) / 100,
      hasLimit: values.limit,
      strides: whole("--strides", values.strides ?? "1", 100),
      against: values.against ?? null,
    },
    relays: (values.relays ?? "0").split(",").map((text) =>
      wholeOf("--relays", text, 0, RELAYS_MAX)
    ),
    levels: whole("--levels", values.levels ?? "1", LEVELS_MAX),
    soakS: soak === undefined ? 0 : whole("--soak", soak, SOAK_MAX_S),
    slabMb: values["slab-mb"] === undefined
      ? null
      : whole("--slab-mb", values["slab-mb"], 65_536),
    publisher: oneOf(
      "--publisher",
      values.publisher,
      ["embedded", "arrakis"] as const,
    ),
    qanatArgs: values["qanat-arg"],
  };
}

function namesOf<T extends string>(
  flag: string,
  text: string | undefined,
  usual: readonly string[],
  allowed: readonly T[],
): T[] {
  return (text?.split(",") ?? usual).map((name) => oneOf(flag, name, allowed));
}

function whole(name: string, text: string, max: number): number {
  return wholeOf(name, text, 1, max);
}

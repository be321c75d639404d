// The command line of `deno task scale`.
// Invariant: the settings are complete and within bounds; otherwise one line says what is allowed.
import {
  choiceOf as oneOf,
  readFlags,
  wholeOf,
} from "../../src/settings/flags.ts";
import { type Format, FORMATS, type Mode } from "./selections.ts";
import type { PublisherKind } from "./world.ts";

export const HELP = `deno task scale [what] [settings]

  (nothing)            the table: clients × selections × formats
  --limit              the table, then the largest count that holds, for each selection and format
  --memory             memory per client, idle and under load: docs/img/memory.svg
  --storm              2,000 clients come within a second, come at once and leave at once, while 200 others read
  --soak SECONDS       clients come, go and stall for this time, with the smallest slab (or --slab-mb N)

  --clients N,…        counts of the table (default 20,40,60,100,500,1000,2000,4000,6000);
                       --storm (2000) and --soak (1000) use the first one, --memory uses all
  --formats NAME,…     ${FORMATS.join(", ")} (default all)
  --modes NAME,…       same, different (default both)
  --rounds N           number of rounds; the table has their medians (default 3)
  --seconds N          length of each measurement (default 10)
  --quick              60,500,2000 clients, 1 round of 5 s
  --publisher NAME     embedded (default, uses little CPU) or arrakis (the real publisher)
  --qanat-arg=FLAG     a flag for Qanat; may be repeated

All figures are also written to .qanat/scale.json.`;

export type What = "table" | "limit" | "memory" | "storm" | "soak";

export interface Settings {
  readonly what: What;
  /** Null: the default of `what`. */
  readonly clients: readonly number[] | null;
  readonly formats: readonly Format[];
  readonly modes: readonly Mode[];
  readonly rounds: number;
  readonly seconds: number;
  readonly soakS: number;
  /** Slab of a soak; null: the smallest that admits its clients. */
  readonly slabMb: number | null;
  readonly publisher: PublisherKind;
  readonly qanatArgs: readonly string[];
}

export const TABLE_CLIENTS = [20, 40, 60, 100, 500, 1000, 2000, 4000, 6000];
const QUICK_CLIENTS = [60, 500, 2000];
export const CLIENTS_MAX = 19_000;
const SOAK_MAX_S = 7000;

class SettingError extends Error {}

/** Settings, `help`, or what is wrong. */
export function parseSettings(
  args: readonly string[],
): Settings | "help" | { readonly wrong: string } {
  try {
    return read(args);
  } catch (error) {
    return { wrong: (error as Error).message };
  }
}

function read(args: readonly string[]): Settings | "help" {
  const { values } = readFlags(
    args.filter((arg) => arg !== "--"),
    {
      limit: { type: "boolean", default: false },
      memory: { type: "boolean", default: false },
      storm: { type: "boolean", default: false },
      soak: { type: "string" },
      "slab-mb": { type: "string" },
      clients: { type: "string" },
      formats: { type: "string", default: FORMATS.join() },
      modes: { type: "string", default: "same,different" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      quick: { type: "boolean", default: false },
      publisher: { type: "string", default: "embedded" },
      "qanat-arg": { type: "string", multiple: true, default: [] },
      help: { type: "boolean", default: false },
    },
  );
  if (values.help) return "help";
  const { quick, soak } = values;
  const whats = (["limit", "memory", "storm"] as const).filter((what) =>
    values[what]
  );
  const all: What[] = soak === undefined ? whats : [...whats, "soak"];
  if (all.length > 1) {
    throw new SettingError(`one at a time: --${all.join(", --")}`);
  }
  return {
    what: all[0] ?? "table",
    clients:
      values.clients?.split(",").map((text) =>
        whole("--clients", text, CLIENTS_MAX)
      ) ?? (quick ? QUICK_CLIENTS : null),
    formats: values.formats.split(",").map((text) =>
      oneOf("--formats", text, FORMATS)
    ),
    modes: values.modes.split(",").map((text) =>
      oneOf("--modes", text, ["same", "different"] as const)
    ),
    rounds: whole("--rounds", values.rounds ?? (quick ? "1" : "3"), 20),
    seconds: whole("--seconds", values.seconds ?? (quick ? "5" : "10"), 600),
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

function whole(name: string, text: string, max: number): number {
  return wholeOf(name, text, 1, max);
}

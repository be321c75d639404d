// The load that `deno task plan` is asked about, from its command line.
// Invariant: the settings are complete and within bounds; otherwise one line says what is allowed.
import {
  DATA_TYPES,
  type DataType,
  SAMPLE_BYTES,
} from "../../src/channels/channel.ts";
import { type Parsed, parsedBy } from "../../src/settings/command.ts";
import {
  type CommandHelp,
  HELP_FLAG,
} from "../../src/settings/command_help.ts";
import {
  choiceOf,
  FlagError,
  readFlags,
  wholeOf,
} from "../../src/settings/flags.ts";

/** In what clients get rows. */
export const PLAN_FORMATS = [
  "arrow",
  "events",
  "events+gzip",
  "flight",
] as const;
export type PlanFormat = typeof PLAN_FORMATS[number];

/** Who reads what. */
export interface Load {
  readonly clients: number;
  /** Channels of one client. */
  readonly channels: number;
  /** Sample rate of each channel, Hz. */
  readonly rateHz: number;
  readonly dataType: DataType;
  /** Time of one block, and of one row, ms. */
  readonly strideMs: number;
  readonly format: PlanFormat;
  /** No two clients have the same channels. */
  readonly isDifferent: boolean;
  readonly hasTls: boolean;
  /** Channels that are read from Kafka in all. */
  readonly channelsInAll: number;
  /** How long a client may read nothing before it loses rows, s. */
  readonly stallS: number;
  /** Threads of an instance that serve. */
  readonly workers: number;
  /** Relays that read all channels from one instance. */
  readonly relays: number;
}

const RATE_HZ_MAX = 65_536;
const WORKERS_MAX = 64;
const RELAYS_MAX = 1000;

const FLAGS = {
  clients: { type: "string", unit: "N", help: "clients at the same time" },
  channels: { type: "string", unit: "N", help: "channels of one client" },
  rate: {
    type: "string",
    unit: "HZ",
    help: "sample rate of these channels",
  },
  type: {
    type: "string",
    unit: "NAME",
    help: `data type: ${DATA_TYPES.join(", ")}`,
    default: "float32",
  },
  "stride-ms": {
    type: "string",
    unit: "MS",
    help: "time of one block, and of one row: 1000 over it must be whole",
    default: "62.5",
    preset: "62.5, 16 rows per second",
  },
  format: {
    type: "string",
    unit: "NAME",
    help: PLAN_FORMATS.join(", "),
    default: "arrow",
  },
  selections: {
    type: "string",
    unit: "WHICH",
    help:
      "different: no two clients read the same channels; same: all read the same",
    default: "different",
  },
  "channels-in-all": {
    type: "string",
    unit: "N",
    help: "channels that are read from Kafka in all",
    preset: "those of one client, ten times that if different",
  },
  tls: {
    type: "boolean",
    help: "clients connect with TLS to Qanat itself",
    default: false,
  },
  "stall-s": {
    type: "string",
    unit: "S",
    help: "a client that reads nothing for so long loses no row",
    default: "60",
  },
  workers: {
    type: "string",
    unit: "N",
    help:
      "threads of each instance that serve clients, each on a core of its own",
    default: "1",
  },
  relays: {
    type: "string",
    unit: "N",
    help: "relays that read all channels from one instance",
    default: "0",
  },
  ...HELP_FLAG,
} as const;

export const PLAN_HELP: CommandHelp = {
  task: "plan",
  does:
    "Print what N clients need, from measured costs: instances, CPU, memory, network and settings",
  usage: ["--clients N --channels N --rate HZ [flags]"],
  flags: FLAGS,
};

/** Reads the command line. */
export function parseLoad(args: readonly string[]): Parsed<Load> {
  return parsedBy(() => read(args));
}

function read(args: readonly string[]): Load | "help" {
  const { values } = readFlags(args, FLAGS);
  if (values.help) return "help";
  const missing = (["clients", "channels", "rate"] as const)
    .filter((name) => values[name] === undefined)
    .map((name) => `--${name}`);
  if (missing.length > 0) {
    throw new FlagError(
      `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} needed`,
    );
  }
  const channels = needed("--channels", values.channels, 10_000);
  const isDifferent = choiceOf(
    "--selections",
    values.selections,
    ["different", "same"] as const,
  ) === "different";
  const inAll = values["channels-in-all"];
  const load: Load = {
    clients: needed("--clients", values.clients, 1e6),
    channels,
    rateHz: needed("--rate", values.rate, RATE_HZ_MAX),
    dataType: choiceOf("--type", values.type, DATA_TYPES),
    strideMs: strideOf(values["stride-ms"]),
    format: choiceOf("--format", values.format, PLAN_FORMATS),
    isDifferent,
    hasTls: values.tls,
    channelsInAll: inAll === undefined
      ? channels * (isDifferent ? 10 : 1)
      : wholeOf("--channels-in-all", inAll, channels, 1e6),
    stallS: wholeOf("--stall-s", values["stall-s"], 1, 86_400),
    workers: wholeOf("--workers", values.workers, 1, WORKERS_MAX),
    relays: wholeOf("--relays", values.relays, 0, RELAYS_MAX),
  };
  if (!Number.isInteger(load.rateHz * load.strideMs / 1000)) {
    throw new FlagError(
      "--rate and --stride-ms must give a whole number of samples in a block",
    );
  }
  return load;
}

/** Of a flag that is there. */
function needed(flag: string, text: string | undefined, max: number): number {
  return wholeOf(flag, text ?? "", 1, max);
}

function strideOf(text: string): number {
  const strideMs = Number(text);
  const isWhole = strideMs >= 1 && Number.isInteger(1000 / strideMs) ||
    strideMs >= 1000 && Number.isInteger(strideMs / 1000);
  if (!isWhole) {
    throw new FlagError(
      "--stride-ms must divide a second, or be whole seconds, such as 62.5, 100 or 1000",
    );
  }
  return strideMs;
}

/** Bytes of a channel's samples in one row. */
export function sampleBytesOf({ rateHz, strideMs, dataType }: Load): number {
  return samplesOf({ rateHz, strideMs }) * SAMPLE_BYTES[dataType];
}

/** Samples of a channel in one row. */
export function samplesOf(
  { rateHz, strideMs }: Pick<Load, "rateHz" | "strideMs">,
): number {
  return rateHz * strideMs / 1000;
}

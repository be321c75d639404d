// The load that `deno task plan` is asked about, from its command line.
// Invariant: the settings are complete and within bounds; otherwise one line says what is allowed.
import {
  DATA_TYPES,
  type DataType,
  SAMPLE_BYTES,
} from "../../src/channels/channel.ts";
import { choiceOf, readFlags, wholeOf } from "../../src/settings/flags.ts";

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

export const HELP =
  `deno task plan --clients N --channels N --rate HZ [settings]

  Prints the instances, CPU, memory, network and settings that a number of clients needs, from measured costs.

  --clients N          clients at the same time
  --channels N         channels of one client
  --rate HZ            sample rate of these channels
  --type NAME          data type: ${DATA_TYPES.join(", ")} (default float32)
  --stride-ms MS       time of one block, and of one row: 1000 over it must be whole (default 62.5, 16 rows per second)
  --format NAME        ${PLAN_FORMATS.join(", ")} (default arrow)
  --selections WHICH   different (default): no two clients read the same channels; same: all read the same
  --channels-in-all N  channels that are read from Kafka in all (default: those of one client, ten times that if different)
  --tls                clients connect with TLS to Qanat itself
  --stall-s S          a client that reads nothing for so long loses no row (default 60)
  --workers N          threads of each instance that serve clients, each on a core of its own (default 1)
  --relays N           relays that read all channels from one instance (default 0)`;

/** The load, `help`, or what is wrong. */
export function parseLoad(
  args: readonly string[],
): Load | "help" | { readonly wrong: string } {
  try {
    return read(args);
  } catch (error) {
    return { wrong: (error as Error).message };
  }
}

function read(args: readonly string[]): Load | "help" {
  const { values } = readFlags(args.filter((arg) => arg !== "--"), {
    clients: { type: "string" },
    channels: { type: "string" },
    rate: { type: "string" },
    type: { type: "string", default: "float32" },
    "stride-ms": { type: "string", default: "62.5" },
    format: { type: "string", default: "arrow" },
    selections: { type: "string", default: "different" },
    "channels-in-all": { type: "string" },
    tls: { type: "boolean", default: false },
    "stall-s": { type: "string", default: "60" },
    workers: { type: "string", default: "1" },
    relays: { type: "string", default: "0" },
    help: { type: "boolean", default: false },
  });
  if (values.help) return "help";
  const missing = (["clients", "channels", "rate"] as const)
    .filter((name) => values[name] === undefined)
    .map((name) => `--${name}`);
  if (missing.length > 0) {
    throw new Error(
      `${missing.join(", ")} ${
        missing.length === 1 ? "is" : "are"
      } needed; see --help`,
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
    throw new Error(
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
    throw new Error(
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

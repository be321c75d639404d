// The command line of `deno task publish`: flags, their checks, the help text.
// Invariant: accepted options are complete and valid; a refusal is one clear line that shows no secret.
import { choiceOf, FlagError, numberOf, readFlags, wholeOf } from "./flags.ts";
import { brokers } from "./readers.ts";
import { SettingError } from "./setting.ts";
import { shownValue } from "./shown.ts";

const COMPRESSIONS = ["none", "gzip", "snappy", "zstd"] as const;

export interface PublishOptions {
  readonly brokers: readonly string[];
  /** Number of channels in addition to those of the embedded source. */
  readonly channels: number;
  readonly match: RegExp;
  readonly rate: number;
  /** 0: until it is stopped. */
  readonly durationMs: number;
  readonly compression: typeof COMPRESSIONS[number];
}

export type ParsedPublish =
  | { readonly kind: "options"; readonly options: PublishOptions }
  | { readonly kind: "help" }
  | { readonly kind: "error"; readonly message: string };

export const PUBLISH_HELP = `deno task publish --kafka HOST:PORT[,…]

Writes the channels of the embedded source into Kafka, as the publishers of Arrakis do.

  --kafka HOST:PORT,…   brokers (QANAT_KAFKA)
  --channels N          adds N channels of 2,048 Hz (default 0)
  --match EXPRESSION    publishes only channels whose names match a regular expression
  --rate FACTOR         publishes FACTOR times as fast as real time (default 1)
  --duration SECONDS    stops after this time (default: runs until stopped)
  --compression NAME    none, gzip, snappy or zstd (default none)
`;

const FLAGS = {
  kafka: { type: "string" },
  channels: { type: "string" },
  match: { type: "string" },
  rate: { type: "string" },
  duration: { type: "string" },
  compression: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;
const MAX = 1e6;
const RATE_MIN = 0.001;

/** Reads the command line. `variable` is the value of QANAT_KAFKA; the flag wins. */
export function parsePublish(
  args: readonly string[],
  variable: string | undefined,
): ParsedPublish {
  try {
    const values = readFlags(args.filter((arg) => arg !== "--"), FLAGS).values;
    if (values.help) return { kind: "help" };
    const options = {
      brokers: values.kafka !== undefined
        ? brokersOf("--kafka", values.kafka)
        : brokersOf("QANAT_KAFKA", variable ?? ""),
      channels: wholeOf("--channels", values.channels ?? "0", 0, MAX),
      match: expressionOf(values.match ?? ""),
      rate: numberOf("--rate", values.rate ?? "1", RATE_MIN, MAX),
      durationMs: 1000 *
        numberOf("--duration", values.duration ?? "0", 0, MAX),
      compression: choiceOf(
        "--compression",
        values.compression ?? "none",
        COMPRESSIONS,
      ),
    };
    return { kind: "options", options };
  } catch (wrong) {
    if (!(wrong instanceof FlagError)) throw wrong;
    return { kind: "error", message: `${wrong.message}; --help shows all` };
  }
}

function brokersOf(from: string, text: string): readonly string[] {
  if (text === "") throw new FlagError("--kafka HOST:PORT is needed");
  try {
    return brokers("").read(text);
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    const wrong = error.wrong ?? shownValue(text);
    throw new FlagError(`${from} must be ${error.message}, not ${wrong}`);
  }
}

function expressionOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new FlagError(
      `--match must be a regular expression of JavaScript, not ${
        shownValue(text)
      }`,
    );
  }
}

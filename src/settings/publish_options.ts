// The command line of `deno task publish`: flags, their checks, the help text.
// Invariant: accepted options are complete and valid; a refusal is one clear line that shows no secret.
import { askedBy, type Parsed, parsedBy } from "./command.ts";
import { type CommandHelp, LAST_FLAGS } from "./command_help.ts";
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

const FLAGS = {
  kafka: {
    type: "string",
    unit: "HOST:PORT,…",
    help: "brokers",
    preset: "the variable QANAT_KAFKA",
  },
  channels: {
    type: "string",
    unit: "N",
    help: "add N channels of 2,048 Hz",
    default: "0",
  },
  match: {
    type: "string",
    unit: "EXPRESSION",
    help: "publish only channels whose names match a regular expression",
    preset: "all",
  },
  rate: {
    type: "string",
    unit: "FACTOR",
    help: "publish FACTOR times as fast as real time",
    default: "1",
  },
  duration: {
    type: "string",
    unit: "SECONDS",
    help: "stop after this time",
    preset: "run until stopped",
  },
  compression: {
    type: "string",
    unit: "NAME",
    help: COMPRESSIONS.join(", "),
    default: "none",
  },
  ...LAST_FLAGS,
} as const;

export const PUBLISH_HELP: CommandHelp = {
  task: "publish",
  does: "Write the included channels into Kafka, in the format of Arrakis",
  usage: ["--kafka HOST:PORT [flags]"],
  flags: FLAGS,
};
const MAX = 1e6;
const RATE_MIN = 0.001;

/** Reads the command line. `variable` is the value of QANAT_KAFKA; the flag wins. */
export function parsePublish(
  args: readonly string[],
  variable: string | undefined,
): Parsed<PublishOptions> {
  return parsedBy(() => {
    const values = readFlags(args, FLAGS).values;
    const asked = askedBy(values);
    if (asked !== null) return asked;
    return {
      brokers: values.kafka !== undefined
        ? brokersOf("--kafka", values.kafka)
        : brokersOf("QANAT_KAFKA", variable ?? ""),
      channels: wholeOf("--channels", values.channels, 0, MAX),
      match: expressionOf(values.match ?? ""),
      rate: numberOf("--rate", values.rate, RATE_MIN, MAX),
      durationMs: 1000 *
        numberOf("--duration", values.duration ?? "0", 0, MAX),
      compression: choiceOf(
        "--compression",
        values.compression,
        COMPRESSIONS,
      ),
    };
  });
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

// The command line of `deno task tail`: flags, their checks, the help text.
// Invariant: the options are complete and consistent; otherwise the result is one line that says what is wrong.
import { nowGpsNs } from "../blocks/gps_time.ts";
import {
  BEFORE_GPS,
  beforeGpsText,
  secondsText,
  timeOfText,
} from "../blocks/time_text.ts";
import {
  type Asked,
  askedBy,
  type Parsed,
  parsedBy,
} from "../settings/command.ts";
import { type CommandHelp, LAST_FLAGS } from "../settings/command_help.ts";
import { FlagError, readFlags, wholeOf } from "../settings/flags.ts";
import { shownValue } from "../settings/shown.ts";
import type { Credential } from "./credential.ts";
import { serverOf, URL_DEFAULT } from "./server_options.ts";

/** Format of a file; the ending of its name decides. */
export type FileFormat = "arrows" | "parquet" | "csv";

export interface TailOptions {
  /** Qanat's address with its base path, without a final slash and without user and password. */
  readonly url: string;
  /** Has the token, or user and password of the URL, so that no message shows them. */
  readonly credential: Credential;
  /** Path of PEM certificates to trust besides those that Deno trusts; null for none. */
  readonly cacert: string | null;
  /** Trusts them. */
  readonly client?: Deno.HttpClient | undefined;
  /** Selection and range, as query parameters of a stream. */
  readonly query: Readonly<Record<string, string>>;
  readonly list: boolean;
  readonly file: { readonly path: string; readonly format: FileFormat } | null;
  readonly force: boolean;
  /** Failed attempts in succession after which `tail` gives up. */
  readonly retriesMax: number;
  /** Prints lines even in a terminal. */
  readonly plain: boolean;
}

/** Flags that are query parameters of the same name. */
const FORWARDED = ["match", "replay", "start", "end", "duration", "gaps"];
/** Those that are times. */
const TIMES = ["start", "end"];
const FORMATS: readonly FileFormat[] = ["arrows", "parquet", "csv"];
const RETRIES_DEFAULT = "30";
const RETRIES_MAX = 999_999;
/** Longest file name that file systems accept, less the length of `.part`. */
const NAME_BYTES_MAX = 250;

const FLAGS = {
  url: {
    type: "string",
    short: "u",
    unit: "URL",
    help: "address of Qanat",
    preset: `the variable QANAT_URL, or ${URL_DEFAULT}`,
  },
  "token-file": {
    type: "string",
    unit: "FILE",
    help: "file with a token, read again at each connection",
    preset: "the token in the variable QANAT_TOKEN",
  },
  cacert: {
    type: "string",
    unit: "FILE",
    help: "for https: PEM certificates to trust besides those that Deno trusts",
  },
  match: {
    type: "string",
    short: "m",
    unit: "EXPRESSION",
    help: "select channels whose name matches an RE2 expression",
  },
  replay: {
    type: "string",
    unit: "ID",
    help: "select channels of a replay context",
  },
  start: {
    type: "string",
    unit: "TIME",
    help:
      "first time: GPS seconds, ISO 8601 UTC that ends in Z, or relative to now such as --start=-60 (seconds), --start=-15m, --start=-2h",
    preset: "now",
  },
  end: {
    type: "string",
    unit: "TIME",
    help: "last time; also `now`",
    preset: "none",
  },
  duration: {
    type: "string",
    unit: "SECONDS",
    help: "length of the range",
    preset: "without end",
  },
  latest: {
    type: "boolean",
    help: "begin with the newest row that the server has, at once",
  },
  gaps: {
    type: "string",
    unit: "NAME",
    help:
      "spans without data: fill (send null rows), skip (leave them out) or fail (end)",
    preset: "fill",
  },
  output: {
    type: "string",
    short: "o",
    unit: "FILE",
    help:
      "write a file: .arrows (Arrow IPC), .parquet, or .csv (one line per sample); its name is FILE.part until it is complete",
  },
  force: { type: "boolean", short: "f", help: "replace FILE if it exists" },
  list: {
    type: "boolean",
    short: "l",
    help: "print the channels with type, rate and publisher, and exit",
  },
  plain: { type: "boolean", help: "print lines even in a terminal" },
  retries: {
    type: "string",
    unit: "N",
    help:
      "give up after N failed attempts in succession; after a broken connection, continue with the row after the last one; so it does when a token has expired, as soon as --token-file has another one",
    default: RETRIES_DEFAULT,
  },
  ...LAST_FLAGS,
} as const;

export const TAIL_HELP: CommandHelp = {
  task: "tail",
  does: "Show channels live in the terminal, or download them into a file",
  usage: ["CHANNEL… [flags]", "--match EXPRESSION [flags]", "--list [flags]"],
  args: [["CHANNEL…", "names, as --list prints them"]],
  flags: FLAGS,
  more:
    `In a terminal it draws one line per channel: newest value, envelope of the last samples, rate, latency, gaps.
Elsewhere it prints one line per channel and row.

Exit codes: 0 complete, or you stopped a stream without end; 1 broken off (FILE.part has the rows received so
far); 2 wrong flags, the server refused the request, or --list found no channel; 130 you stopped it before the end.`,
};

/** Reads the command line. `nowNs`: GPS ns, from which relative times are counted. */
export function parseTail(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  nowNs: bigint = nowGpsNs(),
): Parsed<TailOptions> {
  return parsedBy(() => read(args, env, nowNs));
}

function read(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  nowNs: bigint,
): TailOptions | Asked {
  const { values, positionals } = readFlags(args, FLAGS, true);
  const asked = askedBy(values);
  if (asked !== null) return asked;
  const server = serverOf(values.url, values["token-file"], env);
  const retriesMax = wholeOf("--retries", values.retries, 0, RETRIES_MAX);
  const query: Record<string, string> = {};
  const names = positionals.flatMap((text) => text.split(",")).filter(Boolean);
  if (names.length > 0) query.channels = names.join(",");
  for (const name of FORWARDED) {
    const value = values[name as keyof typeof values];
    if (typeof value !== "string") continue;
    query[name] = TIMES.includes(name) ? fixedTime(name, value, nowNs) : value;
  }
  if (values.latest) query.latest = "1";
  const twice = givenTwice(query);
  if (twice !== null) throw new FlagError(twice);
  const list = values.list ?? false;
  if (list && names.length > 0) {
    throw new FlagError(
      "--list accepts --match EXPRESSION, but no channel names",
    );
  }
  if (!list && names.length === 0 && query.match === undefined) {
    throw new FlagError(
      "Give channels or --match EXPRESSION; --list prints them all",
    );
  }
  const file = values.output === undefined ? null : fileOf(values.output);
  if (file === undefined) {
    throw new FlagError(
      `--output must end in ${FORMATS.map((f) => `.${f}`).join(", ")}, ` +
        `not ${shownValue(values.output!)}`,
    );
  }
  return {
    ...server,
    cacert: values.cacert ?? null,
    query,
    list,
    file,
    force: values.force ?? false,
    retriesMax,
    plain: values.plain ?? false,
  };
}

/** A relative time as GPS seconds, so that a retry asks for the same range; other texts as they are. */
function fixedTime(name: string, text: string, nowNs: bigint): string {
  const time = timeOfText(text, nowNs);
  if (time === BEFORE_GPS) {
    throw new FlagError(`--${name} ${beforeGpsText(nowNs)}`);
  }
  return time?.isRelative ? secondsText(time.timeNs) : text;
}

/** Says which flags of the range exclude each other; null if none do. */
function givenTwice(query: Readonly<Record<string, string>>): string | null {
  if (query.end !== undefined && query.duration !== undefined) {
    return "Give --end or --duration, not both";
  }
  return query.start !== undefined && query.latest !== undefined
    ? "Give --start or --latest, not both"
    : null;
}

/** Whether the range has an end, so that the stream ends by itself. */
export function isBounded({ query }: TailOptions): boolean {
  return query.end !== undefined || query.duration !== undefined;
}

function fileOf(
  path: string,
): { path: string; format: FileFormat } | undefined {
  if (/\p{Cc}/u.test(path)) {
    throw new FlagError("--output must be without control characters");
  }
  const name = path.slice(path.lastIndexOf("/") + 1);
  const nameBytes = new TextEncoder().encode(name).byteLength;
  if (nameBytes > NAME_BYTES_MAX) {
    throw new FlagError(
      `--output must have a name of at most ${NAME_BYTES_MAX} bytes, not ${nameBytes}`,
    );
  }
  const format = FORMATS.find((f) => path.endsWith(`.${f}`));
  return format && { path, format };
}

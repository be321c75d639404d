// The command line of `deno task tail`: flags, their checks, the help text.
// Invariant: the options are complete and consistent; otherwise the result is one line that says what is wrong.
import { nowGpsNs } from "../blocks/gps_time.ts";
import { secondsText, timeOfText } from "../blocks/time_text.ts";
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

export type ParsedTail =
  | { readonly kind: "options"; readonly options: TailOptions }
  | { readonly kind: "help" }
  | { readonly kind: "error"; readonly message: string };

const FLAGS = {
  url: { type: "string", short: "u" },
  "token-file": { type: "string" },
  cacert: { type: "string" },
  match: { type: "string", short: "m" },
  replay: { type: "string" },
  start: { type: "string" },
  end: { type: "string" },
  duration: { type: "string" },
  latest: { type: "boolean" },
  gaps: { type: "string" },
  output: { type: "string", short: "o" },
  force: { type: "boolean", short: "f" },
  list: { type: "boolean", short: "l" },
  plain: { type: "boolean" },
  retries: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Flags that are query parameters of the same name. */
const FORWARDED = ["match", "replay", "start", "end", "duration", "gaps"];
/** Those that are times. */
const TIMES = ["start", "end"];
const FORMATS: readonly FileFormat[] = ["arrows", "parquet", "csv"];
const RETRIES_DEFAULT = 30;
const RETRIES_MAX = 999_999;
/** Longest file name that file systems accept, less the length of `.part`. */
const NAME_BYTES_MAX = 250;

export const TAIL_HELP = `deno task tail CHANNEL… [flags]

Shows channels live, or downloads them with -o. In a terminal it draws one line per channel: newest
value, envelope of the last samples, rate, latency, gaps. Elsewhere it prints one line per channel and row.

  CHANNEL…                  names, as \`--list\` prints them
  -u, --url URL             address of Qanat (default ${URL_DEFAULT}, or QANAT_URL)
      --token-file FILE     file with a token, read again at each connection (default: the token in QANAT_TOKEN)
      --cacert FILE         for https: PEM certificates to trust besides those that Deno trusts
  -m, --match EXPRESSION    select channels whose name matches an RE2 expression
      --replay ID           select channels of a replay context
      --start=TIME          first time: GPS seconds, ISO 8601 UTC that ends in Z, or relative to now
                            such as -60 (seconds), -15m, -2h (default now)
      --end=TIME            last time; also \`now\`
      --duration SECONDS    length of the range
      --latest              begin with the newest row that the server has, at once
      --gaps fill|skip|fail spans without data: send null rows, leave them out, or end (default fill)
  -o, --output FILE         write a file: .arrows (Arrow IPC), .parquet, or .csv (one line per sample);
                            its name is FILE.part until it is complete
  -f, --force               replace FILE if it exists
  -l, --list                print the channels with type, rate and publisher, and exit
      --plain               print lines even in a terminal
      --retries N           give up after N failed attempts in succession (default ${RETRIES_DEFAULT});
                            after a broken connection, continue with the row after the last one; so it does
                            when a token has expired, as soon as --token-file has another one
  -h, --help                print this text and exit

Exit codes: 0 complete, or you stopped a stream without end; 1 broken off (FILE.part has the rows
received so far); 2 wrong flags, or the server refused the request; 130 you stopped it before the end.`;

/** Reads the command line. `nowNs`: GPS ns, from which relative times are counted. */
export function parseTail(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  nowNs: bigint = nowGpsNs(),
): ParsedTail {
  try {
    return read(args, env, nowNs);
  } catch (wrong) {
    if (!(wrong instanceof FlagError)) throw wrong;
    return error(`${wrong.message}; --help lists the flags`);
  }
}

function read(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  nowNs: bigint,
): ParsedTail {
  const { values, positionals } = readFlags(
    // `deno task tail -- CHANNEL` passes the dashes to the program.
    args.filter((arg, i) => i > 0 || arg !== "--"),
    FLAGS,
    true,
  );
  if (values.help) return { kind: "help" };
  const server = serverOf(values.url, values["token-file"], env);
  const retriesMax = wholeOf(
    "--retries",
    values.retries ?? String(RETRIES_DEFAULT),
    0,
    RETRIES_MAX,
  );
  const query: Record<string, string> = {};
  const names = positionals.flatMap((text) => text.split(",")).filter(Boolean);
  if (names.length > 0) query.channels = names.join(",");
  for (const name of FORWARDED) {
    const value = values[name as keyof typeof values];
    if (typeof value !== "string") continue;
    query[name] = TIMES.includes(name) ? fixedTime(value, nowNs) : value;
  }
  if (values.latest) query.latest = "1";
  const twice = givenTwice(query);
  if (twice !== null) return error(twice);
  const list = values.list ?? false;
  if (list && names.length > 0) {
    return error("--list accepts --match EXPRESSION, but no channel names");
  }
  if (!list && names.length === 0 && query.match === undefined) {
    return error("Give channels or --match EXPRESSION; --list prints them all");
  }
  const file = values.output === undefined ? null : fileOf(values.output);
  if (file === undefined) {
    return error(
      `--output must end in ${FORMATS.map((f) => `.${f}`).join(", ")}, ` +
        `not ${shownValue(values.output!)}`,
    );
  }
  return {
    kind: "options",
    options: {
      ...server,
      cacert: values.cacert ?? null,
      query,
      list,
      file,
      force: values.force ?? false,
      retriesMax,
      plain: values.plain ?? false,
    },
  };
}

/** A relative time as GPS seconds, so that a retry asks for the same range; other texts as they are. */
function fixedTime(text: string, nowNs: bigint): string {
  const time = timeOfText(text, nowNs);
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

function error(message: string): ParsedTail {
  return { kind: "error", message };
}

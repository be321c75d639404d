// The command line of `deno task tail`: flags, their checks, the help text.
// Invariant: options are complete and fit together; anything else is one clear line.
import { FlagError, readFlags, wholeOf } from "../settings/flags.ts";
import { shownValue } from "../settings/shown.ts";

/** What a download is written as; told by the file's name. */
export type FileFormat = "arrows" | "parquet" | "csv";

export interface TailOptions {
  /** Where Qanat answers, base path included, without a slash at its end, and without user and password. */
  readonly url: string;
  /** What each request carries: user and password of the URL, which no message shows then. */
  readonly headers: Readonly<Record<string, string>>;
  /** The selection and range, as the query of a stream takes them. */
  readonly query: Readonly<Record<string, string>>;
  readonly list: boolean;
  readonly file: { readonly path: string; readonly format: FileFormat } | null;
  readonly force: boolean;
  /** Tries in a row that bring nothing before giving up. */
  readonly retriesMax: number;
  /** Lines instead of a picture, even in a terminal. */
  readonly plain: boolean;
}

export type ParsedTail =
  | { readonly kind: "options"; readonly options: TailOptions }
  | { readonly kind: "help" }
  | { readonly kind: "error"; readonly message: string };

const FLAGS = {
  url: { type: "string", short: "u" },
  match: { type: "string", short: "m" },
  replay: { type: "string" },
  start: { type: "string" },
  end: { type: "string" },
  duration: { type: "string" },
  gaps: { type: "string" },
  output: { type: "string", short: "o" },
  force: { type: "boolean", short: "f" },
  list: { type: "boolean", short: "l" },
  plain: { type: "boolean" },
  retries: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Flags that go to the server as they are. */
const FORWARDED = ["match", "replay", "start", "end", "duration", "gaps"];
const FORMATS: readonly FileFormat[] = ["arrows", "parquet", "csv"];
const URL_DEFAULT = "http://127.0.0.1:8080";
const RETRIES_DEFAULT = 30;
const RETRIES_MAX = 999_999;
/** What file systems take as a name, less what `.part` needs. */
const NAME_BYTES_MAX = 250;

export const TAIL_HELP = `deno task tail CHANNEL… [flags]

Shows channels as they come: values, an envelope of the last samples, rate, latency, gaps.
In a terminal as a picture; else a line for each channel and row. With -o into a file.

  CHANNEL…                  names, as \`--list\` prints them
  -u, --url URL             where Qanat answers (default ${URL_DEFAULT}, or QANAT_URL)
  -m, --match EXPRESSION    channels by an RE2 expression
      --replay ID           channels of a replay context
      --start TIME          GPS seconds, or ISO 8601 UTC with its Z
      --end TIME            up to here
      --duration SECONDS    from --start, else from now
      --gaps fill|skip|fail spans without data: null rows, left out, or the end (default fill)
  -o, --output FILE         .arrows (the bytes as they come), .parquet, or .csv (a line a sample);
                            written as FILE.part until it is whole
  -f, --force               replace FILE
  -l, --list                print the channels instead, with type, rate and publisher
      --plain               lines even in a terminal
      --retries N           tries in a row that bring nothing (default ${RETRIES_DEFAULT}); a broken
                            connection goes on behind the last row
  -h, --help                this text

Exit codes: 0 whole, or stopped by you without an end being set; 1 broken off (FILE.part has what
came); 2 wrong flags, or refused by the server; 130 stopped by you before the end.`;

/** Reads the command line. */
export function parseTail(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParsedTail {
  try {
    return read(args, env);
  } catch (wrong) {
    if (!(wrong instanceof FlagError)) throw wrong;
    return error(`${wrong.message}; --help lists the flags`);
  }
}

function read(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParsedTail {
  const { values, positionals } = readFlags(
    // `deno task tail -- CHANNEL` passes the dashes on.
    args.filter((arg, i) => i > 0 || arg !== "--"),
    FLAGS,
    true,
  );
  if (values.help) return { kind: "help" };
  const place = values.url !== undefined
    ? placeOf("--url", values.url)
    : placeOf("QANAT_URL", env.QANAT_URL || URL_DEFAULT);
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
    if (typeof value === "string") query[name] = value;
  }
  if (query.end !== undefined && query.duration !== undefined) {
    return error("Give --end or --duration, not both");
  }
  const list = values.list ?? false;
  if (list && names.length > 0) {
    return error("--list takes --match EXPRESSION, not names");
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
      ...place,
      query,
      list,
      file,
      force: values.force ?? false,
      retriesMax,
      plain: values.plain ?? false,
    },
  };
}

/** Whether the stream ends by itself. */
export function isBounded({ query }: TailOptions): boolean {
  return query.end !== undefined || query.duration !== undefined;
}

/** Splits a URL into the place and the credentials that go with each request. */
function placeOf(
  from: string,
  text: string,
): Pick<TailOptions, "url" | "headers"> {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && /^https?:$/.test(url.protocol) &&
    url.search === "" && url.hash === "";
  if (!isPlain) {
    throw new FlagError(
      `${from} must be such as ${URL_DEFAULT}, not ${shownValue(text)}`,
    );
  }
  const { username, password } = url;
  url.username = url.password = "";
  const place = url.href.replace(/\/+$/, "");
  if (username === "" && password === "") return { url: place, headers: {} };
  let user: string;
  try {
    user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  } catch {
    throw new FlagError(
      `${from} must have user and password percent-encoded: a % is %25`,
    );
  }
  const bytes = new TextEncoder().encode(user);
  return {
    url: place,
    headers: { authorization: `Basic ${bytes.toBase64()}` },
  };
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

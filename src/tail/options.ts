// The command line of `deno task tail`: flags, their checks, the help text.
// Invariant: options are complete and fit together; anything else is one clear line.
import { parseArgs } from "node:util";

/** What a download is written as; told by the file's name. */
export type FileFormat = "arrows" | "parquet" | "csv";

export interface TailOptions {
  /** Where Qanat answers, base path included, without a slash at its end. */
  readonly url: string;
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
  let parsed;
  try {
    parsed = parseArgs({
      // `deno task tail -- CHANNEL` passes the dashes on.
      args: args.filter((arg, i) => i > 0 || arg !== "--"),
      options: FLAGS,
      allowPositionals: true,
    });
  } catch (wrong) {
    return error(`${(wrong as Error).message}; --help lists the flags`);
  }
  const { values, positionals } = parsed;
  if (values.help) return { kind: "help" };
  const url = values.url ?? (env.QANAT_URL || URL_DEFAULT);
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    return error(`--url must be such as ${URL_DEFAULT}, not '${url}'`);
  }
  const retries = values.retries ?? String(RETRIES_DEFAULT);
  if (!/^\d{1,6}$/.test(retries)) {
    return error(`--retries must be a whole number, not '${retries}'`);
  }
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
        `not '${values.output}'`,
    );
  }
  return {
    kind: "options",
    options: {
      url: url.replace(/\/+$/, ""),
      query,
      list,
      file,
      force: values.force ?? false,
      retriesMax: Number(retries),
      plain: values.plain ?? false,
    },
  };
}

/** Whether the stream ends by itself. */
export function isBounded({ query }: TailOptions): boolean {
  return query.end !== undefined || query.duration !== undefined;
}

function fileOf(
  path: string,
): { path: string; format: FileFormat } | undefined {
  const format = FORMATS.find((f) => path.endsWith(`.${f}`));
  return format && { path, format };
}

function error(message: string): ParsedTail {
  return { kind: "error", message };
}

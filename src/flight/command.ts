// The commands of Arrakis in descriptors and tickets: JSON `{request, args, version}`, checked as arrakis-schema does.
// Invariant: whole numbers are exact, also beyond 2^53 (times in GPS ns); a checked command has no other arguments than
// those that it is known to have. Why a refusal is an internal error or not: that is what arrakis-server answers.
import { FlightError } from "./flight_error.ts";
import { hasMoreValues } from "./value_count.ts";

/** Version of arrakis-schema whose rules these are. */
export const SCHEMA_VERSION = "0.5.0";

const VALUES_MAX = 20_000;

export interface SearchArgs {
  readonly pattern: string;
  readonly data_type: readonly string[];
  readonly min_rate: number;
  readonly max_rate: number;
  readonly publisher: readonly string[];
  readonly time: bigint | null;
  readonly replay_id?: string | null;
}

export interface DescribeArgs {
  readonly channels: readonly string[];
  readonly time: bigint | null;
  readonly replay_id?: string | null;
}

/** Times in GPS ns. */
export interface StreamArgs {
  readonly channels: readonly string[];
  readonly start: bigint | null;
  readonly end: bigint | null;
  readonly replay_start?: bigint | null;
  readonly replay_end?: bigint | null;
  readonly replay_id?: string | null;
}

export interface PublishArgs {
  readonly publisher_id: string;
  readonly replay_id?: string | null;
}

/** A checked command. */
export type Command =
  | { readonly request: "Find" | "Count"; readonly args: SearchArgs }
  | { readonly request: "Describe"; readonly args: DescribeArgs }
  | { readonly request: "Stream"; readonly args: StreamArgs }
  | { readonly request: "Publish" | "Partition"; readonly args: PublishArgs };

type RequestName = Command["request"];
type Args = Record<string, unknown>;

/** What a value has to be, in words, and whether it is. */
interface Rule {
  readonly words: string;
  readonly holds: (value: unknown) => boolean;
  /** May be left out. */
  readonly isOptional?: boolean;
  /** A time that is converted to a bigint. */
  readonly isTime?: boolean;
}

const FILTER_TYPES = [
  "uint32",
  "uint64",
  "int32",
  "int64",
  "float32",
  "float64",
];
const TEXT: Rule = { words: "text", holds: isText };
const TEXTS: Rule = { words: "a list of texts", holds: isTexts };
const TYPES: Rule = {
  words: `a list of ${FILTER_TYPES.join(", ")}`,
  holds: (value) => isTexts(value) && value.every(isFilterType),
};
const RATE: Rule = {
  words: "a whole number of Hz, 0 or more",
  holds: (value) => Number.isInteger(value) && (value as number) >= 0,
};
const MAX_RATE: Rule = { words: "a whole number of Hz", holds: isWhole };
const TIME: Rule = {
  words: "a time in GPS ns, from 0 to 2^63 − 1, or null",
  holds: (value) => value === null || isTime(value),
  isTime: true,
};
const OPTIONAL_TIME: Rule = { ...TIME, isOptional: true };
const REPLAY: Rule = {
  words: "text or null",
  holds: (value) => value === null || isText(value),
  isOptional: true,
};
const SEARCH = {
  pattern: TEXT,
  data_type: TYPES,
  min_rate: RATE,
  max_rate: MAX_RATE,
  publisher: TEXTS,
  time: TIME,
  replay_id: REPLAY,
};
const PUBLISH = { publisher_id: TEXT, replay_id: REPLAY };

const REQUESTS: Readonly<Record<RequestName, Readonly<Record<string, Rule>>>> =
  {
    Find: SEARCH,
    Count: SEARCH,
    Describe: { channels: TEXTS, time: TIME, replay_id: REPLAY },
    Stream: {
      channels: TEXTS,
      start: TIME,
      end: TIME,
      replay_start: OPTIONAL_TIME,
      replay_end: OPTIONAL_TIME,
      replay_id: REPLAY,
    },
    Publish: PUBLISH,
    Partition: PUBLISH,
  };

/** Reads a command of at most `valuesMax` values. Throws {@linkcode FlightError}. */
export function readCommand(
  bytes: Uint8Array,
  valuesMax: number = VALUES_MAX,
): Command {
  if (hasMoreValues(bytes, valuesMax)) {
    throw refusal(`the command has more than ${valuesMax} values`);
  }
  const text = textOf(bytes);
  const { request, args, version } = envelopeOf(parsed(text));
  const rules = REQUESTS[request];
  for (const [name, rule] of Object.entries(rules)) {
    const value = args[name];
    if (value === undefined && rule.isOptional) continue;
    if (value === undefined || !rule.holds(value)) {
      throw refusal(`the argument ${name} of ${request} must be ${rule.words}`);
    }
  }
  const unknown = Object.keys(args).filter((name) => !(name in rules)).sort();
  if (unknown.length > 0) throw unknownArguments(request, unknown, version);
  // What is left is short: only now is the text read a second time, which costs much more.
  const exact = hasInexact(args, rules)
    ? (parsedExactly(text) as { args: Args }).args
    : args;
  const times = Object.entries(exact).map(([name, value]) =>
    rules[name]!.isTime && value !== null
      ? [name, BigInt(value as number)]
      : [name, value]
  );
  return { request, args: Object.fromEntries(times) } as Command;
}

/** The bytes of a command, as a ticket. */
export function writeCommand({ request, args }: Command): Uint8Array {
  const fields = Object.entries(args).map(([name, value]) => {
    const text = typeof value === "bigint"
      ? String(value)
      : JSON.stringify(value);
    return `${JSON.stringify(name)}:${text}`;
  });
  return new TextEncoder().encode(
    `{"request":"${request}","args":{${fields.join(",")}},` +
      `"version":"${SCHEMA_VERSION}"}`,
  );
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw refusal("the command is not UTF-8");
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal("the command is not JSON");
  }
}

/** As JSON.parse(), but whole numbers that a double cannot hold are bigints. */
function parsedExactly(text: string): unknown {
  type Reviver = (
    key: string,
    value: unknown,
    context: { readonly source?: string },
  ) => unknown;
  const exact: Reviver = (_key, value, { source }) =>
    typeof value === "number" && !Number.isSafeInteger(value) &&
      source !== undefined && /^-?\d+$/.test(source)
      ? BigInt(source)
      : value;
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown);
}

function envelopeOf(
  value: unknown,
): { request: RequestName; args: Args; version: string | null } {
  const { request, args, version } = (isObject(value) ? value : {}) as {
    request?: unknown;
    args?: unknown;
    version?: unknown;
  };
  if (!isText(request) || !Object.hasOwn(REQUESTS, request)) {
    throw refusal(`request must be one of ${Object.keys(REQUESTS).join(", ")}`);
  }
  if (!isObject(args)) throw refusal("args must be an object");
  if (version !== undefined && !isText(version)) {
    throw refusal("version must be text");
  }
  return {
    request: request as RequestName,
    args,
    version: version ?? null,
  };
}

function hasInexact(args: Args, rules: Readonly<Record<string, Rule>>) {
  return Object.keys(rules).some((name) =>
    rules[name]!.isTime && typeof args[name] === "number" &&
    !Number.isSafeInteger(args[name])
  );
}

/** Longest part of a name or version that a message shows. */
const SHOWN_CHARS_MAX = 64;
const SHOWN_NAMES_MAX = 8;

function unknownArguments(
  request: RequestName,
  names: readonly string[],
  version: string | null,
): FlightError {
  const shown = names.slice(0, SHOWN_NAMES_MAX)
    .map((name) => name.slice(0, SHOWN_CHARS_MAX)).join(", ");
  const client = version
    ? `request schema ${version.slice(0, SHOWN_CHARS_MAX)}`
    : "request predates schema versioning";
  return new FlightError(
    "flight",
    `unknown ${request} argument(s): ${shown} ` +
      `(${client}; server schema ${SCHEMA_VERSION})`,
  );
}

/** arrakis-server answers such a command with an internal error and no reason. */
function refusal(detail: string): FlightError {
  return new FlightError("internal", detail);
}

function isObject(value: unknown): value is Args {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}

function isFilterType(text: string): boolean {
  return FILTER_TYPES.includes(text);
}

function isWhole(value: unknown): boolean {
  return Number.isInteger(value);
}

function isTime(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 &&
    (value as number) < 2 ** 63;
}

// Flags of all commands except `start`: node's parseArgs(), with messages that show no value.
// Invariant: a flag is given once; an unknown argument is refused by its name or its position, and its text is not shown.
import { parseArgs } from "node:util";
import { nearName } from "./near_name.ts";
import { shownFlag, shownValue } from "./shown.ts";

export interface FlagOption {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** May be given several times; its values are a list. */
  readonly multiple?: boolean;
  readonly default?: string | boolean | readonly string[];
  /** In --help: its value, such as `N` or `FILE`; a switch has none. */
  readonly unit?: string;
  /** In --help: its meaning. */
  readonly help: string;
  /** In --help: its default in words, where that is not `default`. */
  readonly preset?: string;
  /** In --help: the heading of this flag and of those after it. */
  readonly group?: string;
}

export type FlagOptions = Readonly<Record<string, FlagOption>>;

/** A command line that is refused. Its message is safe to show. */
export class FlagError extends Error {
  override name = "FlagError";
}

const VALUE_CHARS_MAX = 16_384;

interface Token {
  readonly kind: string;
  readonly index: number;
  readonly name?: string;
  readonly rawName?: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** As parseArgs() with `strict`. Throws {@linkcode FlagError}. */
export function readFlags<const T extends FlagOptions>(
  args: readonly string[],
  options: T,
  allowPositionals: boolean = false,
) {
  // `deno task NAME -- --flag` passes the dashes to the program.
  const given = args[0] === "--" ? args.slice(1) : [...args];
  const { tokens } = parseArgs({
    args: given,
    options: options as Record<string, { type: "string" | "boolean" }>,
    strict: false,
    tokens: true,
  });
  const seen = new Map<string, string | undefined>();
  for (const token of tokens as Token[]) {
    if (token.kind === "positional" && !allowPositionals) {
      throw new FlagError(
        `Argument ${token.index + 1} is no flag, and only flags are taken`,
      );
    }
    if (token.kind === "option") checkOption(token, options, seen);
  }
  try {
    return parseArgs({
      args: given,
      options: options as unknown as {
        [K in keyof T]: T[K] & { default?: string };
      },
      allowPositionals,
    });
  } catch {
    // Its message may show what was typed.
    throw new FlagError("The flags cannot be understood");
  }
}

function checkOption(
  { name, rawName, value, index, inlineValue }: Token,
  options: FlagOptions,
  seen: Map<string, string | undefined>,
): void {
  const flag = `--${name}`;
  const option = Object.hasOwn(options, name!) ? options[name!] : undefined;
  if (option === undefined) {
    throw new FlagError(unknown(rawName!, index, options));
  }
  if (option.type === "boolean") {
    if (value !== undefined) throw new FlagError(`${flag} takes no value`);
    return;
  }
  if (value === undefined) throw new FlagError(`${flag} needs a value`);
  if (!inlineValue && value.length > 1 && value.startsWith("-")) {
    throw new FlagError(
      `${flag} needs a value; one that begins with a dash follows an equals sign`,
    );
  }
  if (value.trim() === "") {
    throw new FlagError(`${flag} is empty; leave it out for its default`);
  }
  if (value.length > VALUE_CHARS_MAX) {
    throw new FlagError(
      `${flag} must be at most ${VALUE_CHARS_MAX} characters long, not ${value.length}`,
    );
  }
  const before = seen.get(flag);
  if (before !== undefined && before !== value && !option.multiple) {
    throw new FlagError(`${flag} is given twice, with different values`);
  }
  seen.set(flag, value);
}

function unknown(raw: string, index: number, options: FlagOptions): string {
  const near = raw.startsWith("--")
    ? nearName(raw, Object.keys(options).map((name) => `--${name}`))
    : null;
  const shown = shownFlag(raw, near !== null);
  const what = shown === null
    ? `Argument ${index + 1} is no flag that there is`
    : `Unknown flag '${shown}'`;
  return near === null ? what : `${what}; did you mean ${near}?`;
}

/** A whole number, in digits alone. Throws {@linkcode FlagError}. */
export function wholeOf(
  flag: string,
  text: string,
  min: number,
  max: number,
): number {
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= min && value <= max) return value;
  throw new FlagError(
    `${flag} must be a whole number from ${min} to ${max}, not ${
      shownValue(text)
    }`,
  );
}

/** A decimal number. Throws {@linkcode FlagError}. */
export function numberOf(
  flag: string,
  text: string,
  min: number,
  max: number,
): number {
  const value = Number(text);
  if (/^\d{1,15}(\.\d{1,15})?$/.test(text) && value >= min && value <= max) {
    return value;
  }
  throw new FlagError(
    `${flag} must be a number from ${min} to ${max}, not ${shownValue(text)}`,
  );
}

/** One of some names. Throws {@linkcode FlagError}. */
export function choiceOf<T extends string>(
  flag: string,
  text: string,
  known: readonly T[],
): T {
  const found = known.find((k) => k === text);
  if (found !== undefined) return found;
  throw new FlagError(
    `${flag} must be one of ${known.join(", ")}, not ${shownValue(text)}`,
  );
}

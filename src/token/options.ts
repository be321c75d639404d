// The command line of `deno task token`: what to do, its checks.
// Invariant: the options are complete and valid; otherwise the result is one line that says what is wrong.
import { parseArgs } from "node:util";
import { EXPIRY_RIGHT, expiryMsOf } from "../auth/expiry.ts";
import { PUBLISHER_CHARS_MAX, PUBLISHERS_MAX } from "../auth/grant_fields.ts";
import { ReadRule } from "../auth/read_rule.ts";
import { isTokenName, TOKEN_NAME_RIGHT } from "../auth/token_file.ts";
import { BadExpressionError } from "../channels/expression.ts";
import { askedBy, type Parsed, parsedBy } from "../settings/command.ts";
import { FlagError, readFlags, wholeOf } from "../settings/flags.ts";
import { shownValue } from "../settings/shown.ts";
import { TOKEN_FLAGS as FLAGS } from "./token_flags.ts";

/** An entry of a token file without name and hash. */
export interface GrantText {
  readonly read: "all" | readonly RuleText[];
  readonly relay?: true;
  readonly publish?: "all" | readonly string[];
  readonly operate?: true;
  readonly expires?: string;
  readonly clients_max?: number;
  readonly histories_max?: number;
  readonly share_percent?: number;
}

export interface RuleText {
  readonly match?: string;
  readonly publisher?: string;
}

export type TokenOptions =
  & { readonly file: string }
  & (
    | {
      readonly command: "add";
      readonly name: string;
      readonly grant: GrantText;
    }
    | { readonly command: "list" }
    | { readonly command: "revoke"; readonly name: string }
  );

type Flags = ReturnType<typeof readFlags<typeof FLAGS>>["values"];

const DAY_MS = 86_400_000;
const DAYS_MAX = 36_500;

/** Reads the command line. `variable` is the value of QANAT_AUTH_TOKEN_FILE; the flag wins. */
export function parseToken(
  args: readonly string[],
  variable: string | undefined,
  nowMs: number,
): Parsed<TokenOptions> {
  const given = args[0] === "--" ? args.slice(1) : args;
  return parsedBy(() => {
    const { values, positionals } = readFlags(given, FLAGS, true);
    const asked = given.length === 0 ? "help" : askedBy(values);
    if (asked !== null) return asked;
    const file = values.file ?? variable ?? "";
    const options = commandOf(positionals, values, given, nowMs);
    if (file === "") throw new FlagError("--file FILE is needed");
    return { ...options, file };
  });
}

function commandOf(
  [command, name, ...more]: readonly string[],
  values: Flags,
  args: readonly string[],
  nowMs: number,
) {
  if (command !== "add" && command !== "list" && command !== "revoke") {
    throw new FlagError("The first argument must be add, list or revoke");
  }
  if (command === "list" ? name !== undefined : more.length > 0) {
    throw new FlagError(
      command === "list" ? "list takes no name" : `${command} takes one name`,
    );
  }
  if (command !== "add") {
    const flag = Object.keys(values).find((flag) => flag !== "file");
    if (flag !== undefined) throw new FlagError(`--${flag} is only for add`);
  }
  if (command === "list") return { command } as const;
  if (name === undefined || !isTokenName(name)) {
    throw new FlagError(`${command} needs a name: ${TOKEN_NAME_RIGHT}`);
  }
  if (command === "revoke") return { command, name } as const;
  return { command, name, grant: grantOf(values, args, nowMs) } as const;
}

function grantOf(
  values: Flags,
  args: readonly string[],
  nowMs: number,
): GrantText {
  const rules = rulesOf(args);
  const { read, publish, operate, expires } = values;
  if (read !== undefined && read !== "all" && read !== "none") {
    throw new FlagError(`--read must be all or none, not ${shownValue(read)}`);
  }
  if (read !== undefined && rules.length > 0) {
    throw new FlagError("--read and --match do not go together");
  }
  if (read === undefined && rules.length === 0 && !operate && !publish) {
    throw new FlagError(
      "add needs --read all, --match RE2, --publish NAME or --operate",
    );
  }
  return {
    read: read === "all" ? "all" : rules,
    ...(publish ? { publish: publishersOf(publish) } : {}),
    ...(operate ? { operate } : {}),
    ...(values.relay ? { relay: true } : {}),
    ...(expires === undefined ? {} : { expires: expiryOf(expires, nowMs) }),
    ...limit("clients_max", "--clients-max", values["clients-max"], 1, 1e6),
    ...limit(
      "histories_max",
      "--histories-max",
      values["histories-max"],
      0,
      1000,
    ),
    ...limit(
      "share_percent",
      "--share-percent",
      values["share-percent"],
      1,
      100,
    ),
  };
}

function publishersOf(names: readonly string[]): "all" | readonly string[] {
  if (names.includes("all")) return "all";
  const wrong = names.find((name) =>
    name.length === 0 || name.length > PUBLISHER_CHARS_MAX
  );
  if (wrong !== undefined || names.length > PUBLISHERS_MAX) {
    throw new FlagError(
      `--publish must be all, or at most ${PUBLISHERS_MAX} names of 1 to ${PUBLISHER_CHARS_MAX} characters`,
    );
  }
  return names;
}

function limit(
  field: string,
  flag: string,
  text: string | undefined,
  min: number,
  max: number,
): Record<string, number> {
  return text === undefined ? {} : { [field]: wholeOf(flag, text, min, max) };
}

/** In the order of the command line: a publisher restricts the --match in front of it. */
function rulesOf(args: readonly string[]): RuleText[] {
  const { tokens } = parseArgs({
    args: [...args],
    options: FLAGS,
    allowPositionals: true,
    tokens: true,
  });
  const rules: { match: string; publisher?: string }[] = [];
  let before = "";
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    if (token.name === "match") rules.push({ match: token.value });
    else if (token.name === "publisher") {
      if (before !== "match") {
        throw new FlagError(
          "--publisher must stand directly behind its --match; --match '.*' stands for all channels",
        );
      }
      rules.at(-1)!.publisher = token.value;
    }
    before = token.name;
  }
  rules.forEach(checkRule);
  return rules;
}

function checkRule(rule: RuleText): void {
  for (const name of ["match", "publisher"] as const) {
    const text = rule[name];
    if (text === undefined) continue;
    try {
      new ReadRule({ match: text });
    } catch (error) {
      if (!(error instanceof BadExpressionError)) throw error;
      throw new FlagError(
        `--${name} must be an RE2 expression, not ${shownValue(text)}: ${
          shownValue(error.message).slice(1, -1)
        }`,
      );
    }
  }
}

/** ISO 8601. */
function expiryOf(text: string, nowMs: number): string {
  const days = /^(\d{1,5})d$/.exec(text)?.[1];
  if (days !== undefined) {
    const count = wholeOf("--expires", days, 1, DAYS_MAX);
    return new Date(nowMs + count * DAY_MS).toISOString().slice(0, 19) + "Z";
  }
  const expiresMs = expiryMsOf(text);
  if (isNaN(expiresMs)) {
    throw new FlagError(
      `--expires must be ${EXPIRY_RIGHT}, or days such as 90d, not ${
        shownValue(text)
      }`,
    );
  }
  if (expiresMs > nowMs) return text;
  throw new FlagError("--expires must be in the future");
}

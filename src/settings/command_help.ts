// What a command prints at --help: one line that says what it does, how it is called, its flags with their defaults.
// Invariant: the list is made from the table by which the flags are read, so it has all of them.
import { runtimeOf, VERSION } from "../telemetry/build_info.ts";
import type { FlagOption, FlagOptions } from "./flags.ts";

/** What a command says about itself. */
export interface CommandHelp {
  /** Name of its task in deno.json. */
  readonly task: string;
  /** One line, which is also the description of the task. */
  readonly does: string;
  /** What follows the name of the task: one text for each way to call it. */
  readonly usage: readonly string[];
  /** Arguments that are not flags, and their meaning. */
  readonly args?: readonly (readonly [name: string, meaning: string])[];
  readonly flags: FlagOptions;
  /** What follows the list of flags. */
  readonly more?: string;
}

/** The flag of every command; the last one of its table. */
export const HELP_FLAG = {
  help: { type: "boolean", short: "h", help: "show this text" },
} as const;

export const VERSION_MEANING = "show the versions of Qanat and of the runtime";

/** The last flags of each command for users. */
export const LAST_FLAGS = {
  version: { type: "boolean", help: VERSION_MEANING },
  ...HELP_FLAG,
} as const;

/** Width of the text, and the largest width of the names in it. */
const COLUMNS = 110;
const NAME_COLUMNS_MAX = 30;

/** What --version prints: a line such as `qanat 0.2.0 (Deno/2.9.6)`. */
export function versionText(): string {
  return `qanat ${VERSION} (${runtimeOf()})\n`;
}

/** What the command does, and how it is called. */
export function headOf(
  { task, does, usage }: Pick<CommandHelp, "task" | "does" | "usage">,
): string {
  const ways = usage.map((way) => `deno task ${task} ${way}`.trimEnd());
  return `${does}\n\nUsage: ${ways.join("\n       ")}`;
}

/** The whole text, with a line feed at its end. */
export function helpText(help: CommandHelp): string {
  const args = help.args ?? [];
  const flags = Object.entries(help.flags);
  const width = Math.min(
    NAME_COLUMNS_MAX,
    Math.max(...[...args.map(([name]) => name), ...flags.map(nameOf)]
      .map((name) => name.length)),
  );
  const list = [
    ...args.map(([name, meaning]) => rowOf(name, meaning, width)),
    ...flags.map((flag) =>
      headingOf(flag, flags) +
      rowOf(nameOf(flag), meaningOf(flag[1]), width)
    ),
  ];
  const more = help.more === undefined ? "" : `\n${help.more}\n`;
  const rows = list.join("\n").replace(/^\n/, "");
  return `${headOf(help)}\n\n${rows}\n${more}`;
}

/** The lines above a flag: the last flags belong to no group. */
function headingOf(
  [name, { group }]: [string, FlagOption],
  flags: readonly [string, FlagOption][],
): string {
  if (group !== undefined) return `\n${group}:\n`;
  const last = flags.find(([name]) => Object.hasOwn(LAST_FLAGS, name));
  const isApart = name === last?.[0] && flags.some(([, { group }]) => group);
  return isApart ? "\n" : "";
}

/** `-u, --url URL`. */
function nameOf([name, { short, unit }]: [string, FlagOption]): string {
  const before = short === undefined ? "    " : `-${short}, `;
  return `${before}--${name}${unit === undefined ? "" : ` ${unit}`}`;
}

function meaningOf({ help, default: value, preset }: FlagOption): string {
  const shown = preset ?? (typeof value === "string" ? value : "");
  return shown === "" ? help : `${help} (default ${shown})`;
}

/** A name, and its meaning in lines of at most COLUMNS characters; a longer name has a line of its own. */
function rowOf(name: string, meaning: string, width: number): string {
  const indent = " ".repeat(width + 4);
  const lines = wrapped(meaning, COLUMNS - indent.length);
  return name.length > width
    ? [`  ${name}`, ...lines.map((line) => indent + line)].join("\n")
    : `  ${name.padEnd(width)}  ${lines.join(`\n${indent}`)}`;
}

function wrapped(text: string, columns: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

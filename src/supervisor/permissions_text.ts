// The text of `--print-permissions`: the command line of the task `start`, with the fewest permissions for the settings at
// hand. Invariant: it shows no secret, and a shell runs it unchanged.
import project from "../../deno.json" with { type: "json" };
import { type Config, SETTINGS } from "../config.ts";
import { shellQuoted } from "../page/quoting.js";
import type { Setting } from "../settings/setting.ts";
import { flagOf, variableOf } from "../settings/setting_names.ts";
import type { Permissions } from "./permissions.ts";

/** The modules of the program, as seen from the folder of deno.json. */
const PROGRAM = ["deno.json", "src"];
const TASK_PERMISSIONS = "-P=start";
/** Deno has no way to write a comma in a path, and other characters could control the terminal. */
const UNPRINTABLE = /[,\p{C}\p{Zl}\p{Zp}]/u;

export interface PermissionsTextOptions {
  readonly config: Config;
  readonly permissions: Permissions;
  /** What flags gave, by flag. */
  readonly flags: ReadonlyMap<string, string>;
}

/** The text, or what is wrong with the settings. */
export function permissionsText(
  { config, permissions, flags }: PermissionsTextOptions,
): { readonly text: string } | { readonly wrong: string } {
  const wrong = unprintablePath(config);
  if (wrong !== null) return { wrong };
  const { given, leftOut } = shownFlags(flags);
  const [before, after] = project.tasks.start.command.split(TASK_PERMISSIONS);
  const parts = [
    before!.trim(),
    ...permissionFlags(permissions),
    [after!.trim(), ...given].join(" "),
  ];
  return {
    text: [
      "# The fewest permissions that Qanat needs with these settings.",
      "# Run this in the folder of deno.json. Settings by variable stay variables.",
      ...leftOut.map((name) =>
        `# ${flagOf(name)} is left out, because it is secret: set ${
          variableOf(name)
        }.`
      ),
      ...netComments(permissions),
      parts.join(" \\\n  "),
      "",
    ].join("\n"),
  };
}

function netComments({ net, netOthers }: Permissions): string[] {
  if (netOthers.length === 0) return [];
  return [
    `# --allow-net allows all addresses: ${netOthers.join("; ")}.`,
    "# If you know all of them, name them, for example:",
    `#   ${listFlag("--allow-net", [...net, "*.kafka.example.org:9092"])}`,
  ];
}

function permissionFlags({ net, netOthers, read, write }: Permissions) {
  const { env, sys } = project.permissions.start;
  return [
    netOthers.length > 0 ? "--allow-net" : listFlag("--allow-net", net),
    // Other variables look unset: a refusal would stop packages that ask for some.
    `${listFlag("--allow-env", env.allow)} --ignore-env`,
    listFlag("--allow-read", [...PROGRAM, ...read]),
    ...(write.length > 0 ? [listFlag("--allow-write", write)] : []),
    listFlag("--allow-sys", sys),
  ];
}

function listFlag(flag: string, values: readonly string[]): string {
  return `${flag}=${shellWord([...new Set(values)].join(","))}`;
}

function shellWord(text: string): string {
  return /^[\w./:,@%+=-]*$/.test(text) ? text : shellQuoted(text);
}

/** The flags that were given, without secrets; and the settings whose flags are left out. */
function shownFlags(flags: ReadonlyMap<string, string>) {
  const given: string[] = [];
  const leftOut: string[] = [];
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const value = flags.get(flagOf(name));
    if (value === undefined || name === "printPermissions") continue;
    if (setting.isSecret && !setting.path) leftOut.push(name);
    else given.push(`${flagOf(name)}=${shellWord(value)}`);
  }
  return { given, leftOut };
}

/** A user may have given a token instead of the path of its file: only what looks like a path is shown. */
function unprintablePath(config: Config): string | null {
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const value = config[name as keyof Config];
    if (!setting.path || value === "") continue;
    if (!/^\.{0,2}\//.test(String(value)) || UNPRINTABLE.test(String(value))) {
      return `${
        flagOf(name)
      } must be a path that begins with / or ./ and has no comma: --print-permissions shows it`;
    }
  }
  return null;
}

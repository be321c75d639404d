// Flags of `start`: `--name value`, `--name=value`, or `--name` alone for true.
// Invariant: an argument that is not understood is refused without being shown, since it may be a misplaced password.
import { nearName } from "./near_name.ts";
import { shownFlag } from "./shown.ts";

/** A flag that exists. */
export interface KnownFlag {
  readonly name: string;
  /** Is true or false, and true without a value. */
  readonly isSwitch: boolean;
}

export type CommandLine =
  | { readonly kind: "flags"; readonly values: ReadonlyMap<string, string> }
  | { readonly kind: "help" | "version" }
  | { readonly kind: "wrong"; readonly message: string };

/** Reads the flags, each at most once. */
export function readCommandLine(
  args: readonly string[],
  known: readonly KnownFlag[],
): CommandLine {
  const values = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") continue; // `deno task start -- --port 81` forwards it
    if (arg === "--help" || arg === "-h") return { kind: "help" };
    if (arg === "--version") return { kind: "version" };
    const equals = arg.indexOf("=");
    const name = equals < 0 ? arg : arg.slice(0, equals);
    const flag = known.find((k) => k.name === name);
    if (!flag) return wrong(unknown(name, i, args[i - 1], known));
    let value: string | undefined = arg.slice(equals + 1);
    if (equals < 0) {
      value = flag.isSwitch ? "true" : args[++i];
      if (value === undefined || value.startsWith("--")) {
        return wrong(`${name} needs a value`);
      }
    }
    if (value.trim() === "") {
      return wrong(`${name} is empty; leave it out for its default`);
    }
    const before = values.get(name);
    if (before !== undefined && before !== value) {
      return wrong(`${name} is given twice, with different values`);
    }
    values.set(name, value);
  }
  return { kind: "flags", values };
}

function unknown(
  name: string,
  index: number,
  before: string | undefined,
  known: readonly KnownFlag[],
): string {
  const isAfterSwitch = known.some((k) => k.isSwitch && k.name === before);
  if (isAfterSwitch && /^(true|false|0|1)$/.test(name)) {
    return `${before} takes its value after an equals sign: ${before}=${name}`;
  }
  const near = nearName(name, known.map((k) => k.name));
  const shown = shownFlag(name, near !== null);
  const what = shown === null
    ? `Argument ${index + 1} is no setting`
    : `Unknown setting '${shown}'`;
  return `${what}; ` + (near === null ? "" : `did you mean ${near}? `) +
    "--help lists what there is";
}

function wrong(message: string): CommandLine {
  return { kind: "wrong", message };
}

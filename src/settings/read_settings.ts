// Reads the values of a table of settings from a command line and an environment.
// Invariant: every setting gets a valid value, or one line says which one is wrong and what would be right.
import { readCommandLine } from "./command_line.ts";
import { type Setting, SettingError, type SettingsOf } from "./setting.ts";
import { flagOf, variableOf } from "./setting_names.ts";
import { shownValue } from "./shown.ts";
import { readVariables } from "./variables.ts";

/** Longest value of any setting. */
export const VALUE_CHARS_MAX = 16_384;

export type SettingsRead<T> =
  | {
    readonly kind: "values";
    readonly values: T;
    /** The texts that flags gave, by flag. */
    readonly flags: ReadonlyMap<string, string>;
    /** Variables that Kubernetes has set for a Service; they are not settings. */
    readonly passedOver: readonly string[];
  }
  | { readonly kind: "help" | "version" }
  | { readonly kind: "wrong"; readonly message: string };

/** Flags win over variables, variables over defaults. */
export function readSettings<T>(
  table: SettingsOf<T>,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): SettingsRead<T> {
  const settings = Object.entries<Setting<unknown>>(table);
  const flags = settings.map(([name, { unit }]) => ({
    name: flagOf(name),
    isSwitch: unit === "flag",
  }));
  const line = readCommandLine(args, flags);
  if (line.kind !== "flags") return line;
  const variables = readVariables(
    env,
    settings.map(([name]) => variableOf(name)),
  );
  if ("wrong" in variables) return wrong(variables.wrong);
  const values: Record<string, unknown> = {};
  for (const [name, setting] of settings) {
    const byFlag = line.values.get(flagOf(name));
    const given = byFlag ?? variables.values.get(variableOf(name));
    try {
      if (given !== undefined) checkText(given, setting);
      values[name] = setting.read(given ?? setting.preset);
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      const from = byFlag !== undefined ? flagOf(name) : variableOf(name);
      const shown = error.wrong ?? shownValue(given ?? setting.preset);
      const not = setting.isSecret ? "" : `, not ${shown}`;
      return wrong(`${from} must be ${error.message}${not}`);
    }
  }
  return {
    kind: "values",
    values: values as T,
    flags: line.values,
    passedOver: variables.passedOver,
  };
}

/** Refuses what no setting may contain. */
function checkText(value: string, { isSecret, unit }: Setting<unknown>): void {
  if (value.length > VALUE_CHARS_MAX) {
    throw new SettingError(
      `at most ${VALUE_CHARS_MAX} characters long`,
      String(value.length),
    );
  }
  const isContent = unit === "file" && value.startsWith("-----BEGIN");
  // A newline at the end of a password comes from the file that it was read from.
  if (/\p{Cc}/u.test(value) && !isContent) {
    throw new SettingError("without control characters, such as a newline");
  }
  // A password may have spaces anywhere; a path may have them inside.
  if (value !== value.trim() && (!isSecret || unit === "file")) {
    throw new SettingError("without spaces around it");
  }
}

function wrong(message: string): { kind: "wrong"; message: string } {
  return { kind: "wrong", message };
}

// From a command line and an environment to the values of a table of settings.
// Invariant: every setting has a valid value, or one line says which one is wrong, and what would be right.
import { readCommandLine } from "./command_line.ts";
import { type Setting, SettingError } from "./readers.ts";
import { shownValue } from "./shown.ts";
import { readVariables } from "./variables.ts";

/** Longest value of any setting. */
export const VALUE_CHARS_MAX = 16_384;

export type SettingsRead =
  | {
    readonly kind: "values";
    readonly values: Readonly<Record<string, unknown>>;
    /** Variables that Kubernetes has set for a Service, and that are no settings. */
    readonly passedOver: readonly string[];
  }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly message: string };

/** Flags over variables over defaults. */
export function readSettings(
  settings: readonly Setting[],
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): SettingsRead {
  const flags = settings.map(({ key, unit }) => ({
    name: flagOf(key),
    isSwitch: unit === "flag",
  }));
  const line = readCommandLine(args, flags);
  if (line.kind !== "flags") return line;
  const variables = readVariables(env, settings.map((s) => variableOf(s.key)));
  if ("wrong" in variables) return wrong(variables.wrong);
  const values: Record<string, unknown> = {};
  for (const setting of settings) {
    const { key, fallback } = setting;
    const byFlag = line.values.get(flagOf(key));
    const given = byFlag ?? variables.values.get(variableOf(key));
    try {
      if (given !== undefined) checkText(given, setting);
      values[key] = setting.read(given ?? fallback);
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      const from = byFlag !== undefined ? flagOf(key) : variableOf(key);
      const shown = error.wrong ?? shownValue(given ?? fallback);
      const not = setting.isSecret ? "" : `, not ${shown}`;
      return wrong(`${from} must be ${error.message}${not}`);
    }
  }
  return { kind: "values", values, passedOver: variables.passedOver };
}

/** What no setting may be. */
function checkText(value: string, { isSecret, unit }: Setting): void {
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
  // A password may have spaces; a path may have them inside.
  if (value !== value.trim() && (!isSecret || unit === "file")) {
    throw new SettingError("without spaces around it");
  }
}

/** A line for each setting, with its unit, default and variable. */
export function helpOf(settings: readonly Setting[]): string {
  return settings.map(({ key, unit, fallback, help }) => {
    const value = unit === "flag" ? "" : ` ${unit === "" ? "TEXT" : unit}`;
    const preset = fallback === "" || unit === "flag"
      ? ""
      : ` (default ${fallback})`;
    return `  ${(flagOf(key) + value).padEnd(38)} ${help}${preset}\n` +
      `  ${"".padEnd(38)} ${variableOf(key)}`;
  }).join("\n");
}

/** `retentionMb` → `retention-mb`. */
function dashed(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
}

function flagOf(key: string): string {
  return "--" + dashed(key);
}

function variableOf(key: string): string {
  return "QANAT_" + dashed(key).replaceAll("-", "_").toUpperCase();
}

function wrong(message: string): SettingsRead {
  return { kind: "wrong", message };
}

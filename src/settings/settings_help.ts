// The list of settings that `--help` prints.
import type { Setting } from "./setting.ts";
import { flagOf, variableOf } from "./setting_names.ts";

const FLAG_COLUMNS = 38;

/** Settings by title of their group. Each has a line with unit, meaning and default, and one with its variable. */
export function settingsHelp(
  groups: Readonly<Record<string, Readonly<Record<string, Setting<unknown>>>>>,
): string {
  return Object.entries(groups).map(([title, settings]) =>
    `${title}:\n` + Object.entries(settings).map(linesOf).join("\n")
  ).join("\n\n");
}

function linesOf([name, setting]: [string, Setting<unknown>]): string {
  const { unit, preset, help } = setting;
  const value = unit === "flag" ? "" : ` ${unit}`;
  const byDefault = preset === "" || unit === "flag"
    ? ""
    : ` (default ${preset})`;
  return `  ${
    (flagOf(name) + value).padEnd(FLAG_COLUMNS)
  } ${help}${byDefault}\n` +
    `  ${"".padEnd(FLAG_COLUMNS)} ${variableOf(name)}`;
}

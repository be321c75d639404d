// The command line of the benches that measure in rounds.
import { optionsOrExit, parsedBy } from "../src/settings/command.ts";
import { HELP_FLAG } from "../src/settings/command_help.ts";
import { readFlags, wholeOf } from "../src/settings/flags.ts";

export const ROUNDS_MAX = 100;

/** The number of rounds that a task is to measure; its --help ends the process. */
export function roundsOrExit(task: string, does: string, rounds = 3): number {
  const flags = {
    rounds: {
      type: "string",
      unit: "N",
      help: "number of rounds",
      default: String(rounds),
    },
    ...HELP_FLAG,
  } as const;
  return optionsOrExit(
    { task, does, usage: ["[flags]"], flags },
    parsedBy(() => {
      const { values } = readFlags(Deno.args, flags);
      return values.help
        ? "help"
        : wholeOf("--rounds", values.rounds, 1, ROUNDS_MAX);
    }),
  );
}

// The flags of `deno task test` and `deno task check`, and their help texts.
import { type CommandHelp, HELP_FLAG } from "../src/settings/command_help.ts";

export const TEST_FLAGS = {
  integration: {
    type: "boolean",
    help:
      "run test/integration, or these files of it: real programs and brokers",
    default: false,
  },
  fetch: {
    type: "boolean",
    help: "download the packages that only tests need, and run nothing",
    default: false,
  },
  lock: {
    type: "boolean",
    help: "the same, and write them into test/deno.lock",
    default: false,
  },
  check: {
    type: "boolean",
    help: "check types instead, as deno task check does",
    default: false,
  },
  ...HELP_FLAG,
} as const;

export const TEST_HELP: CommandHelp = {
  task: "test",
  does:
    "Run the unit tests, or some files of tests; optional programs are found or skipped by name",
  usage: ["[PATH…] [flags]"],
  args: [["PATH…", "files or folders, such as test/frames (default all)"]],
  flags: TEST_FLAGS,
  more:
    "QANAT_REQUIRE=all makes a missing program an error. CONTRIBUTING.md has more.",
};

export const CHECK_HELP: CommandHelp = {
  task: "check",
  does: "Check the types of all code",
  usage: ["[PATH…]"],
  args: [["PATH…", "files or folders (default all)"]],
  flags: HELP_FLAG,
};

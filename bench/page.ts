// The page under load in Chromium: how many frames it draws, or whether what it holds grows. Run `deno task bench:page`.
// Invariant: it ends with 1 where the page is not as it must be: too few frames, something that grows, or anything in the
// browser's console.
import { optionsOrExit, parsedBy } from "../src/settings/command.ts";
import { type CommandHelp, HELP_FLAG } from "../src/settings/command_help.ts";
import { FlagError, readFlags, wholeOf } from "../src/settings/flags.ts";

const PLOTS_MAX = 100;
const RATE_MIN = 16;
const RATE_MAX = 65_536;
const SECONDS_MIN = 5;
const SECONDS_MAX = 86_400;
const EVERY_MIN = 10;
const EVERY_MAX = 3600;
const FLAGS = {
  plots: {
    type: "string",
    unit: "N",
    help: "plots over time, each of a channel of its own",
    preset: "20",
  },
  rate: {
    type: "string",
    unit: "HZ",
    help: "samples per second of each channel, a power of two",
    default: "16384",
  },
  seconds: {
    type: "string",
    unit: "S",
    help: "time that is measured",
    preset: "15; 1800 with --mix",
  },
  mix: {
    type: "boolean",
    help: "10 plots of every kind instead, and what the page holds",
  },
  every: {
    type: "string",
    unit: "S",
    help: "with --mix, time between two samples of what it holds",
    preset: "60",
  },
  ...HELP_FLAG,
} as const;
const HELP: CommandHelp = {
  task: "bench:page",
  does:
    "Measure the page's frames, compared with an empty page's, or what it holds over a long time (needs Chromium)",
  usage: ["[flags]"],
  flags: FLAGS,
};

const { mix, plots, rate, seconds, every } = optionsOrExit(
  HELP,
  parsedBy(() => {
    const { values } = readFlags(Deno.args, FLAGS);
    if (values.help) return "help";
    const { mix = false } = values;
    if (mix && values.plots !== undefined) {
      throw new FlagError("--plots is not for --mix, which has its 10 plots");
    }
    if (!mix && values.every !== undefined) {
      throw new FlagError("--every is for --mix alone");
    }
    const rate = wholeOf("--rate", values.rate, RATE_MIN, RATE_MAX);
    if (!Number.isInteger(Math.log2(rate))) {
      throw new FlagError("--rate must be a power of two, such as 16384");
    }
    return {
      mix,
      rate,
      plots: wholeOf("--plots", values.plots ?? "20", 1, PLOTS_MAX),
      seconds: wholeOf(
        "--seconds",
        values.seconds ?? (mix ? "1800" : "15"),
        SECONDS_MIN,
        SECONDS_MAX,
      ),
      every: wholeOf("--every", values.every ?? "60", EVERY_MIN, EVERY_MAX),
    };
  }),
);
// Not before --help is answered: these need a browser's permissions.
const isGood = mix
  ? await (await import("./page/memory.ts"))
    .benchMemory({ everyS: every, rate, seconds })
  : await (await import("./page/frames.ts"))
    .benchFrames({ plots, rate, seconds });
Deno.exit(isGood ? 0 : 1);

// `deno task scale`: how many clients one Qanat holds, measured with a real broker, publisher and thousands of readers.
// Invariant: starts and ends everything itself, loads 127.0.0.1 alone, and what a machine cannot do is a row that says so.
import { parseArgs } from "node:util";
import { PARTS, say } from "../test/integration/chain.ts";
import { Progress } from "./scale/progress.ts";
import { buildReader } from "./scale/reader.ts";
import { type Format, FORMATS, type Mode } from "./scale/selections.ts";
import { LEGEND, tableOf } from "./scale/table.ts";
import {
  medianOf,
  type Point,
  trial,
  type TrialFigures,
} from "./scale/trial.ts";
import { type PublisherKind, World } from "./scale/world.ts";

const ROOT = new URL("..", import.meta.url);
const HELP = `deno task scale [settings]

  --clients N,…        counts (default 20,40,60,100,500,1000,2000,4000,6000)
  --formats NAME,…     ${FORMATS.join(", ")} (default all)
  --modes NAME,…       same, different (default both)
  --rounds N           medians of so many (default 3)
  --seconds N          of each measurement (default 10)
  --quick              60,500,2000 clients, 1 round of 5 s
  --publisher NAME     embedded (cheap, default) or arrakis (the real one)
  --qanat-arg=FLAG     one more flag for Qanat; may be given again
`;
const OUTSIDE_S = 9;

interface Settings {
  readonly clients: readonly number[];
  readonly formats: readonly Format[];
  readonly modes: readonly Mode[];
  readonly rounds: number;
  readonly seconds: number;
  readonly publisher: PublisherKind;
  readonly qanatArgs: readonly string[];
}

function fail(message: string): never {
  Deno.stderr.writeSync(new TextEncoder().encode(message + "\n"));
  Deno.exit(2);
}

function settings(): Settings {
  let values;
  try {
    ({ values } = parseArgs({
      args: Deno.args.filter((arg) => arg !== "--"),
      options: {
        clients: { type: "string" },
        formats: { type: "string", default: FORMATS.join() },
        modes: { type: "string", default: "same,different" },
        rounds: { type: "string" },
        seconds: { type: "string" },
        quick: { type: "boolean", default: false },
        publisher: { type: "string", default: "embedded" },
        "qanat-arg": { type: "string", multiple: true, default: [] },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    fail(`${(error as Error).message}\n\n${HELP}`);
  }
  if (values.help) {
    say(HELP);
    Deno.exit(0);
  }
  const { quick } = values;
  const whole = (name: string, text: string, max: number) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= max) return value;
    fail(`${name} must be a whole number from 1 to ${max}, not '${text}'`);
  };
  const oneOf = <T extends string>(
    name: string,
    text: string,
    known: readonly T[],
  ) => {
    const found = known.find((k) => k === text);
    return found ?? fail(`${name}: ${known.join(", ")}, not '${text}'`);
  };
  const list = values.clients ??
    (quick ? "60,500,2000" : "20,40,60,100,500,1000,2000,4000,6000");
  return {
    clients: list.split(",").map((text) => whole("--clients", text, 19_000)),
    formats: values.formats.split(",").map((text) =>
      oneOf("--formats", text, FORMATS)
    ),
    modes: values.modes.split(",").map((text) =>
      oneOf("--modes", text, ["same", "different"])
    ),
    rounds: whole("--rounds", values.rounds ?? (quick ? "1" : "3"), 20),
    seconds: whole("--seconds", values.seconds ?? (quick ? "5" : "10"), 600),
    publisher: oneOf("--publisher", values.publisher, ["embedded", "arrakis"]),
    qanatArgs: values["qanat-arg"],
  };
}

async function main(): Promise<void> {
  const asked = settings();
  if (PARTS.cc.program === null) fail(`No ${PARTS.cc.name}`);
  const program = buildReader(PARTS.cc.program);
  const points: Point[] = asked.formats.flatMap((format) =>
    asked.modes.flatMap((mode) =>
      asked.clients.map((clients) => ({ clients, mode, format }))
    )
  );
  const weight = asked.seconds + OUTSIDE_S;
  const progress = new Progress(points.length * asked.rounds * weight);
  const world = await World.start(asked);
  const table: TrialFigures[] = [];
  try {
    for (const point of points) {
      const rounds: TrialFigures[] = [];
      for (let round = 0; round < asked.rounds; round++) {
        progress.begin(
          `${point.clients} clients, ${point.mode}, ${point.format}, round ${
            round + 1
          }`,
        );
        rounds.push(
          await trial(world, point, { program, seconds: asked.seconds }),
        );
        progress.end(weight);
      }
      table.push(medianOf(rounds));
    }
  } finally {
    progress.clear();
    await world.close();
  }
  say(tableOf(table));
  say(`\n${LEGEND}`);
  const file = new URL(".qanat/scale.json", ROOT);
  await Deno.writeTextFile(file, JSON.stringify(table, null, 1) + "\n");
}

await main();
Deno.exit(0);

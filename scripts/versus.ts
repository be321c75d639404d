// Compares Qanat with others, in one run on one machine: arrakis-server on the same broker (with Qanat over HTTP, and over
// Arrow Flight), and nginx with nchan and a bare loop in C for the fan-out alone.
// Invariant: one server is under load at a time; everything that was started is ended.
import { measureArrakis } from "./versus/arrakis_side.ts";
import { measureReceipt } from "./versus/bare_consumer.ts";
import {
  type FanOut,
  fanOutOfFloor,
  fanOutOfNchan,
  fanOutOfQanat,
  nearest4Kib,
} from "./versus/fan_out.ts";
import { flightReport } from "./versus/flight_report.ts";
import { versusFlight } from "./versus/flight_versus.ts";
import { hasNchan } from "./versus/nchan.ts";
import { CpuMeter } from "./versus/process_cpu.ts";
import { measureQanat } from "./versus/qanat_side.ts";
import { arrakisReport, fanOutReport } from "./versus/report.ts";
import {
  clientsHeld,
  medianReceipt,
  medianSide,
  type Receipt,
  type Side,
} from "./versus/side.ts";
import {
  buildFloor,
  CLIENTS_MAX,
  missingParts,
  World,
} from "./versus/world.ts";
import { STRIDE_NS } from "./scale/world.ts";
import { buildReader } from "./scale/reader.ts";
import { differentSelections } from "./scale/selections.ts";
import { optionsOrExit, parsedBy } from "../src/settings/command.ts";
import { type CommandHelp, HELP_FLAG } from "../src/settings/command_help.ts";
import { choiceOf, readFlags, wholeOf } from "../src/settings/flags.ts";
import { PARTS, say, sleep } from "../test/integration/chain.ts";

const COMPARISONS = ["arrakis", "flight", "nchan"] as const;
const ARRAKIS_CLIENTS = [20, 40, 60, 80, 100, 120];
const QANAT_CLIENTS = [20, 40, 60, 100, 1000, 2000];
/** As many as its readers may be. */
const ARRAKIS_CLIENTS_MAX = 200;
/** The goal: so many times the clients of arrakis-server. */
const TIMES = 60;
const FLIGHT_CLIENTS_MAX = 4000;
const FAN_OUT_CLIENTS = 4000;
const MINUTES_MAX = 60;
/** After a load, the next one waits until the server uses fewer cores, or for IDLE_WAIT_MS. */
const IDLE_CORES = 0.1;
const IDLE_WAIT_MS = 30_000;

const FLAGS = {
  only: {
    type: "string",
    unit: "NAME",
    help: `one of the comparisons: ${COMPARISONS.join(", ")}`,
    preset: "all",
  },
  clients: {
    type: "string",
    unit: "N,…",
    help:
      `numbers of clients in the comparisons with arrakis-server, for both, each at most ${ARRAKIS_CLIENTS_MAX}; with --only flight at most ${FLIGHT_CLIENTS_MAX}`,
    preset: "20 to 120 for arrakis-server, to 2,000 for Qanat",
  },
  rounds: {
    type: "string",
    unit: "N",
    help:
      "number of rounds; the tables have their medians; over Flight as many as fit",
    default: "3",
  },
  seconds: {
    type: "string",
    unit: "N",
    help: "length of each measurement",
    default: "10",
  },
  ...HELP_FLAG,
} as const;

const HELP: CommandHelp = {
  task: "versus",
  does:
    "Compare Qanat with arrakis-server, nginx with nchan and a loop in C (needs Java, Maven, Python, nginx, a C compiler)",
  usage: ["[flags]"],
  flags: FLAGS,
  more:
    `It compares Qanat with arrakis-server (20 to 120 clients; Qanat also with ${TIMES} times the clients that
arrakis-server holds), then both over Arrow Flight (20 to 1,000 clients, read by the same program), then Qanat with
nginx and nchan and with a bare loop in C (${FAN_OUT_CLIENTS} clients of one selection). About 30 minutes, 13 of them
over Flight. All figures are also written to .qanat/versus.json.`,
};

interface Settings {
  readonly only: typeof COMPARISONS[number] | null;
  /** Null: the usual numbers. */
  readonly clients: readonly number[] | null;
  readonly rounds: number;
  readonly seconds: number;
}

function read(args: readonly string[]): Settings | "help" {
  const { values } = readFlags(args, FLAGS);
  if (values.help) return "help";
  const { clients } = values;
  const only = values.only === undefined
    ? null
    : choiceOf("--only", values.only, COMPARISONS);
  const most = only === "flight" ? FLIGHT_CLIENTS_MAX : ARRAKIS_CLIENTS_MAX;
  return {
    only,
    clients:
      clients?.split(",").map((text) => wholeOf("--clients", text, 1, most)) ??
        null,
    rounds: wholeOf("--rounds", values.rounds, 1, 9),
    seconds: wholeOf("--seconds", values.seconds, 1, 60),
  };
}

/** A new Qanat at rising numbers of clients. */
async function qanatSides(
  world: World,
  reader: string,
  counts: readonly number[],
  { all, seconds }: {
    all: ReturnType<typeof differentSelections>;
    seconds: number;
  },
): Promise<Side[]> {
  const { qanat, port } = await world.launchQanat();
  const sides: Side[] = [];
  try {
    for (const count of counts) {
      sides.push(
        await measureQanat(all.slice(0, count), {
          reader,
          port,
          pid: qanat.pid,
          directory: world.directory,
          seconds,
        }),
      );
    }
    return sides;
  } finally {
    await qanat.stop();
  }
}

/** Both servers at rising numbers of clients, `rounds` times; medians by number. */
async function versusArrakis(
  world: World,
  reader: string,
  { clients, rounds, seconds }: Settings,
) {
  const { names, directory } = world;
  const counts = clients ?? ARRAKIS_CLIENTS;
  const all = differentSelections(names, CLIENTS_MAX);
  const arrakis = new Map<number, Side[]>();
  const qanat = new Map<number, Side[]>();
  const receipts: Receipt[] = [];
  let held = 0;
  for (let round = 1; round <= rounds; round++) {
    const ofRound: Side[] = [];
    for (const count of counts) {
      await untilIdle(world.arrakis.pid);
      const side = await measureArrakis(all.slice(0, count), {
        python: PARTS.python.program!,
        url: world.arrakis.url,
        serverPid: world.arrakis.pid,
        directory,
        seconds,
        strideNs: STRIDE_NS,
      });
      report(`round ${round}, arrakis-server`, side);
      ofRound.push(side);
      keep(arrakis, side);
    }
    // The first round determines the number of clients for Qanat.
    if (round === 1) held = clientsHeld(ofRound);
    await untilIdle(world.arrakis.pid);
    const receipt = await measureReceipt(world, {
      python: PARTS.python.program!,
      seconds,
      strideNs: STRIDE_NS,
    });
    say(`round ${round}, a bare consumer: p99 ${receipt.p99.toFixed(1)} ms`);
    receipts.push(receipt);
    const many = Math.min(CLIENTS_MAX, TIMES * held);
    const ours = clients ?? [...QANAT_CLIENTS, ...many > 0 ? [many] : []];
    for (
      const side of await qanatSides(world, reader, ours, { all, seconds })
    ) {
      report(`round ${round}, Qanat`, side);
      keep(qanat, side);
    }
  }
  return {
    arrakis: [...arrakis.values()].map(medianSide),
    qanat: [...qanat.values()].map(medianSide),
    receipt: medianReceipt(receipts),
  };
}

/** Each way to fan out, in turns. */
async function versusNchan(
  world: World,
  reader: string,
  { rounds, seconds }: Settings,
) {
  const floor = await buildFloor(PARTS.cc.program!);
  const options = { world, reader, floor, clients: FAN_OUT_CLIENTS, seconds };
  const kinds: Record<string, FanOut[]> = {};
  const keepAs = (kind: string, fanOut: FanOut) => {
    (kinds[kind] ??= []).push(fanOut);
    say(
      `${kind}: ${fanOut.cpuMicrosPerFrame.toFixed(2)} µs per frame, ${
        fanOut.serverCores.toFixed(2)
      } cores, ${
        Math.round(fanOut.framesPerSecond)
      } frames/s to ${fanOut.clients} clients, p99 ${fanOut.p99.toFixed(1)} ms`,
    );
  };
  const { qanat, url } = await world.launchQanat();
  let body: Awaited<ReturnType<typeof nearest4Kib>>;
  try {
    body = await nearest4Kib(url, world.names);
  } finally {
    await qanat.stop();
  }
  const { channels, bodyBytes } = body;
  say(`bodies of ${bodyBytes} bytes: an Arrow row of ${channels.length}`);
  for (let round = 1; round <= rounds; round++) {
    keepAs("floor", await fanOutOfFloor(bodyBytes, options));
    for (const kind of ["http-chunked", "http-raw-stream"] as const) {
      keepAs(`nchan ${kind}`, await fanOutOfNchan(kind, bodyBytes, options));
    }
    const launched = await world.launchQanat();
    try {
      const { port, qanat: { pid } } = launched;
      const mine = { ...options, port, pid };
      keepAs("Qanat", await fanOutOfQanat(channels, bodyBytes, mine));
    } finally {
      await launched.qanat.stop();
    }
  }
  return { channels: channels.length, bodyBytes, kinds };
}

function keep(by: Map<number, Side[]>, side: Side): void {
  const sides = by.get(side.clients);
  if (sides) sides.push(side);
  else by.set(side.clients, [side]);
}

function report(who: string, side: Side): void {
  say(
    `${who}, ${side.clients} clients: ${
      side.rowsMin.toFixed(2)
    } rows/s at least, p99 ${side.p99.toFixed(1)} ms, ${
      side.serverCores.toFixed(2)
    } cores, ${side.stolenCores.toFixed(2)} stolen${
      side.held ? "" : `; NOT held (lost ${side.lost}, behind ${side.behind})`
    }`,
  );
}

async function untilIdle(pid: number): Promise<void> {
  const endMs = Date.now() + IDLE_WAIT_MS;
  while (Date.now() < endMs) {
    const meter = new CpuMeter(pid);
    await sleep(1000);
    if (meter.cores() < IDLE_CORES) return;
  }
}

async function main(): Promise<number> {
  const settings = optionsOrExit(HELP, parsedBy(() => read(Deno.args)));
  const { only } = settings;
  const missing = missingParts();
  const isWanted = (part: typeof only) => only === null || only === part;
  if (isWanted("nchan") && !hasNchan()) {
    missing.push("nchan is missing: apt-get install nginx libnginx-mod-nchan");
  }
  for (const line of missing) say(line);
  if (missing.length > 0) return 1;
  const [load] = Deno.loadavg();
  say(`load average ${load!.toFixed(2)} at the start: best below 0.5`);
  const reader = buildReader(PARTS.cc.program!);
  const world = await World.start(60 * MINUTES_MAX);
  const close = () => world.close().finally(() => Deno.exit(1));
  Deno.addSignalListener("SIGINT", close);
  Deno.addSignalListener("SIGTERM", close);
  const overdue = setTimeout(close, 60_000 * MINUTES_MAX);
  try {
    const arrakis = isWanted("arrakis")
      ? await versusArrakis(world, reader, settings)
      : null;
    const flight = isWanted("flight")
      ? await versusFlight(world, { ...settings, reader })
      : null;
    const fanOut = isWanted("nchan")
      ? await versusNchan(world, reader, settings)
      : null;
    const reports = [
      ...arrakis ? [arrakisReport(arrakis)] : [],
      ...flight ? [flightReport(flight)] : [],
      ...fanOut ? [fanOutReport(fanOut)] : [],
    ];
    for (const report of reports) say("\n" + report.text);
    await Deno.writeTextFile(
      new URL("../.qanat/versus.json", import.meta.url),
      JSON.stringify(
        {
          date: new Date().toISOString(),
          settings,
          loadAverage: load,
          arrakis,
          flight,
          fanOut,
          ratios: Object.assign({}, ...reports.map((r) => r.ratios)),
        },
        null,
        2,
      ) + "\n",
    );
  } finally {
    clearTimeout(overdue);
    await world.close();
  }
  return 0;
}

Deno.exit(await main());

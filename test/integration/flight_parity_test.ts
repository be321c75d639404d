// arrakis.Client, arrakis.Publisher, pyarrow.flight and other clients, unchanged, against a real arrakis-server and
// against Qanat's Flight port, on the same broker: the scripts in test/integration/python make the calls and compare.
// Invariant: DIFFERENCES names exactly the cases that differ, and how.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { tableFromIPC } from "apache-arrow";
import { canRun } from "../../scripts/optional_parts.ts";
import { PARTS, Process, say, sleep } from "./chain.ts";
import {
  type FlightParityWorld,
  type Pair,
  startFlightParityWorld,
} from "./flight_parity_world.ts";
import { assertConsecutive, Published } from "./published.ts";

const runnable = canRun([PARTS.kafka, PARTS.python]);
const otherClients = canRun([PARTS.arrakisClients]);
/** How long is published before history is requested. */
const PAST_S = 12;
const SECOND_NS = 1_000_000_000n;
const FOLDER = "test/integration/python";
const CALLS = "flight_parity.py";
const CLIENTS = "flight_clients.py";
const DTTLIB = "flight_dttlib.py";
const RESTARTS = "flight_restarts.py";
const SCRIPTS = [
  CALLS,
  ...(otherClients ? [CLIENTS, DTTLIB] : []),
  RESTARTS,
];

/** A few times what the longest script takes. */
const SCRIPT_MAX_MS = 300_000;
/** Sessions of dttlib were seen to wait for each other without end: it gets less time, and more attempts. */
const DTTLIB_MAX_MS = 60_000;
const DTTLIB_ATTEMPTS = 5;

/** How the answers of a case differ on purpose (docs/flight.md). */
interface Difference {
  readonly why: string;
  readonly arrakis: RegExp;
  readonly qanat: RegExp;
}

const DIFFERENCES: Readonly<Record<string, Difference>> = {
  describe_unknown: {
    why: "all unknown channels are named",
    arrakis: /FlightUnavailableError.*\{H9:NO-SUCH\}/,
    qanat: /FlightUnavailableError.*\{H1:QNT-NOPE, H9:NO-SUCH\}/,
  },
  server_info_values: {
    why: "Qanat does not assign partitions",
    arrakis: /'publish', 'partition'\]/,
    qanat: /'publish'\]/,
  },
  scope_map: {
    why: "Qanat has no retention of its own",
    arrakis: /'oldest': 900/,
    qanat: /'oldest': 'inf'/,
  },
  batches_of_empty_range: {
    why: "a range without time has no rows",
    arrakis: /'batches': \[\[/,
    qanat: /'batches': \[\]/,
  },
  list_flights: {
    why: "arrakis-server's is broken",
    arrakis: /FlightServerError.*_channels/,
    qanat: /NotImplemented/,
  },
  partition: {
    why: "the refusal says what to do",
    arrakis: /FlightUnauthorizedError.*is not configured as dynamic/,
    qanat: /FlightUnauthorizedError.*this server assigns no partitions/,
  },
  register_new_channel_of_static_publisher: {
    why: "the refusal says what to do",
    arrakis: /FlightUnauthorizedError.*is not configured as dynamic/,
    qanat:
      /FlightUnauthorizedError.*a dynamic publisher registers its channels with arrakis-server, and can then publish/,
  },
  register_dynamic: {
    why: "Qanat does not assign partitions",
    arrakis: /^\['H1:DYN-NEW'\]$/,
    qanat:
      /FlightUnauthorizedError.*a dynamic publisher registers its channels with arrakis-server, and can then publish/,
  },
  live_of_a_publisher_that_goes_away: {
    why: "a silent publisher does not end a stream",
    arrakis: /^\('EndpointStalledError'/,
    qanat:
      /^continues; wrong: 0 in the first row after it, 0 others; steps of \{250000000\} ns, all masked for (59|60|61) s$/,
  },
  live_until_a_partition_has_caught_up: {
    why: "rows wait for a late partition again once it has caught up",
    arrakis: /^masked: 0 of [1-9]/,
    qanat: /^masked: [1-9]/,
  },
  replays_of_registry: {
    why: "Qanat's replays have no window",
    arrakis: /^\{'O4E2E': \{'start': 1400000000\.0, 'end': 1400000600\.0\}\}$/,
    qanat: /^\{\}$/,
  },
  live_as_window_of_history: {
    why: "arrakis-server sends live rows for it",
    arrakis: /^\[\d+/,
    qanat: /FlightServerError.*Could not serve request/,
  },
  live_of_a_server_that_is_stopped: {
    why: "rows are missing, so it is not a complete stream",
    arrakis: /^ends$/,
    qanat: /^FlightUnavailableError$/,
  },
  seam_of_a_server_that_is_stopped: {
    why: "rows are missing, so it is not a complete stream",
    arrakis: /^ends$/,
    qanat: /^FlightUnavailableError$/,
  },
};

interface Outcome {
  readonly case: string;
  readonly equal: boolean;
  readonly detail: string | null;
  readonly seconds: number;
  /** Series that arrakis-server alone masks, and that are as they were published in Qanat: place of the row, name. */
  readonly excused: readonly [place: number, name: string][];
  readonly arrakis?: string;
  readonly other?: string;
}

/** The names of a script's cases, in its order. */
function casesIn(script: string): string[] {
  const file = new URL(`../../${FOLDER}/${script}`, import.meta.url);
  const text = Deno.readTextFileSync(file);
  return [...text.matchAll(/^@case\ndef (\w+)\(/gm)].map(([, name]) => name!);
}

/** As `start` and `end` are written: with nine decimals. */
function seconds(timeNs: bigint): string {
  const decimals = String(timeNs % SECOND_NS).padStart(9, "0");
  return `${timeNs / SECOND_NS}.${decimals}`;
}

async function outcomesOf(
  script: string,
  pair: Pair,
  args: readonly string[] = [],
): Promise<[string, Outcome][]> {
  for (let attempt = 1;; attempt++) {
    const process = scriptOf(script, pair, args);
    let hangs = false;
    const timer = setTimeout(() => {
      hangs = true;
      void process.kill9();
    }, script === DTTLIB ? DTTLIB_MAX_MS : SCRIPT_MAX_MS);
    const code = await process.ends();
    clearTimeout(timer);
    if (hangs && script === DTTLIB && attempt < DTTLIB_ATTEMPTS) {
      say(`${script} hangs, which dttlib was seen to do: once more`);
      continue;
    }
    assert.equal(code, 0, process.log);
    return process.output.trim().split("\n").map((line) => {
      const outcome = JSON.parse(line) as Outcome;
      return [outcome.case, outcome];
    });
  }
}

function scriptOf(
  script: string,
  pair: Pair,
  args: readonly string[],
): Process {
  return new Process(script, PARTS.python.program!, [
    `${FOLDER}/${script}`,
    `--arrakis=${pair.arrakisUrl}`,
    `--other=${pair.qanatUrl}`,
    `--channels=${pair.names.join(",")}`,
    `--partial-channels=${pair.otherNames.join(",")}`,
    `--published=${pair.directories.join(",")}`,
    ...args,
  ]);
}

describe(
  "Flight: the same as Arrakis",
  { ignore: !runnable, skip: !runnable },
  () => {
    let world: FlightParityWorld;
    let outcomes: Map<string, Outcome>;

    before(async () => {
      world = await startFlightParityWorld();
      await sleep(1000 * PAST_S);
      const pid = world.leaving.process.pid;
      const found = await outcomesOf(CALLS, world, [`--leaving-pid=${pid}`]);
      for (const script of otherClients ? [CLIENTS, DTTLIB] : []) {
        found.push(...await outcomesOf(script, world));
      }
      const pair = await world.startRestartable();
      found.push(...await outcomesOf(RESTARTS, pair, [`--pids=${pair.pids}`]));
      outcomes = new Map(found);
      say(`flight parity: ${outcomes.size} cases`);
      for (const [name, { excused }] of found) {
        if (excused.length === 0) continue;
        const places = new Set(excused.map(([place]) => place));
        say(`arrakis-server alone masks rows ${[...places]} of ${name}`);
      }
    });
    after(() => world?.close());

    for (const name of SCRIPTS.flatMap(casesIn)) {
      const difference = DIFFERENCES[name];
      it(name + (difference ? ` (differs: ${difference.why})` : ""), () => {
        const outcome = outcomes.get(name);
        assert.ok(outcome, `${name} was not run`);
        if (!difference) return assert.ok(outcome.equal, outcome.detail ?? "");
        assert.equal(outcome.equal, false, `${name} is equal: unlist it`);
        assert.match(outcome.arrakis!, difference.arrakis);
        assert.match(outcome.other!, difference.qanat);
      });
    }

    it("a publisher that has registered through Qanat is read over HTTP, bit for bit", async () => {
      const { leaving, httpUrl } = world;
      const published = new Published(leaving.directory);
      const first = published.times[8]!;
      const names = leaving.names.join(",");
      const range = `start=${seconds(first)}&end=${seconds(first + SECOND_NS)}`;
      const url = `${httpUrl}/v1/arrow?channels=${names}&${range}`;
      const table = tableFromIPC(await (await fetch(url)).bytes());
      const times = [...table.getChild("time")!] as bigint[];
      assertConsecutive(times, { strideNs: published.strideNs, countMin: 4 });
      times.forEach((timeNs, row) => {
        for (const name of leaving.names) {
          const samples = table.getChild(name)!.get(row)?.toArray() ?? null;
          published.assertBytes(timeNs, name, samples);
        }
      });
    });

    it("each difference names a case", () => {
      const all = [CALLS, CLIENTS, DTTLIB, RESTARTS].flatMap(casesIn);
      const names = new Set(all);
      assert.equal(names.size, all.length, "two cases have one name");
      for (const name of Object.keys(DIFFERENCES)) {
        assert.ok(names.has(name), name);
      }
    });
  },
);

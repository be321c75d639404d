// arrakis.Client and pyarrow.flight, unchanged, against a real arrakis-server and against Qanat's Flight port, on the
// same broker: test/integration/python/flight_parity.py makes the calls and compares the answers.
// Invariant: the two lists below name exactly the cases that differ.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, PARTS, Process, say, sleep } from "./chain.ts";
import { type ParityWorld, startParityWorld } from "./parity_world.ts";

const runnable = canRun([PARTS.kafka, PARTS.python]);
/** How long is published before history is requested. */
const PAST_S = 12;
const SCRIPT = "test/integration/python/flight_parity.py";

/** Cases in which Qanat differs on purpose, and why (docs/flight.md). */
const ON_PURPOSE: Readonly<Record<string, string>> = {
  describe_unknown: "all unknown channels are named",
  server_info_values: "Qanat does not assign partitions",
  scope_map: "Qanat has no retention of its own",
  batches_of_empty_range: "a range without time has no rows",
  list_flights: "arrakis-server's is broken",
  partition: "the refusal says what to do",
};

/** Cases that are not equal yet. */
const TO_DO: readonly string[] = [];

interface Outcome {
  readonly case: string;
  readonly equal: boolean;
  readonly detail: string | null;
}

/** The names of the script's cases, in its order. */
function casesIn(path: string): string[] {
  const text = Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));
  return [...text.matchAll(/^@case\ndef (\w+)\(/gm)].map(([, name]) => name!);
}

describe(
  "Flight: the same as Arrakis",
  { ignore: !runnable, skip: !runnable },
  () => {
    let world: ParityWorld;
    let outcomes: Map<string, Outcome>;

    before(async () => {
      const flightPort = freePort();
      world = await startParityWorld({
        qanatArgs: [`--flight-port=${flightPort}`, "--flight-publish"],
      });
      await sleep(1000 * PAST_S);
      const script = new Process(
        "flight_parity.py",
        PARTS.python.program!,
        [
          SCRIPT,
          `--arrakis=${world.chain.arrakisUrl}`,
          `--other=grpc://127.0.0.1:${flightPort}`,
          `--channels=${world.names.join(",")}`,
          `--partial-channels=${world.otherNames.join(",")}`,
        ],
      );
      assert.equal(await script.ends(), 0, script.log);
      outcomes = new Map(
        script.output.trim().split("\n").map((line) => {
          const outcome = JSON.parse(line) as Outcome;
          return [outcome.case, outcome];
        }),
      );
      say(`flight parity: ${outcomes.size} cases`);
    });
    after(() => world?.close());

    for (const name of casesIn(SCRIPT)) {
      const differs = TO_DO.includes(name) || name in ON_PURPOSE;
      it(name + (differs ? " (differs)" : ""), () => {
        const outcome = outcomes.get(name);
        assert.ok(outcome, `${name} was not run`);
        if (differs) {
          assert.equal(outcome.equal, false, `${name} is equal: unlist it`);
        } else assert.ok(outcome.equal, outcome.detail ?? "");
      });
    }

    it("the lists name cases that there are", () => {
      const names = new Set(casesIn(SCRIPT));
      for (const name of [...TO_DO, ...Object.keys(ON_PURPOSE)]) {
        assert.ok(names.has(name), name);
      }
    });
  },
);

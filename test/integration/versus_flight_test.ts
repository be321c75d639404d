// `deno task versus` over Arrow Flight, small: both servers are read by the same program, and every row is found.
// Invariant: figures of speed belong to `deno task versus`; nothing is timed here.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { canRun } from "../../scripts/optional_parts.ts";
import { buildReader } from "../../scripts/scale/reader.ts";
import { flightReport } from "../../scripts/versus/flight_report.ts";
import { versusFlight } from "../../scripts/versus/flight_versus.ts";
import { World } from "../../scripts/versus/world.ts";
import { PARTS } from "./chain.ts";

const runnable = canRun([PARTS.kafka, PARTS.python, PARTS.cc]);
const CLIENTS = 3;

describe(
  "deno task versus --only flight",
  { ignore: !runnable, skip: !runnable },
  () => {
    it("reads rows of arrakis-server and of Qanat", async () => {
      const reader = buildReader(PARTS.cc.program!);
      // Else arrakis-server would fill rows with nulls where a busy machine publishes them late.
      const world = await World.start(300, ["--max-latency-ms=60000"]);
      try {
        const measured = await versusFlight(world, {
          reader,
          clients: [CLIENTS],
          rounds: 1,
          seconds: 3,
        });
        for (const [side] of [measured.arrakis, measured.qanat]) {
          assert.equal(side!.attached, CLIENTS);
          assert.equal(side!.failed, 0);
          assert.ok(side!.rows > 0);
          assert.ok(side!.rssBytes > 0);
        }
        assert.equal(measured.qanat[0]!.lost, 0);
        assert.equal(measured.mixed.lost, 0);
        assert.equal(measured.mixed.failed, 0);
        assert.ok(measured.mixedRatio > 0);
        const { text } = flightReport(measured);
        assert.match(text, /^arrakis-server +3 /m);
        assert.match(text, /^Qanat +3 /m);
      } finally {
        await world.close();
      }
    });
  },
);

// What the comparisons rest on: who counts as held, how samples of a profile are shared out.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  type CpuProfile,
  selfTimesOf,
  timedNodesOf,
  timesByGroup,
} from "../scripts/profile/cpu_profile.ts";
import { flameGraph } from "../scripts/profile/flame_graph.ts";
import { flightReport } from "../scripts/versus/flight_report.ts";
import {
  type FlightSide,
  flightSideOf,
  medianFlightSide,
} from "../scripts/versus/flight_side.ts";
import { tableOf } from "../scripts/versus/report.ts";
import {
  clientsHeld,
  isAll,
  median,
  medianSide,
  type Side,
} from "../scripts/versus/side.ts";

function side(clients: number, changes: Partial<Side> = {}): Side {
  return {
    clients,
    rowsMin: 16,
    rowsMedian: 16,
    lost: 0,
    behind: 0,
    failed: 0,
    held: true,
    p50: 10,
    p99: 20,
    p999: 30,
    max: 40,
    serverCores: 0.5,
    readerCores: 0.1,
    cpuMicrosPerRow: 100,
    stolenCores: 0,
    ...changes,
  };
}

describe("what a server held", () => {
  it("is the largest number of clients, whatever a busy machine did to a smaller one", () => {
    const sides = [
      side(20),
      side(40),
      side(60, { held: false }),
      side(80),
      side(100, { held: false }),
    ];
    assert.equal(clientsHeld(sides), 80);
    assert.equal(clientsHeld([side(20, { held: false })]), 0);
  });

  it("a row may lie across the window's edge, two may not", () => {
    assert.ok(isAll(159, 10));
    assert.ok(!isAll(158, 10));
  });

  it("rounds come together as medians, losses as sums, and most must hold", () => {
    const together = medianSide([
      side(20, { p99: 10, lost: 1, held: false }),
      side(20, { p99: 90 }),
      side(20, { p99: 20 }),
    ]);
    assert.equal(together.p99, 20);
    assert.equal(together.lost, 1);
    assert.equal(together.held, true);
    assert.equal(median([4, 1, 2, 3]), 2.5);
  });
});

describe("the comparison over Arrow Flight", () => {
  const reading = {
    seconds: 10,
    attached: 60,
    failed: 0,
    rows: 9600,
    lost: 0,
    behind: 0,
    rowsPerSecond: { min: 16, median: 16 },
    latencyMs: { p50: 10, p99: 62, p999: 70, max: 80 },
    serverCores: 0.48,
    readerCores: 0.1,
    stolenCores: 0,
    serverRssBytes: 1,
  };
  const flightSide = (changes: Partial<FlightSide> = {}): FlightSide => ({
    ...flightSideOf(reading, 60),
    ...changes,
  });

  it("a number of clients holds where nothing is lost and p99 is below a stride", () => {
    const side = flightSideOf(reading, 60);
    assert.ok(side.holds);
    assert.equal(side.due, 9600);
    assert.equal(side.cpuMicrosPerRow, 500);
    const { latencyMs } = reading;
    for (
      const change of [
        { lost: 1 },
        { attached: 59 },
        { failed: 1 },
        { behind: 1 },
        { rowsPerSecond: { min: 15, median: 16 } },
        { latencyMs: { ...latencyMs, p99: 62.5 } },
      ]
    ) {
      assert.ok(!flightSideOf({ ...reading, ...change }, 60).holds);
    }
  });

  it("most rounds must hold; losses are added up", () => {
    const together = medianFlightSide([
      flightSide({ holds: false, lost: 2, p99: 100 }),
      flightSide({ p99: 50 }),
      flightSide({ p99: 60 }),
    ]);
    assert.ok(together.holds);
    assert.equal(together.lost, 2);
    assert.equal(together.p99, 60);
  });

  it("says what each holds, and what arrakis-server delivered where it does not", () => {
    const { text, ratios } = flightReport({
      arrakis: [
        flightSide(),
        flightSide({ clients: 200, holds: false, due: 32_000, rows: 8000 }),
      ],
      qanat: [
        flightSide({ cpuMicrosPerRow: 50 }),
        flightSide({ clients: 200, cpuMicrosPerRow: 40 }),
        flightSide({ clients: 1200 }),
      ],
      mixed: {
        clients: 500,
        p99HttpMixed: 24,
        p99FlightMixed: 40,
        p99HttpAlone: 20,
        lost: 0,
        failed: 0,
      },
      mixedRatio: 1.2,
      rounds: 3,
    });
    assert.equal(ratios.flightClientsHeld, 20);
    assert.equal(ratios.flightCpuPerRowAt60, 0.1);
    assert.equal(ratios.flightCpuPerRowAt500, null);
    assert.equal(ratios.httpP99Mixed, 1.2);
    assert.match(text, /arrakis-server held 60 clients, Qanat 1200: 20\.000/);
    assert.match(
      text,
      /at 200 clients: .*: 0\.080.*delivered 25\.0 % of the rows/,
    );
  });
});

describe("tableOf()", () => {
  it("aligns the first column left and the others right", () => {
    assert.equal(
      tableOf([["a", "bb"], ["long", "1"]]),
      "a     bb\nlong   1",
    );
  });
});

describe("profiles", () => {
  const frame = (functionName: string, url = "") => ({
    functionName,
    url,
    lineNumber: 4,
  });
  const root = "file:///somewhere/src/";
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: frame("(root)"), children: [2, 3, 6, 7, 8] },
      { id: 2, callFrame: frame("(idle)") },
      {
        id: 3,
        callFrame: frame("read", `${root}kafka/broker_loop.ts`),
        children: [4],
      },
      {
        id: 4,
        callFrame: frame("onRow", `${root}clients/selection_group.ts`),
        children: [5, 9],
      },
      { id: 5, callFrame: frame("writeBuffer", "ext:deno_node/stream.ts") },
      { id: 6, callFrame: frame("(garbage collector)") },
      { id: 7, callFrame: frame("afterWrite", "ext:deno_node/stream.ts") },
      { id: 8, callFrame: frame("runTimers", "ext:core/core.js") },
      { id: 9, callFrame: frame("<fill>", `${root}frames/row_messages.ts`) },
    ],
    startTime: 0,
    endTime: 1000,
    samples: [2, 3, 5, 6, 7, 8, 9],
    timeDeltas: [400, 100, 300, 50, 40, 30, 80],
  };
  const nodes = timedNodesOf(profile);

  it("counts the runtime's code for its caller, each µs once", () => {
    const times = timesByGroup(nodes);
    assert.deepEqual(times, {
      Kafka: 100,
      decode: 0,
      join: 0,
      encode: 80,
      write: 340,
      GC: 50,
      runtime: 30,
      other: 0,
      idle: 400,
    });
    assert.deepEqual(selfTimesOf(nodes)[1], {
      name: "writeBuffer",
      place: "ext:deno_node/stream.ts:5",
      group: "write",
      micros: 300,
    });
  });

  it("are drawn by share of the time at work, without a path of the machine", () => {
    const svg = flameGraph(nodes, "A & B");
    assert.match(svg, /A &amp; B/);
    assert.match(
      svg,
      /<title>read src\/kafka\/broker_loop.ts:5 80.0 %<\/title>/,
    );
    assert.match(svg, /&lt;fill&gt;/);
    assert.doesNotMatch(svg, /somewhere|\(idle\)/);
  });
});

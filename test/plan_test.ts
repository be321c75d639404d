// `deno task plan` against what was measured (bench/scaling.md), and its command line.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { type Load, parseLoad } from "../scripts/plan/load.ts";
import { planOf } from "../scripts/plan/plan.ts";
import { reportOf } from "../scripts/plan/report.ts";

const ASKED = ["--clients", "4000", "--channels", "10", "--rate", "2048"];

function loadOf(...more: string[]): Load {
  const load = parseLoad([...ASKED, ...more]);
  assert.ok(load.kind === "options", JSON.stringify(load));
  return load.options;
}

function wrong(...args: string[]): string {
  const load = parseLoad(args);
  assert.ok(load.kind === "error");
  return load.message;
}

/** 100 channels of 2,048 Hz were read; cores of the server at 4,000 clients, without reading. */
const MEASURED: readonly [readonly string[], number][] = [
  [[], 0.76],
  [["--format", "events"], 0.90],
  [["--selections", "same"], 0.41],
  [["--selections", "same", "--format", "events"], 0.53],
];

describe("planOf()", () => {
  for (const [args, cores] of MEASURED) {
    it(`is close to what was measured: ${args.join(" ") || "Arrow, all different"}`, () => {
      const load = loadOf(...args, "--channels-in-all", "100");
      const ratio = planOf(load).clientCores / cores;
      assert.ok(ratio > 0.85 && ratio < 1.15, `${ratio}`);
    });
  }

  it("needs more instances for more clients, none of them beyond what a core carries", () => {
    let before = 0;
    for (const clients of [100, 3000, 10_000, 100_000]) {
      const plan = planOf({ ...loadOf(), clients });
      assert.ok(plan.instances >= before);
      before = plan.instances;
      const each = plan.clientCores / plan.instances + plan.readingCores;
      assert.ok(each <= 0.7);
      assert.ok(plan.clientsEach * plan.instances >= clients);
      assert.ok(plan.openFiles > plan.clientsEach);
    }
  });

  it("keeps the blocks of a stall in the page ring", () => {
    const short = planOf(loadOf("--stall-s", "60"));
    const long = planOf(loadOf("--stall-s", "600"));
    // 100 channels of 8,192 B/s, and the heads of their blocks.
    assert.ok(short.retentionMb >= 47 && short.retentionMb < 60);
    assert.ok(Math.abs(long.retentionMb / short.retentionMb - 10) < 0.5);
  });

  it("needs fewer instances with several workers, whose memory has one page ring", () => {
    const load = { ...loadOf(), clients: 40_000 };
    const one = planOf(load);
    const four = planOf({ ...load, workers: 4 });
    assert.ok(4 * four.instances <= one.instances + 4);
    const each = four.clientCores / four.instances / 4 + four.followingCores;
    assert.ok(each <= 0.7);
    assert.equal(four.retentionMb, one.retentionMb);
    assert.equal(four.clientsEach * four.instances >= 40_000, true);
    // Its slab and its clients, and 32 MiB for each worker.
    const ofClients = (plan: typeof four) =>
      plan.memoryMb - plan.retentionMb - plan.slabMb -
      plan.clientsEach * 14 / 1024;
    assert.ok(Math.abs(ofClients(four) - ofClients(one) - 4 * 32) <= 1);
  });

  it("counts relays by what they read, whatever clients there are", () => {
    const four = planOf(loadOf("--relays", "4"));
    assert.ok(Math.abs(four.relayMbit / four.kafkaMbit - 4) < 1e-9);
    assert.deepEqual(
      planOf({ ...loadOf("--relays", "4"), clients: 9 }).relayCores,
      four.relayCores,
    );
    // 4 relays and 1 took 47.1 and 39.8 thousandths of a core at their origin, with 100 channels.
    assert.ok(Math.abs(four.relayCores * 3 / 4 - 0.0073) < 0.001);
    assert.equal(planOf(loadOf()).relayCores, 0);
  });

  it("says when reading alone takes more than an instance has", () => {
    const load = loadOf("--channels-in-all", "1000000");
    const plan = planOf(load);
    assert.ok(plan.isReadingTooMuch);
    assert.match(reportOf(load, plan), /serve parts of the channels/);
  });
});

describe("the report", () => {
  it("names settings that exist, and the source of each figure", () => {
    const load = loadOf("--format", "flight", "--tls");
    const text = reportOf(load, planOf(load));
    assert.match(text, /--clients-max=\d+ --retention-mb=\d+ --slab-mb=\d+/);
    assert.match(text, /docs\/flight\.md/);
    assert.match(text, /docs\/scaling\.md, TLS/);
    assert.doesNotMatch(text, /NaN|Infinity|undefined/);
    assert.doesNotMatch(text, /--workers=/);
  });

  it("names what relays take, where there are any", () => {
    const load = loadOf("--relays", "4");
    const text = reportOf(load, planOf(load));
    assert.match(text, /4 at one instance.*--relay-streams-max=24/);
    assert.match(text, /A tree of relays/);
    assert.doesNotMatch(reportOf(loadOf(), planOf(loadOf())), /relay/);
  });

  it("names the workers, and where their costs are from", () => {
    const load = loadOf("--workers", "4");
    const text = reportOf(load, planOf(load));
    assert.match(text, /--workers=4 --clients-max=\d+/);
    assert.match(text, /docs\/scaling\.md, Workers/);
    assert.match(text, /1, each with 4 workers/);
  });
});

describe("the command line of plan", () => {
  it("names what is missing or wrong", () => {
    assert.match(wrong(), /^--clients, --channels, --rate are needed/);
    assert.match(
      wrong("--clients", "0", "--channels", "1", "--rate", "1"),
      /--clients/,
    );
    assert.match(wrong(...ASKED, "--format", "xml"), /arrow, events/);
    assert.match(wrong(...ASKED, "--stride-ms", "33"), /divide a second/);
    assert.match(wrong(...ASKED, "--stride-ms", "0.5"), /divide a second/);
    assert.match(wrong(...ASKED, "--client", "1"), /--clients/);
    assert.match(wrong(...ASKED, "--workers", "0"), /--workers/);
    assert.match(
      wrong("--clients", "1", "--channels", "1", "--rate", "2049"),
      /whole number of samples/,
    );
    assert.equal(parseLoad(["--help"]).kind, "help");
  });
});

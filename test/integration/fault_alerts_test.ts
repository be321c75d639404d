// Each fault of docs/faults.md against the alert rules: what /metrics answered while the fault was there is all that the
// rules see. Invariant: while all is well no alert fires, and each fault makes fire what the document names for it.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { PARTS } from "./chain.ts";
import { FaultWorld } from "./fault_metrics.ts";
import { inputSeries, promtoolOutput, type Scrape } from "./recorded_series.ts";

const ROOT = new URL("../../", import.meta.url);
const RULES = "deploy/prometheus/alerts.yaml";
const BEFORE_S = 300;
const AFTER_S = 780;
const SCRAPE_S = 15;
/** So often alerts are looked at. */
const LOOK_S = 30;

interface Fault {
  /** As docs/faults.md calls it, from its beginning on. */
  readonly fault: string;
  readonly start?: () => Promise<FaultWorld>;
  readonly hit: (world: FaultWorld) => Promise<void> | void;
}

/** The broker does not answer for so long. */
async function outage(world: FaultWorld, seconds: number): Promise<void> {
  const { source } = world;
  source.said = { reachable: false };
  source.reconnects++;
  for (const topic of source.wanted) source.sink!.onDisturbed(topic);
  await world.pass(seconds);
  source.said = {};
}

const awayAtStart = () => FaultWorld.start({ reachable: false, ready: false });
async function comesLate(world: FaultWorld): Promise<void> {
  await world.pass(60);
  world.source.said = {};
}

const FAULTS: readonly Fault[] = [
  { fault: "broker killed with -9", hit: (world) => outage(world, 20) },
  { fault: "broker frozen (SIGSTOP)", hit: (world) => outage(world, 25) },
  { fault: "this process frozen", hit: (world) => world.freeze(50) },
  { fault: "packets dropped both ways", hit: (world) => outage(world, 30) },
  {
    fault: "three brokers, replication 3: rolling restart",
    hit: (world) => {
      const { source } = world;
      source.reconnects += 3;
      for (const topic of source.wanted) source.sink!.onDisturbed(topic);
    },
  },
  {
    fault: "topic deleted and made again",
    hit: ({ source, topic }) => source.sink!.onRestart(topic, 0),
  },
  {
    fault: "topic made, partitions added",
    hit: ({ source }) => void (source.said = { wideTopics: 1 }),
  },
  {
    fault: "Kafka deletes records before Qanat reads them",
    hit: ({ source, topic }) => source.sink!.onHole(topic, 20, 60),
  },
  { fault: "broker away at the start", start: awayAtStart, hit: comesLate },
  {
    fault: "broker accepts and never answers",
    start: awayAtStart,
    hit: comesLate,
  },
  {
    fault: "A transaction stays open",
    hit: ({ source, topic }) => {
      const behind = { ...source.topicStatus(topic), highWatermark: 5000 };
      source.said = { topics: [behind] };
    },
  },
  {
    fault: "A broker's advertised address cannot be reached",
    hit: ({ source }) => void (source.said = { unreachable: ["broker:9092"] }),
  },
  {
    fault: "A topic has more than one partition",
    hit: ({ source }) => void (source.said = { wideTopics: 1 }),
  },
  {
    fault: "A topic is missing",
    hit: ({ source, topic, silent }) => {
      silent.add(topic);
      const missing = {
        ...source.topicStatus(topic),
        state: "missing",
      } as const;
      source.said = { topics: [missing] };
    },
  },
  {
    fault: "A publisher goes silent",
    hit: ({ silent, topic }) => void silent.add(topic),
  },
  {
    fault: "All publishers go silent",
    hit: ({ silent, topics }) => topics.forEach((topic) => silent.add(topic)),
  },
  {
    fault: "A publisher leaves blocks out",
    hit: (world) => void (world.leftOutEvery = 5),
  },
  {
    fault: "A publisher is away again and again",
    hit: async (world) => {
      for (let i = 0; i < 15; i++) {
        world.silent.add(world.topic);
        await world.pass(15);
        world.silent.delete(world.topic);
        world.oldestIndex = world.newestIndex;
        await world.pass(25);
      }
    },
  },
  {
    fault: "A publisher's messages cannot be read",
    hit: ({ source, topic }) =>
      source.sink!.onMessage(topic, new Uint8Array(8), 1, 0),
  },
  {
    fault: "A publisher's metadata breaks a limit",
    hit: ({ source }) => void (source.catalog.refused.counts.rate += 15_068),
  },
];

/** Faults that no metric shows, because nothing is wrong for any client. */
const HARMLESS = ["messages of 10 MB", "A transaction is aborted"];

/** Of docs/faults.md: the faults, and by fault the alerts. */
async function readDocument() {
  const text = await Deno.readTextFile(new URL("docs/faults.md", ROOT));
  const [table, rest] = text.split("## Alerts\n") as [string, string];
  const alertTable = rest.split(/^## /m)[0]!;
  const cells = (lines: string) =>
    [...lines.matchAll(/^\| (.*?) +\| (.*?) +\|/gm)]
      .map(([, first, second]) => [first!, second!] as const)
      .filter(([first]) => first !== "fault" && !/^-+$/.test(first));
  const faults = [
    ...cells(table).map(([fault]) => fault),
    ...[...table.matchAll(/^- \*\*([^*]*?)\*\*/gm)].map((m) =>
      m[1]!.replace(/\s+/g, " ")
    ),
  ];
  return { faults, alerts: new Map(cells(alertTable)) };
}

/** By fault, the alerts that fire at some time. */
async function firedBy(
  scrapes: ReadonlyMap<string, readonly Scrape[]>,
): Promise<Map<string, Set<string>>> {
  const rules = await Deno.readTextFile(new URL(RULES, ROOT));
  const names = [...rules.matchAll(/- alert: (\w+)/g)].map((m) => m[1]!);
  const directory = await Deno.makeTempDir({ prefix: "qanat-alerts-" });
  try {
    const said = await promtoolOutput(directory, {
      rule_files: [new URL(RULES, ROOT).pathname],
      evaluation_interval: `${SCRAPE_S}s`,
      tests: [...scrapes].map(([name, trail]) => ({
        name,
        interval: `${SCRAPE_S}s`,
        input_series: inputSeries(trail, rules),
        alert_rule_test: names.flatMap((alertname) =>
          Array.from(
            { length: Math.floor(trail.length * SCRAPE_S / LOOK_S) },
            (_, i) => ({
              eval_time: `${(i + 1) * LOOK_S}s`,
              alertname,
              exp_alerts: [],
            }),
          )
        ),
      })),
    });
    const fired = new Map<string, Set<string>>();
    for (const [, name, alert] of said.matchAll(FAILED)) {
      if (!fired.has(name!)) fired.set(name!, new Set());
      fired.get(name!)!.add(alert!);
    }
    return fired;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** What promtool says of an alert that fires though none is expected. */
const FAILED = /name: (.*),\n\s+alertname: (\w+), time: \S+,\s+exp:\[\]/g;

const runnable = canRun([PARTS.promtool]);

describe("faults and alerts", { ignore: !runnable, skip: !runnable }, () => {
  it("docs/faults.md names an alert for each of its faults, or says that there is nothing to do", async () => {
    const { faults, alerts } = await readDocument();
    assert.ok(faults.length > 12);
    for (const fault of [...faults, ...FAULTS.map(({ fault }) => fault)]) {
      const found = [...alerts.keys()].filter((key) =>
        fault.startsWith(key) || key.startsWith(fault)
      );
      assert.equal(found.length, 1, `${fault}: ${found}`);
      const isHarmless = HARMLESS.some((each) => fault.startsWith(each));
      assert.equal(alerts.get(found[0]!) === "none", isHarmless, fault);
    }
  });

  it("each fault makes its alerts fire, seen by /metrics alone; without one none fires", async () => {
    const scrapes = new Map<string, readonly Scrape[]>();
    for (
      const { fault, start = () => FaultWorld.start(), hit } of [
        { fault: "quiet", hit: () => {} },
        ...FAULTS,
      ] as Fault[]
    ) {
      const world = await start();
      const { reachable = true } = world.source.said;
      if (reachable) await world.pass(BEFORE_S);
      await hit(world);
      await world.pass(AFTER_S);
      scrapes.set(fault, world.scrapes);
      await world.close();
    }
    const fired = await firedBy(scrapes);
    const { alerts } = await readDocument();
    assert.equal(
      fired.get("quiet"),
      undefined,
      [...fired.get("quiet") ?? []].join(),
    );
    for (const { fault } of FAULTS) {
      const key = [...alerts.keys()].find((each) =>
        fault.startsWith(each) || each.startsWith(fault)
      );
      const named = alerts.get(key!)!.match(/Qanat\w+/g) ?? [];
      const got = [...fired.get(fault) ?? []].sort();
      assert.deepEqual(got, [...named].sort(), fault);
    }
  });
});

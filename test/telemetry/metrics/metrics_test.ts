// The metrics compared with the counters that they show, and with docs/operating.md.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../../src/app.ts";
import { buildOf } from "../../../src/telemetry/build_info.ts";
import { embeddedChannels } from "../../../src/source/synthetic.ts";
import { Histogram } from "../../../src/telemetry/histogram.ts";
import { ReadingMetrics } from "../../../src/telemetry/metrics/reading_metrics.ts";
import {
  missingAnswers,
  processMetricsText,
} from "../../../src/telemetry/metrics/worker_metrics.ts";
import { HeldOutlet } from "../../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../../driven_source.ts";
import { GC, knownFigures, MEMORY, PROCESS } from "./known_figures.ts";

const FIRST = 23_671_510_000;
const NAME = "H1:QANAT-COUNT_I64_16";
const BLOCK_MS = 62.5;
const channels = (await embeddedChannels()).filter(({ channel }) =>
  channel.name === NAME
);

let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;
let row: number;
const memory = { ...MEMORY };

beforeEach(async () => {
  source = new DrivenSource(channels);
  clock = new BlockClock(FIRST);
  row = FIRST;
  memory.rss = 100_000_000;
  qanat = new Qanat({
    config: configWith({ retentionMb: 1, lingerMs: 0, outageGraceMs: 0 }),
    source,
    log: silent,
    clocks: clock,
    ...knownFigures(),
    memory: () => memory,
  });
  await qanat.start();
});

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

function open(): HeldOutlet {
  const channel = source.catalog.get(NAME, null)!;
  const admission = qanat.hub.admission.admit([channel], "events", {
    address: "",
  });
  assert.ok(admission.kind === "ready");
  const outlet = new HeldOutlet();
  admission.open(outlet);
  return outlet;
}

/** Publishes rows that were produced so long before they come. */
function publish(count: number, lagMs = 10): void {
  const [topic] = source.blocks.topics;
  for (let i = 0; i < count; i++) {
    clock.index = row + 1;
    const block = source.blocks.blockOf(topic!, row);
    source.sink!.onMessage(topic!, block, row, clock.nowMs() - lagMs);
    source.sink!.onCaughtUp(topic!, clock.clockMs());
    row++;
  }
}

/** Figures by name and labels. */
async function figures(): Promise<Map<string, number>> {
  const { text } = await qanat.metrics();
  const found = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const space = line.lastIndexOf(" ");
    found.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return found;
}

/** What a process with several workers has. */
async function ofSeveralWorkers(): Promise<string> {
  const reading = new ReadingMetrics({
    source,
    catalog: source.catalog,
    store: { handedOutSeconds: 0, lag: new Histogram() },
    blocks: qanat.store,
    trends: qanat.trends,
    ticker: { delayMs: 0, waits: new Histogram() },
    logLines: undefined,
    uptimeSeconds: () => 0,
    gc: GC,
    memoryUse: { perClientBytes: 0, read: () => memory },
    processUse: PROCESS,
    usageLog: undefined,
    missedProbes: () => ({}),
    workersReplaced: () => 0,
  });
  const workers = [{
    worker: 0,
    hasAnswered: true,
    now: [missingAnswers(0)],
    ended: [],
  }];
  const figures = { reading: await reading.figures(), workers };
  return (await processMetricsText(figures)).text;
}

describe("/metrics", () => {
  it("decodes a steady partition without parsing a flatbuffer", async () => {
    open();
    publish(200);
    const found = await figures();
    assert.equal(found.get("qanat_blocks_total"), 200);
    assert.equal(found.get("qanat_header_cache_hits_total"), 199);
    assert.equal(found.get("qanat_header_cache_misses_total"), 1);
  });

  it("shows no growth of slab and buffers in steady state", async () => {
    for (let i = 0; i < 10; i++) open();
    publish(20);
    const before = await figures();
    publish(500);
    const after = await figures();
    for (
      const name of [
        "qanat_slab_commits_total",
        "qanat_allocated_bytes_total",
        "qanat_allocation_seconds_total",
        "qanat_slab_high_water_bytes",
      ]
    ) {
      assert.ok(before.get(name)! > 0, name);
      assert.equal(after.get(name), before.get(name), name);
    }
    assert.equal(
      after.get("qanat_frames_sent_total"),
      10 * after.get("qanat_frames_encoded_total")!,
    );
  });

  it("has the CPU time and the start of the process by the usual names", async () => {
    const found = await figures();
    assert.equal(found.get("process_cpu_seconds_total"), 7.5);
    assert.equal(found.get("process_cpu_user_seconds_total"), 6);
    assert.equal(found.get("process_cpu_system_seconds_total"), 1.5);
    assert.equal(found.get("process_start_time_seconds"), 1_700_000_000);
  });

  it("has none of them where the runtime does not report them", async () => {
    const other = new Qanat({
      config: configWith({ retentionMb: 1 }),
      source: new DrivenSource([]),
      log: silent,
    });
    await other.start();
    assert.doesNotMatch((await other.metrics()).text, /process_/);
    other.drain();
    await other.close();
  });

  it("has the age of each topic that is read, with its publisher", async () => {
    const [topic] = source.blocks.topics;
    const { publisher } = source.catalog.get(NAME, null)!;
    const series = (name: string) =>
      `qanat_topic_${name}_seconds{topic="${topic}",publisher="${publisher}"}`;
    const age = async () => (await figures()).get(series("newest_age"));
    assert.equal(await age(), undefined);
    open();
    clock.index += 32;
    // For so long it has been read without anything.
    assert.equal(await age(), 32 * BLOCK_MS / 1000);
    row = clock.index;
    publish(4);
    clock.index = row + 16;
    const found = await figures();
    assert.equal(found.get(series("newest_age")), 1.001);
    assert.equal(found.get("qanat_partitions_silent"), 0);
    const limitS = found.get(series("silent_after"))!;
    assert.ok(limitS > 10 && limitS < 12, `${limitS}`);
    clock.index += 16 * 12;
    assert.equal((await figures()).get("qanat_partitions_silent"), 1);
    assert.equal(await age(), 13.001);
  });

  it("counts probes that the watchdog missed, by part, and the uptime", async () => {
    const name = "qanat_watchdog_missed_probes_total";
    const before = await figures();
    assert.equal(before.get(`${name}{part="event-loop"}`), 6);
    assert.equal(before.get(`${name}{part="listener"}`), 7);
    publish(16);
    const grownS = (await figures()).get("qanat_uptime_seconds")! -
      before.get("qanat_uptime_seconds")!;
    assert.equal(grownS, 16 * BLOCK_MS / 1000);
  });

  it("has the same version and revision as /v1/status", async () => {
    const { text } = await qanat.metrics();
    const { build } = qanat.status() as { build: Record<string, string> };
    assert.match(build["version"]!, /^\d+\.\d+\.\d+$/);
    assert.equal(build["revision"], "unknown");
    const { version, revision } = build;
    assert.match(
      text,
      new RegExp(
        `^qanat_build_info{version="${version}",revision="${revision}"} 1$`,
        "m",
      ),
    );
    assert.deepEqual(buildOf({ revision: "4f0c1d2" }), {
      version,
      revision: "4f0c1d2",
    });
  });

  it("adds garbage collection and allocation as memory management", async () => {
    open();
    publish(2);
    const found = await figures();
    assert.equal(
      found.get("qanat_memory_management_seconds_total"),
      2 + found.get("qanat_allocation_seconds_total")!,
    );
    assert.equal(found.get("qanat_heap_allocated_bytes_total"), 4);
  });

  it("measures the lag of live messages from production to arrival", async () => {
    open();
    publish(1, 60_000);
    publish(99, 10);
    publish(1, 700);
    const found = await figures();
    const bucket = (le: string) =>
      found.get(`qanat_kafka_lag_seconds_bucket{le="${le}"}`);
    assert.equal(bucket("0.005"), 0);
    assert.equal(bucket("0.02"), 99);
    assert.equal(bucket("0.5"), 99);
    assert.equal(bucket("1"), 100);
    assert.equal(bucket("+Inf"), 100);
    assert.equal(found.get("qanat_kafka_lag_seconds_count"), 100);
    const { lag } = qanat.status() as { lag: { max_ms: number } };
    assert.equal(lag.max_ms, 700);
  });

  it("memory per client is the growth of RSS beyond the budgets", async () => {
    memory.rss += 50_000_000;
    qanat.memoryUse!.tick();
    for (let i = 0; i < 10; i++) open();
    publish(1);
    const { slab, ring } = qanat;
    memory.rss += 10 * 20_000 + slab.committedBytes + ring.highWaterBytes;
    qanat.memoryUse!.tick();
    const found = await figures();
    assert.equal(found.get("qanat_memory_per_client_bytes"), 20_000);
    assert.equal(found.get("process_resident_memory_bytes"), memory.rss);
  });

  it("counts the bytes of connected and of former clients", async () => {
    const first = open();
    open();
    publish(5);
    const before = (await figures()).get("qanat_bytes_sent_total")!;
    first.owner.onClose();
    const after = (await figures()).get("qanat_bytes_sent_total")!;
    assert.ok(before > 0);
    assert.equal(after, before);
  });

  it("ring_held_seconds reaches back to the first block, then to the oldest page", async () => {
    open();
    publish(17);
    const held = (await figures()).get("qanat_ring_held_seconds");
    assert.equal(held, 16 * BLOCK_MS / 1000);
    publish(5000);
    const found = await figures();
    const { ring } = qanat;
    const rowBytes = ring.headPosition / 5017;
    const expected = ring.occupiedBytes / rowBytes * BLOCK_MS / 1000;
    const pageSeconds = ring.pageBytes / rowBytes * BLOCK_MS / 1000;
    const full = found.get("qanat_ring_held_seconds")!;
    assert.ok(Math.abs(full - expected) <= pageSeconds, `${full} ${expected}`);
    assert.equal(found.get("qanat_ring_high_water_bytes"), ring.capacityBytes);
  });

  it("has every metric explained in docs/operating.md, and no other", async () => {
    const text = (await qanat.metrics()).text + await ofSeveralWorkers();
    const docs = await Deno.readTextFile(
      new URL("../../../docs/operating.md", import.meta.url),
    );
    for (const [, name] of text.matchAll(/^# TYPE (\S+)/gm)) {
      assert.ok(docs.includes(name!), `${name} is not in docs/operating.md`);
    }
    for (const [name] of docs.matchAll(/\bqanat_[a-z_]*[a-z]\b/g)) {
      const base = name.replace(/_(bucket|sum|count)$/, "");
      assert.ok(text.includes(`# TYPE ${base} `), `there is no ${name}`);
    }
  });
});

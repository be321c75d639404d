// Trends that the reading thread records for instances over its log, against an instance that records them itself.
// Invariant: the bins are the same byte for byte, also the one that is being filled.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { Config } from "../../src/config.ts";
import type { StreamFormat } from "../../src/frames/stream_format.ts";
import type { Ingest } from "../../src/ingest/ingest.ts";
import { TrendRecording } from "../../src/ingest/trend_recording.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { newSampleStats } from "../../src/trends/sample_stats.ts";
import { SharedTrends } from "../../src/trends/shared_trends.ts";
import { trendBinOf, type TrendName } from "../../src/trends/trend_bins.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { ingestOf, joined } from "./through_log.ts";

/** A multiple of 60 s. */
const FIRST = 23_671_510_080;
const NAMES = [
  "H1:QANAT-COUNT_I64_16",
  "H1:QANAT-RAMP_I16_64",
  "H1:QANAT-SINE_F32_256",
];
const STRIDE_NS = 62_500_000n;
const channels = (await embeddedChannels()).filter(({ channel }) =>
  NAMES.includes(channel.name)
);

let clock: BlockClock;
let own: DrivenSource;
let shared: DrivenSource;
let ingest: Ingest;
let recording: TrendRecording;
let direct: Qanat;
let instances: Qanat[];

const now = () => ({
  gpsMs: clock.index * 62.5 + 1,
  unixMs: clock.nowMs(),
});

async function setUp(changes: Partial<Config> = {}): Promise<void> {
  const config = configWith({ retentionMb: 4, lingerMs: 0, ...changes });
  clock = new BlockClock(FIRST);
  own = new DrivenSource(channels);
  shared = new DrivenSource(channels);
  ingest = await ingestOf(shared, {
    ringBytes: config.retentionMb * 1024 * 1024,
    clockMs: clock.clockMs,
  });
  recording = await TrendRecording.of({
    ...config,
    ingest,
    catalog: shared.catalog,
    log: silent,
    clocks: clock,
  });
  ingest.lendTrends(recording);
  recording.start();
  instances = [];
  direct = new Qanat({ config, source: own, log: silent, clocks: clock });
  await direct.start();
  instances.push(direct);
}

/** An instance over the log, and how its thread ends. */
async function worker(
  changes: Partial<Config> = {},
): Promise<{ qanat: Qanat; leave: () => void }> {
  const config = configWith({ retentionMb: 4, lingerMs: 0, ...changes });
  const { ring, source, leave } = await joined(ingest, now, clock.clockMs);
  const { clockMs } = clock;
  const qanat = new Qanat({
    config,
    source,
    ring,
    log: silent,
    clocks: clock,
    trendsOf: (onRecorded) =>
      new SharedTrends({ ...config, port: source.trends, clockMs, onRecorded }),
  });
  await qanat.start();
  instances.push(qanat);
  return { qanat, leave };
}

async function admit(
  qanat: Qanat,
  trend: TrendName | null,
  options: Partial<ClientOptions> = {},
  { format = "events", names = NAMES }: {
    format?: StreamFormat;
    names?: readonly string[];
  } = {},
) {
  const selected = names.map((name) => qanat.catalog.get(name, null)!);
  const { admission } = qanat.hub;
  const needs = trend !== null || options.slow === "trend" ? selected : [];
  assert.equal(await admission.waitForTurn({ address: "" }, 1, needs), null);
  const bin = trend === null ? undefined : trendBinOf(trend);
  return admission.admit(selected, { format, trend: bin }, {
    address: "",
    ...options,
  });
}

async function open(
  ...args: Parameters<typeof admit>
): Promise<HeldOutlet> {
  const admission = await admit(...args);
  assert.ok(admission.kind === "ready", JSON.stringify(admission));
  const outlet = new HeldOutlet();
  admission.open(outlet);
  return outlet;
}

/** Block `index` of some topics, in both sources. */
function publish(
  index: number,
  isPublished: (topic: string) => boolean = () => true,
): void {
  clock.index = index + 1;
  for (const { wanted, sink, blocks } of [own, shared]) {
    for (const topic of blocks.topics) {
      if (!wanted.has(topic)) continue;
      if (isPublished(topic)) {
        const block = blocks.blockOf(topic, index);
        sink!.onMessage(topic, block, index, clock.nowMs());
      }
      sink!.onCaughtUp(topic, clock.clockMs());
    }
  }
}

/** Until what was published has come through, and is recorded. */
async function settle(): Promise<void> {
  for (let i = 0; i < 12 || i < 60 && !isThrough(); i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Whether all have the newest blocks. */
function isThrough(): boolean {
  const stores = [recording.store, ...instances.map(({ store }) => store)];
  return !recording.recorder.isDue &&
    stores.every((store) =>
      [...store.partitions()].every(({ blocks: { topic, newest } }) =>
        newest === (direct.store.partition(topic)?.newest ?? newest)
      )
    );
}

const bodyOf = (outlet: HeldOutlet) => Buffer.concat(outlet.written);
const nsOf = (index: number) => BigInt(index) * STRIDE_NS;

/** All bins of a channel, as an instance reads them. */
async function binsOf(qanat: Qanat, name: string) {
  const channel = qanat.catalog.get(name, null)!;
  await qanat.trends.prepare([channel]);
  const [record] = qanat.trends.lease([channel])!;
  record!.catchUp();
  const stats = newSampleStats();
  const bins = record!.rings.map((ring) => {
    const read: unknown[] = [];
    for (let bin = ring!.nextBin(0); bin < Infinity;) {
      assert.ok(ring!.read(bin, stats));
      read.push([bin, { ...stats }]);
      bin = ring!.nextBin(bin + 1);
    }
    return read;
  });
  qanat.trends.release([record!]);
  return bins;
}

beforeEach(() => setUp());

async function tearDown(): Promise<void> {
  for (const qanat of instances) {
    qanat.drain();
    await qanat.close();
  }
  await settle();
  await recording.close();
  await ingest.close();
}

afterEach(tearDown);

describe("trends that the reading thread records", () => {
  it("are those of an instance that records by itself: live, with late, missing and bad blocks, and silence", async () => {
    const workers = [(await worker()).qanat, (await worker()).qanat];
    const openAll = async (qanat: Qanat) => [
      await open(qanat, "1s"),
      await open(qanat, "1s", {}, { format: "arrow" }),
      await open(qanat, "10s", {}, { names: NAMES.slice(1) }),
    ];
    const expected = await openAll(direct);
    const others = await Promise.all(workers.map(openAll));
    await settle();
    const [one, two] = own.blocks.topics;
    for (let i = 0; i < 240; i++) {
      const index = FIRST + 5 + i + (i > 200 ? 100 : 0);
      for (const { sink } of [own, shared]) {
        if (i === 20) {
          sink!.onMessage(one!, new Uint8Array(40).fill(7), index, 0);
        }
        if (i === 25) sink!.onHole(one!, index, index + 3);
      }
      publish(index, (topic) => {
        if (topic === one) return i % 37 !== 5;
        return topic !== two || i < 80 || i > 150;
      });
      await settle();
      if (i % 100 !== 50) continue;
      // The bin that is being filled, too.
      for (const name of NAMES) {
        const bins = await binsOf(direct, name);
        assert.ok(bins[0]!.length > 2);
        for (const qanat of workers) {
          assert.deepEqual(await binsOf(qanat, name), bins);
        }
      }
    }
    for (const outlets of others) {
      outlets.forEach((outlet, i) => {
        const [body, other] = [bodyOf(outlet), bodyOf(expected[i]!)];
        assert.ok(other.byteLength > 500);
        assert.equal(outlet.text, expected[i]!.text);
        assert.ok(body.equals(other), `${i}`);
      });
    }
  });

  it("are recorded once, and each channel as long as one thread leases it", async () => {
    const [one, two] = [await worker(), await worker()];
    const { recorder } = recording;
    const first = await open(one.qanat, "1s");
    await open(one.qanat, "10s");
    await open(two.qanat, "1s");
    await settle();
    assert.equal(recorder.channelCount, NAMES.length);
    assert.equal(shared.wanted.size, shared.blocks.topics.length);
    one.qanat.drain();
    await settle();
    recording.tick();
    assert.equal(recorder.channelCount, NAMES.length);
    assert.ok(first.ending);
    two.qanat.drain();
    await settle();
    recording.tick();
    assert.equal(recorder.channelCount, 0);
    assert.equal(recorder.usedBytes, 0);
  });

  it("are no longer leased by a thread that has ended", async () => {
    const { qanat, leave } = await worker();
    await open(qanat, "1s");
    assert.equal(recording.recorder.channelCount, NAMES.length);
    leave();
    recording.tick();
    assert.equal(recording.recorder.channelCount, 0);
  });

  it("have the bins of before for a thread that joins later, and for a channel that is first asked for now", async () => {
    const early = await worker();
    await open(early.qanat, "1s");
    await open(direct, "1s");
    await settle();
    for (let i = 0; i < 100; i++) publish(FIRST + i);
    await settle();
    const later = await worker();
    const range = { startNs: nsOf(FIRST), endNs: nsOf(FIRST + 96) };
    const expected = await open(direct, "1s", range);
    const outlet = await open(later.qanat, "1s", range);
    await settle();
    assert.match(expected.text, /"reason":"complete"/);
    assert.equal(outlet.text, expected.text);
  });

  it("begin with the blocks that the ring has when a channel's trend is first asked for", async () => {
    const { qanat } = await worker();
    await open(qanat, null);
    await open(direct, null);
    await settle();
    for (let i = 0; i < 64; i++) publish(FIRST + i);
    await settle();
    const range = { startNs: nsOf(FIRST), endNs: nsOf(FIRST + 48) };
    const expected = await open(direct, "1s", range);
    const outlet = await open(qanat, "1s", range);
    await settle();
    publish(FIRST + 64);
    await settle();
    assert.match(expected.text, /"reason":"complete"/);
    assert.equal(outlet.text, expected.text);
  });

  it("begin again when time jumps back", async () => {
    const { qanat } = await worker();
    const openBoth = async () => [
      await open(direct, "1s"),
      await open(qanat, "1s"),
    ];
    const before = await openBoth();
    await settle();
    for (let i = 0; i < 40; i++) publish(FIRST + i);
    await settle();
    for (let i = 0; i < 2; i++) publish(FIRST - 1600 + i);
    await settle();
    for (const { text } of before) assert.match(text, /time-reset/);
    const after = await openBoth();
    for (let i = 2; i < 40; i++) {
      publish(FIRST - 1600 + i);
      await settle();
    }
    for (const name of NAMES) {
      const bins = await binsOf(direct, name);
      assert.equal(bins[0]!.length, 3);
      assert.deepEqual(await binsOf(qanat, name), bins);
    }
    for (const { text } of after) assert.match(text, /"count":\d+/);
  });

  it("fill the rows that a slow client lost", async () => {
    await tearDown();
    const patient = { retentionMb: 1, writeStallMs: 1_000_000 };
    await setUp(patient);
    const { qanat } = await worker(patient);
    const slow = { slow: "trend" } as const;
    const streams = [
      await open(direct, null, slow),
      await open(qanat, null, slow),
    ];
    await settle();
    for (let i = 0; i < 10; i++) publish(FIRST + i);
    await settle();
    for (const outlet of streams) outlet.isStalled = true;
    // Twice as much as the ring holds.
    for (let i = 10; i < 1500; i++) {
      publish(FIRST + i);
      if (i % 50 === 0) await settle();
    }
    await settle();
    for (const outlet of streams) {
      outlet.isStalled = false;
      outlet.finish();
    }
    await settle();
    const binsOfText = ({ text }: HeldOutlet) =>
      [...text.matchAll(/^event: trend\n(?:id: .*\n)?data: (.*)$/gm)].map((m) =>
        m[1]
      );
    const [expected, got] = streams.map(binsOfText);
    assert.ok(expected!.length > 50, `${expected!.length} bins`);
    // The two rings do not lose the same rows.
    const common = got!.filter((bin) => expected!.includes(bin));
    assert.ok(common.length > 50, `${common.length} bins`);
  });

  it("are kept for --linger-ms after a client, and not for a request that no client came of", async () => {
    await tearDown();
    const patient = { lingerMs: 60_000 };
    await setUp(patient);
    const { qanat } = await worker(patient);
    const { admission } = qanat.hub;
    const selected = NAMES.map((name) => qanat.catalog.get(name, null)!);
    const client = { address: "" };
    assert.equal(await admission.waitForTurn(client, 1, selected), null);
    assert.equal(recording.recorder.channelCount, NAMES.length);
    await settle();
    recording.tick();
    assert.equal(recording.recorder.channelCount, 0);

    const admitted = await admit(qanat, "1s");
    assert.ok(admitted.kind === "ready");
    admitted.cancel();
    await settle();
    recording.tick();
    assert.equal(recording.recorder.channelCount, NAMES.length);
  });

  it("are refused when the memory is used up, and can be leased again when they are released", async () => {
    await tearDown();
    const limits = { trendMb: 1, trendHours: 3 };
    await setUp(limits);
    const { qanat } = await worker(limits);
    const expected: unknown[] = [];
    const got: unknown[] = [];
    for (
      const [instance, answers] of [[direct, expected], [qanat, got]] as const
    ) {
      for (const names of [NAMES.slice(0, 2), NAMES, NAMES.slice(2)]) {
        const admission = await admit(instance, "1s", {}, { names });
        if (admission.kind !== "ready") answers.push(admission);
        else {
          answers.push(admission.kind);
          admission.cancel();
        }
        await settle();
      }
      assert.equal(instance.hub.admission.refusals.trends, 1);
    }
    assert.deepEqual(got, expected);
    assert.deepEqual(got.map((a) => typeof a), ["string", "object", "string"]);
  });

  it("of a channel that changed end with its streams, and begin again", async () => {
    const { qanat } = await worker();
    const outlet = await open(qanat, "1s");
    await settle();
    for (let i = 0; i < 40; i++) publish(FIRST + i);
    await settle();
    const channel = shared.catalog.get(NAMES[1]!, null)!;
    shared.publish({ ...channel, sampleRate: 32 });
    await settle();
    assert.match(outlet.text, /"reason":"changed"/);
    const admission = await admit(qanat, "1s");
    assert.equal(admission.kind, "ready");
    if (admission.kind === "ready") admission.cancel();
  });
});

// Publishers whose hosts have wrong clocks, on a real broker: what is good live is good in history and after a resume.
// Kafka's timestamps are the publisher's here, as Arrakis's are, or the broker's; block times are always right.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { after, before, describe, it } from "@std/testing/bdd";
import { Kafka, logLevel, type Producer } from "kafkajs";
import { startKafka } from "../../scripts/kafka/broker.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import {
  freePort,
  launchQanat,
  PARTS,
  type Process,
  say,
  sleep,
} from "./chain.ts";

const STRIDE_NS = 62_500_000n;
const STRIDE_MS = 62.5;
const HISTORY_S = 2600;
const PUBLISHER = "CLK";
/** A block that was stamped so far ahead, instead of one that never came. */
const AHEAD_S = 20;
/** How long ago: further back than a resume reaches. */
const HOLE_S = 2000;
const READ_MS_MAX = 25_000;
const FLAGS = ["--trend-match=^$"];

/** How far Kafka's times of a publisher are off, by channel. A broker refuses what is an hour ahead of itself. */
const CLOCKS = [
  { name: "RIGHT", offMs: 0, type: "CreateTime" },
  { name: "SLOW", offMs: -200, type: "CreateTime" },
  { name: "HOUR_SLOW", offMs: -3_600_000, type: "CreateTime" },
  { name: "HOUR_FAST", offMs: 3_000_000, type: "CreateTime" },
  { name: "BROKER", offMs: -3_600_000, type: "LogAppendTime" },
] as const;

const channelOf = (k: number) => `H1:CLK-${CLOCKS[k]!.name}`;
const partitionOf = (k: number) => `CLK_I64${String(k).padStart(3, "0")}`;
const topicOf = (k: number) => `arrakis-${partitionOf(k)}`;

function valueOf(index: number): Buffer {
  const bytes = encodeBlock(BigInt(index) * STRIDE_NS, "int64", [0], [
    BigInt64Array.of(BigInt(index)),
  ]);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Rows of a stream by block index; a channel that is null is null. */
interface Rows {
  readonly values: Map<number, string | null>;
  readonly gaps: { from: string; to: string; reason: string }[];
}

async function read(
  url: string,
  query: Record<string, string>,
  untilRow = Infinity,
): Promise<Rows> {
  const rows: Rows = { values: new Map(), gaps: [] };
  const response = await fetch(
    `${url}/v1/events?${new URLSearchParams(query)}`,
    { signal: AbortSignal.timeout(READ_MS_MAX) },
  );
  assert.equal(response.status, 200);
  const decoder = new TextDecoder();
  let text = "";
  let newest = -1;
  // Leaving the loop closes the stream.
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split("\n\n");
    text = events.pop()!;
    for (const event of events) newest = take(event, query, rows) ?? newest;
    if (newest >= untilRow) break;
  }
  return rows;
}

/** Adds what an event says; its block's index, where it is a row. */
function take(
  event: string,
  query: Record<string, string>,
  rows: Rows,
): number | null {
  const data = /^data: (.*)$/m.exec(event)?.[1];
  const kind = /^event: (.*)$/m.exec(event)?.[1];
  if (kind === "gap") rows.gaps.push(JSON.parse(data!));
  if (data === undefined || kind !== undefined) return null;
  const row = JSON.parse(data);
  const index = Number(BigInt(row.time) / STRIDE_NS);
  rows.values.set(index, row.channels[query["channels"]!]?.[0] ?? null);
  return index;
}

async function figure(url: string, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(pattern.exec(text)?.[1] ?? NaN);
}

const secondsOf = (index: number) => String(index * STRIDE_MS / 1000);
const runnable = canRun([PARTS.kafka]);

describe(
  "publishers with wrong clocks",
  { ignore: !runnable, skip: !runnable },
  () => {
    const closers: (() => Promise<unknown>)[] = [];
    let kafka: Kafka;
    let producer: Producer;
    let address: string;
    let qanat: Process;
    let url: string;
    let isOn = true;
    /** First block in the logs, and the one that never came. */
    let first: number;
    let hole: number;

    async function send(k: number, indexes: readonly number[]): Promise<void> {
      const { offMs } = CLOCKS[k]!;
      await producer.send({
        topic: topicOf(k),
        messages: indexes.map((index) => {
          // As produced just behind its end.
          const nowMs = Date.now();
          const nowGpsMs = Number(nowGpsNs()) / 1e6;
          const agoMs = nowGpsMs - (index + 1) * STRIDE_MS - 5;
          const timestamp = String(Math.round(nowMs - agoMs + offMs));
          return { value: valueOf(index), timestamp };
        }),
      });
    }

    /** A block of the hole's time, produced before it. */
    async function sendAhead(k: number): Promise<void> {
      const { offMs } = CLOCKS[k]!;
      const nowGpsMs = Number(nowGpsNs()) / 1e6;
      const agoMs = nowGpsMs - (hole + 1) * STRIDE_MS + AHEAD_S * 1000;
      const timestamp = String(Math.round(Date.now() - agoMs + offMs));
      await producer.send({
        topic: topicOf(k),
        messages: [{ value: valueOf(hole), timestamp }],
      });
    }

    async function writeHistory(): Promise<number> {
      const end = Number(nowGpsNs() / STRIDE_NS);
      first = end - HISTORY_S * 16;
      hole = end - HOLE_S * 16;
      const before = hole - AHEAD_S * 16;
      for (let from = first; from < end; from += 4800) {
        const to = Math.min(end, from + 4800);
        await Promise.all(CLOCKS.map(async (_, k) => {
          const indexes = Array.from({ length: to - from }, (_, i) => from + i)
            .filter((i) => i !== hole);
          const at = indexes.indexOf(before);
          if (at < 0) return await send(k, indexes);
          await send(k, indexes.slice(0, at));
          await sendAhead(k);
          await send(k, indexes.slice(at));
        }));
      }
      return end;
    }

    async function writeLive(next: number): Promise<void> {
      while (isOn) {
        const end = Number(nowGpsNs() / STRIDE_NS);
        const indexes: number[] = [];
        for (; next < end; next++) indexes.push(next);
        if (indexes.length > 0) {
          await Promise.all(CLOCKS.map((_, k) => send(k, indexes)));
        }
        await sleep(10);
      }
    }

    before(async () => {
      const dir = await Deno.makeTempDir({ prefix: "qanat-clocks-" });
      closers.push(() => Deno.remove(dir, { recursive: true }));
      const broker = await startKafka({ port: freePort(), dir });
      closers.push(() => broker.stop());
      address = broker.address;
      kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
      const admin = kafka.admin();
      await admin.connect();
      closers.push(() => admin.disconnect());
      const metadata = `arrakis-metadata-${PUBLISHER}`;
      await admin.createTopics({
        waitForLeaders: true,
        topics: [
          { topic: metadata, numPartitions: 1 },
          ...CLOCKS.map(({ type }, k) => ({
            topic: topicOf(k),
            numPartitions: 1,
            configEntries: [{ name: "message.timestamp.type", value: type }],
          })),
        ],
      });
      producer = kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      closers.push(() => producer.disconnect());
      await producer.send({
        topic: metadata,
        messages: CLOCKS.map((_, k) => ({
          key: channelOf(k),
          value: JSON.stringify({
            name: channelOf(k),
            data_type: "int64",
            sample_rate: 16,
            time: null,
            publisher: PUBLISHER,
            partition_id: partitionOf(k),
            partition_index: 0,
            stride: Number(STRIDE_NS),
            max_latency: 4_000_000_000,
            replay_id: null,
          }),
        })),
      });
      const end = await writeHistory();
      const live = writeLive(end);
      closers.push(async () => {
        isOn = false;
        await live;
      });
      const launched = launchQanat([`--kafka=${address}`, ...FLAGS]);
      ({ qanat, url } = launched);
      closers.push(() => qanat.stop());
      await qanat.answers(`${url}/readyz`);
      for (let k = 0; k < CLOCKS.length; k++) {
        await qanat.answers(
          `${url}/v1/channels/${encodeURIComponent(channelOf(k))}`,
        );
      }
    });

    after(async () => {
      for (let last = closers.pop(); last; last = closers.pop()) await last();
    });

    CLOCKS.forEach(({ name, offMs, type }, k) => {
      const what = `${name} (${type}, ${offMs} ms)`;
      const channels = channelOf(k);

      it(`gives equal rows live and in history: ${what}`, async () => {
        const end = Number(nowGpsNs() / STRIDE_NS) + 48;
        const live = await read(url, { channels }, end);
        assert.deepEqual(live.gaps, []);
        assert.ok(live.values.size >= 32, `${live.values.size} live rows`);
        for (const [index, value] of live.values) {
          assert.equal(value, String(index));
        }
        const from = Math.min(...live.values.keys());
        // From Kafka, not from the ring: that has only what was read since.
        const start = from - 1000 * 16;
        const reads = /^qanat_past_reads_total (\S+)$/m;
        const readsBefore = await figure(url, reads);
        const history = await read(url, {
          channels,
          start: secondsOf(start),
          end: secondsOf(end + 1),
        });
        const readsMade = await figure(url, reads) - readsBefore;
        say(`${name}: 17 minutes of history in ${readsMade} reads`);
        assert.deepEqual(history.gaps, []);
        for (let index = start; index <= end; index++) {
          assert.equal(
            history.values.get(index),
            String(index),
            `row ${index}`,
          );
        }
      });

      it(`finds a range in the middle without reading the records around it: ${what}`, async () => {
        const start = first + 100 * 16;
        const reads = /^qanat_past_reads_total (\S+)$/m;
        const before = await figure(url, reads);
        const beganMs = performance.now();
        const rows = await read(url, {
          channels,
          start: secondsOf(start),
          duration: "10",
        });
        const tookMs = performance.now() - beganMs;
        const made = await figure(url, reads) - before;
        say(
          `${name}: 10 s of the hour in ${
            Math.round(tookMs)
          } ms, ${made} reads`,
        );
        assert.deepEqual(rows.gaps, []);
        assert.deepEqual(
          [...rows.values.keys()],
          Array.from({ length: 160 }, (_, i) => start + i),
        );
        // An hour of this log is 33 MB, some 70 reads.
        assert.ok(made <= 5, `${made} reads`);
      });

      it(`calls what was stamped ahead by its name: ${what}`, async () => {
        const rows = await read(url, {
          channels,
          start: secondsOf(hole - (AHEAD_S + 1) * 16),
          end: secondsOf(hole + 16),
          gaps: "skip",
        });
        assert.deepEqual(rows.gaps, [{
          from: String(BigInt(hole) * STRIDE_NS),
          to: String(BigInt(hole + 1) * STRIDE_NS),
          reason: "future",
          filled: false,
        }]);
        assert.equal(rows.values.size, (AHEAD_S + 2) * 16 - 1);
        const aside = /^qanat_past_set_aside_total\{reason="future"\} (\S+)$/m;
        assert.ok(await figure(url, aside) > 0);
      });

      it(`resumes on an instance that has never read it: ${what}`, async () => {
        const other = launchQanat([`--kafka=${address}`, ...FLAGS]);
        try {
          await other.qanat.answers(`${other.url}/readyz`);
          await other.qanat.answers(
            `${other.url}/v1/channels/${encodeURIComponent(channels)}`,
          );
          const now = Number(nowGpsNs() / STRIDE_NS);
          const from = now - 30 * 16;
          const after = String(BigInt(from) * STRIDE_NS);
          const rows = await read(other.url, { channels, after }, now + 16);
          assert.deepEqual(rows.gaps, []);
          for (let index = from; index <= now + 16; index++) {
            assert.equal(rows.values.get(index), String(index), `row ${index}`);
          }
        } finally {
          await other.qanat.stop();
        }
      });
    });
  },
);

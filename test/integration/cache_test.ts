// deploy/nginx.conf as a cache in front of Qanat, which reads a log that this test writes: with blocks that are missing,
// late or deleted. QANAT_SECONDS=600 (the long tier) asks for as many ranges as the time allows; else for a few dozen.
// Invariant: what comes through the cache is what Qanat answers without it, or what it answered while it was settled.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { after, before, describe, it } from "@std/testing/bdd";
import { tableFromIPC } from "apache-arrow";
import { type Admin, Kafka, logLevel, type Producer } from "kafkajs";
import { type KafkaBroker, startKafka } from "../../scripts/kafka/broker.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { gpsMsOfUnixMs, unixMsOfGpsMs } from "../../src/blocks/gps_time.ts";
import { KafkajsProducer } from "../../src/kafka/kafkajs_producer.ts";
import { writeMetadata } from "../../src/kafka/publisher_metadata.ts";
import { EmbeddedBlocks } from "../../src/source/embedded_blocks.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { tokenWith } from "../auth/auth_world.ts";
import { Random } from "../random.ts";
import { freePort, launchQanat, PARTS, type Process, sleep } from "./chain.ts";
import {
  launchProxy,
  makeCertificate,
  PROXIES,
  PROXY_HOST,
} from "./proxies.ts";
import { until } from "./until.ts";

const SECONDS = Number(Deno.env.get("QANAT_SECONDS") || "0");
const IS_LONG = SECONDS >= 600;
const RANGES = 24;
const EQUAL_REQUESTS = 1000;
const BASE = "/qanat";
const A = "H1:QANAT-COUNT_I64_16";
const B = "H1:QANAT-RAMP_I16_64";
const STRIDE_MS = 62.5;
/** Rows of the log before the test begins, and how many of the newest ones the page ring gets. */
const PAST_ROWS = 16 * 240;
const RING_MS = 30_000;
/** One of so many blocks is never published, and one comes later than it may: so many rows later. */
const MISSING_ONE_OF = 300;
const LATE_ONE_OF = 400;
const LATE_ROWS = 48;
const ZSTD = 'accept: application/vnd.apache.arrow.stream;codecs="zstd"';
const nginx = PROXIES.find(({ name }) => name === "nginx")!;
const runnable = canRun([PARTS.kafka, nginx.part, PARTS.curl]);

const channels = (await embeddedChannels()).filter(({ channel }) =>
  [A, B].includes(channel.name)
);
const blocks = new EmbeddedBlocks(channels);

function gpsOf(row: number): string {
  const ns = String(BigInt(row) * 62_500_000n);
  return `${ns.slice(0, -9)}.${ns.slice(-9)}`;
}

function rowNow(): number {
  return Math.floor(gpsMsOfUnixMs(Date.now()) / STRIDE_MS);
}

/** One topic's log. */
class TopicLog {
  readonly topic: string;
  readonly missing = new Set<number>();
  readonly late = new Set<number>();
  /** The row of each message, by its offset. */
  readonly rows: number[] = [];
  readonly #random: Random;

  constructor(topic: string, seed: number) {
    this.topic = topic;
    this.#random = new Random(seed);
  }

  /** What is written after a row's end. */
  messagesAfter(row: number) {
    if (this.#random.once(MISSING_ONE_OF)) this.missing.add(row);
    else if (this.#random.once(LATE_ONE_OF)) this.late.add(row);
    const due = this.missing.has(row) || this.late.has(row) ? [] : [row];
    if (this.late.has(row - LATE_ROWS)) due.push(row - LATE_ROWS);
    this.rows.push(...due);
    const timestamp = unixMsOfGpsMs((row + 1) * STRIDE_MS);
    return due.map((written) => ({
      value: Buffer.from(blocks.blockOf(this.topic, written)),
      timestamp: String(Math.floor(timestamp)),
    }));
  }
}

/** Writes the log: what is older than its start at once, then each block after its end, without those that are missing. */
class LogWriter {
  readonly topics = blocks.topics.map((topic, i) => new TopicLog(topic, i));
  readonly first: number;
  readonly #producer: Producer;
  #next: number;
  #isClosed = false;
  #running = Promise.resolve();

  constructor(producer: Producer) {
    this.#producer = producer;
    this.first = this.#next = rowNow() - PAST_ROWS;
  }

  async writePast(): Promise<void> {
    while (this.#next < rowNow()) await this.#write(512);
  }

  start(): void {
    this.#running = (async () => {
      while (!this.#isClosed) {
        await this.#write(64);
        await sleep(50);
      }
    })();
  }

  /** The first rows from one on whose blocks came in time. */
  fullFrom(row: number, count: number): number {
    const isOdd = (each: number) =>
      this.topics.some(({ missing, late }) =>
        missing.has(each) || late.has(each)
      );
    for (let full = 0; full < count; row++) full = isOdd(row) ? 0 : full + 1;
    return row - count;
  }

  async #write(most: number): Promise<void> {
    const from = this.#next;
    const to = this.#next = Math.max(from, Math.min(rowNow(), from + most));
    const topicMessages = this.topics.map((log) => {
      const messages = [];
      for (let row = from; row < to; row++) {
        messages.push(...log.messagesAfter(row));
      }
      return { topic: log.topic, messages };
    }).filter(({ messages }) => messages.length > 0);
    if (topicMessages.length === 0) return;
    await this.#producer.sendBatch({ topicMessages });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }
}

/** An answer. */
interface Got {
  readonly code: number;
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** curl, which says whether a body is whole. */
async function curl(url: string, args: readonly string[] = []): Promise<Got> {
  const dump = await Deno.makeTempFile();
  const { code, stdout: bytes } = await new Deno.Command(PARTS.curl.program!, {
    args: ["--silent", "--insecure", "--dump-header", dump, ...args, url],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).output();
  const lines = (await Deno.readTextFile(dump)).trim().split("\r\n");
  await Deno.remove(dump);
  const headers = new Headers();
  for (const line of lines.slice(1)) {
    const at = line.indexOf(":");
    if (at > 0) headers.append(line.slice(0, at), line.slice(at + 1).trim());
  }
  return { code, status: Number(lines[0]?.split(" ")[1]), headers, bytes };
}

/** Values of a metric by its label. */
async function labelled(base: string, name: string) {
  const text = await (await fetch(`${base}/metrics`)).text();
  const found = text.matchAll(
    new RegExp(`^${name}(?:\\{\\w+="([^"]+)"\\})? (\\S+)$`, "gm"),
  );
  return Object.fromEntries(
    [...found].map(([, label, value]) => [label ?? "", Number(value)]),
  );
}

describe("a cache in front of Qanat", {
  ignore: !runnable,
  skip: !runnable,
}, () => {
  const closers: (() => Promise<unknown>)[] = [];
  let directory: string;
  let broker: KafkaBroker;
  let admin: Admin;
  let log: LogWriter;
  /** Qanat without the cache, and through it. */
  let direct: string;
  let cached: string;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-cache-" });
    closers.push(() => Deno.remove(directory, { recursive: true }));
    await Deno.chmod(directory, 0o755);
    await makeCertificate(directory);
    broker = await startKafka({ port: freePort(), dir: `${directory}/kafka` });
    closers.push(() => broker.stop());
    const writer = new KafkajsProducer([broker.address], "cache-test");
    const described = channels.map(({ channel }) => channel);
    await writeMetadata(writer, described, blocks.topics);
    await writer.close();
    const kafka = new Kafka({
      brokers: [broker.address],
      logLevel: logLevel.NOTHING,
    });
    admin = kafka.admin();
    await admin.connect();
    closers.push(() => admin.disconnect());
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    closers.push(() => producer.disconnect());
    log = new LogWriter(producer);
    await log.writePast();
    log.start();
    closers.push(() => log.close());
    const { qanat, url, port } = launchQanat([
      `--kafka=${broker.address}`,
      `--base-path=${BASE}`,
      "--trusted-proxies=127.0.0.1",
      `--allowed-hosts=${PROXY_HOST}`,
      `--resume-window-ms=${RING_MS}`,
      "--trend-match=.*",
      "--clients-per-address-max=0",
    ]);
    closers.push(() => qanat.stop());
    direct = url + BASE;
    await qanat.answers(`${direct}/readyz`);
    cached = await behindNginx(port);
  });

  after(async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  });

  /** Starts nginx in front of a port; resolves to its address once it answers. */
  async function behindNginx(qanatPort: number): Promise<string> {
    const port = freePort();
    const process: Process = await launchProxy(nginx, {
      directory,
      port,
      qanatPorts: [qanatPort],
      silence: "10s",
    });
    closers.push(() => process.stop());
    return `https://127.0.0.1:${port}${BASE}`;
  }

  it("1,000 equal requests for a settled range, at the same time, reach Qanat once", async () => {
    const rows = 160;
    const start = gpsOf(log.fullFrom(log.first + 400, rows));
    const path = `/v1/events?channels=${A},${B}&start=${start}&duration=10`;
    const sent = await labelled(direct, "qanat_settled_answers_total");
    const opened = await labelled(direct, "qanat_clients_opened_total");
    const config = `${directory}/equal`;
    const lines = Array.from(
      { length: EQUAL_REQUESTS },
      (_, i) => `url="${cached + path}"\noutput="${directory}/body-${i}"`,
    );
    await Deno.writeTextFile(config, lines.join("\n"));
    const got = await curl(cached + "/v1/time", [
      "--parallel",
      "--parallel-immediate",
      "--parallel-max",
      "100",
      "--http1.1",
      "--config",
      config,
    ]);
    assert.equal(got.code, 0);
    const whole = await curl(direct + path);
    assert.equal(whole.headers.get("etag")?.[0], '"');
    for (let i = 0; i < EQUAL_REQUESTS; i++) {
      const body = await Deno.readFile(`${directory}/body-${i}`);
      assert.ok(Buffer.from(whole.bytes).equals(body), `body ${i}`);
      await Deno.remove(`${directory}/body-${i}`);
    }
    const now = await labelled(direct, "qanat_settled_answers_total");
    const nowOpened = await labelled(direct, "qanat_clients_opened_total");
    // One of them came from nginx, one is the direct one.
    assert.equal(now["sent"]! - sent["sent"]!, 2);
    assert.equal(nowOpened[""]! - opened[""]!, 2);
  });

  it("a client that has the answer gets 304, and Qanat reads nothing for it", async () => {
    const start = gpsOf(log.fullFrom(log.first + 700, 32));
    const url = `${direct}/v1/arrow?channels=${A}&start=${start}&duration=2`;
    const { headers } = await curl(url);
    const reads = await labelled(direct, "qanat_past_reads_total");
    const opened = await labelled(direct, "qanat_clients_opened_total");
    const tag = `if-none-match: ${headers.get("etag")}`;
    const again = await curl(url, ["--header", tag]);
    assert.equal(again.status, 304);
    assert.equal(again.bytes.byteLength, 0);
    assert.deepEqual(await labelled(direct, "qanat_past_reads_total"), reads);
    assert.deepEqual(
      await labelled(direct, "qanat_clients_opened_total"),
      opened,
    );
    const through = await curl(url.replace(direct, cached));
    assert.equal(through.headers.get("etag"), headers.get("etag"));
    const known = await curl(url.replace(direct, cached), ["--header", tag]);
    assert.equal(known.status, 304);
  });

  it("a mix of ranges, some of them incomplete, never gets a wrong byte", async () => {
    const random = new Random(19);
    const untilMs = Date.now() + (IS_LONG ? (SECONDS - 60) * 1000 : 0);
    const counts = { settled: 0, hits: 0, unsettled: 0 };
    let asked = 0;
    while (asked < RANGES || Date.now() < untilMs) {
      asked++;
      await askTwice(rangeOf(random), counts);
    }
    assert.ok(counts.settled >= RANGES / 8, JSON.stringify(counts));
    assert.ok(counts.unsettled >= RANGES / 8, JSON.stringify(counts));
    assert.equal(counts.hits, counts.settled);
  });

  interface Asked {
    readonly path: string;
    readonly args: readonly string[];
    /** Its rows, and whether they come as rows of Arrow that this test can read. */
    readonly rows: readonly [number, number];
    readonly isReadable: boolean;
    readonly isRelative: boolean;
    /** Whether the bytes depend on what was compressed before. */
    readonly isPacked: boolean;
  }

  /** Any range: long ago, in the page ring, to the present, or relative; in any form. */
  function rangeOf(random: Random): Asked {
    const count = random.of([8, 16, 48, 160]);
    const now = rowNow();
    const from = random.once(2)
      ? log.first + 40 + random.below(PAST_ROWS - 1000)
      : now - random.of([0, 64, 200, 400]) - count;
    const isRelative = random.once(10);
    const start = isRelative ? `-${(now - from) / 16}` : gpsOf(from);
    const selected = random.of([A, B, `${A},${B}`]);
    const trend = random.once(6) ? "&trend=1s" : "";
    const form = random.of([
      { route: "events", more: "", args: [] },
      { route: "events", more: "&gaps=skip", args: [] },
      { route: "events", more: "&encoding=arrow", args: [] },
      { route: "events", more: "", args: ["--compressed"] },
      { route: "arrow", more: "", args: [] },
      { route: "arrow", more: "&coding=gzip", args: ["--compressed"] },
      { route: "arrow", more: "", args: ["--header", ZSTD] },
    ]);
    const isPacked = form.args.includes(ZSTD);
    return {
      path: `/v1/${form.route}?channels=${selected}&start=${start}` +
        `&duration=${count / 16}${form.more}${trend}`,
      args: form.args,
      rows: [from, from + count],
      isReadable: form.route === "arrow" && trend === "" && !isPacked,
      isRelative,
      isPacked,
    };
  }

  /** Asks for a range through the cache, without it, and through it again. */
  async function askTwice(
    asked: Asked,
    counts: { settled: number; hits: number; unsettled: number },
  ): Promise<void> {
    const { path, args } = asked;
    const first = await curl(cached + path, args);
    const plain = await curl(direct + path, args);
    const second = await curl(cached + path, args);
    for (const { code, status } of [first, plain, second]) {
      assert.deepEqual([code, status], [0, 200], path);
    }
    if (!first.headers.has("etag")) {
      counts.unsettled++;
      assert.match(first.headers.get("cache-control")!, /^no-store/, path);
      // Its range may have become settled meanwhile, but it was not in the cache.
      assert.notEqual(second.headers.get("x-cache"), "HIT", path);
      return;
    }
    counts.settled++;
    if (second.headers.get("x-cache") === "HIT") counts.hits++;
    assert.ok(!asked.isRelative, path);
    assert.match(first.headers.get("cache-control")!, /^public, max-age=/);
    assert.equal(second.headers.get("etag"), first.headers.get("etag"), path);
    assert.ok(Buffer.from(first.bytes).equals(second.bytes), path);
    if (!asked.isPacked) {
      assert.ok(Buffer.from(first.bytes).equals(plain.bytes), path);
    }
    if (asked.isReadable) assertPublished(asked, first.bytes);
  }

  /** All rows are there with the samples that were published. */
  function assertPublished(
    { path, rows: [from, to] }: Asked,
    bytes: Uint8Array,
  ): void {
    const table = tableFromIPC(bytes);
    assert.equal(table.numRows, to - from, path);
    for (const { channel: { name }, samples } of channels) {
      const column = table.getChild(name);
      for (let i = 0; column !== null && i < to - from; i++) {
        const list = [...column.get(i)];
        const first = (from + i) * list.length;
        const published = [...samples(first, list.length)];
        assert.deepEqual(list, published, `${path}, row ${i}`);
      }
    }
  }

  it("what Kafka has deleted is served from the cache, and is not stored again", async () => {
    const rows = 32;
    const early = log.fullFrom(log.first + 60, rows);
    const other = log.fullFrom(early + rows, rows);
    const pathOf = (row: number, more = "") =>
      `/v1/events?channels=${A},${B}&start=${gpsOf(row)}&duration=${
        rows / 16
      }${more}`;
    const before = await curl(cached + pathOf(early));
    assert.ok(before.headers.has("etag"));
    const boundary = other + rows / 2;
    for (const { topic, rows: logged } of log.topics) {
      const offset = logged.findIndex((row) => row >= boundary);
      // kafkajs does not look for the leader of a topic that it has not met.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({
        topic,
        partitions: [{ partition: 0, offset: String(offset) }],
      });
    }
    const kept = await curl(cached + pathOf(early));
    assert.equal(kept.headers.get("x-cache"), "HIT");
    assert.deepEqual(kept.bytes, before.bytes);
    for (const path of [pathOf(early, "&gaps=skip"), pathOf(other)]) {
      for (let i = 0; i < 2; i++) {
        const got = await curl(cached + path);
        // 404 where all of it was deleted.
        assert.ok([200, 404].includes(got.status), path);
        assert.equal(got.headers.has("etag"), false, path);
        assert.notEqual(got.headers.get("x-cache"), "HIT", path);
        assert.match(got.headers.get("cache-control")!, /^no-store/);
      }
    }
    const rest = log.fullFrom(boundary, rows);
    assert.ok((await curl(cached + pathOf(rest))).headers.has("etag"));
  });

  it("a body that breaks off is not stored, and neither is one over HTTP/1.0", async () => {
    let asked = 0;
    const port = freePort();
    const listener = Deno.listen({ hostname: "127.0.0.1", port });
    closers.push(() => Promise.resolve(listener.close()));
    // What Qanat sends when it cannot keep its promise: no last chunk.
    const text = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" +
      'etag: "x"\r\ncache-control: public, max-age=86400, no-transform\r\n' +
      "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    (async () => {
      for await (const connection of listener) {
        asked++;
        await connection.read(new Uint8Array(4096));
        await connection.write(new TextEncoder().encode(text));
        connection.close();
      }
    })().catch(() => {});
    const broken = await behindNginx(port);
    const begun = asked;
    const path = "/v1/events?channels=X&start=1000&duration=1";
    for (let i = 1; i <= 3; i++) {
      const got = await curl(broken + path, ["--http1.1"]);
      assert.notEqual(got.code, 0);
      assert.equal(asked - begun, i, "it was stored");
    }
    const start = gpsOf(log.fullFrom(log.first + 1600, 16));
    const old = await curl(
      `${direct}/v1/events?channels=${A},${B}&start=${start}&duration=1`,
      ["--http1.0"],
    );
    assert.equal(old.headers.has("etag"), false);
    assert.match(old.headers.get("cache-control")!, /^no-store/);
  });

  it("with authentication nginx stores nothing, and a revoked client gets nothing", async () => {
    const alice = tokenWith("alice");
    const bob = tokenWith("bob");
    const file = `${directory}/tokens.json`;
    const write = (entries: unknown[]) =>
      Deno.writeTextFile(file, JSON.stringify({ tokens: entries }));
    await write([alice.entry, bob.entry]);
    const { qanat, url, port } = launchQanat([
      `--base-path=${BASE}`,
      "--trusted-proxies=127.0.0.1",
      `--allowed-hosts=${PROXY_HOST}`,
      "--auth=tokens",
      `--auth-token-file=${file}`,
    ]);
    closers.push(() => qanat.stop());
    await qanat.answers(`${url + BASE}/readyz`);
    const through = await behindNginx(port);
    const as = ({ token }: { token: string }, more: string[] = []) => [
      "--header",
      `authorization: Bearer ${token}`,
      ...more,
    ];
    const path = `/v1/events?channels=${A}&start=${
      gpsOf(rowNow() - 4000)
    }&duration=1`;
    const first = await curl(through + path, as(alice));
    assert.equal(first.status, 200);
    const tag = first.headers.get("etag");
    assert.ok(tag !== null);
    assert.equal(
      first.headers.get("cache-control"),
      "private, no-cache, no-transform",
    );
    const known = ["--header", `if-none-match: ${tag}`];
    assert.equal((await curl(through + path, as(alice, known))).status, 304);
    const second = await curl(through + path, as(bob));
    assert.notEqual(second.headers.get("x-cache"), "HIT");
    assert.equal((await curl(through + path)).status, 401);
    await write([bob.entry]);
    await until("she is refused", async () => {
      const { status } = await curl(through + path, as(alice, known));
      return status === 401;
    });
    assert.equal((await curl(through + path, as(bob, known))).status, 304);
  });
});

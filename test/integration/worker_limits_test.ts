// Limits with `--workers 2`: whichever worker a connection reaches, both together never exceed one.
import { after, afterEach, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { Breakable } from "./breakable.ts";
import { sleep, streamUrl } from "./chain.ts";

const CHANNEL = "H1:GWOSC-4KHZ_R1_STRAIN";
const CLIENTS_MAX = 24;
const PER_ADDRESS_MAX = 8;
const HISTORIES_MAX = 2;
/** GPS seconds are so much behind Unix seconds, about. */
const GPS_OFFSET_S = 315_964_782;
const AGO_S = 1800;
/** Histories that come in when others have stalled. */
const LATER = 4;
const WITHIN_MS = 60_000;
/** Few enough that one worker does not admit all of them before the other one runs. */
const AT_ONCE = 5;

/** A stream that is not read beyond its status. */
interface Opened extends Disposable {
  readonly status: number;
}

async function open(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Opened> {
  const { hostname, port, pathname, search } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = Object.entries(headers).map(([name, value]) =>
    `${name}: ${value}\r\n`
  ).join("");
  const head =
    `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\n${lines}\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const start = new Uint8Array(12);
  await connection.read(start);
  const status = Number(new TextDecoder().decode(start.subarray(9)));
  return { status, [Symbol.dispose]: () => connection.close() };
}

function count(streams: readonly Opened[], status: number): number {
  return streams.filter((stream) => stream.status === status).length;
}

describe("limits of two workers", () => {
  let trial: Breakable;
  let url: string;
  const opened: Opened[] = [];

  before(async () => {
    const args = [
      `--clients-max=${CLIENTS_MAX}`,
      `--clients-per-address-max=${PER_ADDRESS_MAX}`,
      `--history-readers-max=${HISTORIES_MAX}`,
      "--history-stall-ms=1000",
      "--address-share-percent=100",
      "--trusted-proxies=127.0.0.1",
    ];
    trial = new Breakable({ workers: 2, args });
    ({ url } = trial);
    await trial.qanat.says(/is serving on/);
  });
  after(async () => {
    await trial?.qanat.stop();
  });

  afterEach(async () => {
    for (const stream of opened.splice(0)) stream[Symbol.dispose]();
    for (const name of ["clients", "histories", "resumes"]) {
      await comesTo(name, 0, CLIENTS_MAX);
    }
  });

  /** Opens some at a time. */
  async function openAll(
    urls: readonly string[],
    addressOf: (i: number) => string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Opened[]> {
    const streams: Opened[] = [];
    for (let i = 0; i < urls.length; i += AT_ONCE) {
      const group = urls.slice(i, i + AT_ONCE).map((url, j) =>
        open(url, { ...headers, "X-Forwarded-For": addressOf(i + j) })
      );
      streams.push(...await Promise.all(group));
    }
    opened.push(...streams);
    return streams;
  }

  /** Values of a metric, by its labels. */
  async function metric(name: string): Promise<Map<string, number>> {
    const text = await (await fetch(`${url}/metrics`)).text();
    const lines = text.matchAll(
      new RegExp(`^qanat_${name}(\\{.*\\})? (\\d+)$`, "gm"),
    );
    return new Map([...lines].map((m) => [m[1] ?? "", Number(m[2])]));
  }

  /** Until a metric has a value, in all looks at most `most`. */
  async function comesTo(name: string, value: number, most: number) {
    const endMs = Date.now() + WITHIN_MS;
    for (;;) {
      const now = (await metric(name)).get("")!;
      assert.ok(now <= most, `${name} ${now}`);
      if (now === value) return;
      assert.ok(Date.now() < endMs, `${name} is ${now}, and not ${value}`);
      await sleep(50);
    }
  }

  const live = (clients: number) =>
    new Array<string>(clients).fill(streamUrl(url, "events", [CHANNEL]));
  const history = (clients: number) => {
    const startS = Math.floor(Date.now() / 1000) - GPS_OFFSET_S - AGO_S;
    return live(clients).map((each) => `${each}&start=${startS}`);
  };

  it("admit --clients-max in all, and again as many when these have disconnected", async () => {
    for (let round = 0; round < 2; round++) {
      const streams = await openAll(live(60), (i) => `10.0.${i}.1`);
      assert.equal(count(streams, 200), CLIENTS_MAX);
      assert.equal(count(streams, 503), 60 - CLIENTS_MAX);
      const byWorker = [...(await metric("worker_clients")).values()];
      assert.ok(byWorker.every((clients) => clients > 0), `${byWorker}`);
      assert.equal(byWorker[0]! + byWorker[1]!, CLIENTS_MAX);
      assert.equal((await metric("client_addresses")).get(""), CLIENTS_MAX);
      for (const stream of opened.splice(0)) stream[Symbol.dispose]();
      await comesTo("clients", 0, CLIENTS_MAX);
    }
  });

  it("are free again at once when a worker ends, for as many as it had", async () => {
    const streams = await openAll(live(CLIENTS_MAX), (i) => `10.0.${i}.1`);
    assert.equal(count(streams, 200), CLIENTS_MAX);
    const [, second] = [...(await metric("worker_clients")).values()];
    await trial.break("throw", 1);
    await comesTo("clients", CLIENTS_MAX - second!, CLIENTS_MAX);
    assert.equal(
      (await metric("client_addresses")).get(""),
      CLIENTS_MAX - second!,
    );
    const more = await openAll(live(CLIENTS_MAX), (i) => `10.1.${i}.1`);
    assert.equal(count(more, 200), second);
    assert.equal(count(more, 503), CLIENTS_MAX - second!);
    await comesTo("clients", CLIENTS_MAX, CLIENTS_MAX);
  });

  it("admit --clients-per-address-max of an address", async () => {
    const streams = await openAll(
      live(40),
      (i) => i % 2 === 0 ? "10.0.0.1" : "2001:db8::1",
    );
    const [even, odd] = [0, 1].map((rest) =>
      streams.filter((_, i) => i % 2 === rest)
    );
    for (const ofAddress of [even!, odd!]) {
      assert.equal(count(ofAddress, 200), PER_ADDRESS_MAX);
      assert.equal(count(ofAddress, 429), 20 - PER_ADDRESS_MAX);
    }
  });

  it("read --history-readers-max histories, and pass those that stall from one worker to the other", async () => {
    const streams = await openAll(history(20), (i) => `10.0.${i}.1`);
    assert.equal(count(streams, 200), HISTORIES_MAX);
    assert.equal(count(streams, 503), 20 - HISTORIES_MAX);
    await comesTo("histories", HISTORIES_MAX, HISTORIES_MAX);
    // No client reads: each of these gets the place of one that has stalled.
    let later = 0;
    const endMs = Date.now() + WITHIN_MS;
    while (later < LATER) {
      assert.ok(Date.now() < endMs, `${later} of ${LATER} came in`);
      later += count(await openAll(history(1), () => "10.1.1.1"), 200);
      assert.ok((await metric("histories")).get("")! <= HISTORIES_MAX);
      await sleep(100);
    }
  });

  it("read four resumes of different selections at a time, and let all of them come to their turn", async () => {
    // Equal ones would share one reading.
    const answer = await fetch(`${url}/v1/channels?match=L1:.*&limit=20`);
    const { channels } = await answer.json() as {
      channels: { name: string }[];
    };
    const selections = channels.map(({ name }) =>
      streamUrl(url, "events", [CHANNEL, name])
    );
    const agoNs = BigInt(Date.now() - 100_000) * 1_000_000n -
      BigInt(GPS_OFFSET_S) * 1_000_000_000n;
    const id = agoNs - agoNs % 62_500_000n;
    const streams = await openAll(selections, (i) => `10.0.${i}.1`, {
      "Last-Event-ID": String(id),
    });
    assert.equal(count(streams, 200), 20);
    const endMs = Date.now() + WITHIN_MS;
    let most = 0;
    for (;;) {
      const [reading, waiting] = [
        (await metric("resumes")).get("")!,
        (await metric("resumes_waiting")).get("")!,
      ];
      most = Math.max(most, reading);
      assert.ok(reading <= 4, `${reading} resumes`);
      if (waiting === 0) break;
      assert.ok(Date.now() < endMs, `${waiting} wait`);
      await sleep(50);
    }
    assert.equal(most, 4);
  });
});

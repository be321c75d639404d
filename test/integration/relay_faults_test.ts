// Relays of a real Kafka whose origins are killed under clients of all kinds. A Qanat that reads the same broker and is
// never disturbed says what each row is. Invariant: each client gets each row once, byte for byte as from there, or a gap.
import { after, before, beforeEach, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { canRun } from "../../scripts/optional_parts.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import {
  type Chain,
  type Launched,
  launchQanat,
  metric,
  PARTS,
  say,
  sleep,
  startChain,
  streamUrl,
} from "./chain.ts";
import { Published } from "./published.ts";
import { checkHeard, type Heard, RawStream } from "./raw_stream.ts";

const CHANNELS = 100;
const STRIDE_NS = 62_500_000n;
const DOWN_S = 30;
/** What is published before a history is read: more than the kernel hides of a client that does not read. */
const PAST_S = 30;
const WARM_MS = 4000;
/** A client that has stalled reads all that waits within so long, also on a busy machine. */
const CATCH_UP_MAX_MS = 120_000;
const BEHIND_ROWS_MAX = 32n;
const FAIL_OVER_CLIENTS = 50;
/** One partition, and a long latency: no instance gives a block up because a busy machine publishes it late. */
const SLOW_PUBLISHER = {
  dataType: "int32",
  rate: 1024,
  maxLatencyMs: 60_000,
} as const;
const STREAMS = "--relay-streams-max=64";
/** Why rows may be missing here. */
const REASONS = ["slow", "unreachable"];

const runnable = canRun([PARTS.kafka, PARTS.python]);

describe("relays whose origins are killed", {
  ignore: !runnable,
  skip: !runnable,
}, () => {
  let chain: Chain;
  let names: string[];
  let beganNs: bigint;
  const launched: Launched[] = [];

  before(async () => {
    chain = await startChain({
      channels: CHANNELS,
      secondsMax: 900,
      qanatArgs: [STREAMS],
      ...SLOW_PUBLISHER,
    });
    names = new Published(chain.directory).channels.map(({ name }) => name);
    // Of each second from now on there is all.
    beganNs = (nowGpsNs() / 1_000_000_000n + 2n) * 1_000_000_000n;
  });
  beforeEach(async () => {
    for (const { qanat } of launched.splice(0).reverse()) await qanat.stop();
  });
  after(async () => {
    for (const { qanat } of launched.reverse()) await qanat.stop();
    await chain?.close();
  });

  async function launch(args: readonly string[], port?: number) {
    const instance = launchQanat(args, port);
    launched.push(instance);
    await instance.qanat.answers(`${instance.url}/readyz`);
    return instance;
  }

  const origin = (port?: number) =>
    launch([`--kafka=${chain.brokerAddress}`, STREAMS], port);

  const relay = (upstreams: readonly Launched[], ...args: string[]) =>
    launch([`--upstream=${upstreams.map(({ url }) => url)}`, ...args]);

  /** Four channels, others for each n. */
  const some = (n: number) =>
    Array.from({ length: 4 }, (_, k) => names[(7 * n + 3 * k) % CHANNELS]!);

  /** A stream of an instance and the same one of the instance that is not disturbed. */
  async function pair(url: string, channels: readonly string[], query = "") {
    const [stream, expected] = await Promise.all(
      [url, chain.qanatUrl].map((base) =>
        RawStream.open(streamUrl(base, "events", channels) + query)
      ),
    );
    return { stream: stream!, expected: expected! };
  }

  type Pair = Awaited<ReturnType<typeof pair>>;

  /** Rows that a stream lacks at its end. */
  const behind = ({ stream, expected }: Pair) =>
    (expected.newestNs - stream.newestNs) / STRIDE_NS;

  /** Fails where a row differs or came twice, or is missing and no gap says so. Gaps, and the rows in all of them. */
  function check(
    what: string,
    heard: readonly Heard[],
    others: ReadonlyMap<bigint, string>,
  ) {
    const found = checkHeard(heard, {
      strideNs: STRIDE_NS,
      others,
      reasons: REASONS,
    });
    assert.equal(heard.find(({ kind }) => kind === "end"), undefined, what);
    const first = heard.findIndex(({ kind }) => kind === "row");
    assert.ok(found.compared > 0, `${what}: no row was compared`);
    let lost = 0;
    let atNs = 0n;
    for (const h of heard.slice(first)) {
      if (h.kind === "gap") lost += Number((h.endNs - atNs) / STRIDE_NS);
      if (h.kind !== "end") atNs = h.endNs;
    }
    return { ...found, lost };
  }

  it(`${FAIL_OVER_CLIENTS} clients: one of two origins is killed, and then the other one`, async () => {
    const [one, two] = [await origin(), await origin()];
    const far = await relay([one, two]);
    const pairs = await Promise.all(
      Array.from(
        { length: FAIL_OVER_CLIENTS },
        (_, i) => pair(far.url, some(i)),
      ),
    );
    let isDone = false;
    const reads = pairs.flatMap((both) => Object.values(both)).map((stream) =>
      stream.readWhile(() => !isDone)
    );
    await sleep(WARM_MS);
    await one.qanat.kill9();
    await sleep(2 * WARM_MS);
    await origin(one.port);
    await sleep(WARM_MS);
    await two.qanat.kill9();
    await sleep(2 * WARM_MS);
    isDone = true;
    await Promise.all(reads);
    let rows = 0;
    for (const [i, { stream, expected }] of pairs.entries()) {
      const found = check(`client ${i}`, stream.heard, expected.digests());
      assert.equal(found.lost, 0, `client ${i}`);
      assert.ok(found.rows > 16 * 15, `client ${i}: ${found.rows} rows`);
      rows += found.compared;
      stream.close();
      expected.close();
    }
    say(
      `two origins, each killed once: ${pairs.length} clients, 0 lost, 0 twice; ${rows} rows compared byte for byte`,
    );
  });

  it("a client continues by its last id at the origin, at another relay, and back", async () => {
    const first = await origin();
    const relays = await Promise.all([relay([first]), relay([first])]);
    const channels = some(3);
    const expected = await RawStream.open(
      streamUrl(chain.qanatUrl, "events", channels),
    );
    let isDone = false;
    const expectedReads = expected.readWhile(() => !isDone);
    const heard: Heard[] = [];
    let lastId: bigint | undefined;
    const [near, far] = relays as [Launched, Launched];
    for (const { url } of [near, first, far, near, far, first, near]) {
      const stream = await RawStream.open(
        streamUrl(url, "events", channels),
        lastId,
      );
      await stream.read(WARM_MS / 2);
      stream.close();
      heard.push(...stream.heard);
      lastId = stream.newestNs;
      assert.ok(lastId > 0n, "it got rows");
    }
    await sleep(1000);
    isDone = true;
    await expectedReads;
    expected.close();
    const { rows, lost } = check("resumes", heard, expected.digests());
    assert.equal(lost, 0);
    assert.ok(rows > 16 * 10, `${rows} rows`);
  });

  it(`an origin is killed, and back after ${DOWN_S} s: clients that are live, in a history, and stalled lose nothing`, async () => {
    const first = await origin();
    const far = await relay(
      [first],
      // What is older than its first client comes from the origin's history.
      "--resume-window-ms=1000",
    );
    const sinceMs = Number((nowGpsNs() - beganNs) / 1_000_000n);
    await sleep(Math.max(0, PAST_S * 1000 - sinceMs));
    const live = await Promise.all(
      Array.from({ length: 10 }, (_, i) => pair(far.url, some(i))),
    );
    const stalled = await pair(far.url, names);
    const start = `&start=${beganNs / 1_000_000_000n}`;
    const inHistory = await pair(far.url, names, start);
    let isDone = false;
    const reads: Promise<void>[] = [];
    const readAll = (stream: RawStream) =>
      reads.push(stream.readWhile(() => !isDone));
    for (const { stream, expected } of live) {
      readAll(stream);
      readAll(expected);
    }
    readAll(stalled.expected);
    readAll(inHistory.expected);
    // It does not read, so that its history is under way when the origin is killed.
    await sleep(WARM_MS);
    assert.equal(await metric(far.url, "qanat_histories"), 1);
    await first.qanat.kill9();
    await sleep(1000 * DOWN_S);
    const again = await origin(first.port);
    await sleep(WARM_MS);
    readAll(stalled.stream);
    readAll(inHistory.stream);
    const endMs = performance.now() + CATCH_UP_MAX_MS;
    while (
      performance.now() < endMs &&
      [stalled, inHistory].some((one) => behind(one) >= BEHIND_ROWS_MAX)
    ) await sleep(200);
    isDone = true;
    await Promise.all(reads);

    const checked = (what: string, { stream, expected }: Pair) => {
      const found = check(what, stream.heard, expected.digests());
      assert.ok(expected.heard.every(({ kind }) => kind === "row"), what);
      const rows = behind({ stream, expected });
      assert.ok(rows < BEHIND_ROWS_MAX, `${what}: ${rows} rows behind`);
      stream.close();
      expected.close();
      return found;
    };
    const lives = live.map((one, i) => checked(`live ${i}`, one));
    const late = checked("stalled", stalled);
    const old = checked("in a history", inHistory);
    say(
      `an origin away for ${DOWN_S} s: lost and reported: live ${
        lives.map(({ lost }) => lost)
      }, stalled ${late.lost}, in a history ${old.lost}; ${
        [...lives, late, old].reduce((sum, { compared }) => sum + compared, 0)
      } rows compared byte for byte`,
    );
    for (const { lost, rows } of [...lives, late]) {
      assert.equal(lost, 0);
      assert.ok(rows > 16 * (DOWN_S + 5), `${rows} rows`);
    }
    assert.ok(old.rows > 16 * (DOWN_S + 5), `${old.rows} rows of a history`);
    assert.equal(await metric(far.url, "qanat_source_reachable"), 1);
    assert.ok(again.qanat.isRunning);
  });
});

// Any worker answers for all threads: figures, status, clients, sessions, usage log. Driven in one thread.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import type { Claims } from "../../src/auth/claims.ts";
import type { Session } from "../../src/auth/sessions.ts";
import { finish } from "../../src/channels/sliced_work.ts";
import { LimitError } from "../../src/http/limits/limit_error.ts";
import { ownPortAccess } from "../../src/http/routes/operator_access.ts";
import { operatorRoutes } from "../../src/http/routes/operator_routes.ts";
import { Folder, tokenWith } from "../auth/auth_world.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import {
  channels,
  FIRST,
  NAME,
  ProcessWorld,
  type TestWorker,
} from "./process_world.ts";

let world: ProcessWorld;
let a: TestWorker;
let b: TestWorker;

beforeEach(async () => {
  world = await ProcessWorld.start();
  [a, b] = world.workers as [TestWorker, TestWorker];
});

afterEach(async () => {
  await world.close();
});

/** Figures by name and labels. */
function figuresIn(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const space = line.lastIndexOf(" ");
    found.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return found;
}

async function figuresOf(worker: TestWorker): Promise<Map<string, number>> {
  return figuresIn((await worker.qanat.process!.metrics()).text);
}

async function statusOf(worker: TestWorker): Promise<Record<string, unknown>> {
  return finish(await worker.qanat.process!.status());
}

function counters(figures: Map<string, number>): [string, number][] {
  return [...figures].filter(([name]) =>
    /_total(\{|$)|_bucket|_count$|_sum$/.test(name)
  );
}

/** A request of an operator to one worker. */
async function request(
  { qanat }: TestWorker,
  path: string,
  method = "GET",
): Promise<Response> {
  const routes = operatorRoutes(
    qanat,
    ownPortAccess({
      access: qanat.access,
      authenticate: () => {
        throw new Error("not needed");
      },
      hasCredential: () => false,
      isLoopback: () => true,
    }),
  );
  return await routes.request(`http://localhost${path}`, { method });
}

/** The same clients and rows with one thread that serves. */
async function alone(
  use: (qanat: Qanat, publish: (count: number) => void) => Promise<void>,
): Promise<void> {
  const source = new DrivenSource(channels);
  const clock = new BlockClock(FIRST);
  const qanat = new Qanat({
    config: configWith({ retentionMb: 1, lingerMs: 0, outageGraceMs: 0 }),
    source,
    log: silent,
    memory: () => ({ rss: 9, heapTotal: 3, heapUsed: 2, external: 1 }),
    clocks: clock,
  });
  await qanat.start();
  let row = FIRST;
  await use(qanat, (count) => {
    const [topic] = source.blocks.topics;
    for (let i = 0; i < count; i++) {
      clock.index = row + 1;
      const block = source.blocks.blockOf(topic!, row);
      source.sink!.onMessage(topic!, block, row, clock.nowMs() - 10);
      source.sink!.onCaughtUp(topic!, clock.clockMs());
      row++;
    }
  });
  qanat.drain();
  await qanat.close();
}

/** What depends on how often each thread works, or on time, which does not pass evenly here. */
const OF_THREADS =
  /_ready|seconds|worker|slab|alloc|heap|external|ring|encoded|selections|works|steps|request|thread_|trend_budget|views/;

describe("the figures of a process", () => {
  it("are those of one thread, for the same clients and rows", async () => {
    for (const worker of [a, b, a, b, b]) worker.open();
    await world.publish(20);
    const [found, other] = [await figuresOf(a), await figuresOf(b)];
    await alone(async (qanat, publish) => {
      for (let i = 0; i < 5; i++) {
        const admission = qanat.hub.admission.admit(
          [qanat.catalog.get(NAME, null)!],
          "events",
          { address: "192.0.2.1" },
        );
        assert.ok(admission.kind === "ready");
        admission.open(new HeldOutlet());
      }
      publish(20);
      const expected = figuresIn((await qanat.metrics()).text);
      for (const [name, value] of expected) {
        if (OF_THREADS.test(name)) continue;
        assert.equal(found.get(name), value, name);
        assert.equal(other.get(name), value, name);
      }
      assert.equal(expected.get("qanat_clients"), 5);
      assert.ok(expected.get("qanat_bytes_sent_total")! > 1000);
    });
    assert.equal(found.get('qanat_worker_clients{worker="0"}'), 2);
    assert.equal(found.get('qanat_worker_clients{worker="1"}'), 3);
  });

  it("do not fall when workers are replaced, and keep what these have counted", async () => {
    for (const worker of [a, b, b]) worker.open();
    await world.publish(10);
    let before = await figuresOf(a);
    for (let i = 0; i < 3; i++) {
      await world.end(b, true);
      const between = await figuresOf(a);
      b = await world.begin(1);
      b.open();
      await world.publish(5);
      const after = await figuresOf(b);
      for (const [name, value] of counters(before)) {
        assert.ok(between.get(name)! >= value, `${name} ${i} between`);
        assert.ok(after.get(name)! >= value, `${name} ${i}`);
      }
      before = after;
    }
    assert.equal(before.get("qanat_clients_opened_total"), 6);
    assert.equal(before.get("qanat_clients"), 2);
  });

  it("have the age of the process, though no worker is as old", async () => {
    await world.publish(160);
    const before = (await figuresOf(a)).get("qanat_uptime_seconds")!;
    assert.equal(before, 10);
    for (const worker of [a, b]) {
      await world.end(worker, true);
      await world.begin(worker.number);
    }
    [a, b] = world.workers as [TestWorker, TestWorker];
    const figures = await figuresOf(a);
    assert.equal(figures.get("qanat_uptime_seconds"), before);
    assert.equal((await statusOf(b))["uptime_s"], before);
  });

  it("of a worker that hangs are its last ones, and it is named", async () => {
    a.open();
    b.open();
    await world.publish(3);
    const before = await figuresOf(a);
    b.isHanging = true;
    const after = await figuresOf(a);
    for (const [name, value] of counters(before)) {
      assert.ok(after.get(name)! >= value, name);
    }
    assert.equal(after.get("qanat_clients"), 2);
    assert.equal(after.get('qanat_worker_answers{worker="0"}'), 1);
    assert.equal(after.get('qanat_worker_answers{worker="1"}'), 0);
    assert.equal(after.get("qanat_thread_answers_missing_total"), 0);
    const next = await figuresOf(a);
    assert.equal(next.get("qanat_thread_answers_missing_total"), 1);
  });
});

describe("questions to the others", () => {
  it("are asked once for all requests for figures at a time", async () => {
    b.isHanging = true;
    const texts = await Promise.all(
      Array.from({ length: 70 }, () => a.qanat.process!.metrics()),
    );
    assert.equal(new Set(texts).size, 1);
    b.isHanging = false;
    assert.notEqual(await a.qanat.process!.metrics(), texts[0]);
  });

  it("are limited: a request beyond is refused with 503, and counted", async () => {
    b.isHanging = true;
    const query = { limit: 1, after: 0, owner: undefined, address: undefined };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 70 }, () => a.qanat.process!.clients(query)),
    );
    const refused = outcomes.filter(({ status }) => status === "rejected");
    assert.equal(refused.length, 6);
    for (const { reason } of refused as PromiseRejectedResult[]) {
      assert.ok(reason instanceof LimitError, String(reason));
      assert.deepEqual([reason.limit, reason.status], ["works", 503]);
    }
  });

  it("show the time that the reading thread spends on Kafka, and none of a worker's", async () => {
    const { source } = world;
    const status = source.status();
    source.status = () => ({ ...status, seconds: { deliver: 1, decode: 2 } });
    world.tick();
    a.open();
    await world.publish(20);
    assert.ok(a.qanat.store.handedOutSeconds > 0);
    const figures = await figuresOf(a);
    assert.equal(figures.get('qanat_kafka_seconds_total{part="deliver"}'), 1);
    assert.equal(figures.get('qanat_kafka_seconds_total{part="decode"}'), 2);
    // Less than nothing would be left of it here.
    source.status = () => ({ ...status, seconds: { deliver: 0 } });
    world.tick();
    await world.settle();
    const { seconds } = a.qanat.source.status();
    assert.equal(seconds, undefined);
    await a.qanat.metrics();
  });
});

describe("the status of a process", () => {
  it("has the sums, and a line for each worker", async () => {
    for (const worker of [a, b, b]) worker.open();
    await world.publish(4);
    const status = await statusOf(a);
    const own = finish(a.qanat.statusInSlices());
    assert.deepEqual(
      Object.keys(status).filter((name) => name !== "workers").sort(),
      Object.keys(own).sort(),
    );
    assert.equal(status["clients"], 3);
    assert.equal(status["clients_opened"], 3);
    const [partition] = status["partitions"] as Record<string, unknown>[];
    assert.equal((status["partitions"] as unknown[]).length, 1);
    assert.equal(partition!["leases"], 2);
    assert.equal(partition!["blocks"], 4);
    const workers = status["workers"] as Record<string, unknown>[];
    assert.deepEqual(
      workers.map(({ worker, answered, clients }) => [
        worker,
        answered,
        clients,
      ]),
      [[0, true, 1], [1, true, 2]],
    );
  });

  it("has the lag of messages that the reading thread counts, as it reads them for trends first", async () => {
    await world.close();
    world = await ProcessWorld.start(2, { trendMatch: ".*" });
    [a, b] = world.workers as [TestWorker, TestWorker];
    world.recording.start();
    world.recording.tick();
    await world.settle();
    for (const worker of [a, b]) worker.open();
    await world.publish(4);
    for (const worker of [a, b]) {
      const { lag } = await statusOf(worker) as {
        lag: Record<string, number | null>;
      };
      assert.deepEqual(Object.keys(lag), ["p50_ms", "p99_ms", "max_ms"]);
      for (const ms of Object.values(lag)) assert.ok(ms! > 0);
      assert.ok(lag["max_ms"]! >= 10);
    }
  });

  it("names a worker that hangs, with its last figures", async () => {
    b.open();
    await world.publish(2);
    await b.link.end(false);
    await world.settle();
    b.isHanging = true;
    const response = await request(a, "/v1/status");
    const { workers, clients } = await response.json();
    assert.equal(clients, 0);
    assert.equal(workers[1].answered, false);
    assert.equal(workers[1].clients, 1);
  });
});

describe("the clients of a process", () => {
  it("are listed page by page, in the order in which they opened", async () => {
    for (const worker of [a, b, b, a, b]) worker.open();
    const ids: string[] = [];
    let after: number | null = 0;
    let pages = 0;
    while (after !== null) {
      const path = `/v1/clients?limit=2&after=${after}`;
      const answer = await request([a, b][pages % 2]!, path);
      const { open, next, clients } = await answer.json();
      assert.equal(open, 5);
      ids.push(...clients.map(({ id }: { id: string }) => id));
      after = next;
      pages++;
    }
    assert.equal(pages, 3);
    const expected = [a, b].flatMap(({ qanat }) => [
      ...qanat.hub.lifecycle.clients(),
    ]).sort((x, y) => x.number - y.number).map(({ id }) => id);
    assert.deepEqual(ids, expected);
  });

  it("are ended through any worker, and 404 only if no worker has them", async () => {
    const outlet = b.open();
    const { clients: [{ id }] } = await (await request(a, "/v1/clients"))
      .json();
    assert.equal((await request(a, `/v1/clients/${id}`, "DELETE")).status, 204);
    assert.equal(outlet.ending, "ended");
    assert.match(outlet.text, /closed-by-operator/);
    const again = await request(a, `/v1/clients/${id}`, "DELETE");
    assert.equal(again.status, 404);
    const [, fields] = world.log.find(([event]) =>
      event === "client-closed-by-operator"
    )!;
    assert.equal((fields as Record<string, unknown>)["client"], id);
    b.isHanging = true;
    const unknown = await request(a, `/v1/clients/${id}`, "DELETE");
    assert.equal(unknown.status, 503);
    assert.match((await unknown.json()).detail, /worker 1/);
    const list = await (await request(a, "/v1/clients")).json();
    assert.deepEqual(list.no_answer_from, ["worker 1"]);
  });
});

describe("what happens at the end of a worker", () => {
  it("that fails: its open streams are in the usage log", async () => {
    b.open();
    await world.publish(3);
    const [client] = b.qanat.hub.lifecycle.clients();
    assert.ok(client!.rows > 0);
    await b.link.end(true);
    await world.settle();
    assert.deepEqual(
      world.usage.map(({ reason, rows }) => [reason, rows]),
      [["worker-ended", client!.rows]],
    );
  });

  it("others write through the reading thread", async () => {
    a.open().owner.onClose();
    b.open().owner.onClose();
    await world.publish(1);
    assert.deepEqual(
      world.usage.map(({ reason }) => reason),
      ["client-left", "client-left"],
    );
  });
});

describe("the sessions of a process", () => {
  const folder = new Folder();
  const token = tokenWith("alice");
  const CLAIMS: Claims = {
    kind: "token",
    subject: "alice",
    issuer: "",
    groups: [],
    scopes: [],
    tokenHash: "ab12",
    expiresMs: Infinity,
  };

  beforeEach(async () => {
    await world.close();
    world = await ProcessWorld.start(2, {
      auth: ["tokens"],
      authTokenFile: folder.write("tokens", { tokens: [token.entry] }),
    });
    [a, b] = world.workers as [TestWorker, TestWorker];
  });

  after(() => folder[Symbol.dispose]());

  const sessionsOf = ({ qanat }: TestWorker) => qanat.access.sessions!;

  async function opened(worker: TestWorker, cookie: string): Promise<Session> {
    const session = await sessionsOf(worker).open(cookie);
    assert.ok(session.kind === "session", JSON.stringify(session));
    return session;
  }

  async function begun(): Promise<string> {
    const session = await sessionsOf(a).begin(CLAIMS);
    assert.ok(session.kind === "new");
    return session.cookie;
  }

  it("have one random key, which the log names once", async () => {
    await opened(b, await begun());
    const events = world.log.filter(([event]) =>
      event === "session-key-random"
    );
    assert.equal(events.length, 1);
  });

  it("end in all workers before the request is answered, and in those that start later", async () => {
    const cookie = await begun();
    const elsewhere = await opened(b, cookie);
    await sessionsOf(a).end(await opened(a, cookie));
    assert.equal(elsewhere.isEnded, true);
    assert.equal((await sessionsOf(b).open(cookie)).kind, "denial");
    await world.end(b, true);
    b = await world.begin(1);
    assert.equal((await sessionsOf(b).open(cookie)).kind, "denial");
    const figures = await figuresOf(b);
    assert.equal(
      figures.get('qanat_auth_sessions_total{outcome="ended"}'),
      1,
    );
  });

  it("end though a worker hangs, which the log names", async () => {
    const cookie = await begun();
    const session = await opened(a, cookie);
    b.isHanging = true;
    await sessionsOf(a).end(session);
    const [, fields] = world.log.find(([event]) =>
      event === "session-end-unconfirmed"
    )!;
    assert.deepEqual(fields, { no_answer_from: ["worker 1"] });
  });
});

describe("readiness of a process", () => {
  it("begins when all workers that have started together serve", async () => {
    a.link.awaitOthers();
    const reasons = ["other workers are still starting"];
    assert.deepEqual(a.qanat.process!.notReady(), reasons);
    assert.equal((await request(a, "/readyz")).status, 503);
    assert.equal((await figuresOf(a)).get("qanat_ready"), 0);
    a.link.allServe();
    assert.equal((await request(a, "/readyz")).status, 200);
  });

  it("is lost while a worker hangs", async () => {
    assert.deepEqual(a.qanat.process!.notReady(), []);
    assert.equal((await request(a, "/readyz")).status, 200);
    const delays = world.reading.hub.delays;
    delays.tick(3000, world.clock.clockMs());
    // Until its timer has looked.
    for (let i = 0; i < 500 && a.qanat.process!.notReady().length === 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(a.qanat.process!.notReady(), [
      `event loop delay of the reading thread is 3000 ms, limit ${world.config.eventLoopDelayMaxMs} ms`,
    ]);
    const response = await request(a, "/readyz");
    assert.equal(response.status, 503);
    assert.equal((await figuresOf(a)).get("qanat_ready"), 0);
    assert.equal((await statusOf(a))["ready"], false);
  });
});

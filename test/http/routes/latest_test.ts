// /v1/latest and latest=1 over HTTP: the answers, their problems and their counts. The test controls every clock and timer.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { tableFromIPC } from "apache-arrow";
import { Qanat } from "../../../src/app.ts";
import { honoApp } from "../../../src/http/routes/hono_app.ts";
import { embeddedChannels } from "../../../src/source/synthetic.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../../driven_source.ts";
import { FrozenTime } from "../../frozen_time.ts";
import { HeldTurns } from "../../held_turns.ts";

/** A multiple of 60 s. */
const FIRST = 23_671_510_080;
const STRIDE_NS = 62_500_000n;
const A = "H1:QANAT-COUNT_U64_16";
const B = "H1:QANAT-SINE_F32_16";
const ARROW = "application/vnd.apache.arrow.stream";
const channels = (await embeddedChannels()).filter(({ channel }) =>
  channel.name === A || channel.name === B
);

let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;
let turns: HeldTurns;
let time: FrozenTime;
let app: ReturnType<typeof honoApp>;
let row: number;

beforeEach(async () => {
  source = new DrivenSource(channels);
  clock = new BlockClock(FIRST);
  row = FIRST;
  turns = new HeldTurns();
  time = new FrozenTime(clock);
  qanat = new Qanat({
    config: configWith({ lingerMs: 60_000, outageGraceMs: 0, clientsMax: 3 }),
    source,
    log: silent,
    clocks: clock,
    later: turns.later,
  });
  app = honoApp(qanat, { addressOf: () => "192.0.2.1", alreadySent: null });
  await qanat.start();
});

afterEach(async () => {
  try {
    qanat.drain();
    await time.settle(turns);
    const closed = qanat.close();
    await time.settle(turns);
    await closed;
  } finally {
    time.restore();
  }
});

interface Ask extends RequestInit {
  headers?: Record<string, string>;
}

/** Begins a request; it may wait. */
async function begin(path: string, init: Ask = {}) {
  const answer: { response: Response | null } = { response: null };
  const request = new Request(`http://qanat.test${path}`, init);
  Promise.resolve(app.fetch(request)).then((r) => answer.response = r);
  await time.settle(turns);
  return answer;
}

function caughtUp(): void {
  for (const topic of source.wanted) {
    source.sink!.onCaughtUp(topic, clock.clockMs());
  }
}

async function publish(count: number): Promise<void> {
  for (let i = 0; i < count; i++, row++) {
    clock.index = row + 1;
    for (const topic of source.wanted) {
      const block = source.blocks.blockOf(topic, row);
      source.sink!.onMessage(topic, block, row, 0);
    }
    caughtUp();
  }
  await time.settle(turns);
}

/** Begins a request, which subscribes to the topics, publishes rows before the first end of the log, and waits. */
async function answered(path: string, init: Ask = {}): Promise<Response> {
  const answer = await begin(path, init);
  if (answer.response === null) {
    await publish(3);
    time.tick();
    await time.settle(turns);
  }
  assert.ok(answer.response !== null, `${path} is not answered`);
  return answer.response;
}

describe("GET /v1/latest", () => {
  it("answers with the newest row as JSON, as an event has it, and reads channels that no stream reads", async () => {
    const response = await answered(`/v1/latest?channels=${A},${B}`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "application/json");
    assert.equal(response.headers.get("cache-control"), "no-store");
    const first = await response.json();
    assert.deepEqual(Object.keys(first), ["time", "channels"]);
    assert.deepEqual(Object.keys(first.channels), [A, B]);
    await publish(4);
    const again = await begin(`/v1/latest?channels=${A}`);
    const { time: startNs, channels } = await again.response!.json();
    assert.equal(startNs, String(BigInt(row - 1) * STRIDE_NS));
    assert.deepEqual(channels, { [A]: [String(2n ** 63n + BigInt(row - 1))] });
    assert.equal(qanat.requests.latest.row, 2);
    assert.equal(qanat.hub.lifecycle.clientCount, 0);
  });

  it("answers in Arrow: a stream of one row", async () => {
    const headers = { accept: ARROW };
    const path = "/v1/latest?match=H1:QANAT";
    const response = await answered(path, { headers });
    assert.equal(response.headers.get("content-type"), ARROW);
    const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
    assert.equal(table.numRows, 1);
    assert.deepEqual(
      table.schema.fields.map((f) => f.name),
      ["time", A, B],
    );
    const [value] = [...table.getChild(A)!.get(0)];
    assert.ok(value >= 2n ** 63n);
  });

  it("answers with the newest whole bin of a trend, and to a POST", async () => {
    const stream = await begin(`/v1/events?channels=${A}&trend=1s`);
    await publish(40);
    const body = JSON.stringify({ channels: [A], trend: "1s" });
    const response = await answered("/v1/latest", {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    const bin = await response.json();
    assert.equal(bin.time, String(BigInt(FIRST + 16) * STRIDE_NS));
    assert.equal(bin.channels[A].count, 16);
    assert.equal(bin.channels[A].min, String(2n ** 63n + BigInt(FIRST + 16)));
    await stream.response!.body!.cancel();
  });

  it("answers 404 as soon as the logs have been read and have no block", async () => {
    const answer = await begin(`/v1/latest?channels=${A}`);
    time.tick();
    await time.settle(turns);
    assert.equal(answer.response, null);
    caughtUp();
    time.tick();
    await time.settle(turns);
    assert.equal(answer.response!.status, 404);
    const problem = await answer.response!.json();
    assert.equal(problem.title, "No data");
    assert.match(problem.detail, /no recent row of H1:QANAT-COUNT_U64_16;/);
    assert.equal(qanat.requests.latest["no-data"], 1);
    assert.equal(qanat.hub.lifecycle.clientCount, 0);
  });

  it("answers 503 when no row came within 5 s, and when it is stopped before", async () => {
    const late = await begin(`/v1/latest?channels=${A}`);
    clock.index += 16 * 4;
    time.tick();
    await time.settle(turns);
    assert.equal(late.response, null);
    clock.index += 16;
    time.tick();
    await time.settle(turns);
    assert.equal(late.response!.status, 503);
    assert.equal(late.response!.headers.get("retry-after"), "5");
    assert.match((await late.response!.json()).detail, /within 5 s/);
    const drained = await begin(`/v1/latest?channels=${A}`);
    qanat.drain();
    await time.settle(turns);
    assert.equal(drained.response!.status, 503);
    assert.match((await drained.response!.json()).detail, /: drain; try/);
    const { late: lateCount, ended } = qanat.requests.latest;
    assert.deepEqual([lateCount, ended], [1, 1]);
    assert.equal(qanat.hub.lifecycle.clientCount, 0);
  });

  it("counts as a client while it waits: the limit of clients refuses it", async () => {
    await begin(`/v1/latest?channels=${A}`);
    await begin(`/v1/latest?channels=${A}`);
    const refused = await begin(`/v1/latest?channels=${A}`);
    assert.equal(refused.response!.status, 429);
    assert.equal((await refused.response!.json()).limit, "share");
    clock.index += 16 * 6;
    time.tick();
    await time.settle(turns);
    assert.equal(qanat.hub.lifecycle.clientCount, 0);
    assert.equal(qanat.requests.latest.late, 2);
  });

  it("opens nothing for a HEAD", async () => {
    const path = `/v1/latest?channels=${A}`;
    const { response } = await begin(path, { method: "HEAD" });
    assert.equal(response!.status, 200);
    assert.equal(source.wanted.size, 0);
  });

  it("refuses what an answer of one row cannot have", async () => {
    for (
      const field of ["start=1", "after=1", "gaps=skip", "slow=gap", "latest=1"]
    ) {
      const { response } = await begin(`/v1/latest?channels=${A}&${field}`);
      assert.equal(response!.status, 400, field);
      const { detail } = await response!.json();
      assert.match(detail, /\/v1\/latest takes channels, match, replay, trend/);
    }
    const unknown = await begin("/v1/latest?channels=X:Y");
    assert.equal(unknown.response!.status, 404);
    const none = await begin("/v1/latest");
    assert.equal(none.response!.status, 400);
  });
});

describe("the bytes of rows that are being sent", () => {
  const path = `/v1/latest?channels=${A},${B}`;

  it("are released with the answer", async () => {
    const { answers } = qanat.requests;
    const asked = await begin(path);
    assert.ok(answers.used > 0);
    await publish(3);
    time.tick();
    await time.settle(turns);
    assert.equal(asked.response!.status, 200);
    assert.equal(answers.used, 0);
  });

  it("have a share for one address: beyond it, a problem says when to try again, and it is counted", async () => {
    const { answers, refusals } = qanat.requests;
    const bytes = 60 * 1024 * 1024;
    using _held = answers.take({ address: "192.0.2.1" }, bytes);
    const response = await answered(path);
    assert.equal(response.status, 429);
    assert.equal(response.headers.get("retry-after"), "5");
    const problem = await response.json();
    assert.equal(problem.code, "too_many_streams");
    assert.equal(problem.limit, "answer-share");
    assert.equal(refusals["answer-share"], 1);
    assert.equal(answers.used, bytes);
    assert.equal(qanat.hub.lifecycle.clientCount, 0);
  });
});

describe("latest=1", () => {
  it("begins both streams with the newest row", async () => {
    const other = await begin(`/v1/events?channels=${A}`);
    await publish(5);
    for (const path of ["/v1/events", "/v1/arrow"]) {
      const { response } = await begin(`${path}?channels=${A}&latest=1`);
      const reader = response!.body!.getReader();
      await reader.read();
      const { value } = await reader.read();
      const text = new TextDecoder().decode(value);
      if (path === "/v1/events") {
        const startNs = BigInt(row - 1) * STRIDE_NS;
        assert.ok(text.includes(`data: {"time":"${startNs}"`), text);
      } else assert.ok(value!.byteLength > 100);
      await reader.cancel();
      await time.settle(turns);
    }
    await other.response!.body!.cancel();
  });

  it("is refused with start, and with another value than 0 or 1", async () => {
    const both = await begin(
      `/v1/events?channels=${A}&latest=1&start=1479469380`,
    );
    assert.equal(both.response!.status, 400);
    assert.match((await both.response!.json()).detail, /give one of them/);
    const yes = await begin(`/v1/events?channels=${A}&latest=yes`);
    assert.equal(yes.response!.status, 400);
    const { detail } = await yes.response!.json();
    assert.equal(detail, "latest must be one of 0, 1, not 'yes'");
  });
});

describe("GET /v1/replays", () => {
  it("lists the contexts that have channels, in pages", async () => {
    assert.deepEqual(await (await begin("/v1/replays")).response!.json(), {
      replays: [],
      next: null,
    });
    const { channel } = channels[0]!;
    for (const replayId of ["b", "a", "c"]) {
      source.catalog.set({ ...channel, replayId });
    }
    source.catalog.set({ ...channel, name: "H1:X-Y", replayId: "b" });
    const list = async (query: string) =>
      (await begin(`/v1/replays${query}`)).response!.json();
    assert.deepEqual(await list("?limit=2"), {
      replays: [{ replay_id: "a", channels: 1 }, {
        replay_id: "b",
        channels: 2,
      }],
      next: "b",
    });
    assert.deepEqual(await list("?limit=2&after=b"), {
      replays: [{ replay_id: "c", channels: 1 }],
      next: null,
    });
  });

  it("refuses unknown and wrong parameters", async () => {
    for (const query of ["?match=a", "?limit=0", "?limit=1&limit=2"]) {
      const { response } = await begin(`/v1/replays${query}`);
      assert.equal(response!.status, 400, query);
    }
    const long = await begin(`/v1/replays?after=${"x".repeat(300)}`);
    assert.equal(long.response!.status, 400);
  });
});

// One stream against a server that is played: resumes, refusals, gaps, both encodings.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { type App, createApp } from "../../mod.ts";
import { EventStream } from "../../src/page/event_stream.js";
import type { Row } from "../../src/page/qanat.d.ts";
import { HELLO, play, row } from "./played_stream.ts";

describe("EventStream", () => {
  it("comes back by its last id after a cut, a drain and a full server", async () => {
    const { rows, gaps, states, sent } = await play([
      () => new Response(HELLO + row(5, "[1.5,null]") + row(6, "null")),
      () =>
        new Response("{}", { status: 503, headers: { "retry-after": "0" } }),
      () =>
        new Response(
          HELLO +
            `id: 9000000000\nevent: gap\ndata: {"from":"7000000000","to":"9000000000","reason":"retention"}\n\n` +
            `id: 10000000000\n\nevent: end\ndata: {"reason":"drain"}\n\n`,
        ),
      () => {
        throw new TypeError("refused");
      },
    ], { endsPauses: false });
    assert.deepEqual(sent.map(({ url }) => url), [
      "http://h/v1/events?channels=A",
      "http://h/v1/events?channels=A&after=7000000000",
      "http://h/v1/events?channels=A&after=7000000000",
      "http://h/v1/events?channels=A&after=10000000000",
      "http://h/v1/events?channels=A&after=10000000000",
    ]);
    assert.deepEqual(rows.map((r) => [r.timeNs, r.channels.A]), [
      [5_000_000_000n, Float32Array.of(1.5, NaN)],
      [6_000_000_000n, null],
    ]);
    assert.deepEqual(gaps, [
      { fromNs: 7_000_000_000n, toNs: 9_000_000_000n, reason: "retention" },
    ]);
    assert.deepEqual(
      states.filter((s) => s.state === "waiting").map((s) => s.reason),
      ["cut", "Status 503", "drain", "connection"],
    );
    assert.equal(states.at(-1)!.reconnects, 4);
  });

  it("waits for a random part of the retry time, and never less than Retry-After", async () => {
    const waits = async (random: number) => {
      const { states } = await play([
        () =>
          new Response(
            HELLO.replace("retry: 1\n", "retry: 2000\n") +
              `retry: 3000\nevent: end\ndata: {"reason":"drain"}\n\n`,
          ),
        () =>
          new Response("{}", { status: 503, headers: { "retry-after": "5" } }),
      ], { random: () => random });
      return states.filter(({ state }) => state === "waiting").map((s) =>
        s.retryInMs
      );
    };
    assert.deepEqual(await waits(0), [1500, 5000]);
    assert.deepEqual(await waits(0.5), [3000, 7500]);
    assert.deepEqual(await waits(1), [4500, 10_000]);
  });

  it("waits for a minute, and a random part of one, where a proxy asks for a day", async () => {
    for (const status of [408, 425, 429, 502, 503]) {
      const { states } = await play([
        () =>
          new Response("<html>", {
            status,
            headers: { "retry-after": "86400" },
          }),
      ], { random: () => 0.5 });
      const waiting = states.find(({ state }) => state === "waiting");
      assert.equal(waiting?.retryInMs, 90_000, `${status}`);
    }
  });

  it("reports the text of a refusal and does not try again", async () => {
    const problem = {
      type: "about:blank",
      title: "Bad request",
      status: 400,
      detail: "encoding must be …",
    };
    const { states, sent } = await play([
      () => Response.json(problem, { status: 400 }),
    ]);
    assert.equal(sent.length, 1);
    assert.equal(states.at(-1)!.state, "refused");
    assert.equal(states.at(-1)!.detail, problem.detail);
  });

  const TOO_OLD = {
    code: "range_not_available",
    title: "Range not available",
    status: 404,
    detail: "The range ends at …",
    from: "1000000000",
    to: "2000000000",
  };
  const eventOf = (problem: unknown) =>
    new Response(
      `retry: 60000\nevent: error\ndata: ${JSON.stringify(problem)}\n\n`,
    );

  for (
    const [how, answer] of [
      ["status", () => Response.json(TOO_OLD, { status: 404 })],
      ["event", () => eventOf(TOO_OLD)],
    ] as const
  ) {
    it(`takes a range that is older than all data as a gap, by ${how}, and does not try again`, async () => {
      const { states, sent, gaps } = await play([answer]);
      assert.equal(sent.length, 1);
      assert.deepEqual(gaps, [
        { fromNs: 1_000_000_000n, toNs: 2_000_000_000n, reason: "retention" },
      ]);
      const { state, reason, detail } = states.at(-1)!;
      assert.deepEqual(
        [state, reason, detail],
        ["ended", "Range not available", "The range ends at …"],
      );
    });
  }

  it("takes a refusal that comes as an event like one that comes as a status", async () => {
    const refused = await play([
      () => eventOf({ status: 400, title: "Wrong parameter", detail: "start" }),
    ]);
    assert.equal(refused.sent.length, 1);
    assert.equal(refused.states.at(-1)!.state, "refused");
    assert.equal(refused.states.at(-1)!.problem!.detail, "start");
    const full = await play([
      () => eventOf({ status: 503, title: "Full", detail: "later" }),
    ]);
    assert.equal(full.sent.length, 2);
    const waiting = full.states.find(({ state }) => state === "waiting")!;
    assert.equal(waiting.reason, "Full");
    assert.equal(waiting.retryInMs, 15_000);
  });

  for (const encoding of ["json", "arrow"] as const) {
    it(`reads every type from the server as ${encoding}`, async () => {
      const app: App = await createApp();
      let close = () => {};
      const got = await new Promise<Row>((resolve) => {
        const stream = new EventStream({
          base: "http://localhost/",
          query: {
            channels: [
              "H1:QANAT-COUNT_I64_16",
              "H1:QANAT-NOISE_F64_16",
              "H1:QANAT-RAMP_I16_64",
              "H1:QANAT-STATE_U32_16",
              "H1:GWOSC-4KHZ_R1_WHITENED",
            ],
            encoding,
          },
          fetch: async (url, init) =>
            await app.fetch(new Request(String(url), init)),
          onRow: (r) => {
            close();
            resolve(r);
          },
          onGap: () => {},
          onState: () => {},
        });
        close = () => stream.close();
      });
      const kinds = Object.entries(got.channels).map(([name, samples]) =>
        `${name} ${samples!.constructor.name} ${samples!.length}`
      );
      assert.deepEqual(kinds.sort(), [
        "H1:GWOSC-4KHZ_R1_WHITENED Float32Array 256",
        "H1:QANAT-COUNT_I64_16 BigInt64Array 1",
        "H1:QANAT-NOISE_F64_16 Float64Array 1",
        "H1:QANAT-RAMP_I16_64 Int16Array 4",
        "H1:QANAT-STATE_U32_16 Uint32Array 1",
      ]);
      const count = got.channels["H1:QANAT-COUNT_I64_16"]![0];
      assert.equal(count, got.timeNs / 62_500_000n);
      await app.close();
    });
  }
});

describe("a request of EventStream", () => {
  it("uses POST if a name has a comma, which parts names in a query", async () => {
    const channels = ["A", "B,C"];
    const init = await new Promise<RequestInit>((resolve) => {
      new EventStream({
        base: "http://h/",
        query: { channels },
        random: () => 0,
        fetch: (_url, init) => {
          resolve(init ?? {});
          return Promise.resolve(new Response(null, { status: 204 }));
        },
        onRow: () => {},
        onGap: () => {},
        onState: () => {},
      });
    });
    assert.equal(init.method, "POST");
    assert.deepEqual(JSON.parse(String(init.body)), { channels });
  });
});

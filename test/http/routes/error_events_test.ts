// errors=event: what an EventSource gets instead of a status that it cannot read.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { EventSource } from "eventsource";
import { Hono } from "hono";
import { type App, createApp } from "../../../mod.ts";
import { errorEvents } from "../../../src/http/routes/error_events.ts";
import { problem } from "../../../src/http/transport/problem.ts";
import type { ProblemCode } from "../../../src/http/transport/problem_codes.ts";
import { configWith } from "../../driven_source.ts";

const A = "H1:QANAT-COUNT_I64_16";

let app: App;
let full: App;

before(async () => {
  app = await createApp();
  full = await createApp({ config: configWith({ clientsMax: 0 }) });
});

after(async () => {
  await app.close();
  await full.close();
});

/** The only event of an answer, and its answer. */
async function eventOf(
  path: string,
  init: RequestInit = {},
  from: App = app,
) {
  const answer = await from.fetch(new Request("http://localhost" + path, init));
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  assert.equal(
    answer.headers.get("content-type"),
    "text/event-stream; charset=utf-8",
  );
  assert.equal(
    answer.headers.get("cache-control"),
    "no-store, no-transform",
  );
  const [, retry, data] = /^retry: (\d+)\nevent: error\ndata: (.*)\n\n$/.exec(
    text,
  )!;
  const problem = JSON.parse(data!);
  assert.equal(problem.request_id, answer.headers.get("x-request-id"));
  return { answer, problem, retryMs: Number(retry) };
}

describe("errors=event", () => {
  it("sends a problem of any step of a request as an event", async () => {
    for (
      const [query, code, status, headers] of [
        ["channels=NONE", "unknown_channel", 404],
        [`channels=${A}&nonsense=1`, "unknown_parameter", 400],
        [`channels=${A}&start=yesterday`, "bad_parameter", 400],
        [`match=${"x".repeat(17_000)}`, "request_head_too_large", 431],
        [`match=${"x".repeat(5000)}`, "parameter_too_long", 400],
        [
          `channels=${A}`,
          "origin_not_allowed",
          403,
          { origin: "http://evil.test" },
        ],
        [
          `channels=${A}`,
          "no_acceptable_coding",
          406,
          { "accept-encoding": "identity;q=0, gzip;q=0" },
        ],
      ] as [string, string, number, HeadersInit?][]
    ) {
      const { problem } = await eventOf(
        `/v1/events?${query}&errors=event`,
        headers ? { headers } : {},
      );
      assert.equal(problem.code, code, query.slice(0, 100));
      assert.equal(problem.status, status);
    }
  });

  it("lets a client wait for as long as a full server says, and less than twice as long", async () => {
    const { answer, problem, retryMs } = await eventOf(
      `/v1/events?channels=${A}&errors=event`,
      {},
      full,
    );
    assert.equal(problem.code, "full");
    assert.ok(retryMs >= 5000 && retryMs < 10_000, `${retryMs}`);
    assert.equal(answer.headers.get("retry-after"), null);
  });

  it("lets a client wait for long where the same request would be refused again", async () => {
    const waits: Record<string, number> = {};
    const codes = [
      "bad_parameter",
      "host_not_allowed",
      "token_needed",
      "unknown_channel",
      "internal_error",
      "request_too_slow",
    ] as const satisfies readonly ProblemCode[];
    for (const random of [0, 0.5]) {
      const routes = new Hono();
      routes.use("*", errorEvents(() => random));
      routes.get("/:code", (c) => {
        return problem(c.req.param("code") as ProblemCode, { detail: "" });
      });
      for (const code of codes) {
        const answer = await routes.request(`/${code}?errors=event`);
        const [, retry] = /^retry: (\d+)\n/.exec(await answer.text())!;
        waits[code] = (waits[code] ?? 0) + Number(retry);
      }
    }
    const sum = (ms: number) => ms + 1.5 * ms;
    assert.deepEqual(waits, {
      bad_parameter: sum(3_600_000),
      host_not_allowed: sum(3_600_000),
      token_needed: sum(60_000),
      unknown_channel: sum(60_000),
      internal_error: sum(5000),
      request_too_slow: sum(5000),
    });
  });

  it("reaches the listeners of an EventSource, which can close it", async () => {
    let requests = 0;
    const source = new EventSource(
      "http://localhost/v1/events?channels=NONE&errors=event",
      {
        fetch: async (url, init) => {
          requests++;
          return await app.fetch(new Request(url, init as RequestInit));
        },
      },
    );
    const data = await new Promise<string>((resolve) => {
      source.addEventListener("error", (event) => {
        const { data } = event as { data?: string };
        if (data === undefined) return;
        source.close();
        resolve(data);
      });
    });
    assert.equal(JSON.parse(data).code, "unknown_channel");
    assert.equal(source.readyState, source.CLOSED);
    assert.equal(requests, 1);
  });

  it("is a field of a body, too", async () => {
    const { problem } = await eventOf("/v1/events", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ channels: ["NONE"], errors: "event" }),
    });
    assert.equal(problem.code, "unknown_channel");
  });

  it("changes nothing elsewhere: not without it, not for HEAD, not at other paths, not for rows", async () => {
    const ask = (path: string, method = "GET") =>
      app.fetch(new Request("http://localhost" + path, { method }));
    const wrong = "/v1/events?channels=NONE";
    assert.equal((await ask(wrong)).status, 404);
    assert.equal((await ask(`${wrong}&errors=status`)).status, 404);
    assert.equal((await ask(`${wrong}&errors=event`, "HEAD")).status, 404);
    const arrow = await ask(`/v1/arrow?channels=${A}&errors=event`);
    assert.equal(arrow.status, 400);
    const { code, param } = await arrow.json();
    assert.deepEqual([code, param], ["misplaced_parameter", "errors"]);
    const nonsense = await ask(`/v1/events?channels=${A}&errors=nonsense`);
    assert.equal(nonsense.status, 400);
    assert.equal((await nonsense.json()).param, "errors");
    const rows = await ask(
      `/v1/events?channels=${A}&duration=0.1&errors=event`,
    );
    assert.match(await rows.text(), /event: hello[^]*"reason":"complete"/);
  });
});

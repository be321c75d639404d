// Requests by route and status: each is counted once, under a pattern and never under what a client wrote.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Hono } from "hono";
import { createApp } from "../../../mod.ts";
import { answerCounting } from "../../../src/http/routes/answer_counting.ts";
import { AnswerCounts } from "../../../src/http/transport/answer_counts.ts";
import { configWith } from "../../driven_source.ts";

const NAME = "H1:QANAT-COUNT_I64_16";
type App = Awaited<ReturnType<typeof createApp>>;

async function countsOf(app: App, base = ""): Promise<Map<string, number>> {
  const answer = await app.fetch(
    new Request(`http://localhost${base}/metrics`),
  );
  const found = (await answer.text()).matchAll(
    /^qanat_http_requests_total\{route="(.*)",status="(\d+)"\} (\d+)$/gm,
  );
  return new Map(
    Array.from(found, ([, route, status, n]) => [
      `${route} ${status}`,
      Number(n),
    ]),
  );
}

async function ask(app: App, path: string, init?: RequestInit): Promise<void> {
  const answer = await app.fetch(new Request(`http://localhost${path}`, init));
  await answer.body?.cancel();
}

describe("the count of requests", () => {
  it("is by route and status, with `other` for what has no route", async () => {
    await using app = await createApp({ config: configWith({}) });
    assert.deepEqual(await countsOf(app), new Map());
    await ask(app, "/");
    await ask(app, "/healthz");
    await ask(app, `/v1/channels/${NAME}`);
    await ask(app, `/v1/channels/${NAME}`, { method: "HEAD" });
    await ask(app, "/v1/channels/none");
    await ask(app, "/v1/channels?match=(");
    await ask(app, `/v1/channels?match=${"x".repeat(17_000)}`);
    await ask(app, `/v1/events?channels=${NAME}`);
    await ask(app, "/v1/events");
    await ask(app, "/v1/clients/none", { method: "DELETE" });
    await ask(app, "/page/none.js");
    for (let i = 0; i < 50; i++) await ask(app, `/nothing/${i}`);
    await ask(app, "/v1/events", { method: "PUT" });
    await ask(app, "/v1/channels", { method: "OPTIONS" });
    assert.deepEqual(Object.fromEntries(await countsOf(app)), {
      "/metrics 200": 1,
      "/ 200": 1,
      "/healthz 200": 1,
      "/v1/channels/{name} 200": 2,
      "/v1/channels/{name} 404": 1,
      "/v1/channels 400": 1,
      "/v1/channels 431": 1,
      "/v1/events 200": 1,
      "/v1/events 400": 1,
      "/v1/clients/{id} 403": 1,
      "/page/{file} 404": 1,
      "other 404": 50,
      "other 405": 1,
      "other 204": 1,
    });
  });

  it("has 499 for a client that left before its answer began, and only then", async () => {
    const counts = new AnswerCounts();
    const app = new Hono();
    app.use("*", answerCounting(counts, ""));
    app.get("/a/:id", (c) => c.text("a"));
    for (
      const outgoing of [
        { destroyed: true, headersSent: false },
        { closed: true, destroyed: true, headersSent: true },
        { destroyed: false, headersSent: false },
      ]
    ) {
      await app.request("/a/1", {}, { outgoing });
    }
    assert.deepEqual([...counts.all()], [
      { route: "/a/{id}", status: 499, count: 1 },
      { route: "/a/{id}", status: 200, count: 2 },
    ]);
  });

  it("has no base path in its routes", async () => {
    await using app = await createApp({
      config: configWith({ basePath: "/qanat" }),
    });
    await ask(app, "/qanat/");
    await ask(app, "/qanat/v1/time");
    await ask(app, "/v1/time");
    assert.deepEqual(Object.fromEntries(await countsOf(app, "/qanat")), {
      "/ 200": 1,
      "/v1/time 200": 1,
      "other 404": 1,
    });
  });
});

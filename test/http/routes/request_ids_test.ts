import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { createApp } from "../../../mod.ts";
import { configWith } from "../../driven_source.ts";
import { silent } from "../../driven_source.ts";

const ROW = "/v1/events?channels=H1:QANAT-COUNT_I64_16";
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const HEADERS = {
  "x-request-id": "mine-1",
  traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
};

function request(path: string, init: RequestInit = {}): Request {
  return new Request(`http://localhost${path}`, init);
}

describe("the id of a request", () => {
  it("is on every answer, with the client's own where it gives one", async () => {
    await using app = await createApp({ config: configWith({}) });
    for (
      const [path, init] of [
        ["/healthz"],
        ["/v1/channels"],
        ["/v1/channels/none"],
        ["/metrics"],
        ["/"],
        ["/page/page.css"],
        ["/openapi.json"],
        ["/nothing"],
        ["/v1/events", { method: "PUT" }],
        ["/v1/channels", { method: "HEAD" }],
        ["/v1/channels", { method: "OPTIONS" }],
        ["/v1/channels", { headers: { host: "evil.test" } }],
        ["/v1/channels", { headers: { origin: "http://evil.test" } }],
        [`/v1/channels?match=${"x".repeat(17_000)}`],
        ["/v1/channels?match=("],
      ] as [string, RequestInit?][]
    ) {
      const given = await app.fetch(request(path, {
        ...init,
        headers: { ...init?.headers, ...HEADERS },
      }));
      assert.equal(given.headers.get("x-request-id"), "mine-1", path);
      const text = await given.text();
      if (given.status >= 400) {
        assert.equal(JSON.parse(text).request_id, "mine-1", path);
      }
      const made = await app.fetch(request(path, init));
      const id = made.headers.get("x-request-id")!;
      assert.match(id, /^[0-9a-f-]{36}$/, path);
      const body = await made.text();
      if (made.status >= 400) assert.equal(JSON.parse(body).request_id, id);
    }
  });

  it("is in every log line of a stream, with its trace", async () => {
    const lines: [string, Record<string, unknown>][] = [];
    const keep = (event: string, fields?: Record<string, unknown>) =>
      void lines.push([event, fields ?? {}]);
    await using app = await createApp({
      config: configWith({}),
      log: { ...silent, info: keep, warn: keep, error: keep },
    });
    const stream = await app.fetch(request(ROW, { headers: HEADERS }));
    assert.equal(stream.headers.get("x-request-id"), "mine-1");
    await stream.body!.cancel();
    await app.close();
    const about = lines.filter(([event]) => event.startsWith("client-"));
    assert.deepEqual(about.map(([event]) => event), [
      "client-open",
      "client-close",
    ]);
    for (const [, fields] of about) {
      assert.equal(fields.request_id, "mine-1");
      assert.equal(fields.trace_id, TRACE);
    }
  });

  it("may be sent and read by pages of other origins", async () => {
    await using app = await createApp({
      config: configWith({ corsOrigin: ["http://page.test"] }),
    });
    const origin = { origin: "http://page.test" };
    const preflight = await app.fetch(request("/v1/channels", {
      method: "OPTIONS",
      headers: { ...origin, "access-control-request-method": "GET" },
    }));
    assert.match(
      preflight.headers.get("access-control-allow-headers")!,
      /x-request-id/,
    );
    const answer = await app.fetch(request("/healthz", { headers: origin }));
    assert.match(
      answer.headers.get("access-control-expose-headers")!,
      /x-request-id/,
    );
    await answer.text();
  });
});

// /v1/data over HTTP: formats by parameter and by Accept, what it refuses, and how its body ends.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../../src/app.ts";
import { nowGpsNs } from "../../../src/blocks/gps_time.ts";
import { Catalog } from "../../../src/channels/catalog.ts";
import { honoApp } from "../../../src/http/routes/hono_app.ts";
import { type HttpServer, serve } from "../../../src/http/server.ts";
import { EmbeddedSource } from "../../../src/source/embedded_source.ts";
import { configWith, silent } from "../../driven_source.ts";

const A = "H1:QANAT-COUNT_I64_16";
const B = "H1:QANAT-COUNT_U64_16";
const FAST = "H1:GWOSC-4KHZ_R1_STRAIN";
const ARROW = "application/vnd.apache.arrow.stream";
const RANGE = "start=-3&duration=1";
let qanat: Qanat;
let server: HttpServer;
/** Without a client that asks for compression by itself. */
let routes: ReturnType<typeof honoApp>;

before(async () => {
  qanat = new Qanat({
    config: configWith({ port: 0, eventLoopDelayMaxMs: 60_000 }),
    source: new EmbeddedSource({
      catalog: new Catalog(),
      nowGpsNs: () => nowGpsNs(),
    }),
    log: silent,
  });
  await qanat.start();
  server = await serve(qanat);
  routes = honoApp(qanat, { addressOf: () => "", alreadySent: null });
});

after(async () => {
  qanat.drain();
  await server.close(500);
  await qanat.close();
});

async function get(query: string, accept = "*/*", path = "/v1/data") {
  const url = `http://127.0.0.1:${server.port}${path}?${query}`;
  const answer = await fetch(url, { headers: { accept } });
  const text = await answer.text();
  const isProblem = answer.status >= 400;
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    problem: isProblem ? JSON.parse(text) : null,
  };
}

describe("GET /v1/data", () => {
  it("answers with CSV, a whole file with a name, unless something else is asked for", async () => {
    const { status, headers, text } = await get(`channels=${A},${B}&${RANGE}`);
    assert.equal(status, 200);
    assert.equal(
      headers.get("content-type"),
      "text/csv; charset=utf-8; header=present",
    );
    assert.match(
      headers.get("content-disposition")!,
      /^attachment; filename="H1_QANAT-COUNT_I64_16_and_1_\d+\.csv"$/,
    );
    assert.match(headers.get("vary")!, /\bAccept\b(?!-)/);
    assert.match(headers.get("x-start")!, /^\d+\.\d{9}$/);
    assert.match(headers.get("x-end")!, /^\d+\.\d{9}$/);
    const lines = text.split("\n");
    assert.equal(lines[0], `time,gps_ns,${A},${B},status`);
    assert.ok(lines.length >= 18 && lines.length <= 19, text);
  });

  it("takes its format from format=, which wins over Accept, or from Accept", async () => {
    const of = async (format: string, accept: string) => {
      const query = `channels=${A}&${RANGE}&${format}`;
      const { status, headers, text } = await get(query, accept);
      return status === 200
        ? [headers.get("content-type")!.split(";")[0], text[0]]
        : status;
    };
    assert.deepEqual(await of("format=ndjson", "text/csv"), [
      "application/x-ndjson",
      "{",
    ]);
    assert.deepEqual(await of("format=gwpy", ARROW), ["text/csv", "#"]);
    assert.deepEqual(await of("", "text/csv"), ["text/csv", "t"]);
    for (const type of ["x-ndjson", "ndjson", "jsonl"]) {
      const accept = `application/${type}, text/csv;q=0.5`;
      assert.deepEqual(await of("", accept), [`application/${type}`, "{"]);
    }
    assert.equal(await of("", ARROW), 406);
    assert.equal(await of("", "application/json"), 406);
    assert.equal(await of("format=arrow", "*/*"), 400);
  });

  it("has an Arrow stream that is refused where Accept does not allow it, and says where CSV is", async () => {
    for (const accept of ["text/csv", "application/x-ndjson", "text/html"]) {
      const { status, problem, headers } = await get(
        `channels=${A}&duration=0.1`,
        accept,
        "/v1/arrow",
      );
      assert.equal(status, 406);
      assert.match(problem.detail, /\/v1\/arrow sends application\/vnd/);
      assert.match(problem.detail, /CSV and ndjson are sent by \/v1\/data/);
      assert.match(headers.get("vary")!, /\bAccept\b(?!-)/);
    }
    for (const accept of ["*/*", "application/*", `${ARROW};q=0.1, text/csv`]) {
      const { status } = await get(
        `channels=${A}&duration=0.1`,
        accept,
        "/v1/arrow",
      );
      assert.equal(status, 200, accept);
    }
  });

  it("refuses a range without an end, and says what would be right", async () => {
    for (const query of ["", "&start=-60", "&format=ndjson"]) {
      const { status, problem } = await get(`channels=${A}${query}`);
      assert.equal(status, 400);
      assert.match(problem.detail, /give end or duration.*\/v1\/events/);
    }
  });

  it("refuses channels of different rates, unless as trends", async () => {
    const query = `channels=${A},${B},${FAST}`;
    const { status, problem } = await get(`${query}&${RANGE}`);
    assert.equal(status, 400);
    assert.equal(problem.code, "rates_differ");
    assert.equal(problem.param, "channels");
    assert.ok(
      problem.detail.includes(`16 Hz (${A}), 4096 Hz (${FAST})`),
      problem.detail,
    );
    assert.match(problem.detail, /trend=1s/);
    const trend = await get(`${query}&trend=1s&duration=1`);
    assert.equal(trend.status, 200);
    assert.match(trend.text, /^time,gps_ns,.*STRAIN\.min,.*STRAIN\.mean,/);
  });

  it("refuses more than one channel for gwpy, and parameters of streams", async () => {
    const two = await get(`channels=${A},${B}&${RANGE}&format=gwpy`);
    assert.equal(two.status, 400);
    assert.match(two.problem.detail, /format=gwpy has one channel/);
    for (
      const name of [
        "coding=gzip",
        "encoding=json",
        "latest=1",
        "slow=close",
        "after=1",
        "lastEventId=1",
      ]
    ) {
      const { status, problem } = await get(`channels=${A}&${RANGE}&${name}`);
      assert.equal(status, 400, name);
      assert.match(problem.detail, /\/v1\/data takes channels, match/);
    }
    for (const path of ["/v1/events", "/v1/arrow"]) {
      const query = `channels=${A}&duration=0.1&format=csv`;
      const { status, problem } = await get(query, "*/*", path);
      assert.equal(status, 400, path);
      assert.match(problem.detail, /format is a parameter of \/v1\/data/);
    }
  });

  it("is compressed where Accept-Encoding prefers gzip, to the same lines", async () => {
    const range = `start=${nowGpsNs() / 1_000_000_000n - 9n}&duration=2`;
    const ask = (query: string, coding: string) =>
      routes.fetch(
        new Request(`http://127.0.0.1/v1/data?${query}`, {
          headers: { "accept-encoding": coding },
        }),
      );
    const plainText = async (query: string) => {
      const plain = await ask(query, "gzip;q=0");
      assert.equal(plain.headers.get("content-encoding"), null);
      return await plain.text();
    };
    for (const more of ["", "&format=ndjson", "&format=gwpy", "&trend=1s"]) {
      const query = `channels=${FAST}&${range}${more}`;
      const { headers, body } = await ask(query, "gzip, identity;q=0.5");
      assert.equal(headers.get("content-encoding"), "gzip");
      assert.match(headers.get("vary")!, /accept-encoding/i);
      const text = body!.pipeThrough(new DecompressionStream("gzip"));
      assert.equal(await new Response(text).text(), await plainText(query));
    }
    // As good as identity: then it depends on whether rows are long enough to gain anything.
    for (const [name, coding] of [[FAST, "gzip"], [A, null]] as const) {
      const { headers, body } = await ask(`channels=${name}&${range}`, "gzip");
      assert.equal(headers.get("content-encoding"), coding);
      await body!.cancel();
    }
    const refused = await ask(`channels=${A}&${range}`, "*;q=0");
    assert.equal(refused.status, 406);
    assert.match((await refused.json()).detail, /identity, gzip$/);
  });

  it("answers HEAD, and a POST", async () => {
    const url = `http://127.0.0.1:${server.port}/v1/data`;
    const head = await fetch(`${url}?channels=${A}&${RANGE}`, {
      method: "HEAD",
    });
    assert.equal(head.status, 200);
    assert.match(head.headers.get("content-type")!, /^text\/csv/);
    const post = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        channels: [A],
        start: -3,
        duration: 1,
        format: "ndjson",
      }),
    });
    assert.equal(post.status, 200);
    const lines = (await post.text()).trimEnd().split("\n");
    assert.deepEqual(JSON.parse(lines.at(-1)!), {
      end: { reason: "complete" },
    });
  });

  it("breaks a body off that is not the whole range", async () => {
    const url = `http://127.0.0.1:${server.port}/v1/data?channels=${A}`;
    const answer = await fetch(`${url}&duration=3600`, {
      headers: { "accept-encoding": "identity" },
    });
    const reader = answer.body!.getReader();
    await reader.read();
    for (const client of qanat.hub.lifecycle.clients()) {
      qanat.hub.lifecycle.end(client, "closed-by-operator");
    }
    let text = "";
    const decoder = new TextDecoder();
    await assert.rejects(async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        text += decoder.decode(value);
      }
    });
    assert.match(text, /,,,end: closed-by-operator\n$/);
  });
});

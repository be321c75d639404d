// What web pages of other sites can read from a server with default settings, and with allowed origins.
import assert from "node:assert/strict";
import net from "node:net";
import { after, afterEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { type Config } from "../../src/config.ts";
import { type HttpServer, serve } from "../../src/http/server.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { configWith, silent } from "../driven_source.ts";

const STREAM = "/v1/events?channels=H1:QANAT-COUNT_I64_16";
const PAGE = "https://page.example.org";
const EVIL = "http://evil.example:8080";

/** Response headers that browsers let any page read, or keep from all. */
const ALWAYS_READABLE = ["cache-control", "content-type", "set-cookie"];

let qanat: Qanat;
let server: HttpServer | null = null;
const warned: [string, Record<string, unknown>][] = [];

/** Names of all response headers in the OpenAPI document. */
async function documentedHeaders(): Promise<string[]> {
  const url = `http://127.0.0.1:${server!.port}/openapi.json`;
  const names = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === "headers") {
        for (const name of Object.keys(inner)) names.add(name.toLowerCase());
      }
      visit(inner);
    }
  };
  visit(await (await fetch(url)).json());
  return [...names];
}

async function start(changes: Partial<Config> = {}): Promise<void> {
  warned.length = 0;
  const catalog = new Catalog();
  qanat = new Qanat({
    config: configWith({ port: 0, ...changes }),
    source: new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() }),
    log: { ...silent, warn: (event, fields) => warned.push([event, fields!]) },
  });
  await qanat.start();
  server = await serve(qanat);
  // On a version of the runtime that is not proven it says so first.
  warned.length = 0;
}

async function stop(): Promise<void> {
  if (server === null) return;
  qanat.drain();
  await server.close(200);
  await qanat.close();
  server = null;
}
afterEach(stop);
after(stop);

/** The head and the first bytes of an answer. */
function ask(
  path: string,
  headers: Record<string, string> | null,
  { method = "GET", version = "1.1" } = {},
): Promise<string> {
  const lines = Object.entries(headers ?? {}).map(([k, v]) => `${k}: ${v}\r\n`);
  return new Promise((resolve, reject) => {
    let got = "";
    const socket = net.connect(server!.port, "127.0.0.1", () => {
      socket.write(
        `${method} ${path} HTTP/${version}\r\n${lines.join("")}\r\n`,
      );
    });
    socket.on("data", (data) => {
      got += data.toString("latin1");
      const [head, body] = got.split("\r\n\r\n", 2);
      if (body !== undefined && (body !== "" || / (?:204|304) /.test(head!))) {
        socket.destroy();
      }
    });
    socket.on("close", () => resolve(got));
    socket.on("error", reject);
  });
}

const status = (answer: string) => Number(answer.split(" ")[1]);
const header = (answer: string, name: string) =>
  new RegExp(`^${name}: (.*)\r$`, "im").exec(answer.split("\r\n\r\n")[0]!)?.[1];

describe("Host", () => {
  it("of another site is refused on loopback, except for probes (a page could read the service by DNS rebinding)", async () => {
    await start();
    for (
      const path of [
        "/",
        "/v1/channels",
        STREAM,
        "/metrics",
        "/nothing",
        "/page/main.js",
      ]
    ) {
      const answer = await ask(path, { host: "evil.example:8080" });
      assert.equal(status(answer), 403, path);
      assert.match(answer, /--allowed-hosts evil\.example/);
      assert.match(answer, /application\/problem\+json/);
    }
    const options = await ask("/v1/channels", { host: "evil.example" }, {
      method: "OPTIONS",
    });
    assert.equal(status(options), 403);
    assert.equal(status(await ask("/healthz", { host: "a.example" })), 200);
    assert.equal(status(await ask("/readyz", { host: "10.0.0.7:8080" })), 200);
    assert.equal(status(await ask("/v1/channels", { host: "localhost" })), 200);
    assert.equal(qanat.hub.figures.counters.opened, 0);
    assert.equal(qanat.refusedHosts.count, 7);
    const [event, { request_id: requestId, ...fields }] = warned[0]!;
    assert.equal(event, "host-refused");
    assert.match(requestId as string, /^[0-9a-f-]{36}$/);
    assert.deepEqual(fields, {
      host: "evil.example",
      admit: "--allowed-hosts evil.example",
    });
    assert.equal(warned.length, 1);
  });

  it("that is allowed is answered", async () => {
    await start({ allowedHosts: ["qanat.example.org"] });
    const answer = await ask(STREAM, { host: "qanat.example.org" });
    assert.equal(status(answer), 200);
  });

  it("may be missing in HTTP/1.0", async () => {
    await start();
    const answer = await ask("/v1/channels", null, { version: "1.0" });
    assert.equal(status(answer), 200);
  });

  it("is logged once per name, for a bounded number of names", async () => {
    await start();
    for (let i = 0; i < 150; i++) qanat.refusedHosts.add(`h${i % 120}.example`);
    assert.equal(qanat.refusedHosts.count, 150);
    assert.equal(warned.length, 100);
  });
});

describe("The setting that would allow a name", () => {
  it("is suggested for plain names only, as operators paste it and untrusted clients choose the name", async () => {
    await start();
    const hosts = ["*", "*.com", "$(id)", "`id`", "--host", "a,*", "a;id"];
    for (const host of hosts) {
      const answer = await ask("/v1/channels", { host });
      assert.match(answer, /^HTTP\/1\.1 40[03] /, host);
      assert.doesNotMatch(answer, /--allowed-hosts/, host);
    }
    const origins = [
      "*",
      "http://*",
      "http://$(id)",
      "http://a;id",
      "http://x,*",
    ];
    for (const origin of origins) {
      const answer = await ask("/v1/channels", { host: "localhost", origin });
      assert.equal(status(answer), 403, origin);
      assert.doesNotMatch(answer, /--cors-origin/, origin);
    }
    assert.ok(warned.length > 0);
    for (const [, fields] of warned) assert.equal(fields.admit, undefined);
    const ipv6 = await ask("/", { host: "[2001:db8::1]:80" });
    assert.match(ipv6, /--allowed-hosts 2001:db8::1/);
    const page = "http://[2001:db8::1]:3000";
    const answer = await ask("/", { host: "localhost", origin: page });
    assert.ok(answer.includes(`--cors-origin ${page}`));
  });
});

describe("Origin", () => {
  it("of another page is refused before a stream opens, with the setting that allows it (any page could read everything)", async () => {
    await start();
    for (const path of ["/v1/channels", STREAM]) {
      const answer = await ask(path, { host: "localhost", origin: EVIL });
      assert.equal(status(answer), 403);
      assert.match(answer, /--cors-origin http:\/\/evil\.example:8080 /);
      assert.equal(header(answer, "access-control-allow-origin"), undefined);
      assert.equal(header(answer, "vary"), "Origin");
    }
    const preflight = await ask("/v1/events", {
      host: "localhost",
      origin: EVIL,
      "access-control-request-method": "POST",
    }, { method: "OPTIONS" });
    assert.equal(status(preflight), 403);
    const sandboxed = await ask("/", { host: "localhost", origin: "null" });
    assert.match(sandboxed, /--cors-origin '\*'/);
    assert.equal(qanat.hub.figures.counters.opened, 0);
    assert.equal(qanat.refusedOrigins.count, 4);
    assert.deepEqual(warned.map(([, { admit }]) => admit), [
      `--cors-origin ${EVIL}`,
      "--cors-origin '*'",
    ]);
  });

  it("of the instance's own page is allowed, also behind a proxy that speaks TLS", async () => {
    await start({ allowedHosts: ["qanat.example.org"] });
    for (
      const headers of [
        { host: "127.0.0.1:8080", origin: "http://127.0.0.1:8080" },
        { host: "localhost:80", origin: "http://localhost" },
        { host: "qanat.example.org", origin: "https://qanat.example.org" },
        { host: "qanat.example.org:443", origin: "https://qanat.example.org" },
        {
          host: "localhost",
          origin: "https://elsewhere.example",
          "sec-fetch-site": "same-origin",
        },
      ]
    ) assert.equal(status(await ask("/v1/channels", headers)), 200);
    const otherPort = { host: "localhost:80", origin: "http://localhost:81" };
    assert.equal(status(await ask("/v1/channels", otherPort)), 403);
  });

  it("of an allowed page can read, with the headers that libraries add, and also streams on node's response", async () => {
    await start({ corsOrigin: [PAGE, "http://localhost:3000"] });
    for (const path of ["/v1/channels", STREAM]) {
      const answer = await ask(path, { host: "localhost", origin: PAGE });
      assert.equal(status(answer), 200);
      assert.equal(header(answer, "access-control-allow-origin"), PAGE);
      assert.match(header(answer, "vary")!, /Origin/);
      const exposed = header(answer, "access-control-expose-headers")!;
      for (const name of ["retry-after", "x-next-after", "etag"]) {
        assert.ok(exposed.split(",").includes(name), name);
      }
      const names = await documentedHeaders();
      assert.ok(names.includes("x-start"));
      const hidden = names.filter((name) =>
        !ALWAYS_READABLE.includes(name) && !exposed.split(",").includes(name)
      );
      assert.deepEqual(hidden, []);
    }
    const preflight = await ask("/v1/events", {
      host: "localhost",
      origin: PAGE,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    }, { method: "OPTIONS" });
    assert.equal(status(preflight), 204);
    const allowed = header(preflight, "access-control-allow-headers")!;
    for (
      const name of [
        "authorization",
        "cache-control",
        "content-type",
        "last-event-id",
        "pragma",
        "traceparent",
        "x-requested-with",
      ]
    ) assert.ok(allowed.split(",").includes(name), name);
    const without = await ask("/v1/channels", { host: "localhost" });
    assert.match(header(without, "vary")!, /Origin/);
    const evil = await ask("/", { host: "localhost", origin: EVIL });
    assert.equal(status(evil), 403);
  });

  it("of an allowed page can import /qanat.js, also when the browser keeps a copy", async () => {
    await start({ corsOrigin: [PAGE] });
    const from = { host: "localhost", origin: PAGE };
    for (const path of ["/qanat.js", "/page/qanat.js"]) {
      const answer = await ask(path, from);
      assert.equal(status(answer), 200);
      assert.match(header(answer, "content-type")!, /^text\/javascript/);
      const tag = header(answer, "etag")!;
      const again = await ask(path, { ...from, "if-none-match": tag });
      assert.equal(status(again), 304);
      for (const one of [answer, again]) {
        assert.equal(header(one, "access-control-allow-origin"), PAGE);
        assert.match(header(one, "vary")!, /Origin/);
      }
    }
  });

  it("is not checked with *, and answers do not vary by it", async () => {
    await start({ corsOrigin: ["*"] });
    for (const path of ["/v1/channels", STREAM]) {
      const answer = await ask(path, { host: "localhost", origin: "null" });
      assert.equal(status(answer), 200);
      assert.equal(header(answer, "access-control-allow-origin"), "*");
      assert.doesNotMatch(header(answer, "vary") ?? "", /Origin/);
    }
  });
});

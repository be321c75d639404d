// Requests that reach no route: each is answered, its connection does not hang, and the process has no unhandled error.
import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "@std/testing/bdd";
import { ConnectionFigures } from "../../../src/http/transport/connection_figures.ts";
import { Connections } from "../../../src/http/transport/connections.ts";
import { nodeServer } from "../../../src/http/transport/node_server.ts";
import { silent } from "../../driven_source.ts";
import { RawClient } from "./raw_client.ts";

const figures = new ConnectionFigures();
const logged: string[] = [];
let server: Server;
let port: number;

before(async () => {
  const connections = new Connections({
    connectionsMax: 100,
    sharePercent: 100,
    isProxy: () => false,
    requestHeadMs: 10_000,
    requestMs: 30_000,
    keepAliveMs: 60_000,
    writeStallMs: 60_000,
    figures,
    nowMs: () => 0,
  });
  server = nodeServer(
    async (request: Request) => {
      const { pathname } = new URL(request.url);
      // It fails when the body cannot be parsed; the connection is closed then.
      if (request.method === "POST") await request.text().catch(() => "");
      return new Response(`${request.method} ${pathname}\n`);
    },
    {
      connections,
      figures,
      keepAliveMs: 60_000,
      log: { ...silent, error: (event) => void logged.push(event) },
    },
  );
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  port = (server.address() as AddressInfo).port;
});

after(async () => {
  await new Promise<void>((resolve) => server.close(() => resolve()));
  assert.deepEqual(logged, []);
});

const HOST = "host: x\r\n";
const CHUNKED = "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked";
const UPGRADE = "connection: Upgrade\r\nupgrade: websocket\r\n";

/** Name, bytes that are sent, status, and a part of the answer. The connection is closed after each. */
const REFUSED: readonly (readonly [string, string, number, RegExp])[] = [
  ["a target that is *", `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 400, /a path/],
  ["another scheme", `GET ftp://x/ HTTP/1.1\r\n${HOST}\r\n`, 400, /a path/],
  ["a bad address", `GET http://[/ HTTP/1.1\r\n${HOST}\r\n`, 400, /a path/],
  ["no slash", `GET a HTTP/1.1\r\n${HOST}\r\n`, 400, /url/],
  ["1.1 without Host", "GET /a HTTP/1.1\r\n\r\n", 400, /must have a Host/],
  ["two hosts", `GET /a HTTP/1.1\r\n${HOST}${HOST}\r\n`, 400, /more than one/],
  ["an unknown method", `FOO /a HTTP/1.1\r\n${HOST}\r\n`, 400, /method/],
  ["CONNECT", `CONNECT a:443 HTTP/1.1\r\n${HOST}\r\n`, 405, /not a proxy/],
  ["HTTP/1.3", `GET /a HTTP/1.3\r\n${HOST}\r\n`, 400, /version/],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, /Malformed/],
  ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, /method/],
  [
    "two lengths",
    `POST /a HTTP/1.1\r\n${HOST}content-length: 1\r\ncontent-length: 2\r\n\r\nx`,
    400,
    /Content-Length/,
  ],
  [
    "a length and chunks",
    `${CHUNKED}\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`,
    400,
    /Content-Length/,
  ],
  ["chunks within gzip", `${CHUNKED}, gzip\r\n\r\n0\r\n\r\n`, 400, /Transfer/],
  ["a bad chunk", `${CHUNKED}\r\n\r\nzz\r\n`, 400, /chunk size/],
  ["a chunk beyond all", `${CHUNKED}\r\n\r\n${"f".repeat(20)}\r\n`, 400, /./],
  [
    "trailers that are too large",
    `${CHUNKED}\r\n\r\n0\r\n${"a: bbbbbbbb\r\n".repeat(3000)}\r\n`,
    431,
    /16 KiB/,
  ],
  ["line feeds alone", "GET /a HTTP/1.1\nhost: x\n\n", 400, /CRLF/],
  ["NUL", `GET /a HTTP/1.1\r\n${HOST}a: b\0c\r\n\r\n`, 400, /header value/],
  ["a blank in a name", "GET /a HTTP/1.1\r\nhost : x\r\n\r\n", 400, /header/],
  [
    "200 headers",
    `GET /a HTTP/1.1\r\n${HOST}${"a: b\r\n".repeat(200)}\r\n`,
    431,
    /at most 100 are allowed/,
  ],
  [
    "3,000 headers before the Host",
    `GET /a HTTP/1.1\r\n${"a:\r\n".repeat(3000)}${HOST}\r\n`,
    431,
    /at most 100 are allowed/,
  ],
  [
    "a header that is too large",
    `GET /a HTTP/1.1\r\n${HOST}a: ${"x".repeat(20_000)}\r\n\r\n`,
    431,
    /16 KiB/,
  ],
  ["an endless target", `GET /${"x".repeat(100_000)}`, 431, /16 KiB/],
  [
    "a body beyond all",
    `POST /a HTTP/1.1\r\n${HOST}content-length: 9999999999\r\n\r\n`,
    413,
    /at most 8388608 are allowed/,
  ],
  [
    "the same, which would wait for 100",
    `POST /a HTTP/1.1\r\n${HOST}content-length: 9999999999\r\nexpect: 100-continue\r\n\r\n`,
    413,
    /at most 8388608 are allowed/,
  ],
  [
    "another expectation",
    `POST /a HTTP/1.1\r\n${HOST}content-length: 1\r\nexpect: y\r\n\r\n`,
    417,
    /100-continue/,
  ],
];

/** Name, bytes that are sent, and a part of the answer. The connection stays open after each. */
const ANSWERED: readonly (readonly [string, string, RegExp])[] = [
  ["a whole address", `GET http://y/a HTTP/1.1\r\n${HOST}\r\n`, /GET \/a/],
  ["a bad percent", `GET /%zz HTTP/1.1\r\n${HOST}\r\n`, /GET \/%zz/],
  ["a backslash", `GET /\\a HTTP/1.1\r\n${HOST}\r\n`, /400[\s\S]*Backslash/],
  ["a bad host", "GET /a HTTP/1.1\r\nhost: a b\r\n\r\n", /400[\s\S]*problem/],
  ["TRACE", `TRACE /a HTTP/1.1\r\n${HOST}\r\n`, /TRACE \/a/],
  ["an upgrade", `GET /a HTTP/1.1\r\n${HOST}${UPGRADE}\r\n`, /200[\s\S]*GET/],
  [
    "an upgrade with a body",
    `POST /a HTTP/1.1\r\n${HOST}${UPGRADE}content-length: 2\r\n\r\n{}`,
    /POST \/a/,
  ],
  [
    "a GET with a body",
    `GET /a HTTP/1.1\r\n${HOST}content-length: 2\r\n\r\n{}`,
    /GET \/a/,
  ],
  [
    "chunks and a trailer",
    `${CHUNKED}\r\n\r\n1\r\nx\r\n0\r\nb: c\r\n\r\n`,
    /POST/,
  ],
  [
    "blank lines before it",
    `\r\n\r\nGET /a HTTP/1.1\r\n${HOST}\r\n`,
    /GET \/a/,
  ],
];

describe("a request that reaches no route", () => {
  for (const [name, bytes, status, part] of REFUSED) {
    it(`${status} for ${name}, and the connection ends`, async () => {
      const { [status]: before = 0 } = figures.malformed;
      const client = await RawClient.connect(port);
      await client.send(bytes);
      assert.equal(await client.closed, "end");
      assert.match(client.received, new RegExp(`^HTTP/1.1 ${status} `));
      assert.match(client.received, /content-type: application\/problem\+json/);
      assert.match(client.received, /connection: close/);
      assert.match(client.received, part);
      assert.equal(figures.malformed[status]! - before, 1);
    });
  }

  it("may lack Host in HTTP/1.0", async () => {
    const client = await RawClient.connect(port);
    await client.send("GET /a HTTP/1.0\r\n\r\n");
    assert.equal(await client.closed, "end");
    assert.match(client.received, /^HTTP\/1\.1 200 [\s\S]*GET \/a\n$/);
  });

  it("gets 100 Continue when it waits for it", async () => {
    const client = await RawClient.connect(port);
    await client.send(
      `POST /a HTTP/1.1\r\n${HOST}content-length: 2\r\nexpect: 100-continue\r\n\r\n`,
    );
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    await client.send("{}");
    await client.until(/POST \/a\n/);
    client.socket.destroy();
  });
});

describe("an odd request", () => {
  for (const [name, bytes, answer] of ANSWERED) {
    it(`is answered: ${name}; and so is the next one`, async () => {
      const { malformed } = figures;
      const before = malformed["400"]!;
      const client = await RawClient.connect(port);
      await client.send(bytes + `GET /next HTTP/1.1\r\n${HOST}\r\n`);
      assert.match(await client.until(/\/next\n$/), answer);
      const isRefused = /^400/.test(answer.source);
      assert.equal(malformed["400"]! - before, isRefused ? 1 : 0);
      client.socket.destroy();
    });
  }
});

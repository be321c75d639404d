// Limits of connections, with raw bytes on real sockets. The test controls the clock and calls sweep() itself.
import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { ConnectionFigures } from "../../../src/http/transport/connection_figures.ts";
import {
  Connections,
  type ConnectionSettings,
} from "../../../src/http/transport/connections.ts";
import { nodeServer } from "../../../src/http/transport/node_server.ts";
import { silent } from "../../driven_source.ts";
import { RawClient, until } from "./raw_client.ts";

const LARGE_BYTES = 8 * 1024 * 1024;
const SETTINGS = {
  connectionsMax: 3,
  sharePercent: 100,
  isProxy: () => false,
  requestHeadMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 5000,
  writeStallMs: 60_000,
};

let server: Server;
let connections: Connections;
let figures: ConnectionFigures;
let port: number;
let nowMs: number;
let clients: RawClient[];
/** Paths of requests in the order in which their handlers began. */
let begun: string[];
/** Sends a piece of the answer to /pieces. */
let sendPiece: (text: string) => void = () => {};
const large = new Uint8Array(LARGE_BYTES).fill(120);

async function routes(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  begun.push(pathname);
  if (pathname === "/pieces") {
    return new Response(
      new ReadableStream({
        start: (controller) => {
          sendPiece = (text) =>
            controller.enqueue(new TextEncoder().encode(text));
        },
      }),
    );
  }
  if (pathname === "/large") return new Response(large);
  if (pathname === "/larger") {
    return new Response(new Uint8Array(4 * LARGE_BYTES));
  }
  if (pathname === "/body") {
    return new Response(`body of ${(await request.text()).length}\n`);
  }
  return new Response(`this is ${pathname}\n`);
}

async function listen(
  changes: Partial<ConnectionSettings> = {},
): Promise<void> {
  nowMs = 1000;
  begun = [];
  clients = [];
  figures = new ConnectionFigures();
  connections = new Connections({
    ...SETTINGS,
    ...changes,
    figures,
    nowMs: () => nowMs,
  });
  server = nodeServer(routes, {
    connections,
    figures,
    keepAliveMs: SETTINGS.keepAliveMs,
    log: silent,
  });
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  port = (server.address() as AddressInfo).port;
}

async function connect(): Promise<RawClient> {
  const before = figures.accepted + figures.refused;
  const client = await RawClient.connect(port);
  clients.push(client);
  await until(() => figures.accepted + figures.refused > before);
  return client;
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
}

function post(headers: string, body = ""): string {
  return `POST /body HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${body}`;
}

/** Advances the clock and calls sweep(). */
function after(ms: number): void {
  nowMs += ms;
  connections.sweep();
}

beforeEach(() => listen());

afterEach(close);

async function close(): Promise<void> {
  for (const { socket } of clients) socket.destroy();
  await until(() => figures.open === 0);
  assert.equal(figures.heldBytes, 0);
  connections.destroyAll();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

describe("requests of one connection", () => {
  it("begin one after another: none while an earlier answer is unread (50 × 20 of them took 1.6 GB)", async () => {
    const client = await connect();
    client.socket.pause();
    const more = get("/a").repeat(20);
    await client.send(get("/large") + more);
    await until(() => figures.heldBytes === more.length);
    assert.deepEqual(begun, ["/large"]);
    client.socket.resume();
    await client.until(/(this is \/a[\s\S]*){20}/);
    assert.deepEqual(begun, ["/large", ...Array(20).fill("/a")]);
    assert.equal(figures.heldBytes, 0);
  });

  it("are answered in order, with bodies of both kinds and the end of a head split over packets", async () => {
    const client = await connect();
    await client.send(
      post("content-length: 3", "abc") + get("/1") +
        post("transfer-encoding: chunked", "4\r\n\r\n\r\n\r\n0\r\n\r\n") +
        get("/2") + "GET /3 HTTP/1.1\r\nhost: x\r",
    );
    await client.until(/\/2\n/);
    for (const byte of "\n\r") await client.send(byte);
    await client.send("\n" + get("/4"));
    const got = await client.until(/\/4\n/);
    assert.deepEqual(
      got.match(/(body of|this is) .*/g),
      [
        "body of 3",
        "this is /1",
        "body of 4",
        "this is /2",
        "this is /3",
        "this is /4",
      ],
    );
  });

  it("are dropped with the connection when more than 64 KiB wait behind an answer", async () => {
    const client = await connect();
    client.socket.pause();
    await client.send(get("/large"));
    await until(() => begun.length === 1);
    client.send(get("/a").repeat(4000));
    await until(() => figures.open === 0);
    assert.equal(figures.overrun, 1);
    assert.deepEqual(begun, ["/large"]);
  });

  it("receive a whole chunked body, parsed in several turns", async () => {
    const client = await connect();
    const chunks = "1\r\nx\r\n".repeat(20_000);
    await client.send(
      post("transfer-encoding: chunked", chunks + "0\r\n\r\n") + get("/b"),
    );
    const got = await client.until(/this is \/b/);
    assert.match(got, /body of 20000\n/);
  });

  it("have at most 8 MiB of chunks with their extensions, else 413", async () => {
    const client = await connect();
    await client.send(post("transfer-encoding: chunked"));
    const extended = `1;${"e".repeat(65_000)}\r\nx\r\n`;
    for (let i = 0; i < 140 && client.received === ""; i++) {
      await Promise.race([client.send(extended), client.closed]);
    }
    assert.match(await client.until(/\}$/), /^HTTP\/1\.1 413 [\s\S]*8388608/);
    assert.equal(figures.malformed["413"], 1);
  });
});

describe("an answer that its client does not read", () => {
  it("ends with its connection after --write-stall-ms, and is counted", async () => {
    const client = await connect();
    client.socket.pause();
    await client.send(get("/large"));
    await until(() => begun.length === 1);
    // The kernel's buffers are full once nothing is sent any more.
    let queued = -1;
    await until(() => {
      connections.sweep();
      const isStill = queued === figures.unreadBytes;
      queued = figures.unreadBytes;
      return isStill && queued > 0;
    });
    after(SETTINGS.writeStallMs);
    assert.equal(figures.open, 1);
    after(1);
    await until(() => figures.open === 0);
    assert.equal(figures.timedOut.answer, 1);
  });

  it("is not cut while it goes out in short pieces, for longer than the limit (streams of relays were)", async () => {
    const client = await connect();
    await client.send(get("/pieces"));
    await until(() => begun.length === 1);
    for (let i = 0; i < 5; i++) {
      sendPiece(`piece ${i}\n`);
      await client.until(new RegExp(`piece ${i}\n`));
      after(SETTINGS.writeStallMs - 1);
    }
    assert.deepEqual([figures.open, figures.timedOut.answer], [1, 0]);
    after(SETTINGS.writeStallMs + 1);
    await until(() => figures.open === 0);
    assert.equal(figures.timedOut.answer, 1);
  });

  it("is not cut while its client reads slowly, for four times the limit in all", async () => {
    const client = await connect();
    let read = 0;
    client.socket.on("data", (piece) => {
      read += piece.length;
      // The kernel's buffers are smaller than 8 MiB.
      after(SETTINGS.writeStallMs * piece.length / LARGE_BYTES);
    });
    await client.send(get("/larger"));
    await until(() => read > 4 * LARGE_BYTES || figures.open === 0);
    assert.equal(figures.timedOut.answer, 0);
  });
});

describe("slow and idle connections", () => {
  it("408 for a head that arrives byte by byte", async () => {
    const client = await connect();
    for (const byte of "GET / HTTP") {
      await client.send(byte);
      after(900);
    }
    assert.equal(figures.timedOut.head, 0);
    await until(() => (after(900), figures.timedOut.head === 1));
    const got = await client.until(/\}$/);
    assert.match(got, /^HTTP\/1\.1 408 [\s\S]*application\/problem\+json/);
    assert.match(got, /did not arrive within 10000 ms/);
    assert.equal(await client.closed, "end");
  });

  it("408 for a body that does not arrive whole", async () => {
    const client = await connect();
    await client.send(post("content-length: 9", "abc"));
    await until(() => begun.length === 1);
    after(30_000);
    assert.equal(figures.timedOut.body, 0);
    after(1);
    assert.match(await client.until(/\}$/), /^HTTP\/1\.1 408 /);
    assert.equal(await client.closed, "end");
    assert.equal(figures.timedOut.body, 1);
  });

  it("are closed without an answer when no request arrives", async () => {
    const client = await connect();
    after(10_001);
    assert.equal(await client.closed, "end");
    assert.equal(client.received, "");
    assert.equal(figures.timedOut.idle, 1);
  });

  it("are closed after --keep-alive-ms between requests, in spite of blank lines", async () => {
    const client = await connect();
    await client.send(get("/a"));
    await client.until(/this is/);
    after(6000);
    assert.equal(figures.open, 1);
    await client.send("\r\n\r\n");
    after(1);
    await client.closed;
    assert.equal(figures.timedOut.idle, 1);
  });
});

describe("--connections-max", () => {
  it("503 with Retry-After above it; a connection that closes makes room for another", async () => {
    const [first] = [await connect(), await connect(), await connect()];
    const refused = await connect();
    assert.equal(figures.refused, 1);
    await refused.send(get("/a"));
    const got = await refused.until(/\}$/);
    assert.match(got, /^HTTP\/1\.1 503 [\s\S]*retry-after: 5\r\n/);
    assert.match(got, /All 3 connections \(--connections-max\)/);
    assert.equal(await refused.closed, "end");
    assert.deepEqual(begun, []);
    first.socket.destroy();
    await until(() => figures.open === 2);
    const again = await connect();
    await again.send(get("/a"));
    await again.until(/this is \/a/);
    assert.equal(figures.refused, 1);
  });

  it("is not named where the limit is not a setting, as on the port for operators", async () => {
    await close();
    await listen({ hasSettings: false });
    for (let i = 0; i < 3; i++) await connect();
    const got = await (await connect()).until(/\}$/);
    assert.match(got, /All 3 connections of this port are in use/);
    assert.doesNotMatch(got, /--/);
  });
});

describe("the share of an address in --connections-max", () => {
  const shares = { connectionsMax: 10, sharePercent: 50 };

  it("429 beyond it; the connections of other addresses are not closed", async () => {
    await close();
    await listen(shares);
    for (let i = 0; i < 5; i++) await connect();
    assert.equal(figures.open, 5);
    const refused = await connect();
    const got = await refused.until(/\}$/);
    assert.match(got, /^HTTP\/1\.1 429 [\s\S]*--address-share-percent/);
    assert.equal(figures.refused, 1);
    clients[0]!.socket.destroy();
    await until(() => figures.open === 4);
    await connect();
    assert.equal(figures.open, 5);
  });

  it("does not apply to a trusted proxy, whose clients share its address", async () => {
    await close();
    await listen({ ...shares, isProxy: (peer) => peer === "127.0.0.1" });
    for (let i = 0; i < 10; i++) await connect();
    assert.equal(figures.open, 10);
    const got = await (await connect()).until(/\}$/);
    assert.match(got, /^HTTP\/1\.1 503 /);
  });
});

describe("an answer before the end of the request", () => {
  it("reaches a client that is still sending; then the connection is closed", async () => {
    const client = await connect();
    await client.send("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5000000");
    await client.send("\r\n\r\n");
    await client.until(/this is \/a/);
    assert.match(client.received, /connection: close/i);
    await client.send(new Uint8Array(1_000_000));
    client.socket.end();
    assert.equal(await client.closed, "end");
  });
});

// What src/http and src/memory take for granted about the runtime, so that a Deno that changes it fails here
// instead of corrupting data. Invariant: every fact is tried over a real loopback socket.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import { CooperativeScheduler, type Task } from "../src/clients/scheduler.ts";
import { RawWriter } from "../src/http/transport/raw_write.ts";

const KIB = 1024;
const HEAD_END = new TextEncoder().encode("\r\n\r\n");

/** A byte of write number `index`; neighbours differ in every byte, so a reused buffer is caught at once. */
function byteOf(index: number): number {
  return (index * 151 + 7) & 0xff;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(
      0,
      "127.0.0.1",
      () => resolve((server.address() as AddressInfo).port),
    );
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

async function request(port: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(
    new TextEncoder().encode("GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
  );
  return connection;
}

/** Reads a response to its end; calls back with each piece of the body and where in the body it begins. */
async function readBody(
  connection: Deno.TcpConn,
  onBytes: (bytes: Uint8Array, position: number) => void | Promise<void>,
): Promise<number> {
  const buffer = new Uint8Array(64 * KIB);
  let head = new Uint8Array();
  let position = -1;
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return position;
    let bytes = buffer.subarray(0, count);
    if (position < 0) {
      const joined = new Uint8Array(head.length + bytes.length);
      joined.set(head);
      joined.set(bytes, head.length);
      head = joined;
      const end = indexOf(head, HEAD_END);
      if (end < 0) continue;
      position = 0;
      bytes = head.subarray(end + HEAD_END.length);
    }
    await onBytes(bytes, position);
    position += bytes.length;
  }
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = 0; at <= bytes.length - wanted.length; at++) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

type Write = (
  socket: Socket,
  buffer: Uint8Array,
  done: (error?: unknown) => void,
) => void;

const socketWrite: Write = (socket, buffer, done) => {
  socket.write(buffer, (error) => done(error ?? undefined));
};

const writer = RawWriter.find();
const writtenAs = { done: 0, queued: 0, failed: 0 };

/** A write past node's streams. It calls back at once when the kernel took all of it. */
const rawWrite: Write = (socket, buffer, done) => {
  const written = writer!.write(socket, buffer, {
    finished: (status) => done(status < 0 ? status : undefined),
  });
  writtenAs[written]++;
  if (written === "done") queueMicrotask(() => done());
  if (written === "failed") queueMicrotask(() => done("failed"));
};

/**
 * Sends `writes` writes out of `buffers.length` reused buffers; a buffer is filled again in the callback of its last write.
 * `early`: reuse it right after the write instead, which must corrupt.
 */
function sendReusing(
  outgoing: ServerResponse,
  { writes, buffers, early, raw }: {
    writes: number;
    buffers: Uint8Array[];
    early: boolean;
    raw: boolean;
  },
): void {
  const socket = outgoing.socket!;
  const write = raw ? rawWrite : socketWrite;
  let sent = 0;
  let done = 0;
  const send = (buffer: Uint8Array): void => {
    if (sent === writes) return;
    buffer.fill(byteOf(sent++));
    write(socket, buffer, (error) => {
      if (error) return; // the receiver notices what is missing
      if (++done === writes) socket.end();
      if (!early) send(buffer);
    });
    if (early) queueMicrotask(() => send(buffer));
  };
  for (const buffer of buffers) send(buffer);
}

/** How many bytes arrive other than they were when they were written. */
async function corruptedBytes(
  { bytes, writes, inFlight, early = false, raw = false }: {
    bytes: number;
    writes: number;
    inFlight: number;
    early?: boolean;
    raw?: boolean;
  },
): Promise<number> {
  const server = createServer((_, outgoing) => {
    outgoing.writeHead(200, {
      "content-length": bytes * writes,
      connection: "close",
    });
    outgoing.flushHeaders();
    const buffers = Array.from(
      { length: inFlight },
      () => new Uint8Array(bytes),
    );
    sendReusing(outgoing, { writes, buffers, early, raw });
  });
  const port = await listen(server);
  const connection = await request(port);
  let corrupted = 0;
  let pieces = 0;
  const received = await readBody(connection, async (piece, position) => {
    for (let i = 0; i < piece.length; i++) {
      const index = Math.floor((position + i) / bytes);
      if (piece[i] !== byteOf(index)) corrupted++;
    }
    // A reader that falls behind now and then, so that writes have to wait.
    if (pieces++ % 50 === 0) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
  // First: the server waits for its last connection, which is half closed until then.
  connection.close();
  await close(server);
  assert.equal(received, bytes * writes);
  return corrupted;
}

/** 64 pending writes on a socket that is destroyed. */
async function failsOnceEach(write: Write): Promise<void> {
  const writes = 64;
  const fired = new Array<number>(writes).fill(0);
  const failed = new Array<number>(writes).fill(0);
  const settled = Promise.withResolvers<void>();
  const server = createServer((_, outgoing) => {
    outgoing.writeHead(200);
    outgoing.flushHeaders();
    const socket = outgoing.socket!;
    socket.on("error", () => {});
    socket.on("close", () => setTimeout(settled.resolve, 50));
    const buffer = new Uint8Array(1024 * KIB); // 64 MiB: far more than the kernel takes
    for (let i = 0; i < writes; i++) {
      write(socket, buffer, (error) => {
        fired[i]!++;
        if (error) failed[i]!++;
      });
    }
    setTimeout(() => socket.destroy(), 100);
  });
  using _connection = await request(await listen(server)); // never read
  await settled.promise;
  await close(server);
  assert.deepEqual(fired, new Array(writes).fill(1));
  const pending = failed.indexOf(1);
  assert.ok(
    pending >= 0 && pending < writes / 2,
    `first failed write: ${pending}`,
  );
  assert.ok(
    failed.slice(pending).every((count) => count === 1),
    "a write after a failed one succeeded",
  );
}

describe("node:http socket.write() callback", () => {
  for (const kib of [1, 8, 64]) {
    it(`frees the buffer exactly: one reused ${kib} KiB buffer, 1,500 writes`, async () => {
      assert.equal(
        await corruptedBytes({ bytes: kib * KIB, writes: 1500, inFlight: 1 }),
        0,
      );
    });
  }

  for (const inFlight of [4, 32]) {
    it(`frees the buffer exactly with ${inFlight} writes in flight`, async () => {
      assert.equal(
        await corruptedBytes({ bytes: 8 * KIB, writes: 1600, inFlight }),
        0,
      );
    });
  }

  it("is needed: a buffer reused before it arrives overwritten", async () => {
    const corrupted = await corruptedBytes({
      bytes: 64 * KIB,
      writes: 400,
      inFlight: 1,
      early: true,
    });
    assert.ok(
      corrupted > 0,
      "socket.write() copies now: the slab's release may come earlier",
    );
  });

  it("fires once with an error for every pending write when the socket is destroyed", () =>
    failsOnceEach(socketWrite));
});

describe("RawWriter", () => {
  it("is there, so that the process needs no socket.write()", () => {
    assert.notEqual(writer, null);
  });

  for (const [kib, inFlight] of [[1, 1], [8, 4], [64, 1], [256, 4]] as const) {
    it(`frees the buffer exactly: ${inFlight} reused buffers of ${kib} KiB`, async () => {
      const bytes = kib * KIB;
      const writes = Math.min(1500, Math.floor(64 * KIB * KIB / bytes));
      assert.equal(
        await corruptedBytes({ bytes, writes, inFlight, raw: true }),
        0,
      );
    });
  }

  it("has writes of both kinds, and none that failed", () => {
    assert.ok(writtenAs.done > 100 && writtenAs.queued > 100);
    assert.equal(writtenAs.failed, 0);
  });

  it("finishes every pending write once when the socket is destroyed", () =>
    failsOnceEach(rawWrite));

  it("fails at once on a socket that is closed", async () => {
    const results: string[] = [];
    const settled = Promise.withResolvers<void>();
    const server = createServer((_, outgoing) => {
      outgoing.writeHead(200);
      outgoing.flushHeaders();
      const socket = outgoing.socket!;
      socket.destroy();
      const finished = () => results.push("finished");
      results.push(writer!.write(socket, new Uint8Array(8), { finished }));
      setTimeout(settled.resolve, 20);
    });
    using _connection = await request(await listen(server));
    await settled.promise;
    await close(server);
    assert.deepEqual(results, ["failed"]);
  });

  it("leaves the order as it was when node ends the response behind it", async () => {
    const bytes = 512 * KIB;
    const server = createServer((_, outgoing) => {
      outgoing.writeHead(200);
      outgoing.flushHeaders();
      const socket = outgoing.socket!;
      const chunk = new Uint8Array(bytes + 12).fill(byteOf(0));
      chunk.set(new TextEncoder().encode("00080000\r\n"));
      chunk.set([13, 10], bytes + 10);
      for (let i = 0; i < 16; i++) {
        writer!.write(socket, chunk, { finished: () => {} });
      }
      outgoing.end();
    });
    const port = await listen(server);
    const response = await fetch(`http://127.0.0.1:${port}/`);
    const body = new Uint8Array(await response.arrayBuffer());
    await close(server);
    assert.equal(body.length, 16 * bytes);
    assert.ok(body.every((byte) => byte === byteOf(0)));
  });
});

describe("ReadableStream response", () => {
  it("reads a chunk after the next pull: a reused buffer arrives overwritten", async () => {
    const chunks = 2000;
    const bytes = 4 * KIB;
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
    }, () => {
      const buffer = new Uint8Array(bytes);
      let index = 0;
      return new Response(
        new ReadableStream({
          pull(controller) {
            if (index === chunks) return controller.close();
            buffer.fill(byteOf(index++));
            controller.enqueue(buffer);
          },
        }),
      );
    });
    const response = await fetch(`http://127.0.0.1:${server.addr.port}/`);
    const body = await response.bytes();
    assert.equal(body.length, chunks * bytes);
    let overwritten = 0;
    for (let i = 0; i < chunks; i++) {
      if (body[i * bytes] !== byteOf(i)) overwritten++;
    }
    await server.shutdown();
    assert.ok(overwritten > 0, "streams copy now: StreamOutlet need not");
  });
});

describe("CooperativeScheduler", () => {
  it("let sockets in every few rounds (immediates alone: once in 61)", async () => {
    let rounds = 0;
    let isOver = false;
    const busy: Task = {
      run: (endMs) => {
        rounds++;
        while (performance.now() < endMs);
        return !isOver;
      },
    };
    const scheduler = new CooperativeScheduler({ sliceMs: 4 });
    scheduler.setOrder(busy);
    const server = createServer((_, outgoing) => outgoing.end("served"));
    const port = await listen(server);
    scheduler.schedule(busy);
    for (let i = 0; i < 3; i++) {
      const before = rounds;
      const response = await fetch(`http://127.0.0.1:${port}/`);
      assert.equal(await response.text(), "served");
      assert.ok(rounds - before < 60, `${rounds - before} rounds`);
    }
    isOver = true;
    scheduler.close();
    await close(server);
  });
});

describe("createAdaptorServer({ overrideGlobalObjects: false })", () => {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.get("/raw", (c) => {
    const outgoing = c.env.outgoing as ServerResponse;
    outgoing.writeHead(200, { "content-type": "text/plain" });
    outgoing.flushHeaders();
    const raw = outgoing.chunkedEncoding && outgoing.socket !== null;
    outgoing.socket?.write(raw ? "3\r\nraw\r\n" : "");
    outgoing.end();
    return RESPONSE_ALREADY_SENT;
  });
  app.get("/plain", (c) => c.text("plain"));

  it("keeps Deno.serve working in the same process", async () => {
    const adaptor = createAdaptorServer({
      fetch: app.fetch,
      overrideGlobalObjects: false,
    }) as Server;
    const port = await listen(adaptor);
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response("served"),
    );
    for (let i = 0; i < 2; i++) {
      assert.equal(
        await (await fetch(`http://127.0.0.1:${server.addr.port}/`)).text(),
        "served",
      );
      assert.equal(
        await (await fetch(`http://127.0.0.1:${port}/plain`)).text(),
        "plain",
      );
    }
    await server.shutdown();
    await close(adaptor);
  });

  it("lets a route write chunks of its own to the socket", async () => {
    const adaptor = createAdaptorServer({
      fetch: app.fetch,
      overrideGlobalObjects: false,
    }) as Server;
    const port = await listen(adaptor);
    const response = await fetch(`http://127.0.0.1:${port}/raw`);
    assert.equal(await response.text(), "raw");
    await close(adaptor);
  });
});

// Bodies and aborts on real sockets: the answer, the log, and what is released.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, before, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../../src/app.ts";
import { type HttpServer, serve } from "../../../src/http/server.ts";
import type { Channel } from "../../../src/channels/channel.ts";
import { configWith, DrivenSource, silent } from "../../driven_source.ts";

const HEAD = "POST /v1/events HTTP/1.1\r\nhost: localhost\r\n" +
  "content-type: application/json\r\n";
const MIB = 1024 * 1024;
const ABORTS = 100;

const errors: string[] = [];
let qanat: Qanat;
let server: HttpServer;

const CHANNEL: Channel = {
  name: "日本:電圧",
  dataType: "float32",
  sampleRate: 16,
  publisher: "P",
  partitionId: "p",
  partitionIndex: 0,
  strideNs: 62_500_000n,
  maxLatencyNs: 1_000_000_000n,
  replayId: null,
};

before(async () => {
  const source = new DrivenSource([]);
  source.catalog.set(CHANNEL);
  source.catalog.set({ ...CHANNEL, name: "電", partitionIndex: 1 });
  source.catalog.set({ ...CHANNEL, name: "A%41", partitionIndex: 2 });
  qanat = new Qanat({
    config: configWith({ port: 0 }),
    source,
    log: { ...silent, error: (event) => errors.push(event) },
  });
  await qanat.start();
  server = await serve(qanat);
});

after(async () => {
  qanat.drain();
  await server.close(500);
  await qanat.close();
});

/** A connection: what it had received when it was closed, and how many of `parts` it could send. */
function post(head: string, parts: Iterable<string>) {
  const socket = net.connect(server.port, "127.0.0.1");
  let got = "";
  let sent = 0;
  const source = parts[Symbol.iterator]();
  const send = () => {
    while (!socket.destroyed) {
      const { done, value } = source.next();
      if (done) return;
      sent += value.length;
      if (!socket.write(value)) return;
    }
  };
  socket.on("connect", () => {
    socket.write(head);
    send();
  });
  socket.on("drain", send);
  socket.on("data", (data) => got += data.toString("latin1"));
  socket.on("error", () => {}); // it was closed while it sent
  const closed = new Promise<{ got: string; sent: number }>((resolve) =>
    socket.on("close", () => resolve({ got, sent }))
  );
  return { socket, closed };
}

function* chunks(count: number): Iterable<string> {
  const chunk = `10000\r\n${" ".repeat(65536)}\r\n`;
  for (let i = 0; i < count; i++) yield chunk;
}

async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(what);
}

describe("a body on a socket", () => {
  it("that is chunked and endless is answered 413, and the connection is closed", async () => {
    const { closed } = post(
      `${HEAD}transfer-encoding: chunked\r\n\r\n`,
      chunks(16 * 800),
    );
    const { got, sent } = await closed;
    assert.match(got, /^HTTP\/1\.1 413/);
    assert.match(got, /"limit":"body-bytes"/);
    assert.ok(sent < 200 * MIB, `${sent} bytes were taken`);
    assert.equal(qanat.requests.bodies.usedBytes, 0);
  });

  it("with a content-length beyond the limit is answered before it arrives", async () => {
    const { closed } = post(`${HEAD}content-length: ${5 * MIB}\r\n\r\n`, []);
    assert.match((await closed).got, /^HTTP\/1\.1 413/);
  });

  it("that is compressed is refused for its Content-Encoding, not as bad UTF-8", async () => {
    const answer = await fetch(`http://127.0.0.1:${server.port}/v1/events`, {
      method: "POST",
      body: Uint8Array.of(0x1f, 0x8b, 8, 0),
      headers: {
        "content-type": "application/json",
        "content-encoding": "gzip",
      },
    });
    assert.equal(answer.status, 415);
    assert.match((await answer.json()).detail, /Content-Encoding.*'gzip'/);
  });

  it("that is not UTF-8, or in another charset, is refused", async () => {
    const ask = async (body: BodyInit, type: string) => {
      const answer = await fetch(`http://127.0.0.1:${server.port}/v1/events`, {
        method: "POST",
        body,
        headers: { "content-type": type },
      });
      return [answer.status, (await answer.json()).detail] as const;
    };
    const latin1 = new Uint8Array(
      [...'{"channels":["\xe9"]}'].map((c) => c.charCodeAt(0)),
    );
    const [status, detail] = await ask(latin1, "application/json");
    assert.equal(status, 400);
    assert.match(detail, /not UTF-8/);
    for (
      const type of ["application/json; charset=latin1", "application/jsonx"]
    ) {
      assert.equal((await ask("{}", type))[0], 415, type);
    }
    for (
      const type of [
        "application/json;charset=utf-8",
        'application/json; charset="UTF-8"',
      ]
    ) {
      assert.equal((await ask("{}", type))[0], 400, type);
    }
  });

  it("that its client aborts is not logged as an error (100 aborts wrote 100 stacks)", async () => {
    const before = qanat.requests.aborted;
    const { bodies } = qanat.requests;
    const open = Array.from(
      { length: ABORTS },
      () => post(`${HEAD}content-length: 1000\r\n\r\n`, ['{"channels":']),
    );
    await until(
      () => bodies.usedBytes === ABORTS * '{"channels":'.length,
      "the bodies do not come",
    );
    for (const { socket } of open) socket.destroy();
    await until(
      () => qanat.requests.aborted === before + ABORTS,
      `${qanat.requests.aborted} aborts are counted`,
    );
    assert.deepEqual(errors, []);
    assert.equal(bodies.usedBytes, 0);
    assert.equal(qanat.requests.slices.waiting, 0);
  });

  it("that was parsed in several turns, with a second request after it, does not hide that the client disconnects", async () => {
    const body = JSON.stringify({ channels: ["電"] }).padEnd(3000);
    const bytes = new TextEncoder().encode(body);
    // Chunks of one byte: the parser gets them in several turns of the event loop.
    const inChunks = Array.from(
      bytes,
      (byte) => `1\r\n${String.fromCharCode(byte)}\r\n`,
    );
    const socket = net.connect(server.port, "127.0.0.1", () => {
      const head = `${HEAD}transfer-encoding: chunked\r\n\r\n`;
      const behind = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
      socket.write(`${head}${inChunks.join("")}0\r\n\r\n${behind}`, "latin1");
    });
    const [data] = await once(socket, "data");
    assert.match(String(data), /^HTTP\/1\.1 200/);
    assert.equal(qanat.hub.figures.clients, 1);
    socket.destroy();
    await until(() => qanat.hub.figures.clients === 0, "the client stayed");
  });

  it("of a GET is not read", async () => {
    const { closed } = post(
      "GET /v1/channels/count HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n" +
        "content-length: 2\r\n\r\n{}",
      [],
    );
    assert.match((await closed).got, /^HTTP\/1\.1 200[\s\S]*"count":3/);
  });
});

describe("names beyond Latin-1", () => {
  const at = (path: string) => `http://127.0.0.1:${server.port}${path}`;

  it("work in pages of the Arrow list (x-next-after was answered 500)", async () => {
    const accept = "application/vnd.apache.arrow.stream";
    const seen: string[] = [];
    let after = "";
    for (let page = 0; page < 3; page++) {
      const answer = await fetch(at(`/v1/channels?limit=1&after=${after}`), {
        headers: { accept },
      });
      assert.equal(answer.status, 200);
      await answer.arrayBuffer();
      const next = answer.headers.get("x-next-after");
      if (next === null) break;
      seen.push(decodeURIComponent(next));
      // Plain, and encoded as the value of a query.
      after = page === 0 ? next : encodeURIComponent(next);
    }
    assert.deepEqual(seen, ["A%41", "日本:電圧"]);
  });

  it("work in the file name of a download", async () => {
    const name = encodeURIComponent(CHANNEL.name);
    const answer = await fetch(at(`/v1/arrow?channels=${name}&duration=1`), {
      method: "HEAD",
    });
    assert.equal(
      answer.headers.get("content-disposition"),
      `attachment; filename="______live.arrows"; ` +
        `filename*=UTF-8''${encodeURIComponent("日本_電圧_live.arrows")}`,
    );
  });
});

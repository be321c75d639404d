// What ReadWatch takes for granted about node:http and its handles, so that a Deno that changes it fails here.
// Invariant: every fact is tried over a real loopback socket.
import assert from "node:assert/strict";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, describe, it } from "@std/testing/bdd";
import { ReadWatch } from "../../../src/http/transport/read_watch.ts";

const WAIT_MAX_MS = 5000;

/** A stream that is watched, and all that is heard of it. */
interface Watched {
  readonly outgoing: ServerResponse;
  readonly watch: ReadWatch | null;
  readonly heard: string[];
}

let server: Server;
let client: Socket;
let got = "";

afterEach(async () => {
  client.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

const STREAM = "GET /stream HTTP/1.1\r\nhost: x\r\n\r\n";
const OTHER = "GET /other HTTP/1.1\r\nhost: x\r\n\r\n";

/** Sends a request to a server that begins a stream, and answers /other. */
async function open(text: string): Promise<Watched> {
  got = "";
  const opened = Promise.withResolvers<Watched>();
  server = createServer((incoming, outgoing) => {
    if (incoming.url === "/other") return void outgoing.end("other");
    outgoing.writeHead(200);
    outgoing.flushHeaders();
    const heard: string[] = [];
    const hear = (what: string) => () => heard.push(what);
    outgoing.socket!.on("end", hear("socket end"));
    outgoing.socket!.on("close", hear("socket close"));
    incoming.on("error", hear("request error"));
    // As the outlet: what is asked for may be in the same packet.
    setImmediate(() => {
      const watch = ReadWatch.begin(outgoing, {
        readingEnded: hear("reading ended"),
      });
      opened.resolve({ outgoing, watch, heard });
    });
  });
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  const { port } = server.address() as AddressInfo;
  client = connect(port, "127.0.0.1", () => client.write(text));
  client.on("error", () => {});
  client.on("data", (data) => got += data.toString("latin1"));
  return await opened.promise;
}

async function until(isSo: () => boolean): Promise<void> {
  const endMs = Date.now() + WAIT_MAX_MS;
  while (!isSo()) {
    assert.ok(Date.now() < endMs, `in vain: ${got}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Serves another connection meanwhile: after that, node has reported all that it had about the first one. */
async function anotherRequest(): Promise<void> {
  const { port } = server.address() as AddressInfo;
  for (let i = 0; i < 3; i++) {
    const response = await fetch(`http://127.0.0.1:${port}/other`, {
      headers: { connection: "close" },
    });
    assert.equal(await response.text(), "other");
  }
}

describe("ReadWatch", () => {
  for (const isAbrupt of [false, true]) {
    it(`reports once a client that ${isAbrupt ? "breaks off" : "closes"}; node hears of it when the response is destroyed`, async () => {
      const { outgoing, watch, heard } = await open(STREAM);
      assert.notEqual(watch, null);
      if (isAbrupt) client.resetAndDestroy();
      else client.end();
      await until(() => heard.length > 0);
      await anotherRequest();
      assert.deepEqual(heard, ["reading ended"]);
      outgoing.destroy();
      outgoing.req.destroy();
      await until(() => heard.length > 1);
      // And no "request error": node writes the stack of one, 40 µs.
      await anotherRequest();
      assert.deepEqual(heard, ["reading ended", "socket close"]);
    });
  }

  it("gives node a request that comes behind the stream's: it is answered behind it", async () => {
    const { outgoing, heard } = await open(STREAM);
    client.write(OTHER.slice(0, 20));
    await until(() => outgoing.socket!.bytesRead > STREAM.length);
    client.write(OTHER.slice(20));
    await until(() =>
      outgoing.socket!.bytesRead === STREAM.length + OTHER.length
    );
    outgoing.end("stream");
    await until(() => got.endsWith("other"));
    assert.match(got, /stream\r\n0\r\n\r\nHTTP\/1\.1 200 OK[\s\S]*other$/);
    client.end();
    await until(() => heard.includes("socket close"));
    assert.ok(!heard.includes("reading ended"));
  });

  it("gives the connection back for the next request", async () => {
    const { outgoing, watch } = await open(STREAM);
    watch!.giveBack();
    outgoing.end("stream");
    await until(() => got.endsWith("0\r\n\r\n"));
    client.write(OTHER);
    await until(() => got.endsWith("other"));
  });

  it("leaves a connection alone on which another request waits already", async () => {
    const { outgoing, watch, heard } = await open(STREAM + OTHER);
    assert.equal(watch, null);
    outgoing.end("stream");
    await until(() => got.endsWith("other"));
    client.end();
    await until(() => heard.includes("socket close"));
  });

  it("restores nothing of a connection that is closed", async () => {
    const { outgoing, watch, heard } = await open(STREAM);
    outgoing.destroy();
    watch!.giveBack();
    await until(() => heard.includes("socket close"));
    assert.deepEqual(heard.filter((what) => what === "reading ended"), []);
  });
});

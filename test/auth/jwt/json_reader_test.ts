// Reading an issuer's documents from a real server that does not behave.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import {
  DOCUMENT_BYTES_MAX,
  readJson,
} from "../../../src/auth/jwt/json_reader.ts";

describe("a reader of an issuer's documents", () => {
  const abort = new AbortController();
  const asked: string[] = [];
  let server: Deno.HttpServer<Deno.NetAddr>;
  let base: string;
  /** Bytes that were written of the endless document. */
  let written = 0;

  before(() => {
    server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => answer(new URL(request.url).pathname),
    );
    base = `http://127.0.0.1:${server.addr.port}`;
  });
  after(async () => {
    abort.abort();
    await server.shutdown();
  });

  async function answer(path: string): Promise<Response> {
    asked.push(path);
    const chunk = new Uint8Array(16_384).fill(0x20);
    switch (path) {
      case "/good":
        return Response.json({ keys: [] });
      case "/redirect":
        return Response.redirect(`${base}/good`, 302);
      case "/missing":
        return new Response("{}", { status: 404 });
      case "/text":
        return new Response("<html>");
      case "/latin":
        return new Response(new Uint8Array([0x22, 0xe9, 0x22]));
      case "/full":
        return new Response(" ".repeat(DOCUMENT_BYTES_MAX - 2) + "{}");
      case "/packed":
        return await packed();
      case "/huge":
        return new Response(
          new ReadableStream({
            pull(controller) {
              if (written > 10 << 20) return controller.close();
              written += chunk.byteLength;
              controller.enqueue(chunk);
            },
          }),
        );
      default: // never answers
        return await new Promise((resolve) => {
          abort.signal.addEventListener(
            "abort",
            () => resolve(new Response("late")),
          );
        });
    }
  }

  /** 10 MB that are a few kilobytes on the wire. */
  async function packed(): Promise<Response> {
    const spaces = new Blob([new Uint8Array(10 << 20).fill(0x20)]).stream();
    const gzip = spaces.pipeThrough(new CompressionStream("gzip"));
    return new Response(await new Response(gzip).bytes(), {
      headers: { "content-encoding": "gzip" },
    });
  }

  const read = (path: string, signal = new AbortController().signal) =>
    readJson(base + path, signal);

  it("reads JSON up to the limit", async () => {
    assert.deepEqual(await read("/good"), { keys: [] });
    assert.deepEqual(await read("/full"), {});
  });

  it("does not follow a redirect", async () => {
    asked.length = 0;
    await assert.rejects(read("/redirect"), /redirects, which is not followed/);
    assert.deepEqual(asked, ["/redirect"]);
  });

  it("refuses 10 MB without reading them", async () => {
    await assert.rejects(read("/huge"), /larger than 65536 bytes/);
    assert.ok(written < 5 << 20, `${written} bytes were written`);
    await assert.rejects(read("/packed"), /larger than 65536 bytes/);
  });

  it("refuses other answers", async () => {
    await assert.rejects(read("/missing"), /status 404/);
    await assert.rejects(read("/text"), /not JSON/);
    await assert.rejects(read("/latin"), /not JSON/);
  });

  it("ends with its signal when the server never answers", async () => {
    const giveUp = new AbortController();
    const reading = read("/never", giveUp.signal);
    giveUp.abort();
    await assert.rejects(reading);
  });

  it("refuses other schemes", async () => {
    const { signal } = new AbortController();
    await assert.rejects(readJson("ftp://127.0.0.1/keys", signal));
  });
});

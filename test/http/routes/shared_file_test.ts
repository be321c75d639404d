// Files that never change: one buffer per coding for all clients, and headers for caches.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Hono } from "hono";
import type { ServerResponse } from "node:http";
import {
  sendShared,
  SharedFile,
} from "../../../src/http/routes/shared_file.ts";

const TEXT = "a line of text\n".repeat(20_000);
const SENT = new Response(null);

/** An app with one file, and the bytes that it hands to node's responses. */
function served() {
  let reads = 0;
  const file = new SharedFile("text/plain; charset=utf-8", () => {
    reads++;
    return TEXT;
  });
  const app = new Hono();
  app.get("/file", (c) => {
    c.header("access-control-allow-origin", "*");
    return sendShared(c, file, {
      alreadySent: SENT,
      variesByOrigin: true,
      headers: { "cache-control": "no-cache" },
    });
  });
  const ask = (headers: Record<string, string> = {}, method = "GET") =>
    app.request("/file", { headers, method });
  return { file, app, ask, reads: () => reads };
}

describe("SharedFile", () => {
  it("is read once and compressed once, and all requests share the bytes (each request compressed them)", async () => {
    const { file, reads } = served();
    const [one, two] = await Promise.all([
      file.variant("gzip"),
      file.variant("gzip"),
    ]);
    assert.equal(one.bytes, two.bytes);
    assert.equal(
      (await file.variant("identity")).bytes,
      (await file.variant("identity")).bytes,
    );
    assert.equal(reads(), 1);
    const unpacked = new Response(
      new Response(one.bytes).body!.pipeThrough(
        new DecompressionStream("gzip"),
      ),
    );
    assert.equal(await unpacked.text(), TEXT);
  });
});

describe("sendShared()", () => {
  it("hands node's response the shared buffer without a copy, and the headers that middleware has set", async () => {
    const { file, app } = served();
    const given: unknown[] = [];
    const outgoing = {
      destroyed: false,
      writeHead: (...head: unknown[]) => void given.push(...head),
      end: (bytes: unknown) => void given.push(bytes),
    } as unknown as ServerResponse;
    const headers = { "accept-encoding": "gzip" };
    await app.request("/file", { headers }, { outgoing });
    const [status, sent, bytes] = given as [
      number,
      Record<string, string>,
      unknown,
    ];
    const { bytes: gzip, etag } = await file.variant("gzip");
    assert.equal(status, 200);
    assert.equal(bytes, gzip);
    assert.deepEqual(sent, {
      "access-control-allow-origin": "*",
      "cache-control": "no-cache",
      "content-encoding": "gzip",
      "content-length": String(gzip.byteLength),
      "content-type": "text/plain; charset=utf-8",
      etag,
      vary: "Accept-Encoding, Origin",
    });
  });

  it("has an ETag for each coding, and answers 304 for the ETag of the requested coding", async () => {
    const { ask } = served();
    const plain = await ask();
    assert.equal(plain.headers.get("content-encoding"), null);
    assert.equal(await plain.text(), TEXT);
    const gzip = await ask({ "accept-encoding": "gzip" });
    assert.equal(gzip.headers.get("content-encoding"), "gzip");
    const [plainTag, gzipTag] = [plain, gzip].map((r) =>
      r.headers.get("etag")!
    );
    assert.notEqual(plainTag, gzipTag);
    for (
      const [known, acceptEncoding, status] of [
        [plainTag, "identity", 304],
        [`W/${gzipTag}`, "gzip", 304],
        [gzipTag, "identity", 200],
        [plainTag, "gzip", 200],
      ] as const
    ) {
      const again = await ask({
        "if-none-match": `"other", ${known}`,
        "accept-encoding": acceptEncoding!,
      });
      assert.equal(again.status, status);
      assert.match(again.headers.get("vary")!, /Accept-Encoding/);
      assert.equal(again.headers.get("cache-control"), "no-cache");
      await again.body?.cancel();
    }
  });

  it("answers HEAD with the length in the requested coding, and no body", async () => {
    const { ask, file } = served();
    const head = await ask({ "accept-encoding": "gzip" }, "HEAD");
    const { bytes } = await file.variant("gzip");
    assert.equal(head.headers.get("content-length"), String(bytes.byteLength));
    assert.equal(await head.text(), "");
  });
});

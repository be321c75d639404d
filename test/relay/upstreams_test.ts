// Requests to upstreams over real HTTP: a token goes to the address of the setting and to no other.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Upstreams } from "../../src/relay/upstreams.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";

function serverAt(handler: (request: Request) => Response) {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    handler,
  );
}

describe("Upstreams", () => {
  it("accepts nothing that is compressed: little of it could become very much", async () => {
    const accepted: (string | null)[] = [];
    await using server = serverAt(({ headers }) => {
      accepted.push(headers.get("accept-encoding"));
      return new Response(Uint8Array.of(31, 139), {
        headers: {
          "content-type": "application/vnd.qanat.blocks; version=1",
          "content-encoding": "gzip",
        },
      });
    });
    const upstreams = new Upstreams({
      addresses: [`http://127.0.0.1:${server.addr.port}`],
      token: () => Promise.resolve(""),
      fetch,
      clockMs: () => 0,
      log: jsonLogger(() => {}, "error"),
    });
    const { signal } = new AbortController();
    await assert.rejects(
      upstreams.request("/v1/blocks/channels", null, signal),
      /its answer is compressed/,
    );
    assert.deepEqual(accepted, ["identity"]);
  });

  it("follows no redirect, and says so", async () => {
    let requests = 0;
    await using other = serverAt(() => {
      requests++;
      return new Response("");
    });
    const target = `http://127.0.0.1:${other.addr.port}/`;
    await using moved = serverAt(() => Response.redirect(target, 307));
    const upstreams = new Upstreams({
      addresses: [`http://127.0.0.1:${moved.addr.port}`],
      token: () => Promise.resolve("secret"),
      fetch,
      clockMs: () => 0,
      log: jsonLogger(() => {}, "error"),
    });
    const { signal } = new AbortController();
    await assert.rejects(
      upstreams.request("/v1/blocks/channels", null, signal),
      /it redirects, which is not followed/,
    );
    assert.equal(requests, 0);
  });

  it("shows no token that no header can carry, although the error of `fetch` has it", async () => {
    const upstreams = new Upstreams({
      addresses: ["http://127.0.0.1:9"],
      token: () => Promise.resolve("secret\nnext line"),
      fetch,
      clockMs: () => 0,
      log: jsonLogger(() => {}, "error"),
    });
    const { signal } = new AbortController();
    const error = await upstreams.request("/v1/blocks/channels", null, signal)
      .then(() => assert.fail(), (error: Error) => error);
    assert.match(error.message, /\*\*\*/);
    assert.doesNotMatch(error.message, /secret|next/);
  });

  it("says the same each time where a connection breaks, without the port of this side", async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const closing = (async () => {
      for await (const connection of listener) {
        await connection.read(new Uint8Array(4096));
        connection.close();
      }
    })();
    const upstreams = new Upstreams({
      addresses: [`http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`],
      token: () => Promise.resolve(""),
      fetch,
      clockMs: () => 0,
      log: jsonLogger(() => {}, "error"),
    });
    const { signal } = new AbortController();
    const reasons = new Set<string>();
    for (let i = 0; i < 3; i++) {
      await upstreams.request("/v1/blocks/channels", null, signal)
        .catch((error: Error) => reasons.add(error.message));
    }
    const [reason, ...more] = reasons;
    assert.deepEqual(more, []);
    assert.match(reason!, /error sending request for /);
    listener.close();
    await closing.catch(() => {});
  });
});

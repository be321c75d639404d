// An upstream over HTTPS, whose certificate is from an authority of its own, and which needs a token.
// Invariant: without --upstream-ca nothing is sent to it, and the reason names the setting.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { Catalog } from "../../src/channels/catalog.ts";
import { BLOCKS_CONTENT_TYPE } from "../../src/relay/wire.ts";
import { upstreamSourceOf } from "../../src/source/upstream_settings.ts";
import { testPair } from "../certificates.ts";
import { configWith, silent } from "../driven_source.ts";

const pair = testPair();

describe("an upstream over HTTPS", () => {
  let directory: string;
  let server: Deno.HttpServer<Deno.NetAddr>;
  const credentials: (string | null)[] = [];
  let ca: string;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-upstream-" });
    ca = `${directory}/ca.pem`;
    await Deno.writeTextFile(ca, `an authority\n${pair.cert}`);
    server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...pair },
      (request) => {
        credentials.push(request.headers.get("authorization"));
        const headers = { "content-type": BLOCKS_CONTENT_TYPE };
        return new Response(new Uint8Array(32), { headers });
      },
    );
  });
  after(async () => {
    await server.shutdown();
    await Deno.remove(directory, { recursive: true });
  });

  /** Reads a history, which fails; returns why. */
  async function failure(upstreamCa: string): Promise<string> {
    const config = configWith({
      upstream: [`https://localhost:${server.addr.port}`],
      upstreamToken: "secret",
      upstreamCa,
    });
    const source = await upstreamSourceOf(config, new Catalog(), silent);
    const reader = source.openHistory([{ topic: "a", fromMs: 0 }]);
    try {
      await reader.read(["a"]);
      throw new Error("it did not fail");
    } catch (error) {
      return (error as Error).message;
    } finally {
      reader.close();
      await source.close();
    }
  }

  it("is trusted with --upstream-ca, and gets the token", async () => {
    assert.match(await failure(""), /certificate.*--upstream-ca/);
    assert.deepEqual(credentials, []);
    assert.match(await failure(ca), /the connection was closed/);
    assert.deepEqual(credentials, ["Bearer secret"]);
  });

  it("is not set up with a file that has no certificate", async () => {
    const path = `${directory}/key.pem`;
    await Deno.writeTextFile(path, pair.key);
    await assert.rejects(failure(path), (error: Error) => {
      assert.match(error.message, /--upstream-ca has no certificate/);
      return true;
    });
  });
});

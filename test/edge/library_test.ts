// mod.ts as a library: an origin and its relay, each behind a fetch handler, over real HTTP.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { createApp } from "../../mod.ts";

const SMALL = { retentionMb: 8, slabMb: 16, trendMb: 8, historyMb: 2 };
const PATH = "/v1/events?channels=H1:QANAT-COUNT_I64_16";

type Fetch = (request: Request) => Response | Promise<Response>;

async function textOf(
  fetch: Fetch,
  query: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const url = `http://localhost${PATH}${query}`;
  const answer = await fetch(new Request(url, { headers }));
  assert.equal(answer.status, 200);
  return await answer.text();
}

/** The rows by their times. */
function rowsOf(text: string): Map<string, string> {
  const rows = [...text.matchAll(/^data: (\{"time":"(\d+)".*)$/gm)];
  return new Map(rows.map(([, row, time]) => [time!, row!]));
}

describe("createApp()", () => {
  it("reads from the instance that config.upstream names", async () => {
    await using origin = await createApp({
      config: { ...SMALL, relayStreamsMax: 64 },
    });
    const tokens = new Set<string | null>();
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request, from) => {
        tokens.add(request.headers.get("authorization"));
        return origin.fetch(request, from);
      },
    );
    await using relay = await createApp({
      config: {
        ...SMALL,
        upstream: [`http://127.0.0.1:${server.addr.port}`],
        upstreamToken: "secret",
      },
    });

    // The relay begins a stream while the origin sends rows.
    const [atOrigin, atRelay] = await Promise.all([
      textOf(origin.fetch, "&duration=2"),
      textOf(relay.fetch, "&duration=1"),
    ]);
    const rows = rowsOf(atOrigin);
    const common = [...rowsOf(atRelay)].filter(([time]) => rows.has(time));
    assert.ok(common.length > 0, "no row came by both ways");
    for (const [time, row] of common) assert.equal(row, rows.get(time));

    const [first] = rows.keys();
    const start = BigInt(first!) / 1_000_000_000n - 600n;
    const range = `&start=${start}&duration=2`;
    const history = await textOf(relay.fetch, range);
    assert.equal(history, await textOf(origin.fetch, range));
    assert.equal(rowsOf(history).size, 32);

    // A client goes from the origin to the relay and continues where it was.
    const id = /^id: (\S+)$/m.exec(atOrigin)![1]!;
    const resumed = await textOf(relay.fetch, "&duration=1", {
      "last-event-id": id,
    });
    assert.equal([...rowsOf(resumed).keys()][0], id.split("~")[0]);
    assert.deepEqual([...tokens], ["Bearer secret"]);
  });

  it("asks for the credential that config.auth names", async () => {
    await using app = await createApp({
      config: {
        ...SMALL,
        auth: ["jwt"],
        authIssuer: ["https://127.0.0.1:1"],
        authAudience: ["qanat"],
      },
    });
    const answer = await app.fetch(new Request("http://localhost/v1/channels"));
    assert.equal(answer.status, 401);
    await answer.body?.cancel();
  });
});

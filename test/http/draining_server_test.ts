// A server whose instance shuts down over a window: health, refusals, metrics, and the connections of ended streams.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { type HttpServer, serve } from "../../src/http/server.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { configWith, silent } from "../driven_source.ts";
import { RawClient, until } from "./transport/raw_client.ts";

const PATH = "/v1/events?channels=H1:QANAT-COUNT_I64_16";
const LONG_S = 3600;

describe("a server that drains over a window", () => {
  let qanat: Qanat;
  let server: HttpServer;
  let url: string;
  const clients: RawClient[] = [];

  async function stream(): Promise<RawClient> {
    const client = await RawClient.connect(server.port);
    clients.push(client);
    await client.send(`GET ${PATH} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    await client.until(/"time"/);
    return client;
  }

  before(async () => {
    qanat = new Qanat({
      config: configWith({ port: 0, drainSpreadS: LONG_S }),
      source: new EmbeddedSource({
        catalog: new Catalog(),
        nowGpsNs: () => nowGpsNs(),
      }),
      log: silent,
    });
    await qanat.start();
    server = await serve(qanat);
    url = `http://127.0.0.1:${server.port}`;
  });
  after(async () => {
    for (const { socket } of clients) socket.destroy();
    qanat.drain();
    await server.close(500);
    await qanat.close();
  });

  it("answers probes, refuses streams, feeds those that are open, and closes the connection of one that ended", async () => {
    const first = await stream();
    const last = await stream();
    const health = async (path: string) => {
      const answer = await fetch(url + path);
      return [answer.status, (await answer.json()).status];
    };
    assert.deepEqual(await health("/healthz"), [200, "ok"]);
    server.closeAfterAnswers();
    const done = qanat.hub.drainSpread();
    assert.deepEqual(await health("/healthz"), [503, "draining"]);
    assert.deepEqual(await health("/readyz"), [503, 503]);
    const refused = await fetch(url + PATH);
    assert.equal(refused.status, 503);
    assert.equal((await refused.json()).limit, "draining");
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, /^qanat_clients_to_drain 2$/m);
    assert.match(metrics, /^qanat_ready 0$/m);

    // It is the turn of the one that came last.
    const [, newest] = [...qanat.hub.lifecycle.clients()];
    qanat.hub.lifecycle.end(newest!, "drain");
    await last.until(/event: end\ndata: \{"reason":"drain"\}/);
    assert.equal(
      await last.closed,
      "end",
      "a reconnect needs a new connection",
    );
    const rows = () => first.received.match(/"time"/g)!.length;
    const before = rows();
    await until(() => rows() > before + 2);
    first.socket.destroy();
    await done;
  });
});

// The Flight port with TLS: h2 by ALPN, a certificate that is replaced, and handshakes that go wrong.
import assert from "node:assert/strict";
import net from "node:net";
import tls from "node:tls";
import { afterEach, describe, it } from "@std/testing/bdd";
import { TlsFigures } from "../../src/net/tls_figures.ts";
import { tlsIdentityOf } from "../../src/net/tls_identity.ts";
import { testPair } from "../certificates.ts";
import { FlightClient, messagesOf, statusOf, ticket } from "./flight_client.ts";
import { type FlightWorld, startFlight } from "./flight_world.ts";

const LIVE = ticket({
  request: "Stream",
  args: { channels: ["H1:QANAT-COUNT_I64_16"], start: null, end: null },
});

describe("the Flight port with TLS", () => {
  const pair = testPair();
  const certificate = {
    context: tlsIdentityOf(pair.cert, pair.key).context,
    figures: new TlsFigures(),
  };
  const { handshakes } = certificate.figures;
  let world: FlightWorld;
  let clients: FlightClient[] = [];
  let clockMs = 0;

  async function start(): Promise<void> {
    clockMs = 0;
    for (const end of Object.keys(handshakes) as (keyof typeof handshakes)[]) {
      handshakes[end] = 0;
    }
    world = await startFlight({ certificate, nowMs: () => clockMs });
  }

  function connect(ca = pair.cert): FlightClient {
    const client = new FlightClient(world.port, {}, ca);
    clients.push(client);
    return client;
  }

  async function until(what: () => boolean): Promise<void> {
    while (!what()) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  afterEach(async () => {
    for (const client of clients) client.close();
    clients = [];
    await world.close();
    assert.equal(world.qanat.flight.connections, 0);
    assert.equal(world.qanat.flight.calls, 0);
  });

  it("serves calls and streams; a stream continues when the certificate is replaced, and new connections get the new one", async () => {
    await start();
    const client = connect();
    const nothing = await client.call("Nothing", new Uint8Array(0));
    assert.equal(statusOf(nothing)[0], "12");
    const answer = client.begin("DoGet", LIVE);
    await until(() => messagesOf(answer).length > 2);
    const next = testPair();
    certificate.context = tlsIdentityOf(next.cert, next.key).context;
    const later = connect(next.cert);
    assert.equal(
      statusOf(await later.call("Nothing", new Uint8Array(0)))[0],
      "12",
    );
    const before = messagesOf(answer).length;
    await until(() => messagesOf(answer).length > before + 2);
    assert.equal(handshakes.done, 2);
    const stranger = connect(pair.cert);
    await stranger.goaway;
    await until(() => world.qanat.flight.connections === 2);
    certificate.context = tlsIdentityOf(pair.cert, pair.key).context;
  });

  for (const protocols of [["http/1.1"], []]) {
    it(`a client that offers ${protocols.join() || "no protocol"} is closed`, async () => {
      await start();
      const socket = tls.connect({
        port: world.port,
        host: "127.0.0.1",
        ca: pair.cert,
        ...protocols.length > 0 ? { ALPNProtocols: protocols } : {},
      });
      socket.on("error", () => {});
      socket.resume();
      await new Promise((resolve) => socket.once("close", resolve));
      await until(() =>
        handshakes.failed + world.qanat.flight.closed.protocol === 1
      );
    });
  }

  it("plain HTTP/2 is no handshake, and one that does not end is closed in time", async () => {
    await start();
    const plain = new FlightClient(world.port);
    clients.push(plain);
    await plain.goaway;
    await until(() => handshakes.not_tls === 1);
    const silent = net.connect(world.port, "127.0.0.1");
    silent.on("error", () => {});
    silent.resume();
    await until(() => world.qanat.flight.connections === 1);
    clockMs = world.qanat.config.requestHeadMs + 1;
    await new Promise((resolve) => silent.once("close", resolve));
    assert.equal(handshakes.timed_out, 1);
  });

  it("handshakes that are under way end with the server", async () => {
    await start();
    const silent = net.connect(world.port, "127.0.0.1");
    silent.on("error", () => {});
    silent.resume();
    await until(() => world.qanat.flight.connections === 1);
  });
});

// The limits of the Flight port: what is beyond each of them is refused or closed, counted, and leaves nothing behind.
import assert from "node:assert/strict";
import http2 from "node:http2";
import net from "node:net";
import { afterEach, describe, it } from "@std/testing/bdd";
import {
  descriptor,
  FlightClient,
  grpc,
  messagesOf,
  statusOf,
  ticket,
} from "./flight_client.ts";
import { type FlightWorld, startFlight } from "./flight_world.ts";

const NAME = "H1:QANAT-COUNT_I64_16";
const ENHANCE_YOUR_CALM = 11;
/** Without a change: its length, its type, and nothing else. */
const SETTINGS_FRAME = Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
const LIVE = ticket({
  request: "Stream",
  args: { channels: [NAME], start: null, end: null },
});

describe("limits of the Flight port", () => {
  let world: FlightWorld | null = null;
  let clients: FlightClient[] = [];
  let clockMs = 0;

  async function start(
    options: Parameters<typeof startFlight>[0] = {},
  ): Promise<FlightWorld> {
    clockMs = 0;
    world = await startFlight({ nowMs: () => clockMs, ...options });
    return world;
  }

  function connect(settings?: http2.Settings): FlightClient {
    const client = new FlightClient(world!.port, settings);
    clients.push(client);
    return client;
  }

  /** Resolves when `begin` calls back, or the connection is closed meanwhile. */
  async function soon(begin: (done: () => void) => void): Promise<void> {
    let isDone = false;
    begin(() => isDone = true);
    await until(() => isDone || clients.some((c) => c.session.destroyed));
  }

  /** Resolves once it holds; the server looks at its connections once a second. */
  async function until(what: () => boolean): Promise<void> {
    while (!what()) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  afterEach(async () => {
    for (const client of clients) client.close();
    clients = [];
    const figures = world?.qanat.flight;
    await world?.close();
    world = null;
    assert.equal(figures?.connections, 0);
    assert.equal(figures?.calls, 0);
    assert.equal(figures?.messageBytes, 0);
  });

  it("connections beyond the limit are closed, and counted", async () => {
    const { qanat } = await start({ connectionsMax: 2 });
    const held = [connect(), connect()];
    for (const client of held) await client.call("Nothing", new Uint8Array(0));
    const third = connect();
    assert.equal(await third.goaway, null);
    assert.equal(qanat.flight.refused, 1);
    held[0]!.close();
    await until(() => qanat.flight.connections === 1);
    const fourth = connect();
    const answer = await fourth.call("Nothing", new Uint8Array(0));
    assert.equal(statusOf(answer)[0], "12");
  });

  it("clients behind a trusted proxy have shares of their own", async () => {
    await start({
      config: {
        clientsMax: 4,
        addressSharePercent: 50,
        trustedProxies: ["127.0.0.1"],
      },
    });
    const client = connect();
    const from = (address: string) =>
      client.begin("DoGet", LIVE, { "x-forwarded-for": address });
    const first = [from("192.0.2.1"), from("192.0.2.1")];
    await until(() => first.every((a) => messagesOf(a).length > 1));
    const third = from("192.0.2.1");
    await third.closed;
    assert.equal(statusOf(third)[0], "14");
    const other = from("192.0.2.2");
    await until(() => messagesOf(other).length > 1);
  });

  it("a message that is announced too long is refused before it is read", async () => {
    await start();
    const answer = connect().begin("DoGet", null);
    answer.stream.write(Uint8Array.of(0, 0, 0x40, 0, 1));
    await until(() => statusOf(answer)[0] !== "none");
    assert.deepEqual(statusOf(answer), [
      "8",
      "A message may have at most 4194304 bytes",
    ]);
  });

  it("a packed message is refused", async () => {
    await start();
    const answer = connect().begin("DoGet", null);
    answer.stream.end(Uint8Array.of(1, 0, 0, 0, 0));
    await answer.closed;
    assert.equal(statusOf(answer)[0], "12");
  });

  it("a message that does not arrive in time ends the call", async () => {
    const { qanat } = await start();
    const answer = connect().begin("DoGet", null);
    answer.stream.write(grpc(LIVE).subarray(0, 9));
    await until(() => qanat.flight.messageBytes === 9);
    clockMs = qanat.config.requestMs + 1;
    await until(() => statusOf(answer)[0] !== "none");
    assert.equal(statusOf(answer)[0], "14");
  });

  it("headers that are too long reset the call", async () => {
    await start();
    const client = connect();
    const answer = await client.call("DoGet", LIVE, {
      "x-long": "x".repeat(70_000),
    });
    assert.equal(messagesOf(answer).length, 0);
    assert.equal(world!.qanat.hub.figures.clients, 0);
  });

  it("pings beyond the budget close the connection", async () => {
    const { qanat } = await start();
    const client = connect();
    await client.call("Nothing", new Uint8Array(0));
    for (let i = 0; i < 40 && !client.session.destroyed; i++) {
      await soon((done) => client.session.ping(() => done()));
    }
    assert.equal(await client.goaway, ENHANCE_YOUR_CALM);
    assert.equal(qanat.flight.closed.pings, 1);
  });

  it("changes of settings beyond the budget close the connection", async () => {
    const { qanat, port } = await start();
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    for (let i = 0; i < 40; i++) socket.write(SETTINGS_FRAME);
    await new Promise((resolve) => socket.on("close", resolve));
    assert.equal(qanat.flight.closed.settings, 1);
  });

  it("calls that are reset at once close the connection, and leave nothing", async () => {
    const { qanat } = await start();
    const client = connect();
    await client.call("Nothing", new Uint8Array(0));
    for (let i = 0; i < 700 && !client.session.destroyed; i++) {
      const answer = client.begin("DoGet", LIVE);
      answer.stream.close(8);
      if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    // GOAWAY may be lost behind all the resets.
    await client.goaway;
    assert.equal(qanat.flight.closed.resets, 1);
    await until(() => qanat.hub.figures.clients === 0);
  });

  it("a connection without a call is closed, and one with a stream is not", async () => {
    const { qanat } = await start();
    const idle = connect();
    const busy = connect();
    const answer = busy.begin("DoGet", LIVE);
    await until(() => messagesOf(answer).length > 1);
    await until(() => qanat.flight.connections === 2);
    clockMs = qanat.config.requestHeadMs + 1;
    assert.equal(await idle.goaway, 0);
    assert.equal(qanat.flight.closed.idle, 1);
    clockMs += 400_000;
    const before = messagesOf(answer).length;
    await until(() => messagesOf(answer).length > before + 20);
    assert.equal(qanat.flight.closed.idle, 1);
  });

  it("a client that does not read holds few frames, and is dropped", async () => {
    const { qanat } = await start({
      config: { writeStallMs: 1000, inFlightFrames: 2 },
    });
    const client = connect({ initialWindowSize: 0 });
    const answer = client.begin("DoGet", LIVE);
    answer.stream.pause();
    await until(() => qanat.hub.figures.clients === 1);
    await until(() => (qanat.hub.figures.ends.stalled ?? 0) === 1);
    assert.ok(qanat.slab.highWaterBytes < 1 << 20);
    await until(() => qanat.slab.usedSlots === 0);
  });

  it("bytes that are no HTTP/2 close the connection", async () => {
    const { qanat, port } = await start();
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    });
    socket.on("error", () => {});
    socket.resume();
    await new Promise((resolve) => socket.on("close", resolve));
    assert.equal(qanat.hub.figures.clients, 0);
  });

  it("a breach of HTTP/2 between the parts of a call's headers closes the connection alone", async () => {
    const { qanat, port } = await start();
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    socket.write(SETTINGS_FRAME);
    // The headers of call 1 without their end, then those of call 3.
    for (const call of [1, 3]) {
      socket.write(
        Uint8Array.of(0, 0, 3, 1, 0, 0, 0, 0, call, 0x82, 0x86, 0x84),
      );
    }
    await new Promise((resolve) => socket.on("close", resolve));
    const answer = await connect().call("Nothing", new Uint8Array(0));
    assert.equal(statusOf(answer)[0], "12");
    assert.equal(qanat.hub.figures.clients, 0);
  });

  it("a shutdown ends streams with UNAVAILABLE, and lets them arrive", async () => {
    const { qanat, server } = await start();
    const answer = connect().begin("DoGet", LIVE);
    await until(() => messagesOf(answer).length > 1);
    server.closeAfterAnswers();
    qanat.drain();
    await answer.closed;
    const [status, message] = statusOf(answer);
    assert.equal(status, "14");
    assert.match(message, /the server is stopping \(drain\)/);
  });

  it("GetFlightInfo of a live stream and DoGet work on one connection, 150 streams at a time", async () => {
    const { qanat } = await start();
    const client = connect();
    const answers = Array.from(
      { length: 150 },
      () => client.begin("DoGet", LIVE),
    );
    await until(() => answers.every((a) => messagesOf(a).length > 2));
    const info = await client.call(
      "GetFlightInfo",
      descriptor({
        request: "Stream",
        args: { channels: [NAME], start: null, end: null },
      }),
    );
    assert.equal(statusOf(info)[0], "0");
    assert.equal(qanat.hub.figures.clients, 150);
    assert.equal(qanat.hub.figures.selections, 1);
    client.close();
    await until(() => qanat.hub.figures.clients === 0);
    await until(() => qanat.slab.usedSlots === 0);
  });
});

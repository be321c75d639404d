// Floods of frames that a usual client never sends: each is refused or closes the connection, and leaves nothing behind.
import assert from "node:assert/strict";
import net from "node:net";
import { afterEach, describe, it } from "@std/testing/bdd";
import { FlightClient, statusOf } from "./flight_client.ts";
import { type FlightWorld, startFlight } from "./flight_world.ts";
import {
  bytesOf,
  callHeaders,
  FLAG,
  FRAME,
  frame,
  header,
  preface,
} from "./raw_http2.ts";

describe("floods of frames", () => {
  let world: FlightWorld;
  let sockets: net.Socket[] = [];

  /** A connection that sends these after its preface. */
  async function connect(
    ...frames: readonly Uint8Array[]
  ): Promise<{ readonly closed: Promise<unknown>; isClosed: boolean }> {
    world ??= await startFlight();
    const socket = net.connect(world.port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => {});
    socket.resume();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const connection = { closed, isClosed: false };
    void closed.then(() => connection.isClosed = true);
    socket.write(preface());
    for (const bytes of frames) socket.write(bytes);
    return connection;
  }

  async function until(what: () => boolean): Promise<void> {
    while (!what()) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    // The others are served.
    const client = new FlightClient(world.port);
    const answer = await client.call("Nothing", new Uint8Array(0));
    assert.equal(statusOf(answer)[0], "12");
    client.close();
    await until(() => world.qanat.flight.connections === 0);
    const { flight } = world.qanat;
    await world.close();
    world = undefined as unknown as FlightWorld;
    assert.equal(flight.calls, 0);
    assert.equal(flight.messageBytes, 0);
  });

  it("headers in frames without an end close the connection", async () => {
    const { closed } = await connect(
      frame(FRAME.headers, 0, 1, callHeaders("DoGet")),
      ...Array.from(
        { length: 100 },
        () => frame(FRAME.continuation, 0, 1, header("x-a", "b".repeat(100))),
      ),
    );
    await closed;
    assert.equal(world.qanat.flight.called.DoGet, 0);
  });

  it("more than 128 headers reset the call", async () => {
    const many = Array.from({ length: 200 }, (_, i) => header(`x-${i}`, "1"));
    const connection = await connect(
      frame(FRAME.headers, FLAG.endHeaders, 1, callHeaders("DoGet", many)),
      frame(FRAME.headers, FLAG.endHeaders, 3, callHeaders("Nothing")),
    );
    await until(() => world.qanat.flight.called.other === 1);
    assert.equal(world.qanat.flight.called.DoGet, 0);
    assert.equal(connection.isClosed, false);
  });

  it("a header that is repeated out of HPACK's table until it is too long resets the call", async () => {
    // Kept in the table as its newest entry, which is number 62.
    const kept = bytesOf([
      [0x40, 3],
      new TextEncoder().encode("x-a"),
      [0x7f, 0xa1, 0x1e],
      new Uint8Array(4000).fill(97),
    ]);
    const again = Array.from({ length: 100 }, () => Uint8Array.of(0x80 | 62));
    await connect(
      frame(
        FRAME.headers,
        FLAG.endHeaders,
        1,
        callHeaders("DoGet", [kept, ...again]),
      ),
      frame(FRAME.headers, FLAG.endHeaders, 3, callHeaders("Nothing")),
    );
    await until(() => world.qanat.flight.called.other === 1);
    assert.equal(world.qanat.flight.called.DoGet, 0);
  });

  it("calls beyond those that a connection may have are refused", async () => {
    const calls = Array.from(
      { length: 1200 },
      (_, i) =>
        frame(FRAME.headers, FLAG.endHeaders, 2 * i + 1, callHeaders("DoGet")),
    );
    await connect(bytesOf(calls));
    await until(() => world.qanat.flight.calls >= 1000);
    assert.equal(world.qanat.flight.calls, 1000);
    assert.equal(world.qanat.flight.called.DoGet, 1000);
  });

  it("data frames without data close the connection", async () => {
    const empty = frame(FRAME.data, 0, 1);
    const { closed } = await connect(
      frame(FRAME.headers, FLAG.endHeaders, 1, callHeaders("DoGet")),
      bytesOf(Array.from({ length: 2000 }, () => empty)),
    );
    await closed;
  });

  it("open calls beyond the share of an address are refused, and its next ones are served", async () => {
    // One address may have 1 % of 10,010.
    world = await startFlight({
      config: { clientsMax: 10, addressSharePercent: 1 },
    });
    const client = new FlightClient(world.port);
    const open = Array.from({ length: 99 }, () => client.begin("DoGet", null));
    await until(() => world.qanat.flight.calls === 99);
    const more = [1, 2, 3].map(() => client.begin("DoGet", null));
    await Promise.all(more.slice(1).map(({ closed }) => closed));
    const [status, message] = statusOf(more[2]!);
    assert.equal(status, "14");
    assert.match(message, /^too many calls are open; try again later/);
    const refused = world.qanat.flight.callsRefused;
    assert.ok(refused >= 2);
    for (const { stream } of open) stream.close(8);
    await until(() => world.qanat.flight.calls <= 1);
    const next = await client.call("Nothing", new Uint8Array(0));
    assert.equal(statusOf(next)[0], "12");
    assert.equal(world.qanat.flight.callsRefused, refused);
    client.close();
  });
});

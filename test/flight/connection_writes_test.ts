// Calls of one connection take turns: one message each, while the connection has room.
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { afterEach, describe, it } from "@std/testing/bdd";
import type { Config } from "../../src/config.ts";
import {
  CallWrites,
  ConnectionWrites,
  type WritableSession,
} from "../../src/flight/connection_writes.ts";
import { ticket } from "./flight_client.ts";
import { type FlightWorld, startFlight } from "./flight_world.ts";
import { RawClient } from "./raw_client.ts";

const NAME = "H1:QANAT-COUNT_I64_16";
/** Two lists of 1,024 numbers of 4 bytes in a row. */
const WIDE = ["H1:QANAT-NOISE_F32_16384", "H1:QANAT-SINE_F32_16384"];
const ROWS_PER_WRITE_MAX = 8;
const WIDE_ROW_BYTES = 9000;
/** Of a client that opens it no further. */
const CONNECTION_WINDOW_BYTES = 65_535;
const MESSAGE = new Uint8Array(100);

/** A connection whose window and socket the test sets, and the calls that it gets messages of. */
class Connection {
  destroyed = false;
  readonly state = { remoteWindowSize: 0 };
  readonly listeners = new Map<string, () => void>();
  readonly written: string[] = [];
  readonly writes: ConnectionWrites;
  readonly socket = {
    writableLength: 0,
    on: (event: string, listener: () => void) => {
      this.listeners.set(event, listener);
    },
  };

  constructor(windowBytes: number) {
    this.state.remoteWindowSize = windowBytes;
    this.writes = new ConnectionWrites(this as unknown as WritableSession);
  }

  call(name: string): CallWrites {
    return new CallWrites(
      {
        write: (bytes: Uint8Array) => {
          this.written.push(name);
          this.state.remoteWindowSize -= bytes.byteLength;
          return true;
        },
        end: () => void this.written.push(`end ${name}`),
      } as unknown as ConstructorParameters<typeof CallWrites>[0],
      this.writes,
    );
  }

  /** What is written until nothing more is, after an event of the socket. */
  async after(event?: "data" | "drain"): Promise<string> {
    if (event !== undefined) this.listeners.get(event)!();
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    return this.written.splice(0).join(" ");
  }
}

function done(): void {}

describe("the turns of calls in a connection", () => {
  it("a message that finds room is written at once", () => {
    const connection = new Connection(1000);
    const [a, b] = [connection.call("a"), connection.call("b")];
    a.write(MESSAGE, done);
    b.write(MESSAGE, done);
    a.end();
    assert.equal(connection.written.join(" "), "a b end a");
  });

  it("calls take turns when the window opens, whatever their numbers and how much they have", async () => {
    const connection = new Connection(0);
    const [a, b, c] = ["a", "b", "c"].map((name) => connection.call(name));
    for (let i = 0; i < 4; i++) a!.write(MESSAGE, done);
    for (let i = 0; i < 2; i++) b!.write(MESSAGE, done);
    c!.write(MESSAGE, done);
    c!.end();
    assert.equal(await connection.after(), "");
    connection.state.remoteWindowSize = 200;
    assert.equal(await connection.after("data"), "a b");
    a!.write(MESSAGE, done);
    connection.state.remoteWindowSize = 200;
    assert.equal(await connection.after("data"), "c end c a");
    connection.state.remoteWindowSize = 1000;
    assert.equal(await connection.after("data"), "b a a a");
  });

  it("no call is written past those that wait", async () => {
    const connection = new Connection(100);
    const [a, b] = [connection.call("a"), connection.call("b")];
    a.write(MESSAGE, done);
    b.write(MESSAGE, done);
    a.write(MESSAGE, done);
    assert.equal(await connection.after(), "a");
    connection.state.remoteWindowSize = 1000;
    a.write(MESSAGE, done);
    assert.equal(await connection.after("data"), "b a a");
  });

  it("messages that the client's window holds back take no room from other calls", async () => {
    const connection = new Connection(150);
    // The library keeps them, so that the connection's window stays as it is.
    const stopped = new CallWrites(
      { write: () => true, end: done } as unknown as ConstructorParameters<
        typeof CallWrites
      >[0],
      connection.writes,
    );
    for (let i = 0; i < 4; i++) stopped.write(MESSAGE, done);
    connection.call("b").write(MESSAGE, done);
    assert.equal(await connection.after(), "b");
  });

  it("a socket that takes nothing is not written to until it drains", async () => {
    const connection = new Connection(2 ** 31 - 1);
    connection.socket.writableLength = 256 * 1024;
    connection.call("a").write(MESSAGE, done);
    assert.equal(await connection.after("data"), "");
    connection.socket.writableLength = 0;
    assert.equal(await connection.after("drain"), "a");
  });

  it("a call that is closed loses its turn and what it has waiting", async () => {
    const connection = new Connection(0);
    const [a, b] = [connection.call("a"), connection.call("b")];
    a.write(MESSAGE, done);
    b.write(MESSAGE, done);
    a.close();
    connection.state.remoteWindowSize = 1000;
    assert.equal(await connection.after("data"), "b");
  });

  it("nothing is written to a connection that is closed", async () => {
    const connection = new Connection(0);
    connection.call("a").write(MESSAGE, done);
    connection.destroyed = true;
    connection.state.remoteWindowSize = 1000;
    assert.equal(await connection.after("data"), "");
  });
});

describe("many streams on one Flight connection", () => {
  let world: FlightWorld;
  let client: RawClient;

  async function start(
    config: Partial<Config>,
    callWindow?: number,
  ): Promise<void> {
    world = await startFlight({ config });
    client = new RawClient(world.port, callWindow);
  }

  afterEach(async () => {
    client.socket.destroy();
    await until(() => world.qanat.hub.figures.clients === 0);
    await until(() => world.qanat.slab.usedSlots === 0);
    await world.close();
    assert.equal(world.qanat.flight.calls, 0);
  });

  async function until(what: () => boolean): Promise<void> {
    while (!what()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  function live(channels: readonly string[] = [NAME]): Uint8Array {
    return ticket({
      request: "Stream",
      args: { channels, start: null, end: null },
    });
  }

  it("each gets its share of a window that is too small for all", async () => {
    await start({});
    const calls = Array.from(
      { length: 20 },
      () => client.begin("DoGet", live(WIDE)),
    );
    await until(() => world.qanat.hub.figures.clients === calls.length);
    await until(() => client.total === CONNECTION_WINDOW_BYTES);
    // When another client has got so many rows, all calls have some that wait.
    const other = new RawClient(world.port);
    other.openAll();
    const seen = other.begin("DoGet", live(WIDE));
    await until(() => other.bytes.get(seen)! > 12 * WIDE_ROW_BYTES);
    other.socket.destroy();
    const before = new Map(client.bytes);
    // While the machine is busy, a call has up to eight rows in one write, and so much of the window in one turn.
    for (let i = 0; i < ROWS_PER_WRITE_MAX * calls.length; i++) {
      const wanted = client.total + WIDE_ROW_BYTES;
      client.open(0, WIDE_ROW_BYTES);
      await until(() => client.total === wanted);
    }
    const shares = calls.map((n) => client.bytes.get(n)! - before.get(n)!);
    const served = shares.filter((share) => share >= WIDE_ROW_BYTES / 2);
    assert.ok(served.length >= calls.length - 2, shares.join(" "));
  });

  it("one whose window is closed does not delay the others", async () => {
    await start({}, 2000);
    client.openAll();
    const stopped = client.begin("DoGet", live());
    const others = [
      client.begin("DoGet", live()),
      client.begin("DoGet", live()),
    ];
    for (const number of others) client.open(number, 1_000_000);
    await until(() => client.bytes.get(stopped) === 2000);
    const before = new Map(client.bytes);
    await until(() =>
      others.every((n) => client.bytes.get(n)! > before.get(n)! + 5000)
    );
    assert.equal(client.bytes.get(stopped), 2000);
  });

  it("all that get nothing end as stalled, while the connection stays", async () => {
    await start({ writeStallMs: 1000 });
    const calls = Array.from(
      { length: 150 },
      () => client.begin("DoGet", live()),
    );
    const { figures } = world.qanat.hub;
    await until(() => client.ended.size === calls.length);
    assert.equal(figures.ends.stalled, calls.length);
    assert.equal(world.qanat.flight.connections, 1);
    client.open(0, 1_000_000);
    const next = client.begin("DoGet", live());
    await until(() => client.bytes.get(next)! > 2000);
  });

  it("a client that opens all windows and does not read gets no more memory than its socket, and ends as stalled", async () => {
    await start({ writeStallMs: 1000 });
    client.socket.pause();
    client.openAll();
    const calls = 40;
    for (let i = 0; i < calls; i++) client.begin("DoGet", live(WIDE));
    const { figures } = world.qanat.hub;
    await until(() => figures.clients === calls);
    await until(() =>
      figures.clients === 0 || figures.bytesSent > 32 * 2 ** 20
    );
    assert.equal(figures.ends.stalled, calls);
  });
});

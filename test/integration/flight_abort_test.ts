// Clients that break HTTP/2 cannot end the process. The library behind the Flight port would free memory that it uses
// (docs/flight.md); with MALLOC_PERTURB_ glibc overwrites what is freed, so that such a fault ends the process at once.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { testPair } from "../certificates.ts";
import { Random } from "../random.ts";
import { FlightClient, statusOf, ticket } from "../flight/flight_client.ts";
import {
  bytesOf,
  call,
  callHeaders,
  FLAG,
  FRAME,
  frame,
  goaway,
  ping,
  preface,
  rstStream,
  uint32,
} from "../flight/raw_http2.ts";
import {
  freePort,
  launchQanat,
  metric,
  type Process,
  say,
  sleep,
} from "./chain.ts";
import { until } from "./until.ts";

const LIVE = ticket({
  request: "Stream",
  args: { channels: ["H1:QANAT-COUNT_I64_16"], start: null, end: null },
});
const SEED = Number(Deno.env.get("QANAT_SEED") ?? 1);
/** Attackers at one time, and connections of each of them; more with QANAT_FUZZ. */
const ATTACKERS = 8;
const CONNECTIONS = Number(Deno.env.get("QANAT_FUZZ") ?? 800) / 20;

/** Ends of a connection that has open streams, each of them one write. */
const ENDS: Readonly<Record<string, Uint8Array>> = {
  "GOAWAY without an error": goaway(0),
  "GOAWAY with an error": goaway(1),
  "GOAWAY, then a new call": bytesOf([goaway(0), call(101, "DoGet", LIVE)]),
  "PING with ACK": ping(true),
  "PING with ACK, then GOAWAY": bytesOf([ping(true), goaway(2), ping()]),
  "all calls reset, then GOAWAY": bytesOf([
    ...[1, 3, 5].map((id) => rstStream(id, 8)),
    goaway(1),
  ]),
  "one call reset between its frames": bytesOf([
    rstStream(1, 8),
    frame(FRAME.data, FLAG.endStream, 1, new Uint8Array(9)),
    goaway(0),
  ]),
  "a window that grows too large": bytesOf([
    frame(FRAME.windowUpdate, 0, 1, uint32(2 ** 31 - 1)),
    frame(FRAME.windowUpdate, 0, 0, uint32(2 ** 31 - 1)),
  ]),
  "headers that never end": frame(
    FRAME.headers,
    0,
    101,
    callHeaders("DoGet"),
  ),
  "pings without an end": bytesOf(Array.from({ length: 100 }, () => ping())),
};

describe("Flight: clients that break HTTP/2", () => {
  for (const isTls of [false, true]) {
    const over = isTls ? "over TLS" : "in plain text";
    it(`${over}, do not end the process, and leave nothing behind`, async () => {
      const directory = await Deno.makeTempDir({ prefix: "qanat-abort-" });
      const { cert, key } = testPair();
      await Deno.writeTextFile(`${directory}/tls.crt`, cert);
      await Deno.writeTextFile(`${directory}/tls.key`, key);
      const port = freePort();
      const operatorPort = freePort();
      const { qanat } = launchQanat(
        [
          `--flight-port=${port}`,
          `--operator-port=${operatorPort}`,
          "--poison-slots",
          ...isTls
            ? [
              `--tls-cert=${directory}/tls.crt`,
              `--tls-key=${directory}/tls.key`,
            ]
            : [],
        ],
        freePort(),
        ["env", "MALLOC_PERTURB_=165"],
      );
      try {
        const url = `http://127.0.0.1:${operatorPort}`;
        await qanat.answers(`${url}/readyz`);
        await attackAll({ port, ca: isTls ? cert : null }, qanat);
        await checkNothingLeft(url);
      } finally {
        const { code } = await qanat.stop();
        say(`flight abort: exit code ${code}`);
        await Deno.remove(directory, { recursive: true });
      }
    });
  }
});

interface Target {
  readonly port: number;
  /** For TLS. */
  readonly ca: string | null;
}

async function attackAll(target: Target, qanat: Process): Promise<void> {
  for (const [what, end] of Object.entries(ENDS)) {
    for (const streams of [0, 3]) {
      await attack(target, [preface(), ...calls(streams), end]);
      assert.ok(qanat.isRunning, `${what}, ${streams} streams`);
    }
  }
  await Promise.all(Array.from({ length: ATTACKERS }, async (_, i) => {
    const random = new Random(SEED * 1000 + i);
    for (let n = 0; n < CONNECTIONS && qanat.isRunning; n++) {
      await attack(target, randomFrames(random), random);
    }
  }));
  assert.ok(qanat.isRunning, `seed ${SEED}`);
  const client = new FlightClient(target.port, {}, target.ca ?? undefined);
  const answer = await client.call("Nothing", new Uint8Array(0));
  assert.equal(statusOf(answer)[0], "12");
  client.close();
}

async function checkNothingLeft(url: string): Promise<void> {
  const accepted = await metric(url, "qanat_flight_connections_accepted_total");
  say(`flight abort: ${accepted} connections`);
  const figures = ["qanat_flight_connections", "qanat_flight_calls"];
  await until("no connection and no call is left", async () => {
    const left = await Promise.all(figures.map((name) => metric(url, name)));
    return left.every((n) => n === 0);
  });
}

function calls(count: number): Uint8Array[] {
  return Array.from(
    { length: count },
    (_, i) => call(2 * i + 1, "DoGet", LIVE),
  );
}

/** One connection that sends this, part by part, and is then closed. */
async function attack(
  { port, ca }: Target,
  parts: readonly Uint8Array[],
  random: Random = new Random(0),
): Promise<void> {
  const to = { hostname: "127.0.0.1", port };
  const connection = ca === null
    ? await Deno.connect(to)
    : await Deno.connectTls({ ...to, caCerts: [ca], alpnProtocols: ["h2"] });
  const reading = drain(connection);
  try {
    for (const part of parts) {
      for (let at = 0; at < part.byteLength;) {
        at += await connection.write(part.subarray(at));
      }
      if (random.once(3)) await sleep(random.below(20));
    }
    if (random.once(2)) await Promise.race([reading, sleep(20)]);
    if (random.once(2)) await connection.closeWrite();
    await Promise.race([reading, sleep(10)]);
  } catch {
    // The server has closed it.
  }
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
  await reading;
}

/** Reads until the end, so that windows of TCP stay open. */
async function drain(connection: Deno.Conn): Promise<void> {
  const bytes = new Uint8Array(65536);
  try {
    while (await connection.read(bytes) !== null);
  } catch {
    // Closed.
  }
}

/** A connection of up to 40 parts, most of which are valid frames for a stream that exists. */
function randomFrames(random: Random): Uint8Array[] {
  const parts = [preface(random.of([[], [[4, 0]], [[4, 2 ** 31 - 1]]]))];
  let next = 1;
  const someStream = () => random.once(10) ? next : 1 + 2 * random.below(next);
  for (let n = 5 + random.below(35); n > 0; n--) {
    const burst: Uint8Array[] = [];
    for (let m = 1 + random.below(8); m > 0; m--) {
      burst.push(randomFrame(random, () => (next += 2) - 2, someStream));
    }
    parts.push(bytesOf(burst));
  }
  return parts;
}

function randomFrame(
  random: Random,
  newStream: () => number,
  someStream: () => number,
): Uint8Array {
  const payload = () => new Uint8Array(random.of([0, 1, 4, 5, 8, 9, 100]));
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return call(newStream(), random.of(["DoGet", "Nothing"]), LIVE);
    case 4:
      return frame(
        FRAME.headers,
        random.of([0, 1, 4, 5]),
        newStream(),
        callHeaders("DoGet", [], random.of(["POST", "HEAD"])),
      );
    case 5:
    case 6:
    case 7:
      return rstStream(someStream(), random.below(14));
    case 8:
      return frame(FRAME.data, random.below(2), someStream(), payload());
    case 9:
      return frame(
        FRAME.windowUpdate,
        0,
        random.of([0, someStream()]),
        uint32(random.of([0, 1, 65535, 2 ** 31 - 1])),
      );
    case 10:
      return ping(random.once(20));
    case 11:
      return random.once(4) ? goaway(random.below(14)) : ping();
    case 12:
      return preface([[4, random.of([0, 1000, 2 ** 31 - 1])]]).slice(24);
    case 13:
      return frame(FRAME.priority, 0, someStream(), payload());
    case 14:
      return random.once(6)
        ? frame(FRAME.continuation, random.of([0, 4]), someStream(), payload())
        : ping();
    default:
      return random.once(10)
        ? frame(random.below(14), random.below(256), someStream(), payload())
        : ping();
  }
}

// Holds "The way of a row" in ARCHITECTURE.md true: follows one row from a played broker's answer to the socket, and
// compares the calls that are under way at some points with the functions that the document lists, in their order.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import net from "node:net";
import { after, before, describe, it } from "@std/testing/bdd";
import { Qanat } from "../src/app.ts";
import { type Channel, topicOf } from "../src/channels/channel.ts";
import { Catalog } from "../src/channels/catalog.ts";
import { LatenessClock } from "../src/blocks/lateness_clock.ts";
import { CatchUp } from "../src/clients/catch_up.ts";
import { ClientLifecycle } from "../src/clients/lifecycle.ts";
import { LiveQueue } from "../src/clients/live_queue.ts";
import { type HttpServer, serve } from "../src/http/server.ts";
import { RawWriter } from "../src/http/transport/raw_write.ts";
import { PageRing } from "../src/memory/page_ring.ts";
import { EmbeddedBlocks } from "../src/source/embedded_blocks.ts";
import { KafkaSource } from "../src/source/kafka_source.ts";
import { embeddedChannels } from "../src/source/synthetic.ts";
import { BlockClock, configWith, silent } from "./driven_source.ts";
import { batchBytes, newWork, rawTopic, recordBytes } from "./kafka/batches.ts";
import { PlayedKafka } from "./kafka/played_kafka.ts";

const BROKER = { nodeId: 1, host: "127.0.0.1", port: 1 };
const FIRST_BLOCK = 23_000_000_000;
const HOPS_MAX = 8;

/** A function of the document: where it is written, and its name as in a stack trace. */
interface Hop {
  readonly file: string;
  readonly name: string;
}

/** The numbered lists of the section, each with its hops. */
function listsOf(architecture: string): Hop[][] {
  const from = architecture.indexOf("\n## The way of a row");
  const section = architecture.slice(
    from,
    architecture.indexOf("\n## ", from + 4),
  );
  const lists: Hop[][] = [];
  for (const part of section.split("\n### ").slice(1)) {
    lists.push(
      [...part.matchAll(/^\d+\. `([^`]+)` in\s+`([^`]+)`/gm)].map(
        ([, name, file]) => ({ name: name!.replace("()", ""), file: file! }),
      ),
    );
  }
  return lists;
}

/** The calls that are under way, outermost first; those of src/ only. */
function callsOf(stack: string): Hop[] {
  const calls: Hop[] = [];
  for (const line of stack.split("\n").reverse()) {
    const found = /at (?:async )?(\S+) (?:\[as \S+\] )?\(.*\/(src\/[^:]+):/
      .exec(line);
    if (found) calls.push({ name: found[1]!, file: found[2]! });
  }
  return calls;
}

/** The first hop that does not follow the one before it. */
function firstMissing(
  hops: readonly Hop[],
  calls: readonly Hop[],
): string | null {
  let at = 0;
  for (const { name, file } of hops) {
    while (
      at < calls.length &&
      (calls[at]!.name !== name || calls[at]!.file !== file)
    ) at++;
    if (at === calls.length) return `${name} in ${file}`;
    at++;
  }
  return null;
}

/** Has a method note the calls that lead to it; returns what it noted, and undoes it. */
function noteCalls<Name extends string>(
  target: Record<Name, (...args: never[]) => unknown>,
  method: Name,
): { stacks: string[]; undo: () => void } {
  const original = target[method];
  const stacks: string[] = [];
  target[method] = function (this: unknown, ...args: never[]) {
    stacks.push(new Error().stack!);
    return original.apply(this, args);
  };
  return { stacks, undo: () => target[method] = original };
}

const lists = listsOf(
  Deno.readTextFileSync(new URL("../ARCHITECTURE.md", import.meta.url)),
);

/** Calls that are under way at each point: the fetch, the ring, a block's deadline, the queue, the socket; a stall. */
const seen = {
  fetch: [] as Hop[],
  ring: [] as Hop[],
  deadline: [] as Hop[],
  queue: [] as Hop[],
  socket: [] as Hop[],
  stall: [] as Hop[],
};
const stackTraceLimit = Error.stackTraceLimit;
let qanat: Qanat;
let server: HttpServer;
let socket: net.Socket;
let isRaw = false;

/** A broker that has four blocks of a channel; each but the first comes when it is released. */
function playedBroker(channel: Channel, blocks: EmbeddedBlocks) {
  const topic = topicOf(channel);
  const gates = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const kafka = new PlayedKafka();
  const leader = {
    topic,
    topicId: "",
    errorCode: 0,
    leader: 1,
    partitionCount: 1,
  };
  const answer = (offset: number) => {
    const value = blocks.blockOf(topic, FIRST_BLOCK + offset);
    const body = Buffer.from(recordBytes({ offsetDelta: 0, value }));
    const ends = {
      topic,
      highWatermark: offset + 1,
      lastStableOffset: offset + 1,
    };
    const batch = batchBytes({ first: offset, lastDelta: 0, count: 1, body });
    return [rawTopic([batch], ends)];
  };
  kafka.brokers.set(`${BROKER.host}:${BROKER.port}`, {
    metadata: () => ({ brokers: [BROKER], topics: [leader] }),
    offsetOf: () => 0,
    fetch: async (asked) => {
      const { offset } = asked[0]!;
      if (offset > gates.length) return await new Promise<never>(() => {});
      if (offset === 1) seen.fetch = callsOf(new Error().stack!);
      if (offset > 0) await gates[offset - 1]!.promise;
      return answer(offset);
    },
  });
  return { kafka, release: (offset: number) => gates[offset - 1]!.resolve() };
}

before(async () => {
  Error.stackTraceLimit = 100;
  const channels = (await embeddedChannels()).filter(({ channel }) =>
    channel.strideNs === 62_500_000n
  ).slice(0, 1);
  const { channel } = channels[0]!;
  const { kafka, release } = playedBroker(
    channel,
    new EmbeddedBlocks(channels),
  );
  const catalog = new Catalog();
  catalog.set(channel);
  const clock = new BlockClock(FIRST_BLOCK + 2);
  const source = new KafkaSource({
    protocol: kafka,
    work: newWork(),
    brokers: [`${BROKER.host}:${BROKER.port}`],
    catalog,
    log: silent,
    readyGraceMs: 0,
  });
  const config = configWith({ port: 0, inFlightFrames: 1 });
  qanat = new Qanat({ config, source, log: silent, clocks: clock });
  await qanat.start();
  server = await serve(qanat);
  socket = net.connect(server.port, "127.0.0.1");
  socket.write(
    `GET /v1/arrow?channels=${channel.name} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
  );
  let bytes = 0;
  socket.on("data", (data) => bytes += data.length);
  await once(socket, "data");
  while (seen.fetch.length === 0) await new Promise((r) => setImmediate(r));
  const ring = noteCalls(PageRing.prototype, "reserve");
  const deadline = noteCalls(LatenessClock.prototype, "isLate");
  const queue = noteCalls(LiveQueue.prototype, "add");
  const written = noteCalls(RawWriter.prototype, "write");
  const plain = noteCalls(net.Socket.prototype, "write");
  const before = bytes;
  release(1);
  while (bytes === before) await once(socket, "data");
  for (const { undo } of [ring, deadline, queue, written, plain]) undo();
  seen.ring = callsOf(ring.stacks[0] ?? "");
  seen.deadline = callsOf(deadline.stacks[0] ?? "");
  seen.queue = callsOf(queue.stacks[0] ?? "");
  const raw = {
    name: "RawWriter.write",
    file: "src/http/transport/raw_write.ts",
  };
  // On a runtime version that is not proven, the outlet uses socket.write(): there is no last hop.
  isRaw = written.stacks.length > 0;
  seen.socket = isRaw
    ? [...callsOf(written.stacks[0]!), raw]
    : callsOf(plain.stacks[0] ?? "");
  await stall(release);
});

/** The client's next write waits, so that it misses a row; then the write finishes, and the client catches up. */
async function stall(release: (offset: number) => void): Promise<void> {
  const write = holdWrite();
  release(2);
  while (write.stack === "") await new Promise((r) => setImmediate(r));
  const canTake = noteCalls(ClientLifecycle.prototype, "canTake");
  const assign = noteCalls(CatchUp.prototype, "assign");
  const run = noteCalls(CatchUp.prototype, "run");
  release(3);
  while (assign.stacks.length === 0) {
    await new Promise((r) => setImmediate(r));
  }
  write.undo();
  write.finish();
  while (run.stacks.length === 0) await new Promise((r) => setImmediate(r));
  for (const { undo } of [canTake, assign, run]) undo();
  const file = "src/clients/catch_up.ts";
  const assigned = { name: "CatchUp.assign", file };
  seen.stall = [
    ...callsOf(write.stack),
    ...callsOf(canTake.stacks[0]!),
    { name: "ClientLifecycle.canTake", file: "src/clients/lifecycle.ts" },
    ...callsOf(assign.stacks[0]!),
    assigned,
    ...callsOf(assign.stacks[1]!),
    assigned,
    { name: "CatchUp.run", file },
  ];
}

/** Lets the next write to the client wait until `finish` is called; it never reaches the client. */
function holdWrite() {
  const raw = RawWriter.prototype.write;
  const plain = net.Socket.prototype.write;
  const held = {
    stack: "",
    finish: () => {},
    undo: () => {
      RawWriter.prototype.write = raw;
      net.Socket.prototype.write = plain;
    },
  };
  RawWriter.prototype.write = (_socket, _bytes, listener) => {
    held.stack = new Error().stack!;
    held.finish = () => listener!.finished(0);
    return "queued";
  };
  if (!isRaw) {
    net.Socket.prototype.write = (_bytes: unknown, done: unknown) => {
      held.stack = new Error().stack!;
      held.finish = done as () => void;
      return false;
    };
  }
  return held;
}

after(async () => {
  Error.stackTraceLimit = stackTraceLimit;
  socket.destroy();
  qanat.drain();
  await server.close(100);
  await qanat.close();
});

describe("the way of a row in ARCHITECTURE.md", () => {
  it("from Kafka into the page ring is as listed", () => {
    assert.ok(lists[0]!.length > 4, "the list is not there");
    assert.equal(firstMissing(lists[0]!, [...seen.fetch, ...seen.ring]), null);
  });

  it("from the page ring into the live queue is as listed", () => {
    assert.ok(lists[1]!.length > 2, "the list is not there");
    const calls = [...seen.deadline, ...seen.queue];
    assert.equal(firstMissing(lists[1]!, calls), null);
  });

  it(`from app.ts to the socket is as listed, and takes at most ${HOPS_MAX} hops`, () => {
    const all = lists[2]!;
    const hops = isRaw ? all : all.slice(0, -1);
    assert.ok(
      all.length > 4 && all.length <= HOPS_MAX,
      `${all.length} hops`,
    );
    const app = seen.socket.findIndex(({ file }) => file === "src/app.ts");
    assert.ok(app >= 0, "app.ts is not among the calls");
    assert.equal(firstMissing(hops, seen.socket.slice(app)), null);
  });

  it("of a client that stalls is as listed", () => {
    assert.ok(lists[3]!.length > 9, "the list is not there");
    assert.equal(firstMissing(lists[3]!, seen.stall), null);
  });

  it("never goes back up: from app.ts on, no file calls one that was passed before", () => {
    const app = seen.socket.findIndex(({ file }) => file === "src/app.ts");
    const files = seen.socket.slice(app).map(({ file }) => file)
      .filter((file, i, all) => file !== all[i - 1]);
    const again = files.filter((file, i) => files.indexOf(file) !== i);
    assert.deepEqual(
      again,
      ["src/clients/hand_out.ts"],
      "the scheduler's own task",
    );
  });
});

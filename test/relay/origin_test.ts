// What an origin sends to relays, to whom, and within which limits.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { topicOf } from "../../src/channels/channel.ts";
import { QUEUE_BYTES_MAX } from "../../src/relay/block_feed.ts";
import {
  FRAME,
  type Frame,
  FrameReader,
  payloadText,
} from "../../src/relay/wire.ts";
import { tokenAccess } from "../auth/token_access.ts";
import { DrivenSource } from "../driven_source.ts";
import {
  CHANNELS,
  FIRST,
  LoggedSource,
  RelayWorld,
  settle,
} from "./relay_world.ts";

const TOPICS = CHANNELS.map(({ channel }) => topicOf(channel));
const [TOPIC] = TOPICS;

let world: RelayWorld;

beforeEach(() => {
  world = new RelayWorld();
});

afterEach(() => world.close());

function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return world.fetch(`http://origin${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const since = (topic = TOPIC) => ({ topics: [{ topic, since_ms: 0 }] });

/** The paths of relays in the document of the API. */
async function describedPaths(): Promise<string[]> {
  const answer = await world.fetch("http://origin/openapi.json");
  const { paths } = await answer.json();
  return Object.keys(paths).filter((path) => path.startsWith("/v1/blocks"))
    .sort();
}

/** Reads an answer. */
class Frames {
  readonly all: Frame[] = [];
  isOver = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #frames = new FrameReader();

  constructor(response: Response) {
    assert.equal(response.status, 200);
    this.#reader = response.body!.getReader();
  }

  /** Reads until a frame of a kind has come, or the stream has ended. */
  async until(kind: number): Promise<Frame> {
    for (;;) {
      const found = this.all.findLast((frame) => frame.kind === kind);
      if (found) return found;
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`no frame of kind ${kind}`);
      this.#frames.push(value, (frame) => this.all.push(frame));
    }
  }

  async end(): Promise<string> {
    return payloadText(await this.until(FRAME.end));
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

describe("the streams of an origin", () => {
  it("are not there unless the operator says so", async () => {
    const qanat = await world.instance(new DrivenSource(CHANNELS), {
      host: "origin",
      relayStreamsMax: 0,
    });
    assert.equal((await post("/v1/blocks", since())).status, 404);
    assert.equal(qanat.feeds.isServing, false);
    assert.deepEqual(await describedPaths(), []);
  });

  it("are described in /openapi.json where they are", async () => {
    await world.instance(new DrivenSource(CHANNELS), { host: "origin" });
    assert.deepEqual(await describedPaths(), [
      "/v1/blocks",
      "/v1/blocks/channels",
      "/v1/blocks/history",
    ]);
  });

  it("are refused for a version, a body or a type that is wrong", async () => {
    await world.instance(new DrivenSource(CHANNELS), { host: "origin" });
    const other = await post("/v1/blocks", since(), {
      accept: "application/vnd.qanat.blocks; version=7",
    });
    assert.equal(other.status, 406);
    assert.deepEqual((await other.json()).versions, [1]);
    const text = await post("/v1/blocks", "{}", {
      "content-type": "text/plain",
    });
    assert.equal(text.status, 415);
    const many = Array.from({ length: 4097 }, (_, i) => ({
      topic: `t${i}`,
      since_ms: 0,
    }));
    const wrong: [unknown, RegExp][] = [
      ["{", /must be JSON/],
      [{}, /'topics'/],
      [{ topics: [] }, /'topics'/],
      [{ topics: many }, /at most 4096/],
      [{ topics: [{ topic: "a".repeat(600), since_ms: 0 }] }, /at most 512/],
      [{ topics: [{ topic: "a" }] }, /since_ms/],
      [{ topics: [{ topic: "a", since_ms: -1 }] }, /since_ms/],
      [{ topics: [{ topic: "a", since_ms: 0, last_ms: 1 }] }, /either/],
      [{ topics: [since().topics[0], since().topics[0]] }, /more than once/],
    ];
    for (const [body, detail] of wrong) {
      const answer = await post("/v1/blocks", body);
      assert.equal(answer.status, 400);
      assert.match((await answer.json()).detail, detail);
    }
    const last = await post("/v1/blocks/history", {
      topics: [{ topic: "a", last_ms: 1 }],
    });
    assert.equal(last.status, 400);
    assert.match((await last.json()).detail, /A history needs 'since_ms'/);
    const unknown = await post("/v1/blocks/history", since("nothing"));
    assert.equal(unknown.status, 404);
  });

  it("have a limit for all, and a share for each address", async () => {
    const qanat = await world.instance(new DrivenSource(CHANNELS), {
      host: "origin",
      relayStreamsMax: 2,
    });
    const streams = [
      new Frames(await post("/v1/blocks", since())),
      new Frames(await world.fetch("http://origin/v1/blocks/channels")),
    ];
    const refused = await post("/v1/blocks", since());
    assert.equal(refused.status, 503);
    assert.equal((await refused.json()).limit, "full");
    assert.equal(qanat.feeds.refused.full, 1);
    // Nothing of the body is read.
    assert.equal((await post("/v1/blocks", "{")).status, 503);
    assert.equal(qanat.feeds.openCount, 2);
    for (const stream of streams) await stream.cancel();
    await settle();
    assert.equal(qanat.feeds.openCount, 0);
    assert.equal(qanat.feeds.pool.used, 0);
    assert.equal(qanat.feeds.ended.left, 2);
    new Frames(await post("/v1/blocks", since()));
  });

  it("begin with what the ring has, and name topics that are not there", async () => {
    const source = new LoggedSource(world.clock);
    await world.instance(source, { host: "origin", lingerMs: 60_000 });
    const first = new Frames(await post("/v1/blocks", since()));
    await first.until(FRAME.hello);
    for (let i = 0; i < 20; i++) {
      world.clock.index = FIRST + i + 1;
      source.publishRow(FIRST + i);
    }
    const asked = [
      { topic: "none", since_ms: 0 },
      { topic: TOPIC, since_ms: (FIRST + 15) * 62.5 },
    ];
    const second = new Frames(await post("/v1/blocks", { topics: asked }));
    await second.until(FRAME.message);
    const [none, known] = second.all.filter(({ kind }) => kind === FRAME.topic);
    assert.equal(payloadText(none!), "none");
    assert.ok(Number.isNaN(none!.first));
    assert.equal(payloadText(known!), TOPIC);
    assert.equal(known!.second, (FIRST + 19) * 62.5);
    const messages = second.all.filter(({ kind }) => kind === FRAME.message);
    assert.deepEqual(
      messages.map(({ payload }) => payload),
      [15, 16, 17, 18, 19].map((i) => source.blocks.blockOf(TOPIC!, FIRST + i)),
    );
    const last = { topics: [{ topic: TOPIC, last_ms: 2 * 62.5 }] };
    const third = new Frames(await post("/v1/blocks", last));
    await third.until(FRAME.message);
    assert.equal(
      third.all.filter(({ kind }) => kind === FRAME.message).length,
      3,
    );
  });

  it("do without a topic whose blocks are still read with another stride", async () => {
    const qanat = await world.instance(new DrivenSource(CHANNELS), {
      host: "origin",
    });
    const { store } = qanat;
    const shape = {
      topic: TOPIC!,
      strideNs: 125_000_000n,
      maxLatencyNs: 0n,
      replayId: null,
    };
    const timeline = store.lease([shape], shape.strideNs);
    const asked = { topics: TOPICS.map((topic) => ({ topic, since_ms: 0 })) };
    const stream = new Frames(await post("/v1/blocks", asked));
    await stream.until(FRAME.topic);
    const topics = stream.all.filter(({ kind }) => kind === FRAME.topic);
    assert.deepEqual(
      topics.map(({ first }) => Number.isNaN(first)),
      TOPICS.map((topic) => topic === TOPIC),
    );
    store.release(timeline);
  });

  it("end as slow when the ring has lost what was not read, or too much waits", async () => {
    const source = new DrivenSource(CHANNELS);
    const qanat = await world.instance(source, {
      host: "origin",
      retentionMb: 2,
    });
    const stream = new Frames(await post("/v1/blocks", since()));
    await stream.until(FRAME.hello);
    await settle();
    for (let i = 0; i < 8000; i++) {
      const index = FIRST + i;
      world.clock.index = index + 1;
      const block = source.blocks.blockOf(TOPIC!, index);
      source.sink!.onMessage(TOPIC!, block, index, -1);
    }
    assert.equal(await stream.end(), "slow");
    assert.equal(qanat.feeds.ended.slow, 1);

    new Frames(await post("/v1/blocks", since()));
    const bad = new Uint8Array(1 << 20);
    for (let i = 0; i < QUEUE_BYTES_MAX / bad.length + 1; i++) {
      source.sink!.onMessage(TOPIC!, bad, i, -1);
    }
    assert.equal(qanat.feeds.ended.slow, 2);
    assert.equal(qanat.feeds.openCount, 0);
  });

  it("end when the origin shuts down, and none opens then", async () => {
    const qanat = await world.instance(new DrivenSource(CHANNELS), {
      host: "origin",
    });
    const stream = new Frames(await post("/v1/blocks", since()));
    await stream.until(FRAME.hello);
    qanat.feeds.drain();
    assert.equal(await stream.end(), "drain");
    assert.equal((await post("/v1/blocks", since())).status, 503);
  });
});

describe("the rights of a relay", () => {
  it("are a right of their own, and whole partitions", async () => {
    const source = new LoggedSource(world.clock);
    const { channel } = CHANNELS[0]!;
    source.publish({
      ...channel,
      name: "H1:SECRET",
      partitionIndex: channel.partitionIndex + 1,
    });
    const { access, owners, changed } = await tokenAccess(source.catalog, {
      all: { isRelay: true },
      some: { isRelay: true, match: "H1:QANAT.*" },
      reader: {},
    });
    const qanat = await world.instance(source, { host: "origin", access });
    const of = (name: string) => ({ authorization: `Bearer t-${name}` });
    assert.equal((await post("/v1/blocks", since())).status, 401);
    const denied = await post("/v1/blocks", since(), of("reader"));
    assert.equal(denied.status, 403);
    assert.match(denied.headers.get("www-authenticate")!, /qanat\.relay/);
    const asked = { topics: TOPICS.map((topic) => ({ topic, since_ms: 0 })) };
    const known = async (name: string) => {
      const stream = new Frames(await post("/v1/blocks", asked, of(name)));
      await stream.until(FRAME.topic);
      const topics = stream.all.filter(({ kind }) => kind === FRAME.topic);
      return { stream, known: topics.map(({ first }) => !Number.isNaN(first)) };
    };
    assert.deepEqual((await known("all")).known, TOPICS.map(() => true));
    const some = await known("some");
    assert.deepEqual(some.known, TOPICS.map((topic) => topic !== TOPIC));
    const channels = await world.fetch("http://origin/v1/blocks/channels", {
      headers: of("some"),
    });
    const list = new Frames(channels);
    await list.until(FRAME.allChannels);
    const text = list.all.map(payloadText).join();
    assert.ok(!text.includes("SECRET"));
    assert.ok(!text.includes(`"${TOPIC}"`));
    assert.ok(text.includes(`"${TOPICS[1]}"`));
    // A channel appears that it may not read: its partition does not exist for it any more.
    const other = CHANNELS[1]!.channel;
    source.publish({
      ...other,
      name: "H1:SECRET-2",
      partitionIndex: other.partitionIndex + 1,
    });
    assert.equal(await some.stream.end(), "rights");
    owners.some!.isRelay = false;
    changed();
    assert.equal(await list.end(), "rights");
    assert.equal((await post("/v1/blocks", asked, of("some"))).status, 403);
    assert.equal(qanat.feeds.ended.rights, 2);
  });
});

describe("a relay", () => {
  it("follows the channels of its upstream", async () => {
    const source = new DrivenSource(CHANNELS);
    await world.instance(source, { host: "origin" });
    const relay = await world.instance(world.upstream(["origin"]));
    const names = () => relay.catalog.find({}).map(({ name }) => name);
    assert.deepEqual(names(), source.catalog.find({}).map(({ name }) => name));
    const { channel } = CHANNELS[0]!;
    source.takeBack(channel);
    source.publish({ ...channel, name: "H1:NEW" });
    await settle();
    assert.deepEqual(names(), source.catalog.find({}).map(({ name }) => name));
    assert.ok(names().includes("H1:NEW"));
  });

  it("refuses to read from itself, by itself or through another one", async () => {
    const one = world.upstream(["two"]);
    const two = world.upstream(["one"]);
    const starting = world.instance(one, { host: "one" });
    await world.instance(two, { host: "two" });
    await starting;
    for (let i = 0; i < 5; i++) {
      world.clock.index += 20;
      world.tick();
      await settle();
    }
    const { path: first } = one.status();
    const { path: second } = two.status();
    assert.ok(first!.length <= 2 && second!.length <= 2);
    assert.ok(one.status().counters.upstream_failures! > 0);
    const self = world.upstream(["self"]);
    await world.instance(self, { host: "self" });
    world.tick();
    await settle();
    assert.equal(self.status().reachable, false);
    assert.deepEqual(self.status().path, [self.id]);
  });

  it("reads the histories of its upstream at its own pace", async () => {
    const source = new DrivenSource(CHANNELS);
    let left = 5;
    const asked: (readonly string[])[] = [];
    source.openHistory = () => ({
      read: (topics) => {
        asked.push(topics);
        left--;
        return Promise.resolve(topics.map((topic) => ({
          topic,
          messages: [{
            value: source.blocks.blockOf(topic, FIRST + 5 - left),
            timestampMs: 7,
          }],
          isAtEnd: left === 0,
          isCut: left === 4,
        })));
      },
      close: () => {},
    });
    await world.instance(source, { host: "origin" });
    const relay = world.upstream(["origin"]);
    await world.instance(relay);
    const topics = TOPICS.slice(0, 2);
    const history = relay.openHistory(
      topics.map((topic) => ({ topic, fromMs: 0 })),
    );
    const first = await history.read([topics[1]!]);
    assert.equal(first[0]!.topic, topics[1]);
    assert.equal(first[0]!.isCut, true);
    assert.equal(first[0]!.messages[0]!.timestampMs, 7);
    assert.ok(asked.length <= 2, `${asked.length} reads`);
    const rest = [];
    while (!rest.at(-1)?.isAtEnd) {
      rest.push(...await history.read([topics[0]!]));
    }
    assert.equal(rest.flatMap(({ messages }) => messages).length, 5);
    const others = [];
    while (!others.at(-1)?.isAtEnd) {
      others.push(...await history.read([topics[1]!]));
    }
    assert.equal(others.flatMap(({ messages }) => messages).length, 4);
    const end = await history.read(topics);
    assert.deepEqual(end.map(({ isAtEnd }) => isAtEnd), [true, true]);
    history.close();
    await assert.rejects(
      relay.openHistory([{ topic: "none", fromMs: 0 }]).read(["none"]),
      /There is no topic 'none'$/,
    );
  });
});

// An upstream that sends anything: a relay refuses it by a limit, keeps little, and asks again at its own pace.
// Invariant: nothing that an upstream sends stays in the relay when another upstream takes over.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { topicOf } from "../../src/channels/channel.ts";
import { channelsOf } from "../../src/relay/channel_list.ts";
import { topicText } from "../../src/relay/stream_channel.ts";
import { errorOfAnswer } from "../../src/relay/upstream_error.ts";
import { FRAME, frameBytes, textPayload } from "../../src/relay/wire.ts";
import { DrivenSource } from "../driven_source.ts";
import { CHANNELS, open, RelayWorld, settle } from "./relay_world.ts";

const STATE = { path: [], ready: true, reachable: true, states: {} };

let world: RelayWorld;

beforeEach(() => {
  world = new RelayWorld();
});

afterEach(() => world.close());

function hello(state: unknown = STATE, first = 0): Uint8Array<ArrayBuffer> {
  return frameBytes(FRAME.hello, { first, payload: textPayload(state) });
}

/** An answer of these frames that stays open, or ends. */
function blocks(frames: readonly Uint8Array<ArrayBuffer>[], stays = true) {
  const body = new ReadableStream({
    start(controller) {
      for (const frame of frames) controller.enqueue(frame);
      if (!stays) controller.close();
    },
  });
  return new Response(body, {
    headers: { "content-type": "application/vnd.qanat.blocks; version=1" },
  });
}

/** The origin is real, and its streams of blocks are these frames. */
async function relayOf(
  frames: (topics: readonly string[]) => Uint8Array<ArrayBuffer>[],
  stays = true,
) {
  await world.instance(new DrivenSource(CHANNELS), { host: "origin" });
  const origin = world.servers.get("origin")!;
  let requests = 0;
  const asked: string[][] = [];
  world.servers.set("origin", async (request) => {
    if (!request.url.endsWith("/v1/blocks")) return await origin(request);
    requests++;
    const { topics } = await request.json();
    const names = topics.map(({ topic }: { topic: string }) => topic);
    asked.push(names);
    return blocks(frames(names), stays);
  });
  const source = world.upstream(["origin"]);
  const relay = await world.instance(source, { eventLoopDelayMaxMs: Infinity });
  return { relay, source, asked, requests: () => requests };
}

/** Reasons that the relay has logged. */
function reasons(): string {
  return world.lines.flatMap(({ event, reason }) =>
    event === "upstream-failed" ? [reason] : []
  ).join("\n");
}

describe("a relay whose upstream is hostile", () => {
  for (
    const [what, state, reason] of [
      ["null", null, /no object with path/],
      ["no states", { ...STATE, states: null }, /no object with path/],
      ["a path of numbers", { ...STATE, path: [1] }, /no object with path/],
      ["long ids", { ...STATE, path: ["a".repeat(101)] }, /no object with/],
      ["no JSON", "{", /no JSON/],
      ["a long state", { ...STATE, more: "a".repeat(2 ** 20) }, /at most/],
    ] as const
  ) {
    it(`refuses a state that is ${what}`, async () => {
      world.servers.set("origin", () => blocks([hello(state)]));
      const source = world.upstream(["origin"]);
      const relay = await world.instance(source, {
        eventLoopDelayMaxMs: Infinity,
      });
      await world.pass(1);
      assert.match(reasons(), reason);
      assert.deepEqual(source.status().path, [source.id]);
      assert.ok(relay.status());
    });
  }

  it("refuses a number of a topic that is not below the number of topics", async () => {
    const { relay } = await relayOf((names) => [
      hello(),
      frameBytes(FRAME.topic, {
        topic: 4_000_000_000,
        first: 0,
        payload: textPayload(names[0]),
      }),
    ]);
    open(relay, "arrow");
    await settle();
    assert.match(reasons(), /has the number 4000000000, and \d+ were asked/);
    assert.ok(relay.status());
  });

  for (
    const [what, kind, first, reason] of [
      ["a hole without end", FRAME.hole, Infinity, /hole has Infinity/],
      ["a hole of no number", FRAME.hole, NaN, /hole has NaN/],
      [
        "an end of the log at no time",
        FRAME.caughtUp,
        NaN,
        /clock is no number/,
      ],
    ] as const
  ) {
    it(`refuses ${what}`, async () => {
      const { relay, source } = await relayOf((names) => [
        hello(),
        frameBytes(FRAME.topic, { first: 0, payload: textPayload(names[0]) }),
        frameBytes(kind, { first }),
      ]);
      open(relay, "arrow");
      await settle();
      assert.match(reasons(), reason);
      for (const { position } of source.status().topics) {
        assert.ok(Number.isSafeInteger(position));
      }
    });
  }

  it("takes no end of a log from the future", async () => {
    const { relay, asked } = await relayOf((names) => [
      hello(),
      frameBytes(FRAME.topic, {
        first: 0,
        second: -1,
        payload: textPayload(names[0]),
      }),
      frameBytes(FRAME.caughtUp, { first: 1e15 }),
    ]);
    open(relay, "arrow");
    await settle();
    const blocks = relay.store.partition(asked[0]![0]!)!;
    assert.ok(blocks.lateness.caughtUpMs <= relay.store.gpsMs());
    assert.ok(blocks.lateness.caughtUpMs > 0);
  });

  for (const reason of ["slow", "rights", "complete", "failed"]) {
    it(`asks again once a second where streams end at once, as ${reason}`, async () => {
      const { relay, requests } = await relayOf(() => [
        hello(),
        frameBytes(FRAME.end, { payload: textPayload(reason) }),
      ], false);
      open(relay, "arrow");
      await settle();
      assert.ok(requests() > 0 && requests() <= 2, `${requests()} at once`);
      const before = requests();
      await world.pass(5);
      const later = requests() - before;
      assert.ok(later >= 2 && later <= 10, `${later} in 5 s`);
    });
  }

  it("asks two upstreams that only begin at most twice a second", async () => {
    let requests = 0;
    for (const host of ["a", "b"]) {
      world.servers.set(host, () => {
        requests++;
        return blocks([hello()], false);
      });
    }
    const started = world.instance(world.upstream(["a", "b"]), {
      readyGraceMs: 0,
      eventLoopDelayMaxMs: Infinity,
    });
    await settle();
    assert.ok(requests <= 4, `${requests} at once`);
    await world.pass(5);
    await started;
    assert.ok(requests <= 20, `${requests} in 5 s`);
  });

  it("reads little of an answer that is no stream of blocks, however long it is", async () => {
    let pieces = 0;
    let isCancelled = false;
    const body = new ReadableStream({
      pull: (controller) => {
        pieces++;
        controller.enqueue(new Uint8Array(16_384).fill(97));
      },
      cancel: () => {
        isCancelled = true;
      },
    });
    const error = await errorOfAnswer(new Response(body, { status: 500 }), "");
    assert.match(error.message, /^status 500/);
    assert.ok(pieces < 10, `${pieces} pieces`);
    assert.ok(isCancelled);
  });

  it("refuses texts of channels that are longer than any channel has", () => {
    const channel = { name: "a".repeat(2000), data_type: "float32" };
    const payload = textPayload({ topic: "arrakis-p", channels: [channel] });
    assert.throws(() => [...channelsOf(payload)], /has no text 'name'/);
  });

  it("goes to another one where a list of channels is wrong, and takes all of that one's", async () => {
    const [channel] = CHANNELS.map(({ channel }) => channel);
    const list = (count: number) =>
      topicText(
        topicOf(channel!),
        Array.from({ length: count }, (_, i) => ({
          ...channel!,
          name: `X1:C${i}`,
          partitionIndex: i,
        })),
      );
    const channelsOfHost = (host: string, value: unknown) =>
      world.servers.set(host, () =>
        blocks([
          hello(),
          frameBytes(FRAME.channels, { payload: textPayload(value) }),
          frameBytes(FRAME.allChannels),
        ]));
    const wrong = { ...list(2), topic: "arrakis-q" };
    channelsOfHost("origin", wrong);
    channelsOfHost("other", list(3000));
    const source = world.upstream(["origin", "other"]);
    const relay = await world.instance(source, {
      eventLoopDelayMaxMs: Infinity,
    });
    await world.pass(3);
    assert.match(reasons(), /A channel of arrakis-q names another topic/);
    assert.equal(relay.catalog.size, 3000);
  });
});

describe("a history of a hostile upstream", () => {
  for (
    const [what, frames, reason] of [
      ["numbers its topic too high", [
        hello(),
        frameBytes(FRAME.topic, { topic: 9, payload: textPayload("a") }),
      ], /has the number 9, and 1 were asked for/],
      ["gives a long reason for its end", [
        hello(),
        frameBytes(FRAME.end, { payload: textPayload("x".repeat(9999)) }),
      ], /it ended the history: x{100}$/],
    ] as const
  ) {
    it(`fails where it ${what}`, async () => {
      world.servers.set("origin", () => blocks(frames));
      const source = world.upstream(["origin"]);
      const reader = source.openHistory([{ topic: "a", fromMs: 0 }]);
      await assert.rejects(reader.read(["a"]), reason);
      reader.close();
    });
  }

  it("fails where messages come without the end of their read", async () => {
    const large = frameBytes(FRAME.message, {
      payload: new Uint8Array(32 * 1024 * 1024),
    });
    let pieces = 0;
    world.servers.set("origin", () => {
      const body = new ReadableStream({
        pull(controller) {
          if (pieces > 20) return controller.close();
          controller.enqueue(
            pieces++ === 0
              ? frameBytes(FRAME.topic, { payload: textPayload("a") })
              : large,
          );
        },
      }, { highWaterMark: 0 });
      return new Response(body, {
        headers: { "content-type": "application/vnd.qanat.blocks" },
      });
    });
    const source = world.upstream(["origin"]);
    const reader = source.openHistory([{ topic: "a", fromMs: 0 }]);
    await assert.rejects(reader.read(["a"]), /belong to no complete read/);
    reader.close();
    assert.ok(pieces < 20, `${pieces} pieces`);
  });
});

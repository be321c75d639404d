// Ranges that caches may keep, through relays: what a relay has kept for others promises nothing.
// Invariant: an answer with an ETag has every row, and the log that is read at the end of the chain still has them.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { topicOf } from "../../src/channels/channel.ts";
import type { HistoryReader, HistoryTopic } from "../../src/source/source.ts";
import { GoldenSource } from "../golden/golden_source.ts";
import {
  CHANNELS,
  FIRST,
  NAMES,
  publish,
  RelayWorld,
  settle,
} from "./relay_world.ts";

const START = FIRST - 320;
const TOPIC = topicOf(CHANNELS[0]!.channel);
const ASKED = [{ topic: TOPIC, fromMs: START * 62.5 }];
const NEW = ASKED.map((topic) => ({ ...topic, isNew: true }));

/** Counts the readers. */
class CountedSource extends GoldenSource {
  opened = 0;

  override openHistory(topics: readonly HistoryTopic[] = []): HistoryReader {
    this.opened++;
    return super.openHistory(topics);
  }
}

let world: RelayWorld;
let source: CountedSource;

beforeEach(async () => {
  world = new RelayWorld();
  source = new CountedSource(CHANNELS);
  source.oldest = START - 320;
  source.newest = FIRST;
  const config = { resumeWindowMs: 1000, lingerMs: 60_000 };
  await world.instance(source, { host: "origin", ...config });
  const near = world.upstream(["origin"]);
  await world.instance(near, { host: "near", ...config });
  await world.instance(world.upstream(["near"]), { host: "far", ...config });
});

afterEach(() => world.close());

/** A range of history, asked for at an instance while its topics get blocks. */
async function ask(host: string, more = "", method = "GET") {
  const ns = String(BigInt(START) * 62_500_000n);
  const start = `${ns.slice(0, -9)}.${ns.slice(-9)}`;
  const url = `http://${host}/v1/events`;
  const query = `?channels=${NAMES}&start=${start}&duration=1${more}`;
  const post = {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ channels: NAMES, start, duration: 1 }),
  };
  const reading = (async () => {
    const { headers, body, status } = method === "GET"
      ? await world.fetch(url + query)
      : await world.fetch(url, post);
    const text = await new Response(body).text();
    const rows = text.match(/^data: \{"time"/gm)?.length ?? 0;
    return { status, rows, etag: headers.get("etag"), headers };
  })();
  let isOver = false;
  reading.finally(() => isOver = true).catch(() => {});
  for (let tries = 0; !isOver && tries < 1000; tries++) {
    publish(world.clock, source, source.newest++);
    await settle();
  }
  return await reading;
}

for (const host of ["near", "far"]) {
  describe(`a range of history at a relay (${host})`, () => {
    it("has the ETag of its origin while the log has it, and none when records of it were deleted a moment ago", async () => {
      const whole = await ask(host);
      assert.equal(whole.rows, 16);
      assert.match(whole.headers.get("cache-control")!, /^public, max-age=/);
      assert.equal(whole.etag, (await ask("origin")).etag);
      assert.equal((await ask(host)).etag, whole.etag);
      source.oldest = START + 8;
      for (let i = 0; i < 2; i++) {
        // The same range in another form, and the same request.
        for (const more of ["&gaps=skip", ""]) {
          const cut = await ask(host, more);
          assert.equal(cut.status, 200);
          assert.equal(cut.etag, null);
          assert.match(cut.headers.get("cache-control")!, /^no-store/);
        }
      }
    });

    it("has none when others keep what was deleted, though they still get it", async () => {
      // An answer that no cache may keep reads it into the memory of the relays.
      const kept = await ask(host, "", "POST");
      assert.equal(kept.rows, 16);
      assert.equal(kept.etag, null);
      source.oldest = START + 8;
      assert.equal((await ask(host)).etag, null);
    });
  });
}

describe("a history that is to be new", () => {
  it("is shared by those that ask before anything of it has come, and by no reader afterwards", async () => {
    const relay = world.upstream(["origin"]);
    await world.instance(relay);
    const opened = source.opened;
    const read = (topics: readonly HistoryTopic[]) => {
      const reader = relay.openHistory(topics);
      return reader.read([TOPIC]).finally(() => reader.close());
    };
    const [first, ...others] = await Promise.all([NEW, NEW, NEW].map(read));
    for (const other of others) assert.deepEqual(other, first);
    assert.equal(source.opened - opened, 1);
    assert.deepEqual(await read(ASKED), first);
    assert.equal(source.opened - opened, 1, "others get what is kept");
    source.oldest = START + 8;
    const [cut] = await read(NEW);
    assert.equal(source.opened - opened, 2);
    assert.equal(cut!.isCut, true);
  });

  it("is not that of one who did not ask for a new one", async () => {
    const relay = world.upstream(["origin"]);
    await world.instance(relay);
    const opened = source.opened;
    const readers = [ASKED, NEW].map((topics) => relay.openHistory(topics));
    await Promise.all(readers.map((reader) => reader.read([TOPIC])));
    for (const reader of readers) reader.close();
    assert.equal(source.opened - opened, 2);
  });
});

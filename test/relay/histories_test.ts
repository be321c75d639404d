// Histories of a relay: equal ones are one request to the upstream, in bounded memory; those that are refused are said.
// Invariant: each reader gets all messages in their order, whatever the others do.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { topicOf } from "../../src/channels/channel.ts";
import { HISTORY_KEPT_BYTES_MAX } from "../../src/relay/upstream_histories.ts";
import type { HistoryReader, HistoryTopic } from "../../src/source/source.ts";
import { DrivenSource } from "../driven_source.ts";
import { CHANNELS, FIRST, NAMES, RelayWorld, settle } from "./relay_world.ts";

const TOPIC = topicOf(CHANNELS[0]!.channel);
const STRIDE_MS = 62.5;
const ROWS_PER_SECOND = 16;
const ASKED = [{ topic: TOPIC, fromMs: FIRST * STRIDE_MS }];

let world: RelayWorld;
let source: PastSource;

/** A source of rows up to one that grows, each padded to some size. */
class PastSource extends DrivenSource {
  readonly asked: number[] = [];
  open = 0;
  end = FIRST + 30;
  padding = 0;

  override openHistory(topics: readonly HistoryTopic[] = []): HistoryReader {
    let next = Math.ceil(topics[0]!.fromMs / STRIDE_MS);
    this.asked.push(next);
    this.open++;
    let isOpen = true;
    return {
      read: ([topic]) => {
        const index = next++;
        const isAtEnd = index >= this.end - 1;
        const messages = index < this.end
          ? [{ value: this.#valueOf(topic!, index), timestampMs: index }]
          : [];
        return Promise.resolve([
          { topic: topic!, messages, isAtEnd, isCut: false },
        ]);
      },
      close: () => {
        if (isOpen) this.open--;
        isOpen = false;
      },
    };
  }

  #valueOf(topic: string, index: number): Uint8Array {
    const block = this.blocks.blockOf(topic, index);
    const value = new Uint8Array(block.byteLength + this.padding);
    value.set(block);
    return value;
  }
}

beforeEach(() => {
  world = new RelayWorld();
  source = new PastSource(CHANNELS);
});

afterEach(() => world.close());

/** Reads once. Returns the rows that came, and whether it was the end. */
async function step(reader: HistoryReader) {
  const [answer] = await reader.read([TOPIC]);
  const rows = answer!.messages.map(({ timestampMs }) => timestampMs - FIRST);
  return { rows, isAtEnd: answer!.isAtEnd };
}

async function readAll(reader: HistoryReader): Promise<number[]> {
  const rows: number[] = [];
  for (let isAtEnd = false; !isAtEnd;) {
    const read = await step(reader);
    rows.push(...read.rows);
    isAtEnd = read.isAtEnd;
  }
  return rows;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("the histories of a relay", () => {
  it("that are equal are read from the upstream once", async () => {
    await world.instance(source, { host: "origin" });
    const relay = world.upstream(["origin"]);
    await world.instance(relay);
    const first = relay.openHistory(ASKED);
    const some = await step(first);
    const others = [relay.openHistory(ASKED), relay.openHistory(ASKED)];
    const rows = await Promise.all([first, ...others].map(readAll));
    assert.deepEqual([...some.rows, ...rows[0]!], upTo(30));
    assert.deepEqual(rows.slice(1), [upTo(30), upTo(30)]);
    assert.deepEqual(source.asked, [FIRST]);
    for (const reader of [first, ...others]) reader.close();
    await settle();
    assert.equal(source.open, 0);
    const { counters } = relay.status();
    assert.equal(counters.upstream_histories, 1);
    assert.equal(counters.upstream_histories_shared, 2);
    // One that comes within seconds gets what is kept, and later ones do not.
    assert.deepEqual(await readAll(relay.openHistory(ASKED)), upTo(30));
    assert.equal(source.asked.length, 1);
    world.clock.index += 60 * ROWS_PER_SECOND;
    const late = relay.openHistory(ASKED);
    await step(late);
    late.close();
    assert.equal(source.asked.length, 2);
  });

  it("continue when the log has grown meanwhile", async () => {
    await world.instance(source, { host: "origin" });
    const relay = world.upstream(["origin"]);
    await world.instance(relay);
    const reader = relay.openHistory(ASKED);
    const some = await step(reader);
    world.clock.index += 10 * ROWS_PER_SECOND;
    source.end += 20;
    await settle();
    const rows = [...some.rows, ...await readAll(reader)];
    assert.deepEqual([...new Set(rows)], upTo(50));
    reader.close();
  });

  it("keep bounded memory: a reader that is far behind continues with a request of its own", async () => {
    source.padding = 1 << 20;
    source.end = FIRST + 2 * HISTORY_KEPT_BYTES_MAX / source.padding;
    await world.instance(source, { host: "origin" });
    const relay = world.upstream(["origin"]);
    await world.instance(relay);
    const [fast, slow] = [relay.openHistory(ASKED), relay.openHistory(ASKED)];
    const some = await step(slow);
    const count = source.end - FIRST;
    assert.deepEqual(await readAll(fast), upTo(count));
    assert.equal(source.asked.length, 1);
    const rest = await readAll(slow);
    assert.deepEqual([...new Set([...some.rows, ...rest])], upTo(count));
    assert.equal(source.asked.length, 2);
    fast.close();
    slow.close();
  });

  it("continue where they were when the connection breaks", async () => {
    await world.instance(source, { host: "origin" });
    const relay = world.upstream(["origin"]);
    await world.instance(relay);
    const reader = relay.openHistory(ASKED);
    const some = await step(reader);
    source.end += 3000;
    world.cut();
    const rows = [...some.rows];
    for (let failures = 0; rows.at(-1)! < 3000;) {
      try {
        rows.push(...(await step(reader)).rows);
      } catch {
        assert.ok(++failures < 3);
      }
    }
    assert.deepEqual([...new Set(rows)].slice(0, 3000), upTo(3000));
    reader.close();
  });

  it("that the upstream refuses are tried again, and its operator and clients are informed", async () => {
    await world.instance(source, { host: "origin", relayStreamsMax: 2 });
    const upstream = world.upstream(["origin"]);
    const relay = await world.instance(upstream);
    const held = await world.fetch("http://origin/v1/blocks/channels");
    const reader = upstream.openHistory(ASKED);
    for (let i = 0; i < 3; i++) {
      await assert.rejects(step(reader), /status 503.*--relay-streams-max/);
      world.clock.index += 2 * ROWS_PER_SECOND;
    }
    const refusals = () =>
      world.lines.filter(({ event }) => event === "upstream-history-refused");
    assert.equal(refusals().length, 1);
    assert.match(
      upstream.status().upstreams![0]!.historyRefusal!,
      /--relay-streams-max/,
    );
    await held.body!.cancel();
    await settle();
    assert.deepEqual(await readAll(reader), upTo(30));
    assert.equal(upstream.status().upstreams![0]!.historyRefusal, null);
    const channels = NAMES.map((name) => relay.catalog.get(name, null)!);
    const admit = () =>
      relay.hub.admission.admit(channels, { format: "events" }, {
        address: "",
        startNs: 1_000_000_000n,
      });
    relay.hub.history.failing.failed(reader, [TOPIC]);
    const refused = admit();
    assert.equal(refused.kind, "full");
    assert.match(
      refused.kind === "full" ? refused.reason! : "",
      /cannot be read at present/,
    );
    relay.hub.history.failing.over(reader);
    const admitted = admit();
    assert.equal(admitted.kind, "ready");
    if (admitted.kind === "ready") admitted.cancel();
    reader.close();
  });
});

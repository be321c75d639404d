// A serving thread that ends: what the reading thread keeps for its successor, and what it does not.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type {
  ReadingMessage,
  ServingMessage,
} from "../../src/ingest/messages.ts";
import type { HistoryReader } from "../../src/source/source.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { DrivenSource } from "../driven_source.ts";
import { ingestOf, portPair } from "./through_log.ts";

const NAME = "H1:QANAT-COUNT_I64_16";
const channels = (await embeddedChannels()).filter(({ channel }) =>
  channel.name === NAME
);

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

describe("a history that another thread reads", () => {
  it("is transferred where a value has a buffer of its own (all of it was copied)", async () => {
    const source = new DrivenSource(channels);
    const [topic] = source.blocks.topics;
    const own = new Uint8Array([1, 2, 3]);
    const view = new Uint8Array([4, 5, 6, 7]).subarray(1, 3);
    const messages = [own, view].map((value) => ({ value, timestampMs: -1 }));
    const answer = { topic: topic!, messages, isAtEnd: true, isCut: false };
    source.openHistory = (): HistoryReader => ({
      read: () => Promise.resolve([answer]),
      close: () => {},
    });
    const ingest = await ingestOf(source);
    const [here, there] = portPair<ServingMessage, ReadingMessage>();
    ingest.serve(there);
    const got: ReadingMessage[] = [];
    here.onMessage = (message) => void got.push(message);
    here.send({ kind: "open-history", id: 1, topics: [] });
    here.send({ kind: "read-history", id: 1, topics: [topic!] });
    await settle();
    const [message] = got;
    assert.ok(message?.kind === "history");
    assert.deepEqual(
      message.messages[0]!.messages.map(({ value }) => [...value]),
      [[1, 2, 3], [5, 6]],
    );
    assert.equal(own.byteLength, 0);
    assert.equal(view.byteLength, 2);
    await ingest.close();
  });
});

describe("a serving thread that has ended", () => {
  it("leaves its leases until they are ended, not its histories; a successor takes over what it renews", async () => {
    const source = new DrivenSource(channels);
    let open = 0;
    source.openHistory = (): HistoryReader => {
      open++;
      return { read: () => Promise.resolve([]), close: () => void open-- };
    };
    const ingest = await ingestOf(source);
    const [topic] = source.blocks.topics;
    const threads = [0, 1].map(() => {
      const [here, there] = portPair<ServingMessage, ReadingMessage>();
      const got: ReadingMessage[] = [];
      here.onMessage = (message) => void got.push(message);
      return { here, got, served: ingest.serve(there) };
    });
    const [first, second] = threads as [
      typeof threads[number],
      typeof threads[number],
    ];
    const lease: ServingMessage = {
      kind: "lease",
      topic: topic!,
      from: { kind: "block-time", ms: 0 },
      number: 1,
    };
    first.here.send({ kind: "join" });
    first.here.send(lease);
    first.here.send({ kind: "open-history", id: 1, topics: [] });
    await settle();
    assert.deepEqual([source.wanted.size, open], [1, 1]);
    const before = first.got.length;

    first.served.ended();
    assert.deepEqual([source.wanted.size, open], [1, 0]);
    ingest.tick();
    first.here.send({ kind: "open-history", id: 2, topics: [] });
    await settle();
    assert.equal(first.got.length, before);
    assert.equal(open, 0);

    second.here.send(lease);
    await settle();
    first.served.endLeases();
    first.served.endLeases();
    assert.equal(source.wanted.size, 1);
    second.served.ended();
    assert.equal(source.wanted.size, 1);
    second.served.endLeases();
    assert.equal(source.wanted.size, 0);
    await ingest.close();
  });
});

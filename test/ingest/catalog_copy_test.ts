// What a thread gets of the catalog when it joins.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Catalog } from "../../src/channels/catalog.ts";
import type {
  ReadingMessage,
  ServingMessage,
} from "../../src/ingest/messages.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { DrivenSource } from "../driven_source.ts";
import { ingestOf, portPair } from "./through_log.ts";

const [{ channel }] = (await embeddedChannels()) as [
  Awaited<ReturnType<typeof embeddedChannels>>[number],
];
const nameOf = (i: number) => `H1:QANAT-MANY_${i}`;

describe("the catalog for a thread that joins", () => {
  it("comes in pieces, between which the reading thread works, with what changes meanwhile (all of it was cloned in one turn)", async () => {
    const source = new DrivenSource([]);
    const ingest = await ingestOf(source);
    for (let i = 0; i < 3500; i++) {
      source.catalog.set({ ...channel, name: nameOf(i) });
    }
    const [here, there] = portPair<ServingMessage, ReadingMessage>();
    ingest.serve(there);
    const copy = new Catalog();
    const pieces: number[] = [];
    await new Promise<void>((resolve) => {
      here.onMessage = (message) => {
        if (message.kind === "joined") return resolve();
        if (message.kind !== "channels") return;
        const { set, removed } = message.changes;
        for (const { name, replayId } of removed) copy.remove(name, replayId);
        for (const each of set) copy.set(each);
        pieces.push(set.length);
        if (pieces.length !== 1) return;
        source.catalog.remove(nameOf(0), null);
        source.catalog.remove(nameOf(3499), null);
        for (const i of [1, 3498]) {
          source.catalog.set({ ...channel, name: nameOf(i), sampleRate: 16 });
        }
        source.catalog.set({ ...channel, name: nameOf(9999) });
      };
      here.send({ kind: "join" });
    });
    assert.ok(pieces.length >= 4);
    assert.ok(Math.max(...pieces) <= 1000, `${pieces}`);
    const sorted = (catalog: Catalog) =>
      [...catalog.channels()].sort((a, b) => a.name < b.name ? -1 : 1);
    assert.equal(copy.size, 3499);
    assert.deepEqual(sorted(copy), sorted(source.catalog));
    await ingest.close();
  });

  it("has what another instance has noted about channels, also after it changes", async () => {
    const source = new DrivenSource([]);
    const ingest = await ingestOf(source);
    const note = { unit: "m", description: null, range: null };
    source.catalog.set({ ...channel, note });
    const [here, there] = portPair<ServingMessage, ReadingMessage>();
    ingest.serve(there);
    const copy = new Catalog();
    const own = () => copy.get(channel.name, null);
    const units: (string | undefined)[] = [];
    const taken = new Promise<void>((resolve) => {
      here.onMessage = (message) => {
        if (message.kind !== "channels") return;
        // As a port does.
        for (const each of structuredClone(message.changes.set)) copy.set(each);
        units.push(own()?.note?.unit ?? undefined);
        if (units.length === 2) return resolve();
        const before = source.catalog.get(channel.name, null)!;
        source.catalog.setNote(before, { ...note, unit: "s" });
      };
      here.send({ kind: "join" });
    });
    await taken;
    assert.deepEqual(units, ["m", "s"]);
    await ingest.close();
  });

  it("ends with its thread", async () => {
    const source = new DrivenSource([]);
    const ingest = await ingestOf(source);
    for (let i = 0; i < 3500; i++) {
      source.catalog.set({ ...channel, name: nameOf(i) });
    }
    const [here, there] = portPair<ServingMessage, ReadingMessage>();
    const served = ingest.serve(there);
    const got: string[] = [];
    here.onMessage = ({ kind }) => {
      got.push(kind);
      served.ended();
    };
    here.send({ kind: "join" });
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.ok(got.length > 0 && got.length < 4, `${got}`);
    assert.ok(!got.includes("joined"));
    await ingest.close();
  });
});

// What relays show of the notes of their upstream: at their start, after a change there, through two relays, and with a file
// of their own.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import type { Qanat } from "../../src/app.ts";
import type { Channel } from "../../src/channels/channel.ts";
import type { ChannelNote } from "../../src/channels/channel_note.ts";
import { Expression } from "../../src/channels/expression.ts";
import { NoteRules } from "../../src/channels/note_rules.ts";
import { finish } from "../../src/channels/sliced_work.ts";
import { channelsOf } from "../../src/relay/channel_list.ts";
import { topicText } from "../../src/relay/stream_channel.ts";
import { aChannel } from "../channels/a_channel.ts";
import { DrivenSource } from "../driven_source.ts";
import {
  CHANNELS,
  FIRST,
  NAMES,
  open,
  publish,
  RelayWorld,
  settle,
} from "./relay_world.ts";

const [NAME, OTHER] = NAMES as [string, string, string];

let world: RelayWorld;

beforeEach(() => {
  world = new RelayWorld();
});

afterEach(() => world.close());

function note(unit: string): ChannelNote {
  return { unit, description: "A counter", range: [0, 10] };
}

function rules(match: string, unit: string): NoteRules {
  return new NoteRules(new Map(), [{
    expression: new Expression(match),
    note: note(unit),
  }]);
}

function noteIn({ catalog }: Qanat, name: string): ChannelNote | null {
  const channel = catalog.get(name, null)!;
  finish(catalog.notes.finding([channel]));
  return catalog.notes.of(channel);
}

/** Until turns of the event loop bring nothing new. */
async function settleAll(): Promise<void> {
  for (let i = 0; i < 5; i++) await settle();
}

describe("a relay", () => {
  let source: DrivenSource;
  let origin: Qanat;
  let relay: Qanat;
  let second: Qanat;

  beforeEach(async () => {
    source = new DrivenSource(CHANNELS);
    source.catalog.notes.use(rules(NAME, "m"));
    origin = await world.instance(source, { host: "origin" });
    relay = await world.instance(world.upstream(["origin"]), { host: "relay" });
    second = await world.instance(world.upstream(["relay"]));
    await settleAll();
  });

  it("shows the notes of its upstream, and so does a relay of it", () => {
    for (const qanat of [origin, relay, second]) {
      assert.deepEqual(noteIn(qanat, NAME), note("m"));
      assert.equal(noteIn(qanat, OTHER), null);
    }
  });

  it("follows their changes; its streams continue, and new ones have them", async () => {
    const first = open(second, "events");
    await settleAll();
    const channel = second.catalog.get(NAME, null);
    source.catalog.notes.use(rules(OTHER, "s"));
    await settleAll();
    for (const qanat of [relay, second]) {
      assert.equal(noteIn(qanat, NAME), null);
      assert.deepEqual(noteIn(qanat, OTHER), note("s"));
    }
    assert.equal(second.catalog.get(NAME, null), channel);
    const next = open(second, "events");
    publish(world.clock, source, FIRST);
    await settleAll();
    const textOf = ({ written }: typeof first) =>
      written.map((bytes) => new TextDecoder().decode(bytes)).join("");
    assert.match(textOf(first), /"unit":"m"/);
    assert.doesNotMatch(textOf(first), /event: end|"unit":"s"/);
    assert.match(textOf(next), /"unit":"s"/);
    assert.doesNotMatch(textOf(next), /"unit":"m"/);
    assert.equal(second.hub.groups.size, 1);
  });

  it("shows those of its own file instead", async () => {
    relay.catalog.notes.use(rules(OTHER, "own"));
    await settleAll();
    for (const qanat of [relay, second]) {
      assert.equal(noteIn(qanat, NAME), null);
      assert.deepEqual(noteIn(qanat, OTHER), note("own"));
    }
  });
});

/** Reads the payload of a frame as a relay does. */
function read(text: unknown): readonly Channel[] {
  const work = channelsOf(new TextEncoder().encode(JSON.stringify(text)));
  for (;;) {
    const part = work.next();
    if (part.done) return part.value.channels;
  }
}

describe("the channels of a topic for relays", () => {
  const a = aChannel({ name: "A" });
  const b = aChannel({ name: "B", partitionIndex: 1 });
  const topic = `arrakis-${a.partitionId}`;

  it("have equal notes once, and are as before where there is none", () => {
    const noted = note("m");
    const text = topicText(topic, [a, b], () => noted);
    assert.deepEqual(text.channels.map((channel) => channel.note), [noted, 0]);
    assert.deepEqual(read(text), [{ ...a, note: noted }, {
      ...b,
      note: noted,
    }]);
    const plain = topicText(topic, [a], () => null);
    assert.ok(!("note" in plain.channels[0]!));
    assert.deepEqual(read(plain), [a]);
  });

  it("have the parts of a note that this version can show", () => {
    const [channel] = topicText(topic, [a], () => null).channels;
    const noteOf = (value: unknown) =>
      read({ topic, channels: [{ ...channel, note: value }] })[0]!.note;
    const newer = {
      unit: "m",
      description: "x".repeat(501),
      range: [1, "2"],
      colour: "red",
    };
    assert.deepEqual(
      noteOf(newer),
      { unit: "m", description: null, range: null },
    );
    for (const wrong of [5, 0, -1, null, [], "m", { unit: "\u001b[2J" }]) {
      assert.equal(noteOf(wrong), undefined, JSON.stringify(wrong));
    }
  });
});

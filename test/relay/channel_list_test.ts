// Lists of channels that are read in parts: the same as JSON.parse finds, or a refusal.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { Channel } from "../../src/channels/channel.ts";
import {
  channelsOf,
  type TopicChannels,
} from "../../src/relay/channel_list.ts";
import { topicText } from "../../src/relay/stream_channel.ts";
import { textPayload } from "../../src/relay/wire.ts";

const TOPIC = "arrakis-p";

function channel(index: number, name = `X1:C${index}`): Channel {
  return {
    name,
    dataType: "float32",
    sampleRate: 16,
    publisher: 'p "]},{[\\',
    partitionId: "p",
    partitionIndex: index,
    strideNs: 62_500_000n,
    maxLatencyNs: 1_000_000_000n,
    replayId: null,
  };
}

/** What is read, and in how many parts. */
function read(payload: Uint8Array): TopicChannels & { parts: number } {
  const work = channelsOf(payload);
  for (let parts = 1;; parts++) {
    const { done, value } = work.next();
    if (done) return { ...value, parts };
  }
}

const names = ["a", '"', "\\", '\\"', "}", "]},{", "é", "𝄞", "a,b:{}[]"];

describe("a list of channels", () => {
  it("is what JSON says, whatever its texts hold, with blanks and more fields or without", () => {
    const list = names.map((name, i) => channel(i, name));
    const plain = topicText(TOPIC, list);
    const more = {
      more: { a: [{ b: "}" }], c: {} },
      channels: plain.channels.map((each) => ({ ...each, x: { y: [{}] } })),
      topic: TOPIC,
    };
    for (const value of [plain, more]) {
      for (const blanks of [0, 2]) {
        const text = JSON.stringify(value, null, blanks);
        const { topic, channels } = read(textPayload(text));
        assert.equal(topic, TOPIC);
        assert.deepEqual(channels, list);
      }
    }
  });

  it("may be empty", () => {
    const { topic, channels } = read(textPayload(topicText(TOPIC, [])));
    assert.deepEqual([topic, channels], [TOPIC, []]);
  });

  it("is read in parts of one channel", () => {
    const list = Array.from({ length: 1000 }, (_, i) => channel(i));
    assert.ok(read(textPayload(topicText(TOPIC, list))).parts >= 1000);
    const long = textPayload({ topic: "x".repeat(1_000_000), channels: [] });
    const work = channelsOf(long);
    for (let i = 0; i < 10; i++) assert.equal(work.next().done, false);
  });

  for (
    const [what, text, wrong] of [
      ["no JSON", "{", /JSON/],
      [
        "cut within a channel",
        `{"topic":"${TOPIC}","channels":[{"name":"a`,
        /JSON/,
      ],
      ["no list", `{"topic":"${TOPIC}","channels":{}}`, /no list/],
      ["no topic", `{"channels":[]}`, /no topic/],
      [
        "numbers in the list",
        `{"topic":"${TOPIC}","channels":[1,2]}`,
        /no list/,
      ],
      [
        "a list in the list",
        `{"topic":"${TOPIC}","channels":[[{}]]}`,
        /no list/,
      ],
      ["null", "null", /./],
      ["closed too often", "]]]}}}[{", /JSON/],
      [
        "a long text around",
        `{"topic":"${"x".repeat(40_000)}","channels":[]}`,
        /at most 32768/,
      ],
      [
        "a long channel",
        `{"topic":"${TOPIC}","channels":[{"name":"${"x".repeat(40_000)}"}]}`,
        /at most 32768/,
      ],
    ] as const
  ) {
    it(`is refused where it is ${what}`, () => {
      assert.throws(() => read(textPayload(text)), wrong);
    });
  }

  it("is refused where a text, a number, a second list or another topic is in it", () => {
    const [first, second] = topicText(TOPIC, [channel(0), channel(1)]).channels
      .map((each) => JSON.stringify(each));
    const list = (inner: string) =>
      textPayload(`{"topic":"${TOPIC}","channels":[${inner}]}`);
    assert.equal(read(list(`${first} ,\n${second}`)).channels.length, 2);
    for (
      const inner of [
        `${first}${second}`,
        `${first},,${second}`,
        `${first},1,${second}`,
        `${first}],"more":[${second}`,
        `${first},`,
        `1,${first}`,
      ]
    ) assert.throws(() => read(list(inner)), Error, inner);
    const other = textPayload(topicText("arrakis-q", [channel(0)]));
    assert.throws(() => read(other), /names another topic/);
  });

  it("has at most as many channels as a partition has", () => {
    const [one] = topicText(TOPIC, [channel(0)]).channels.map((each) =>
      JSON.stringify(each)
    );
    const inner = new Array(65_537).fill(one).join(",");
    assert.throws(
      () => read(textPayload(`{"topic":"${TOPIC}","channels":[${inner}]}`)),
      /more than 65536 channels/,
    );
  });
});

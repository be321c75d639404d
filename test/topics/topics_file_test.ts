import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Turns } from "../../src/files/turns.ts";
import { parseTopics } from "../../src/topics/topics_file.ts";

const TOPIC = {
  topic: "weather",
  publisher: "station",
  time: { column: "time", unit: "ns", epoch: "unix" },
  row_rate: 16,
  rows_per_block: 16,
  max_latency_ns: 3_000_000_000,
  channels: [
    { column: "t", name: "X:T" },
    { column: "w", name: "X:W", sample_rate: 256 },
  ],
};
type Change = Record<string, unknown>;

function parse(change: Change = {}, ...others: Change[]) {
  const topics = [{ ...TOPIC, ...change }, ...others];
  return parseTopics(JSON.stringify({ topics }, null, 1), new Turns());
}

async function refusal(parsed: Promise<unknown>): Promise<string> {
  let message = "";
  await assert.rejects(parsed, (error: Error) => {
    message = error.message;
    return true;
  });
  return message;
}

describe("parseTopics()", () => {
  it("reads what the file says", async () => {
    assert.deepEqual(await parse(), [{
      topic: "weather",
      publisher: "station",
      timeColumn: "time",
      unit: "ns",
      epoch: "unix",
      toleranceNs: 1000,
      rowRate: 16,
      blockRows: 16,
      strideNs: 1_000_000_000n,
      maxLatencyNs: 3_000_000_000n,
      channels: [
        { column: "t", name: "X:T", sampleRate: 16, rowSamples: 1 },
        { column: "w", name: "X:W", sampleRate: 256, rowSamples: 16 },
      ],
    }]);
  });

  it("has defaults: the topic's name, a row for each block, a latency, 1 µs", async () => {
    const [found] = await parse({
      publisher: undefined,
      rows_per_block: undefined,
      max_latency_ns: undefined,
    });
    assert.equal(found!.publisher, "weather");
    assert.equal(found!.strideNs, 62_500_000n);
    assert.equal(found!.maxLatencyNs, 1_125_000_000n);
    assert.equal(found!.toleranceNs, 1000);
  });

  it("takes times that the unit rounds", async () => {
    const time = { column: "t0", unit: "ms", epoch: "gps" };
    const [found] = await parse({ time, row_rate: 64, rows_per_block: 64 });
    assert.equal(found!.toleranceNs, 1_000_000);
  });

  const refused: [string, Change, RegExp][] = [
    [
      "an unknown epoch",
      { time: { ...TOPIC.time, epoch: "tai" } },
      /^line 9: epoch must be one of gps, unix$/,
    ],
    [
      "an unknown unit",
      { time: { ...TOPIC.time, unit: "min" } },
      /^line 8: unit must be one of s, ms, us, ns$/,
    ],
    ["no time", { time: undefined }, /^line 3: time must be an object with/],
    [
      "a time column without a name",
      { time: { ...TOPIC.time, column: "" } },
      /^line 7: column must be a text, and not empty$/,
    ],
    [
      "a unit that is too coarse",
      {
        time: { ...TOPIC.time, unit: "ms" },
        row_rate: 3000,
        rows_per_block: 3000,
      },
      /^line 8: unit ms is too coarse for rows that are 333333\.3+ ns apart$/,
    ],
    [
      "a tolerance of half a row or more",
      { time: { ...TOPIC.time, tolerance_ns: 31_250_000 } },
      /^line 10: tolerance_ns must be a whole number from 0 to 31249999$/,
    ],
    [
      "a rate of 0",
      { row_rate: 0 },
      /^line 11: row_rate must be a number above 0, in Hz$/,
    ],
    [
      "a block without a whole number of ns",
      { row_rate: 3, rows_per_block: 1 },
      /^line 11: rows_per_block \/ row_rate is 333333333\.3+ ns; a block must/,
    ],
    [
      "a stride that is too short",
      {
        row_rate: 10_000,
        rows_per_block: 1,
        channels: [{ column: "t", name: "X:T" }],
      },
      /^line 15: stride must be from 1000000 ns \(1 ms\)/,
    ],
    [
      "half a row",
      { rows_per_block: 1.5 },
      /^line 12: rows_per_block must be a whole number from 1 to 1000000$/,
    ],
    [
      "a rate that does not divide",
      { channels: [{ column: "t", name: "X:T", sample_rate: 40 }] },
      /^line 18: sample_rate 40 must be row_rate 16, or a whole multiple of it$/,
    ],
    [
      "a rate below that of the rows",
      { channels: [{ column: "t", name: "X:T", sample_rate: 8 }] },
      /^line 18: sample_rate 8 must be row_rate 16/,
    ],
    ["no channels", { channels: [] }, /^line 14: channels must not be empty$/],
    [
      "a name that no channel may have",
      { channels: [{ column: "t", name: "X,Y" }] },
      /^line 15: name must not have a comma/,
    ],
    [
      "a column twice",
      {
        channels: [{ column: "t", name: "X:T" }, { column: "t", name: "X:U" }],
      },
      /^line 20: column t is used already/,
    ],
    [
      "the time as a channel",
      { channels: [{ column: "time", name: "X:T" }] },
      /^line 16: column time is used already/,
    ],
    [
      "a field that there is not",
      { row_rat: 3 },
      /^line \d+: unknown field row_rat; there are topic, publisher, time,/,
    ],
    [
      "a topic of Arrakis",
      { topic: "arrakis-x" },
      /^line 4: topic must not begin with 'arrakis-'/,
    ],
    [
      "a topic that Kafka cannot have",
      { topic: "a b" },
      /^line 4: topic must have letters/,
    ],
    [
      "a topic whose name is too long",
      { topic: "x".repeat(240) },
      /^line 15: its topic's name would have 256 characters/,
    ],
    [
      "a block that is too large",
      {
        row_rate: 1024,
        rows_per_block: 1024,
        channels: Array.from(
          { length: 2049 },
          (_, i) => ({ column: `c${i}`, name: `X:${i}` }),
        ),
      },
      /^line 14: a block has 2098176 samples, at most 2097152 are taken/,
    ],
  ];
  for (const [what, change, message] of refused) {
    it(`refuses ${what}, by its line`, async () => {
      assert.match(await refusal(parse(change)), message);
    });
  }

  it("refuses a topic twice, and a name in two topics", async () => {
    assert.match(
      await refusal(parse({}, { ...TOPIC })),
      /^line \d+: weather is mapped already/,
    );
    assert.match(
      await refusal(parse({}, { ...TOPIC, topic: "other" })),
      /^line \d+: another channel has the name X:T/,
    );
  });

  it("refuses what is not JSON, repeats a field, or is no list of topics", async () => {
    const of = (text: string) => refusal(parseTopics(text, new Turns()));
    assert.match(await of('{"topics":\n[}'), /^it is not JSON: line 2/);
    assert.match(await of('{"topics": [],\n"topics": []}'), /line 2 repeats/);
    assert.match(await of("[]"), /^line 1: it must be an object/);
    assert.match(await of("{}"), /^line 1: topics must be a list of at most/);
  });
});

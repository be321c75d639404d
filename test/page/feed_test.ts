// The feed: rows that the page was too slow for, which it reads again at most once a minute, and what it shows of another
// span until that is read.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { Feed } from "../../src/page/feed.js";
import type { Channel } from "../../src/page/series.js";
import type {
  LiveStream,
  OpenOptions,
  RangeOptions,
  StreamState,
} from "../../src/page/qanat.d.ts";

const GPS_S = 1_484_000_000;
const SECOND_NS = 1_000_000_000n;
const ended: StreamState = {
  state: "ended",
  reason: "complete",
  reconnects: 0,
};
const refused: StreamState = { state: "refused", reconnects: 0 };

describe("Feed, when the page was too slow", () => {
  let clockMs: number;
  let live: OpenOptions;
  let asked: { options: RangeOptions; answer: (state: StreamState) => void }[];
  let feed: Feed;

  beforeEach(() => {
    clockMs = 0;
    asked = [];
    feed = new Feed({
      now: () => clockMs,
      open: (options: unknown): LiveStream => {
        live = options as OpenOptions;
        return { update: () => {}, close: () => {} };
      },
      read: (options: unknown) =>
        new Promise<StreamState>((answer) =>
          asked.push({ options: options as RangeOptions, answer })
        ),
    });
    const channels = ["A", "B"].map((name): Channel => ({
      name,
      data_type: "float32",
      sample_rate: 1,
      publisher: "P",
      stride_ns: 1e9,
    }));
    feed.show(channels, 36);
    feed.hold();
    feed.isHeld = false;
  });

  const ns = (s: number) => BigInt(GPS_S + s) * SECOND_NS;
  const slow = (fromS: number, toS: number, channels: string[]) =>
    live.onGap!({
      fromNs: ns(fromS),
      toNs: ns(toS),
      reason: "page-slow",
      channels,
    });
  const gapsOf = (name: string) =>
    feed.series.get(name)!.gaps.map(({ fromS, toS }) => [
      fromS - GPS_S,
      toS - GPS_S,
    ]);
  const range = (i: number) => {
    const { startNs, endNs, channels } = asked[i]!.options;
    return {
      span: [Number(startNs / SECOND_NS), Number(endNs / SECOND_NS)].map((s) =>
        s - GPS_S
      ),
      names: channels.map((c) => typeof c === "string" ? c : c.name),
    };
  };

  it("reads again what it has missed, and leaves no gap", async () => {
    slow(10, 20, ["A", "B"]);
    assert.deepEqual(range(0), { span: [10, 20], names: ["A", "B"] });
    asked[0]!.options.onRow({
      timeNs: ns(10),
      strideNs: SECOND_NS,
      channels: { A: Float32Array.of(7), B: Float32Array.of(8) },
      missing: {},
    });
    asked[0]!.answer(ended);
    await Promise.resolve();
    assert.equal(feed.series.get("B")!.ring.at(GPS_S + 10), 8);
    assert.deepEqual(gapsOf("A"), []);
  });

  it("asks for no more than it shows; what is older is a gap", () => {
    slow(0, 3600, ["A"]);
    assert.deepEqual(range(0), { span: [3563, 3600], names: ["A"] });
    assert.deepEqual(gapsOf("A"), [[0, 3563]]);
  });

  it("shows a gap when the server refuses", async () => {
    slow(10, 20, ["A"]);
    assert.deepEqual(gapsOf("A"), []);
    asked[0]!.answer(refused);
    for (let i = 0; i < 5; i++) await Promise.resolve();
    assert.deepEqual(gapsOf("A"), [[10, 20]]);
  });

  it("reads a channel again once a minute at most", () => {
    slow(10, 20, ["A"]);
    clockMs = 59_999;
    slow(60, 70, ["A", "B"]);
    assert.deepEqual(range(1).names, ["B"]);
    assert.deepEqual(gapsOf("A"), [[60, 70]]);
    assert.deepEqual(gapsOf("B"), []);
    clockMs = 60_000;
    slow(70, 80, ["A"]);
    assert.deepEqual(range(2).span, [70, 80]);
    assert.equal(asked.length, 3);
  });

  it("shows gaps of other reasons as they are", () => {
    live.onGap!({
      fromNs: ns(1),
      toNs: ns(2),
      reason: "late",
      channels: ["A"],
    });
    assert.deepEqual(asked, []);
    assert.deepEqual(gapsOf("A"), [[1, 2]]);
  });
});

describe("Feed, when it goes to another span", () => {
  /** Before now: what is later is not read. */
  const PAST_S = 1_400_000_000;
  let live: OpenOptions;
  let answers: ((state: StreamState) => void)[];
  let feed: Feed;
  const A: Channel = {
    name: "A",
    data_type: "float32",
    sample_rate: 1,
    publisher: "P",
    stride_ns: 1e9,
  };
  const put = (s: number, value: number) =>
    live.onRow!({
      timeNs: BigInt(PAST_S + s) * SECOND_NS,
      strideNs: SECOND_NS,
      channels: { A: Float32Array.of(value) },
      missing: {},
    });
  const spansOf = () =>
    feed.series.get("A")!.awaitedIn(0, Infinity).map(({ fromS, toS }) => [
      fromS - PAST_S,
      toS - PAST_S,
    ]);

  beforeEach(() => {
    answers = [];
    feed = new Feed({
      now: () => 0,
      open: (options: unknown): LiveStream => {
        live = options as OpenOptions;
        return { update: () => {}, close: () => {} };
      },
      read: () => new Promise<StreamState>((answer) => answers.push(answer)),
    });
    feed.show([A], 36);
    feed.hold();
    feed.isHeld = false;
    for (let s = 0; s < 20; s++) put(s, s);
    feed.hold();
  });

  it("keeps what it has of that span, and marks the rest until it is read", async () => {
    const read = feed.load(PAST_S - 10, PAST_S + 10);
    const { ring } = feed.series.get("A")!;
    assert.deepEqual([ring.at(PAST_S), ring.at(PAST_S + 9)], [0, 9]);
    assert.ok(Number.isNaN(ring.at(PAST_S + 10)));
    assert.deepEqual(spansOf(), [[-10, 0]]);
    const { version } = feed;
    answers.at(-1)!(ended);
    await read;
    assert.deepEqual(spansOf(), []);
    assert.ok(feed.version > version);
  });

  it("does the same when the span becomes longer, and takes no gap over", () => {
    feed.series.get("A")!.addGap({
      fromS: PAST_S - 5,
      toS: PAST_S,
      reason: "late",
    });
    const span = { fromS: PAST_S - 40, toS: PAST_S + 20 };
    feed.show([A], 60, null, span);
    feed.load(span.fromS, span.toS);
    const { gaps, ring } = feed.series.get("A")!;
    assert.deepEqual([ring.at(PAST_S), ring.at(PAST_S + 19)], [0, 19]);
    assert.deepEqual(gaps, []);
    assert.deepEqual(spansOf(), [[-40, 0]]);
  });

  it("marks what a drag shows and has not come, until the drag rests", () => {
    const series = feed.series.get("A")!;
    series.want({ fromS: PAST_S - 20, toS: PAST_S + 10 });
    assert.deepEqual(spansOf(), [[-20, 0]]);
    series.want(null);
    // What was requested at first has not come either.
    assert.deepEqual(spansOf(), [[-37, 0]]);
  });

  it("changes nothing that is drawn when a row comes while it is held", () => {
    const { version } = feed;
    put(20, 20);
    assert.equal(feed.version, version);
    assert.ok(Number.isNaN(feed.series.get("A")!.ring.at(PAST_S + 20)));
  });
});

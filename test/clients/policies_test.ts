// What a client receives when rows are missing, when it is slow, and where it resumes. The test controls the clock.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { tableFromIPC } from "@uwdata/flechette";
import type { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import type { StreamFormat } from "../../src/frames/stream_format.ts";
import type { Config } from "../../src/config.ts";
import { topicOf } from "../../src/channels/channel.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { drivenQanat } from "../driven_qanat.ts";
import type { BlockClock, DrivenSource } from "../driven_source.ts";
import { HeldOutlet } from "./held_outlet.ts";
import type { HeldTurns } from "../held_turns.ts";

const FIRST = 23_671_510_000;
const STRIDE_NS = 62_500_000n;
const NAME = "H1:QANAT-COUNT_I64_16";
const OTHER = "H1:QANAT-RAMP_I32_16";
const SLOW = "H1:SLOW-SINE_F32_16";
const channels = (await embeddedChannels()).filter(({ channel }) =>
  [NAME, OTHER, SLOW].includes(channel.name)
);
const decoder = new TextDecoder();

let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;
let turns: HeldTurns;

async function setUp(changes: Partial<Config> = {}): Promise<void> {
  ({ source, clock, turns, qanat } = await drivenQanat(channels, FIRST, {
    retentionMb: 1,
    lingerMs: 0,
    outageGraceMs: 0,
    ...changes,
  }));
}

function open(
  options: Partial<ClientOptions> = {},
  format: StreamFormat = "events",
  names = [NAME],
): { outlet: HeldOutlet; client: GroupClient } {
  const admission = qanat.hub.admission.admit(
    names.map((name) => source.catalog.get(name, null)!),
    format,
    { address: "", ...options },
  );
  assert.ok(admission.kind === "ready", JSON.stringify(admission));
  const outlet = new HeldOutlet();
  return { outlet, client: admission.open(outlet) };
}

/** The block of each leased topic, except `except`, at a row of 1/16 s; the clock is at its end. */
function publish(row: number, except = ""): void {
  clock.index = row + 1;
  for (const topic of source.wanted) {
    const strideNs = source.blocks.strideNs(topic)!;
    const ratio = Number(strideNs / STRIDE_NS);
    if (topic !== except && (row + 1) % ratio === 0) {
      const index = (row + 1) / ratio - 1;
      const value = source.blocks.blockOf(topic, index);
      source.sink!.onMessage(topic, value, row, 0);
    }
    source.sink!.onCaughtUp(topic, clock.clockMs());
  }
}

function publishTo(from: number, to: number): void {
  for (let row = from; row < to; row++) publish(row);
}

const endOf = (row: number) => String(BigInt(row + 1) * STRIDE_NS);
const idsOf = (text: string) =>
  [...text.matchAll(/^:?id: (\d+)\ndata/gm)].map((m) =>
    Number(BigInt(m[1]!) / STRIDE_NS) - 1
  );
const eventsOf = (text: string, kind: string) =>
  [...text.matchAll(new RegExp(`event: ${kind}\ndata: (.*)\n`, "g"))]
    .map((m) => JSON.parse(m[1]!));
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => from + i);
/** Times and metadata of the batches that an Arrow client got. */
function batchesOf(outlet: HeldOutlet): { rows: number[]; gaps: unknown[] } {
  const gaps = outlet.written.flatMap((bytes) =>
    [...decoder.decode(bytes).matchAll(/qanat\.gap[^{]*(\{[^}]*\})/g)]
      .map((m) => JSON.parse(m[1]!))
  );
  const parts = outlet.written.reduce((n, b) => n + b.length, 0);
  const all = new Uint8Array(parts);
  let at = 0;
  for (const bytes of outlet.written) {
    all.set(bytes, at);
    at += bytes.length;
  }
  const table = tableFromIPC(all, { useBigInt: true });
  const times = [...table.getChild("time")] as bigint[];
  return { rows: times.map((t) => Number(t / STRIDE_NS)), gaps };
}

beforeEach(() => setUp());

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

describe("gaps=", () => {
  /** Rows FIRST … +2, a hole of three, +6 … +8. */
  function withHole(
    options: Partial<ClientOptions>,
    format: StreamFormat = "events",
  ) {
    const opened = open(options, format);
    publishTo(FIRST - 1, FIRST + 3);
    clock.index = FIRST + 6;
    publishTo(FIRST + 6, FIRST + 9);
    // The hole is sure once its latency has passed and the log's end was seen after it.
    clock.index = FIRST + 40;
    for (const topic of source.wanted) {
      source.sink!.onCaughtUp(topic, clock.clockMs());
    }
    turns.run();
    return opened;
  }

  it("fill: null rows for the span, and an event that says so", () => {
    const { outlet } = withHole({});
    assert.deepEqual(idsOf(outlet.text), range(FIRST, FIRST + 9));
    assert.deepEqual(eventsOf(outlet.text, "gap"), [{
      from: endOf(FIRST + 2),
      to: endOf(FIRST + 5),
      reason: "missing",
      filled: true,
    }]);
    assert.match(
      outlet.text,
      new RegExp(`"time":"${endOf(FIRST + 2)}","channels":{"${NAME}":null}}`),
    );
  });

  it("fill: no rows beyond the limit", async () => {
    await qanat.close();
    await setUp({ gapFillRowsMax: 2 });
    const { outlet } = withHole({});
    assert.equal(idsOf(outlet.text).length, 6);
    assert.equal(eventsOf(outlet.text, "gap")[0].filled, false);
  });

  it("skip: an event and no rows", () => {
    const { outlet } = withHole({ gaps: "skip" });
    assert.deepEqual(idsOf(outlet.text), [
      ...range(FIRST, FIRST + 3),
      ...range(FIRST + 6, FIRST + 9),
    ]);
    assert.equal(eventsOf(outlet.text, "gap")[0].filled, false);
  });

  it("fail: ends at the gap; in Arrow the body breaks off", () => {
    const { outlet } = withHole({ gaps: "fail" });
    assert.deepEqual(idsOf(outlet.text), range(FIRST, FIRST + 3));
    assert.equal(eventsOf(outlet.text, "gap").length, 1);
    assert.deepEqual(eventsOf(outlet.text, "end"), [{ reason: "gap" }]);
    assert.equal(outlet.ending, "ended");
  });

  it("fail: a row that lacks a partition counts as a gap, one that lacks a channel does not", () => {
    const { outlet } = open({ gaps: "fail" }, "events", [NAME, OTHER]);
    publishTo(FIRST - 1, FIRST + 3);
    const [topic] = [...source.wanted].filter((t) => t.includes("I32"));
    for (let row = FIRST + 3; row < FIRST + 40; row++) publish(row, topic);
    turns.run();
    assert.deepEqual(idsOf(outlet.text), range(FIRST, FIRST + 3));
    assert.deepEqual(eventsOf(outlet.text, "end"), [{ reason: "gap" }]);
  });

  it("in Arrow the first batch after the gap carries it", () => {
    const gap = {
      from: endOf(FIRST + 2),
      to: endOf(FIRST + 5),
      reason: "missing",
    };
    const filled = withHole({}, "arrow");
    assert.deepEqual(batchesOf(filled.outlet), {
      rows: range(FIRST, FIRST + 9),
      gaps: [gap],
    });
    const told = filled.outlet.written.findIndex((bytes) =>
      decoder.decode(bytes).includes("qanat.gap")
    );
    // Schema, three rows, three null rows, then the row that reports it.
    assert.equal(told, 7);
  });

  it("in Arrow: skip is a jump in time, fail breaks off", async () => {
    const skipped = withHole({ gaps: "skip" }, "arrow");
    const { rows, gaps } = batchesOf(skipped.outlet);
    assert.deepEqual(rows, [
      ...range(FIRST, FIRST + 3),
      ...range(FIRST + 6, FIRST + 9),
    ]);
    assert.equal(gaps.length, 1);
    await qanat.close();
    await setUp();
    const failed = withHole({ gaps: "fail" }, "arrow");
    assert.equal(failed.outlet.ending, "cut short");
    assert.equal(batchesOf(failed.outlet).gaps.length, 1);
  });

  it("a row says why a channel is null", () => {
    const { outlet } = open({}, "events", [NAME, OTHER]);
    publishTo(FIRST - 1, FIRST + 3);
    const [topic] = [...source.wanted].filter((t) => t.includes("I32"));
    for (let row = FIRST + 3; row < FIRST + 40; row++) publish(row, topic);
    turns.run();
    assert.match(outlet.text, new RegExp(`"missing":{"${OTHER}":"late"}}\n`));
  });
});

describe("mixed strides", () => {
  it("null only the samples of the block that is missing", () => {
    const events = open({}, "events", [NAME, SLOW]);
    const arrow = open({}, "arrow", [NAME, SLOW]);
    const topic = [...source.wanted].find((t) => t.includes("I64"))!;
    // Rows of 1 s: sixteen blocks of NAME, of which one is lost.
    const first = Math.ceil(FIRST / 16) * 16;
    publishTo(first - 32, first);
    for (let row = first; row < first + 16; row++) {
      publish(row, row === first + 5 ? topic : "");
    }
    publishTo(first + 16, first + 64);
    turns.run();
    const [row] = events.outlet.text.split("\n").filter((line) =>
      line.includes(`"time":"${BigInt(first) * STRIDE_NS}"`)
    );
    const { channels } = JSON.parse(row!.slice("data: ".length));
    const wanted = range(first, first + 16).map((i) =>
      i === first + 5 ? null : String(i)
    );
    assert.deepEqual(channels[NAME], wanted);
    const bytes = new Uint8Array(
      arrow.outlet.written.flatMap((b) => [...b]),
    );
    const table = tableFromIPC(bytes, { useBigInt: true });
    const times = [...table.getChild("time")] as bigint[];
    const at = times.indexOf(BigInt(first) * STRIDE_NS);
    const list = table.getChild(NAME).at(at) as Iterable<bigint | null>;
    assert.deepEqual(
      [...list].map((v) => v === null ? null : String(v)),
      wanted,
    );
  });
});

describe("filled rows", () => {
  it("of a gap that no row follows yet come at once (they waited for the next row)", () => {
    const { outlet } = open();
    publishTo(FIRST - 1, FIRST + 3);
    const [topic] = source.wanted;
    const block = source.blocks.blockOf(topic!, FIRST + 8);
    clock.index = FIRST + 9;
    source.sink!.onMessage(topic!, block, FIRST + 8, 0);
    // The latency of 1 s is over for two of the missing rows, not for the others.
    clock.index = FIRST + 5 + 16;
    source.sink!.onCaughtUp(topic!, clock.clockMs());
    turns.run();
    assert.deepEqual(eventsOf(outlet.text, "gap"), [{
      from: endOf(FIRST + 2),
      to: endOf(FIRST + 4),
      reason: "missing",
      filled: true,
    }]);
    assert.deepEqual(idsOf(outlet.text), range(FIRST, FIRST + 5));
  });

  it("end a bounded stream when nothing comes any more (the gap was reported each second)", () => {
    const { outlet, client } = open({ durationNs: 6n * STRIDE_NS });
    publishTo(FIRST - 1, FIRST + 3);
    const [topic] = source.wanted;
    for (let second = 2; second < 6; second++) {
      clock.index = FIRST + 16 * second;
      source.sink!.onCaughtUp(topic!, clock.clockMs());
      qanat.hub.tick();
      turns.run();
    }
    assert.equal(eventsOf(outlet.text, "gap").length, 1);
    assert.deepEqual(idsOf(outlet.text), range(FIRST, FIRST + 6));
    assert.equal(client.ended, "complete");
  });
});

describe("slow=", () => {
  async function stalled(options: Partial<ClientOptions>, rows: number) {
    await qanat.close();
    await setUp({ writeStallMs: 8.64e7 });
    const opened = open(options);
    publishTo(FIRST - 1, FIRST + 2);
    opened.outlet.isStalled = true;
    publishTo(FIRST + 2, FIRST + rows);
    qanat.hub.tick();
    opened.outlet.isStalled = false;
    opened.outlet.finish();
    turns.run();
    return opened;
  }

  it("gap: rows that the ring holds come in order, no gap", async () => {
    const { outlet } = await stalled({}, 100);
    assert.deepEqual(idsOf(outlet.text), range(FIRST, FIRST + 100));
  });

  it("gap: behind the ring, one gap, then the newest", async () => {
    const { outlet } = await stalled({}, 4000);
    const ids = idsOf(outlet.text);
    assert.equal(ids.at(-1), FIRST + 3999);
    const before = ids.filter((id) => id < FIRST + 3999).at(-1)!;
    assert.deepEqual(eventsOf(outlet.text, "gap"), [{
      from: endOf(before),
      to: endOf(FIRST + 3998),
      reason: "slow",
      filled: false,
    }]);
  });

  for (const slow of ["gap", "close", "latest"] as const) {
    it(`${slow}: rows that the ring lost while they waited for a late block are no fault of the client's`, async () => {
      await qanat.close();
      await setUp({ outageWaitMs: 8.64e7 });
      const { outlet, client } = open({ slow }, "events", [NAME, OTHER]);
      const topic = topicOf(source.catalog.get(OTHER, null)!);
      publishTo(FIRST - 1, FIRST + 2);
      // The log of the other topic is being read from far back: nothing of it is late yet.
      const held = source.wanted;
      held.delete(topic);
      publishTo(FIRST + 2, FIRST + 4000);
      held.add(topic);
      for (let row = FIRST + 2; row < FIRST + 4000; row++) {
        const value = source.blocks.blockOf(topic, row);
        source.sink!.onMessage(topic, value, row, 0);
      }
      source.sink!.onCaughtUp(topic, clock.clockMs());
      publishTo(FIRST + 4000, FIRST + 4002);
      turns.run();
      assert.equal(client.ended, null);
      assert.equal(idsOf(outlet.text).at(-1), FIRST + 4001);
      const gaps = eventsOf(outlet.text, "gap");
      assert.ok(gaps.length > 0, "the ring is too large for this test");
      for (const { reason } of gaps) assert.equal(reason, "retention");
    });
  }

  it("latest: jumps to the newest as soon as it can", async () => {
    const { outlet } = await stalled({ slow: "latest" }, 100);
    const ids = idsOf(outlet.text);
    assert.ok(ids.length < 10);
    assert.equal(ids.at(-1), FIRST + 99);
    assert.equal(eventsOf(outlet.text, "gap").at(-1).reason, "slow");
  });

  it("close: ends once the ring has passed it", async () => {
    const { outlet, client } = await stalled({ slow: "close" }, 4000);
    assert.equal(client.ended, "slow");
    assert.deepEqual(eventsOf(outlet.text, "end"), [{ reason: "slow" }]);
  });

  it("close: a connection that never takes its end is dropped when nothing has moved for the stall time", async () => {
    await qanat.close();
    await setUp({ writeStallMs: 300_000 });
    const { outlet, client } = open({ slow: "close" });
    publishTo(FIRST - 1, FIRST + 2);
    outlet.isStalled = true;
    // As a socket: an end does not finish the writes before it.
    outlet.end = () => outlet.ending = "ended";
    publishTo(FIRST + 2, FIRST + 4000);
    qanat.hub.tick();
    assert.equal(client.ended, "slow");
    clock.pass(300, () => qanat.hub.tick());
    const { ending } = outlet;
    outlet.finish();
    assert.equal(ending, "destroyed");
  });
});

describe("resume", () => {
  it("an id that another instance gave out a little ahead is waited for", () => {
    open();
    publishTo(FIRST - 1, FIRST + 10);
    const ahead = open({ afterNs: BigInt(FIRST + 13) * STRIDE_NS });
    publishTo(FIRST + 10, FIRST + 16);
    assert.deepEqual(idsOf(ahead.outlet.text), range(FIRST + 13, FIRST + 16));
    assert.deepEqual(eventsOf(ahead.outlet.text, "gap"), []);
  });

  it("an id of the future is unknown: reported first, and the stream is live", () => {
    open();
    publishTo(FIRST - 1, FIRST + 10);
    const afterNs = BigInt(FIRST + 1000) * STRIDE_NS;
    const { outlet } = open({ afterNs });
    publishTo(FIRST + 10, FIRST + 12);
    assert.deepEqual(eventsOf(outlet.text, "gap")[0], {
      from: null,
      to: endOf(FIRST + 9),
      reason: "unknown-id",
      filled: false,
    });
    assert.deepEqual(idsOf(outlet.text), [FIRST + 10, FIRST + 11]);
  });

  it("on a coarser grid the row that holds the id comes whole, reported first", () => {
    const first = Math.ceil(FIRST / 16) * 16;
    open({}, "events", [NAME, SLOW]);
    publishTo(first - 16, first + 48);
    const afterNs = BigInt(first + 5) * STRIDE_NS;
    const { outlet } = open({ afterNs }, "events", [NAME, SLOW]);
    turns.run();
    assert.deepEqual(eventsOf(outlet.text, "gap"), [{
      from: endOf(first - 1),
      to: String(afterNs),
      reason: "stride-changed",
      filled: true,
    }]);
    assert.equal(idsOf(outlet.text)[0], first + 15);
  });

  it("behind the window, the lost span is reported once", () => {
    open();
    publishTo(FIRST - 1, FIRST + 100);
    const afterNs = BigInt(FIRST - 16 * 3600) * STRIDE_NS;
    const { outlet } = open({ afterNs });
    turns.run();
    const gaps = eventsOf(outlet.text, "gap");
    assert.equal(gaps[0].reason, "retention");
    assert.equal(gaps[0].from, String(afterNs));
  });
});

describe("a partition that lingers", () => {
  it("a new stream begins now, not where the last one ended", async () => {
    await qanat.close();
    await setUp({ lingerMs: 60_000 });
    const first = open();
    publishTo(FIRST - 1, FIRST + 5);
    first.outlet.owner.onClose();
    assert.equal(qanat.hub.figures.clients, 0);
    publishTo(FIRST + 5, FIRST + 50);
    const second = open();
    publishTo(FIRST + 50, FIRST + 53);
    assert.deepEqual(idsOf(second.outlet.text), range(FIRST + 50, FIRST + 53));
  });
});

describe("quiet streams", () => {
  it("a heartbeat moves the id to what is settled, and nothing older is sent later", async () => {
    await qanat.close();
    await setUp({ gapFillRowsMax: 1000 });
    const { outlet } = open();
    publishTo(FIRST - 1, FIRST + 3);
    clock.index = FIRST + 16 * 60;
    const [topic] = source.wanted;
    source.sink!.onCaughtUp(topic!, clock.clockMs());
    qanat.hub.tick();
    // 60 s later less the latency of 1 s.
    const settled = BigInt(FIRST + 16 * 59) * STRIDE_NS;
    assert.ok(outlet.text.endsWith(`\n\nid: ${settled}\n\n`));
    const late = source.blocks.blockOf(topic!, FIRST + 16 * 58);
    source.sink!.onMessage(topic!, late, 99, 0);
    publish(FIRST + 16 * 60);
    turns.run();
    const ids = idsOf(outlet.text);
    assert.equal(ids.at(-1), FIRST + 16 * 60);
    assert.deepEqual(eventsOf(outlet.text, "gap"), [{
      from: endOf(FIRST + 2),
      to: endOf(FIRST + 16 * 60 - 1),
      reason: "missing",
      filled: true,
    }]);
    assert.match(
      outlet.text,
      new RegExp(
        `"time":"${
          BigInt(FIRST + 16 * 58) * STRIDE_NS
        }","channels":{"${NAME}":null}`,
      ),
    );
  });
});

describe("a row whose text could exceed the largest frame", () => {
  it("is refused at once, and served as Arrow (it waited without end)", () => {
    const wide = source.catalog.get(NAME, null)!;
    // 64-bit integers take 23 bytes per sample as text and 8 in Arrow: 18 MiB and 6.3 MiB.
    source.publish({ ...wide, sampleRate: 16 * 820_000 });
    const channels = [source.catalog.get(NAME, null)!];
    const asText = qanat.hub.admission.admit(channels, "events", {
      address: "",
    });
    assert.equal(asText.kind, "too-large");
    const asArrow = qanat.hub.admission.admit(channels, "arrow", {
      address: "",
    });
    assert.ok(asArrow.kind === "ready");
    asArrow.cancel();
  });
});

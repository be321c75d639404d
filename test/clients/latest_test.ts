// Streams that begin with the newest row: it comes at once, then the rows after it, none twice. The test controls the
// clock.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import type { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { StreamShape } from "../../src/frames/stream_format.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { trendBinOf } from "../../src/trends/trend_bins.ts";
import { drivenQanat } from "../driven_qanat.ts";
import type { BlockClock, DrivenSource } from "../driven_source.ts";
import type { HeldTurns } from "../held_turns.ts";
import { HeldOutlet } from "./held_outlet.ts";

/** A multiple of 60 s. */
const FIRST = 23_671_510_080;
const STRIDE_NS = 62_500_000n;
const A = "H1:QANAT-COUNT_I64_16";
const B = "H1:QANAT-SINE_F32_16";
const channels = (await embeddedChannels()).filter(({ channel }) =>
  channel.name === A || channel.name === B
);

let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;
let row: number;
let turns: HeldTurns;

beforeEach(async () => {
  row = FIRST;
  ({ source, clock, turns, qanat } = await drivenQanat(channels, FIRST, {
    lingerMs: 60_000,
    outageGraceMs: 0,
  }));
});

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

function open(
  names: readonly string[],
  options: Partial<ClientOptions> = {},
  shape: StreamShape = { format: "events" },
): HeldOutlet {
  const admission = qanat.hub.admission.admit(
    names.map((name) => source.catalog.get(name, null)!),
    shape,
    { address: "", latest: true, ...options },
  );
  assert.ok(admission.kind === "ready", JSON.stringify(admission));
  const outlet = new HeldOutlet();
  admission.open(outlet);
  turns.run();
  return outlet;
}

const topicOf = (name: string) =>
  source.blocks.topics.find((t) => t.includes(name === A ? "I64" : "F32"))!;

function caughtUp(): void {
  for (const topic of source.wanted) {
    source.sink!.onCaughtUp(topic, clock.clockMs());
  }
}

/** Publishes rows, without the block of a channel in the rows where it is absent. */
function publish(count: number, absent: readonly string[] = []): void {
  for (let i = 0; i < count; i++, row++) {
    clock.index = row + 1;
    for (const name of [A, B]) {
      const topic = topicOf(name);
      if (!source.wanted.has(topic) || absent.includes(name)) continue;
      const block = source.blocks.blockOf(topic, row);
      source.sink!.onMessage(topic, block, row, 0);
    }
    caughtUp();
    turns.run();
  }
}

/** The rows of a stream, by the number of blocks since the first one. */
function rowsOf({ text }: HeldOutlet): number[] {
  return [...text.matchAll(/^data: {"time":"(\d+)"/gm)].map(([, time]) =>
    Number(BigInt(time!) / STRIDE_NS) - FIRST
  );
}

describe("latest", () => {
  it("begins with the newest row, at once, and continues with each row once", () => {
    const live = open([A, B], { latest: false });
    publish(10);
    const latest = open([A, B]);
    const late = open([A, B], { latest: false });
    assert.deepEqual(rowsOf(latest), [9]);
    publish(3);
    assert.deepEqual(rowsOf(latest), [9, 10, 11, 12]);
    assert.deepEqual(rowsOf(late), [10, 11, 12]);
    assert.deepEqual(rowsOf(live).slice(-4), [9, 10, 11, 12]);
  });

  it("begins with the newest row of the log that no client has read before", () => {
    const latest = open([A, B]);
    assert.deepEqual(rowsOf(latest), []);
    // What the source reads of the time before the subscription comes before its first end of the log.
    for (let i = 0; i < 5; i++, row++) {
      clock.index = row + 1;
      for (const topic of source.wanted) {
        const block = source.blocks.blockOf(topic, row);
        source.sink!.onMessage(topic, block, row, 0);
      }
    }
    caughtUp();
    turns.run();
    assert.deepEqual(rowsOf(latest), [4]);
    publish(2);
    assert.deepEqual(rowsOf(latest), [4, 5, 6]);
  });

  it("prefers a row that has all its blocks, and sends the shorter ones after it", () => {
    open([A, B], { latest: false });
    publish(5);
    publish(40, [B]);
    const latest = open([A, B]);
    const [first, ...rest] = rowsOf(latest);
    assert.equal(first, 4);
    assert.deepEqual(rest, Array.from(rest, (_, i) => 5 + i));
    assert.ok(rest.length > 10);
    assert.match(latest.text, /"missing":{"H1:QANAT-SINE_F32_16":"late"}/);
  });

  it("begins with the newest row that has any block where none of the newest 64 is whole", () => {
    open([A, B], { latest: false });
    publish(5);
    publish(200, [B]);
    const latest = open([A, B]);
    const rows = rowsOf(latest);
    assert.equal(rows.length, 1);
    publish(1, [B]);
    assert.deepEqual(rowsOf(latest), [rows[0], rows[0]! + 1]);
  });

  it("begins with the last row of a publisher that fell silent, and continues when it is back", () => {
    open([A], { latest: false });
    publish(5);
    clock.pass(5, caughtUp);
    const latest = open([A]);
    assert.deepEqual(rowsOf(latest), [4]);
    row = clock.index;
    publish(1);
    const rows = rowsOf(latest);
    assert.deepEqual([rows[0], rows.at(-1)], [4, row - 1 - FIRST]);
    assert.equal(new Set(rows).size, rows.length);
  });

  it("begins with the next row where the page ring has none", () => {
    const latest = open([A]);
    caughtUp();
    publish(3);
    assert.deepEqual(rowsOf(latest), [0, 1, 2]);
  });

  it("is overridden by an id, and by an id that cannot be read", () => {
    open([A], { latest: false });
    publish(10);
    const afterNs = BigInt(FIRST + 4) * STRIDE_NS;
    assert.deepEqual(rowsOf(open([A], { afterNs })), [4, 5, 6, 7, 8, 9]);
    assert.deepEqual(rowsOf(open([A], { afterNs: null })), []);
  });

  it("begins with the newest whole bin of a trend", () => {
    const shape = { format: "events", trend: trendBinOf("1s") } as const;
    open([A], { latest: false }, shape);
    publish(16 * 3 + 5);
    const latest = open([A], {}, shape);
    assert.deepEqual(rowsOf(latest), [32]);
    publish(16);
    assert.deepEqual(rowsOf(latest), [32, 48]);
  });

  it("counts a duration from the newest row", () => {
    open([A], { latest: false });
    publish(10);
    const latest = open([A], { durationNs: 3n * STRIDE_NS });
    publish(5);
    assert.deepEqual(rowsOf(latest), [9, 10, 11]);
    assert.match(latest.text, /"reason":"complete"/);
  });
});

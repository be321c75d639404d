import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { TopicMessages } from "../../src/kafka/kafka_protocol.ts";
import { BlockPublisher } from "../../src/source/block_publisher.ts";
import { EmbeddedBlocks } from "../../src/source/embedded_blocks.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";

const BEGAN_NS = 1_000_000_000_000_000_000n;
const [channel] = await embeddedChannels();
const blocks = new EmbeddedBlocks([channel!]);
const [topic] = blocks.topics;
const STRIDE_NS = blocks.strideNs(topic!)!;
const STRIDE_MS = Number(STRIDE_NS) / 1e6;
const FIRST = Number(BEGAN_NS / STRIDE_NS);

/** Publishes under a clock that moves only while the publisher waits, and by `away` before each batch. */
async function publish(
  { rate = 1, batches, away = () => 0 }: {
    rate?: number;
    batches: number;
    away?: (batch: number) => number;
  },
) {
  const sent: TopicMessages[][] = [];
  const sentMs: number[] = [];
  const lines: string[] = [];
  let clockMs = 0;
  const publisher = new BlockPublisher({
    blocks,
    rate,
    sender: {
      send: (batch) => {
        sent.push([...batch]);
        sentMs.push(clockMs);
        return Promise.resolve();
      },
    },
    nowGpsNs: () => BEGAN_NS + BigInt(Math.round(clockMs * 1e6)),
    clockMs: () => clockMs,
    wait: (ms) => (clockMs += ms, Promise.resolve()),
    report: (line) => lines.push(line),
    onProgress: () => clockMs += away(sent.length),
  });
  await publisher.run(() => sent.length === batches);
  const values = sent.flat().flatMap((b) => b.messages.map((m) => m.value));
  return { publisher, values, lines, sentMs };
}

/** The messages of blocks `from` to `to` (exclusive), counted from the start. */
function messages(from: number, to: number): Uint8Array[] {
  return Array.from(
    { length: to - from },
    (_, i) => blocks.blockOf(topic!, FIRST + from + i),
  );
}

describe("BlockPublisher", () => {
  it("sends each block once, in order, just after its end", async () => {
    const { publisher, values, sentMs } = await publish({ batches: 5 });
    assert.deepEqual(values, messages(0, 5));
    assert.equal(publisher.written, 5);
    for (const [i, ms] of sentMs.entries()) {
      const lateMs = ms - (i + 1) * STRIDE_MS;
      assert.ok(lateMs >= 0 && lateMs < 1, `${lateMs}`);
    }
  });

  it("sends blocks as many times as fast as its rate", async () => {
    const { values, sentMs } = await publish({ batches: 10, rate: 10 });
    assert.deepEqual(values.slice(0, 10), messages(0, 10));
    assert.ok(sentMs.at(-1)! < 2 * STRIDE_MS);
  });

  it("catches up after an outage, 64 blocks in a batch", async () => {
    const away = (batch: number) => batch === 1 ? 10_000 : 0;
    const { values, lines } = await publish({ batches: 4, away });
    assert.deepEqual(values, messages(0, values.length));
    assert.ok(values.length > 160);
    assert.deepEqual(lines, []);
  });

  it("skips and reports blocks that are older than a minute", async () => {
    const away = (batch: number) => batch === 1 ? 70_000 : 0;
    const { publisher, values, lines } = await publish({ batches: 2, away });
    const skipped = publisher.tooOld;
    assert.ok(skipped >= 160 && skipped <= 162, `${skipped}`);
    assert.deepEqual(values[1], messages(1 + skipped, 2 + skipped)[0]);
    assert.match(lines.join(), /: skipped \d+ blocks that are older than 60 s/);
  });
});

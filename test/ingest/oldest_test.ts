// What a serving thread learns from the reading one: since when topics have blocks, and channels have trends.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { PortQuestions } from "../../src/ingest/port_questions.ts";
import { NO_BINS } from "../../src/trends/oldest_bins.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { BlockClock, DrivenSource } from "../driven_source.ts";
import { ingestOf, joined } from "./through_log.ts";

const CLOCK = new BlockClock(23_671_510_000);
const now = () => ({ gpsMs: CLOCK.index * 62.5, unixMs: CLOCK.nowMs() });

class OldSource extends DrivenSource {
  asked = 0;

  oldestMs(topic: string): Promise<number | null> {
    this.asked++;
    if (topic === "bad") return Promise.reject(new Error("no leader"));
    return Promise.resolve(topic === "empty" ? null : 1234.5);
  }
}

describe("the oldest blocks, through the reading thread", () => {
  it("are asked for once for all threads; a failure is not known", async () => {
    const source = new OldSource([]);
    const ingest = await ingestOf(source, { clockMs: CLOCK.clockMs });
    const threads = [
      await joined(ingest, now, CLOCK.clockMs),
      await joined(ingest, now, CLOCK.clockMs),
    ];
    for (const { source } of threads) {
      assert.equal(await source.oldestMs("t"), 1234.5);
      assert.equal(await source.oldestMs("empty"), null);
      assert.equal(await source.oldestMs("bad"), null);
    }
    assert.equal(source.asked, 3);
    const waiting = threads[0]!.source.oldestMs("t");
    await threads[0]!.source.close();
    assert.equal(await waiting, null);
    await threads[1]!.source.close();
    for (const { leave } of threads) leave();
    await ingest.close();
  });

  it("are those of trends where the thread records them", async () => {
    const [{ channel }] = await embeddedChannels() as [
      Awaited<ReturnType<typeof embeddedChannels>>[number],
    ];
    const ingest = await ingestOf(new OldSource([]));
    const { source, leave } = await joined(ingest, now);
    assert.deepEqual(await source.trends.oldestBins(channel), NO_BINS);
    await source.close();
    assert.equal(await source.trends.oldestBins(channel), null);
    leave();
    await ingest.close();
  });

  it("are not asked for by more than a thousand questions at a time", async () => {
    const questions = new PortQuestions<number>();
    const sent: number[] = [];
    const all = Array.from(
      { length: 1001 },
      () => questions.ask((request) => void sent.push(request)),
    );
    assert.equal(sent.length, 1000);
    assert.equal(await all[1000], null);
    questions.answered(sent[0]!, 7);
    assert.equal(await all[0], 7);
    questions.answered(sent[0]!, 8);
    questions.close();
    assert.equal(await all[1], null);
    assert.equal(await questions.ask(() => assert.fail()), null);
  });
});

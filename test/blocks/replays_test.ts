// The time of a replay is kept while a topic of it is read, and no longer.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";

const FIRST = 23_671_510_000;
const channels = (await embeddedChannels()).filter(({ channel }) =>
  channel.name === "H1:QANAT-COUNT_I64_16"
);

describe("replays", () => {
  it("a thousand that come and go leave nothing", async () => {
    const source = new DrivenSource(channels);
    const clock = new BlockClock(FIRST);
    const qanat = new Qanat({
      config: configWith({ retentionMb: 1, lingerMs: 0 }),
      source,
      log: silent,
      clocks: clock,
    });
    await qanat.start();
    const { store } = qanat;
    const { channel } = channels[0]!;
    const { strideNs, maxLatencyNs } = channel;
    const [of] = source.blocks.topics;
    const value = source.blocks.blockOf(of!, FIRST - 5);
    for (let i = 0; i < 1000; i++) {
      const replayId = `replay-${i}`;
      const shapes = ["a", "b"].map((name) => ({
        topic: `${name}-${replayId}`,
        strideNs,
        maxLatencyNs,
        replayId,
      }));
      const first = store.lease(shapes.slice(0, 1), strideNs);
      const both = store.lease(shapes, strideNs);
      source.sink!.onMessage(shapes[0]!.topic, value, 0, 0);
      store.release(first);
      store.tick();
      assert.equal(store.replayCount, 1, "the other timeline still reads it");
      store.release(both);
      clock.index++;
      store.tick();
    }
    assert.equal(store.replayCount, 0);
    await qanat.close();
  });
});

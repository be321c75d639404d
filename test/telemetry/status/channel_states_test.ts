// What is known of a channel: the oldest block of history or of the page ring, whichever a range can have.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { BlockStore } from "../../../src/blocks/block_store.ts";
import type { Channel } from "../../../src/channels/channel.ts";
import { ChannelStates } from "../../../src/telemetry/status/channel_states.ts";
import { NO_BINS } from "../../../src/trends/oldest_bins.ts";

const STRIDE_NS = 62_500_000n;
const CHANNEL: Channel = {
  name: "A",
  dataType: "int64",
  sampleRate: 16,
  publisher: "p",
  partitionId: "p",
  partitionIndex: 0,
  strideNs: STRIDE_NS,
  maxLatencyNs: 0n,
  replayId: null,
};
/** Of these days: a double does not hold its ns. */
const INDEX = 23_671_510_001;

function statesOf(
  { ring, history, historyReadersMax = 8 }: {
    ring?: number;
    history?: number | null;
    historyReadersMax?: number;
  },
) {
  const counted = { searches: 0 };
  const clock = { ms: 0 };
  const partition = {
    strideMs: 62.5,
    nextHeld: () => {
      counted.searches++;
      return ring ?? Infinity;
    },
  };
  const states = new ChannelStates({
    source: history === undefined ? {} : {
      oldestMs: () => Promise.resolve(history === null ? null : history * 62.5),
    },
    store: {
      partition: () => ring === undefined ? undefined : partition,
    } as unknown as BlockStore,
    trends: { oldestBins: () => NO_BINS },
    historyReadersMax,
    clockMs: () => clock.ms,
  });
  return { states, counted, clock };
}

const availableOf = async (options: Parameters<typeof statesOf>[0]) =>
  await statesOf(options).states.availableFromNs(CHANNEL);
const ns = (index: number) => BigInt(index) * STRIDE_NS;

describe("ChannelStates", () => {
  it("is exact, and the older of history and page ring", async () => {
    assert.equal(await availableOf({ history: INDEX }), ns(INDEX));
    assert.equal(
      await availableOf({ history: INDEX, ring: INDEX + 5 }),
      ns(INDEX),
    );
    // Kafka has deleted what the page ring still has.
    assert.equal(
      await availableOf({ history: INDEX + 5, ring: INDEX }),
      ns(INDEX),
    );
  });

  it("is not known without history, unless there are no histories", async () => {
    assert.equal(await availableOf({ ring: INDEX }), null);
    assert.equal(await availableOf({ ring: INDEX, history: null }), null);
    assert.equal(
      await availableOf({ ring: INDEX, history: 0, historyReadersMax: 0 }),
      ns(INDEX),
    );
    assert.equal(await availableOf({ historyReadersMax: 0 }), null);
  });

  it("searches the page ring once in a second", async () => {
    const { states, counted, clock } = statesOf({ ring: INDEX, history: 1 });
    for (let i = 0; i < 3; i++) await states.availableFromNs(CHANNEL);
    assert.equal(counted.searches, 1);
    clock.ms = 1000;
    await states.availableFromNs(CHANNEL);
    assert.equal(counted.searches, 2);
  });
});

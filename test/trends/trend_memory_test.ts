// Trends that cannot be recorded: the limit is reached, or the system has no memory for them.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import type { Channel } from "../../src/channels/channel.ts";
import type { Config } from "../../src/config.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import {
  MatchedChannels,
  type NoMemory,
} from "../../src/trends/matched_channels.ts";
import { trendBinOf } from "../../src/trends/trend_bins.ts";
import { BlockClock, configWith, DrivenSource } from "../driven_source.ts";
import { HeldTurns } from "../held_turns.ts";

const FIRST = 23_671_510_080;
const NAME = "H1:QANAT-COUNT_I64_16";
const channels = (await embeddedChannels()).slice(0, 3);
/** Longer than any typed array can be; within the limit of `HUGE_MB`. */
const HUGE_HOURS = 1e8;
const HUGE_MB = 2 ** 40;

let qanat: Qanat | null = null;
let logged: string[] = [];

async function start(config: Partial<Config>): Promise<Qanat> {
  const source = new DrivenSource(await embeddedChannels());
  logged = [];
  const note = (event: string) => void logged.push(event);
  qanat = new Qanat({
    config: configWith({ retentionMb: 1, lingerMs: 0, ...config }),
    source,
    log: { debug: () => {}, info: () => {}, warn: note, error: note },
    clocks: new BlockClock(FIRST),
    later: new HeldTurns().later,
  });
  await qanat.start();
  return qanat;
}

afterEach(async () => {
  await qanat?.close();
  qanat = null;
});

describe("memory that the system does not have", () => {
  it("ends nothing: the tick counts it, logs it once, and leases no topic", async () => {
    const { trends, store } = await start({
      trendMatch: "H1:QANAT-.*",
      trendHours: HUGE_HOURS,
      trendMb: HUGE_MB,
    });
    for (let i = 0; i < 3; i++) trends.tick();
    assert.equal(trends.counters.noMemory, 1);
    assert.equal(trends.counters.refused, 0);
    assert.equal(trends.channelCount, 0);
    assert.equal(trends.usedBytes, 0);
    assert.deepEqual(logged, ["trends-no-memory"]);
    assert.deepEqual([...store.partitions()].map(({ leases }) => leases), [0]);
  });

  it("refuses a stream of a trend as the limit does, and logs it once", async () => {
    const { hub, catalog, trends } = await start({
      trendHours: HUGE_HOURS,
      trendMb: HUGE_MB,
    });
    for (let i = 0; i < 2; i++) {
      const admission = hub.admission.admit(
        [catalog.get(NAME, null)!],
        { format: "events", trend: trendBinOf("1s") },
        { address: "" },
      );
      assert.equal(admission.kind === "full" && admission.refusal, "trends");
    }
    assert.equal(trends.counters.noMemory, 2);
    assert.deepEqual(logged, ["trends-no-memory"]);
  });
});

describe("MatchedChannels", () => {
  function matched(outcomes: (NoMemory | object)[]) {
    const catalog = new Catalog();
    for (const { channel } of channels) catalog.set(channel);
    const clock = { ms: 0 };
    const asked: string[] = [];
    const full: string[] = [];
    const counters = { refused: 0 };
    const waiting = new MatchedChannels({
      catalog,
      clockMs: () => clock.ms,
      trendMatch: ".*",
      counters,
      begin: ({ name }: Channel) => {
        asked.push(name);
        return outcomes.shift() ?? {};
      },
      onFull: (name) => void full.push(name),
    });
    return { waiting, clock, asked, full, counters };
  }
  const names = channels.map(({ channel }) => channel.name).sort();

  it("tries a channel for which there was no memory again after a minute, behind the others", () => {
    const { waiting, clock, asked, counters } = matched(["no-memory"]);
    waiting.start();
    clock.ms = 59_999;
    waiting.start();
    assert.deepEqual(asked, [names[0]]);
    clock.ms = 60_000;
    waiting.start();
    assert.deepEqual(asked, [names[0], names[1], names[2], names[0]]);
    waiting.start();
    assert.equal(asked.length, 4);
    assert.equal(counters.refused, 0);
  });

  it("refuses a channel where the limit is reached, and reports the first one", () => {
    const { waiting, asked, full, counters } = matched(["full", "full"]);
    waiting.start();
    waiting.start();
    assert.deepEqual(asked, names);
    assert.deepEqual(full, [names[0]]);
    assert.equal(counters.refused, 2);
  });
});

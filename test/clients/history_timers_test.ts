// A history whose source fails waits before it asks again. The wait ends with its client.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { HeldOutlet } from "./held_outlet.ts";
import { channels, FIRST, NAME } from "./one_channel.ts";

const { setTimeout, clearTimeout } = globalThis;
/** Timers that have been asked for and have neither come nor been cleared. */
const open = new Set<unknown>();

beforeEach(() => {
  open.clear();
  globalThis.setTimeout = ((call: () => void, ms: number) => {
    const timer: unknown = setTimeout(() => {
      open.delete(timer);
      call();
    }, ms);
    open.add(timer);
    return timer;
  }) as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((timer: number) => {
    open.delete(timer);
    clearTimeout(timer);
  }) as typeof clearTimeout;
});
afterEach(() => {
  globalThis.setTimeout = setTimeout;
  globalThis.clearTimeout = clearTimeout;
});

describe("a history whose source fails", () => {
  it("leaves no timer when its instance closes", async () => {
    const source = new DrivenSource(channels);
    const clock = new BlockClock(FIRST);
    const qanat = new Qanat({
      config: configWith({ retentionMb: 1, lingerMs: 0 }),
      source,
      log: silent,
      clocks: clock,
    });
    await qanat.start();
    const admission = qanat.hub.admission.admit(
      [source.catalog.get(NAME, null)!],
      "events",
      { address: "", startNs: BigInt(FIRST - 100_000) * 62_500_000n },
    );
    assert.ok(admission.kind === "ready");
    admission.open(new HeldOutlet());
    const [topic] = source.blocks.topics;
    clock.index = FIRST + 1;
    const value = source.blocks.blockOf(topic!, FIRST);
    source.sink!.onMessage(topic!, value, 0, 0);
    source.sink!.onCaughtUp(topic!, clock.clockMs());
    const { counters } = qanat.hub.history;
    while (counters.failures < 4) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.ok(open.size > 0, "it waits before it asks again");
    qanat.drain();
    await qanat.close();
    assert.equal(open.size, 0);
  });
});

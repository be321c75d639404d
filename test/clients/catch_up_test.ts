// The order in which clients that are behind are served.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { HeldOutlet } from "./held_outlet.ts";

const FAST = "H1:QANAT-SINE_F32_16";
const SLOW = "H1:SLOW-SINE_F32_1";
const FAST_ROWS_A_SECOND = 16;
const FIRST_SECOND = 1_479_469_375;

describe("CatchUp", () => {
  it("orders clients of different strides by time (one second behind waited for 1,792 rows of others)", async () => {
    const source = new DrivenSource(
      (await embeddedChannels()).filter(({ channel }) =>
        channel.name === FAST || channel.name === SLOW
      ),
    );
    assert.equal(source.blocks.topics.length, 2);
    const clock = new BlockClock(FIRST_SECOND * FAST_ROWS_A_SECOND);
    const qanat = new Qanat({
      config: configWith({
        retentionMb: 4,
        lingerMs: 0,
        sliceMs: 0,
        catchUpRowsMax: 1,
      }),
      source,
      log: silent,
      clocks: clock,
      later: setImmediate,
    });
    await qanat.start();
    const open = (name: string) => {
      const admission = qanat.hub.admission.admit(
        [source.catalog.get(name, null)!],
        "arrow",
        { address: "" },
      );
      assert.ok(admission.kind === "ready");
      const outlet = new HeldOutlet();
      return { outlet, client: admission.open(outlet) };
    };
    /** One second: sixteen fast blocks, then the slow one. */
    const publishSecond = () => {
      const second = Math.floor(clock.index / FAST_ROWS_A_SECOND);
      for (const topic of source.blocks.topics) {
        const isFast = source.blocks.strideNs(topic) !== 1_000_000_000n;
        const count = isFast ? FAST_ROWS_A_SECOND : 1;
        clock.index = (second + 1) * FAST_ROWS_A_SECOND;
        for (let i = 0; i < count; i++) {
          const index = second * count + i;
          const block = source.blocks.blockOf(topic, index);
          source.sink!.onMessage(topic, block, index, 0);
        }
        source.sink!.onCaughtUp(topic, clock.clockMs());
      }
    };
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const turns = async (count: number) => {
      for (let i = 0; i < count; i++) await turn();
    };

    const fast = Array.from({ length: 16 }, () => open(FAST));
    const slow = Array.from({ length: 16 }, () => open(SLOW));
    publishSecond();
    await turns(200);
    for (const { outlet } of fast) outlet.isStalled = true;
    for (let i = 0; i < 20; i++) publishSecond();
    await turns(200);
    for (const { outlet } of slow) outlet.isStalled = true;
    for (let i = 0; i < 8; i++) {
      publishSecond();
      // Each row of the slow ones leaves alone.
      await turns(200);
    }
    const behind = (client: GroupClient) => client.cursor < client.group.served;
    assert.ok([...fast, ...slow].every(({ client }) => behind(client)));

    // What the slow ones lack ended later than most of what the fast ones lack.
    const before = qanat.hub.figures.counters.catchUpRows;
    for (const { outlet } of [...slow, ...fast]) {
      outlet.isStalled = false;
      outlet.finish();
    }
    for (let i = 0; i < 5000 && slow.some((s) => behind(s.client)); i++) {
      await turn();
    }
    const made = qanat.hub.figures.counters.catchUpRows - before;
    assert.ok(slow.every(({ client }) => !behind(client)));
    // 16 clients × 4 rows; the same again of fast rows that end at the same time, and a row in eight for the oldest.
    assert.ok(made < 400, `${made} rows were made first`);
    assert.ok(fast.some(({ client }) => behind(client)));
    await turns(8000);
    assert.ok(fast.every(({ client }) => !behind(client)));
    qanat.drain();
    await qanat.close();
  });
});

// Rings beyond 2 and 4 GiB, where 32-bit arithmetic ends. Their head is moved by reserving room that is not written,
// so that the operating system gives memory for the pages of the test's own blocks alone.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import {
  allocateRing,
  RingAllocationError,
} from "../../src/memory/page_ring.ts";
import type { Ring } from "../../src/memory/ring.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";

const GIB = 2 ** 30;
const NAMES = ["H1:QANAT-COUNT_I64_16", "H1:QANAT-SINE_F32_16"];
const FIRST_ROW = 23_671_510_000;

/** Moves a ring's head on to a position, in steps that it takes at one time. */
function moveHead(ring: Ring, position: number): void {
  while (ring.headPosition < position) {
    const left = position - ring.headPosition;
    const reserved = ring.reserve(Math.min(left, ring.capacityBytes / 2));
    assert.ok(reserved >= 0);
  }
}

/** The data of each row event, as text. */
function rowsOf(outlet: HeldOutlet): string[] {
  return [...outlet.text.matchAll(/^data: (\{"time".*)$/gm)].map(([, d]) => d!);
}

/** Rows that an instance with a ring of so many MiB sends while its head passes `positions`. */
async function served(
  retentionMb: number,
  positions: readonly number[],
): Promise<string[]> {
  const channels = (await embeddedChannels())
    .filter(({ channel }) => NAMES.includes(channel.name));
  const source = new DrivenSource(channels);
  const clock = new BlockClock(FIRST_ROW);
  const qanat = new Qanat({
    config: configWith({ retentionMb, lingerMs: 0 }),
    source,
    log: silent,
    clocks: clock,
  });
  await qanat.start();
  const admission = qanat.hub.admission.admit(
    NAMES.map((name) => source.catalog.get(name, null)!),
    "events",
    { address: "" },
  );
  assert.ok(admission.kind === "ready");
  const outlet = new HeldOutlet();
  admission.open(outlet);
  // The client's place is behind the first row.
  [0, ...positions].forEach((position, i) => {
    moveHead(qanat.ring, position);
    const row = FIRST_ROW + i;
    clock.index = row + 1;
    for (const topic of source.blocks.topics) {
      const block = source.blocks.blockOf(topic, row);
      source.sink!.onMessage(topic, block, row, 0);
      source.sink!.onCaughtUp(topic, clock.clockMs());
    }
  });
  qanat.drain();
  await qanat.close();
  return rowsOf(outlet);
}

describe("a large page ring", () => {
  for (const gib of [5, 12]) {
    it(`of ${gib} GiB serves exact values, also after it has wrapped (null for every channel from 2 GiB on)`, async () => {
      const positions = [
        0,
        2 * GIB - 64,
        2 * GIB + 64,
        4 * GIB - 64,
        4 * GIB + 64,
        gib * GIB - 4096,
        (gib + 2) * GIB + 64,
        (gib + 4) * GIB + 64,
        2 * gib * GIB + 64,
      ];
      const expected = await served(64, positions.map(() => 0));
      assert.equal(expected.length, positions.length);
      assert.doesNotMatch(expected.join(), /null/);
      assert.deepEqual(await served(gib * 1024, positions), expected);
    });
  }

  it("that cannot be allocated is refused by name (the start crashed)", () => {
    assert.throws(() => allocateRing(2 ** 52), RingAllocationError);
  });
});

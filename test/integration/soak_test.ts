// Clients that come, go and stall for a long time, under the smallest slab that admits them all.
// Invariant: half of them stalled cost the others no row, memory does not grow, and at the end every slot is released.
// QANAT_SECONDS of 600 or more (`.ci/run --long`): 1,000 clients for 10 minutes, or 20 with QANAT_WORKERS above 1, and
// memory's slope is judged; with several workers after a warm-up, because each thread has a heap of its own that settles.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { canRun } from "../../scripts/optional_parts.ts";
import { buildReader } from "../../scripts/scale/reader.ts";
import { soak, soakText } from "../../scripts/scale/soak.ts";
import { World } from "../../scripts/scale/world.ts";
import { PARTS, say } from "./chain.ts";

const IS_LONG = Number(Deno.env.get("QANAT_SECONDS") || "0") >= 600;
const HAS_WORKERS = Number(Deno.env.get("QANAT_WORKERS") || "1") > 1;
const LONG_SECONDS = HAS_WORKERS ? 1200 : 600;
const SECONDS = IS_LONG ? LONG_SECONDS : 40;
const CLIENTS = IS_LONG ? 1000 : 200;
/** Of memory without ring and slab over the last three quarters of a long run. */
const GROWTH_PER_HOUR_MAX = 0.05;

const runnable = canRun([PARTS.kafka, PARTS.cc]);

describe("soak", { ignore: !runnable, skip: !runnable }, () => {
  let world: World;
  before(async () => {
    world = await World.start({ publisher: "embedded" });
  });
  after(() => world?.close());

  it(`${CLIENTS} clients for ${SECONDS} s: half of them stall, and the others lose nothing`, async () => {
    const figures = await soak(world, {
      program: buildReader(PARTS.cc.program!),
      format: "arrow",
      clients: CLIENTS,
      seconds: SECONDS,
      slabMb: null,
      warmsUp: IS_LONG && HAS_WORKERS,
      onSample: () => {},
    });
    say(soakText(figures));
    const { steady, churn, left, exitCode } = figures;
    for (const { lost, gaps } of [steady, churn]) {
      assert.deepEqual({ lost, gaps }, { lost: 0, gaps: 0 });
    }
    assert.equal(steady.ended, 0);
    assert.ok(steady.rows > 0 && churn.rows > 0);
    const { clients, usedSlots, reservedBytes } = left;
    assert.deepEqual({ clients, usedSlots, reservedBytes, exitCode }, {
      clients: 0,
      usedSlots: 0,
      reservedBytes: 0,
      exitCode: 0,
    });
    if (IS_LONG) {
      const growthPerHour = figures.rssKbPerMinute * 60 / 1e3 /
        figures.rssMb.first;
      assert.ok(
        growthPerHour < GROWTH_PER_HOUR_MAX,
        `memory grows by ${figures.rssKbPerMinute} KB a minute, ${
          (growthPerHour * 100).toFixed(1)
        }% an hour`,
      );
    }
  });
});

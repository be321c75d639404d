// The join against rules that follow from the logs alone, over seeded worlds. QANAT_SEED=n runs one and prints it.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { checkWorld } from "./join_rules.ts";
import { runWorld } from "./join_world.ts";

const WORLDS = 2000;

describe("the join", () => {
  it(`keeps its rules in ${WORLDS} worlds of delays, losses, outages, wrong clocks and resets`, () => {
    const only = Deno.env.get("QANAT_SEED");
    const seeds = only
      ? [Number(only)]
      : Array.from({ length: WORLDS }, (_, i) => i + 1);
    const sums = { rows: 0, short: 0, gaps: 0, resets: 0, returns: 0 };
    for (const seed of seeds) {
      const world = runWorld(seed);
      try {
        const counts = checkWorld(world);
        sums.rows += counts.rows;
        sums.short += counts.short;
        sums.gaps += counts.gaps;
        sums.resets += counts.resets;
        sums.returns += counts.returns;
      } catch (error) {
        (error as Error).message += `\nQANAT_SEED=${seed}: ${
          world.partitions.map((p) =>
            `${p.topic} ${p.strideMs} ms, latency ${p.maxLatencyMs} ms`
          ).join("; ")
        }\n${world.troubles.join("\n")}`;
        throw error;
      }
    }
    if (only) return;
    // The worlds do what they are for.
    assert.ok(sums.rows > 30_000, JSON.stringify(sums));
    assert.ok(sums.short > 1000, JSON.stringify(sums));
    assert.ok(sums.gaps > 100, JSON.stringify(sums));
    assert.ok(sums.resets > 50, JSON.stringify(sums));
    assert.ok(sums.returns > 1000, JSON.stringify(sums));
  });
});

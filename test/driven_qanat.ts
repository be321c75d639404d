// An instance of which a test controls the source, the clock and the turns of the scheduler.
// Invariant: nothing happens in it unless the test lets it happen.
import { Qanat } from "../src/app.ts";
import type { Config } from "../src/config.ts";
import type { EmbeddedChannel } from "../src/source/synthetic.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "./driven_source.ts";
import { HeldTurns } from "./held_turns.ts";

export interface DrivenQanat {
  readonly source: DrivenSource;
  readonly clock: BlockClock;
  readonly turns: HeldTurns;
  readonly qanat: Qanat;
}

/** Starts one; the clock is at the beginning of block `first`. */
export async function drivenQanat(
  channels: readonly EmbeddedChannel[],
  first: number,
  settings: Partial<Config>,
): Promise<DrivenQanat> {
  const source = new DrivenSource(channels);
  const clock = new BlockClock(first);
  const turns = new HeldTurns();
  const qanat = new Qanat({
    config: configWith(settings),
    source,
    log: silent,
    clocks: clock,
    later: turns.later,
  });
  await qanat.start();
  return { source, clock, turns, qanat };
}

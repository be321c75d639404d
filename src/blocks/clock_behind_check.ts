// Detects that all incoming blocks are in the future. Then the clock of this machine is wrong, rather than the clocks
// of all publishers.
import type { Logger } from "../telemetry/log.ts";
import type { Subscription } from "./subscriptions.ts";

export class ClockBehindCheck {
  /** While all blocks are ahead of the clock: how far the nearest one is, ms; otherwise 0. */
  behindMs = 0;
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Looks at all live partitions; logs an error when the clock is found to be behind. */
  check(live: Iterable<Subscription>): void {
    let partitions = 0;
    let aheadMs = Infinity;
    for (const { blocks } of live) {
      if (blocks.counters.blocks + blocks.reader.aheadMs === 0) continue;
      partitions++;
      aheadMs = Math.min(aheadMs, blocks.reader.aheadMs);
    }
    const behindMs = partitions > 0 ? aheadMs : 0;
    if (behindMs > 0 && this.behindMs === 0) {
      this.#log.error("clock-behind-all-blocks", {
        byMs: Math.round(behindMs),
        partitions,
      });
    }
    this.behindMs = behindMs;
  }
}

// Logs messages that no client gets: each pair of topic and outcome once, and the first holes of each topic.
import type { Logger } from "../telemetry/log.ts";
import type { SetAside } from "./history_rows.ts";
import type { Arrival } from "./arrival.ts";
import type { PartitionBlocks } from "./partition_blocks.ts";

/** At most this many pairs of topic and outcome are logged. */
const LOGGED_MAX = 10_000;
/** At most this many holes of one topic are logged: a batch can have one after each record. */
const HOLES_LOGGED_MAX = 20;

export class SetAsideLog {
  readonly #log: Logger;
  readonly #logged = new Set<string>();
  /** Number of holes that were logged, of each topic that is read. */
  readonly #holes = new WeakMap<PartitionBlocks, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** A live or replayed message was not stored. */
  message(blocks: PartitionBlocks, outcome: Arrival, offset: number): void {
    const { topic, reader: { aheadMs, lastBadReason } } = blocks;
    if (!this.#isFirst(topic, outcome)) return;
    this.#log.warn("message-set-aside", {
      topic,
      offset,
      outcome,
      ...(outcome === "future" ? { aheadMs: Math.round(aheadMs) } : {}),
      ...(outcome === "bad" ? { reason: lastBadReason } : {}),
    });
  }

  /** A message of history is not in its row. */
  history(topic: string, { kind, aheadMs, reason }: SetAside): void {
    if (!this.#isFirst(topic, "history", kind)) return;
    this.#log.warn("past-set-aside", {
      topic,
      outcome: kind,
      ...(kind === "future" ? { aheadMs: Math.round(aheadMs) } : { reason }),
    });
  }

  /** The log of a topic lacks offsets `from` to `to` (exclusive). */
  hole(blocks: PartitionBlocks, from: number, to: number): void {
    const count = (this.#holes.get(blocks) ?? 0) + 1;
    if (count > HOLES_LOGGED_MAX) return;
    this.#holes.set(blocks, count);
    const isLast = count === HOLES_LOGGED_MAX;
    const more = isLast ? { next: "further ones are only counted" } : {};
    const { topic } = blocks;
    this.#log.warn("offset-hole", { topic, from, to, ...more });
  }

  #isFirst(...key: readonly string[]): boolean {
    const text = JSON.stringify(key);
    if (this.#logged.has(text) || this.#logged.size > LOGGED_MAX) return false;
    this.#logged.add(text);
    return true;
  }
}

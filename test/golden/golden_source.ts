// A source that a scenario drives by hand, with a log of history that can be read again.
// Invariant: blockOf() and the log depend on nothing but the topic and the block's index.
import { unixMsOfGpsMs } from "../../src/blocks/gps_time.ts";
import type {
  HistoryMessages,
  HistoryReader,
  HistoryTopic,
  SourceStatus,
} from "../../src/source/source.ts";
import { DrivenSource } from "../driven_source.ts";

const READ_BLOCKS_MAX = 16;

export class GoldenSource extends DrivenSource {
  /** Parts of the status that a scenario sets. */
  state: Partial<SourceStatus> = {};
  /** Index of the oldest block of the log, in blocks of 1/16 s. */
  oldest = 0;
  /** Index behind the newest block of the log. */
  newest = 0;
  /** Blocks that the log lacks, as `topic index`. */
  readonly lost = new Set<string>();
  /** The number of history reads that fail before one succeeds. */
  failures = 0;

  override status(): SourceStatus {
    return { ...super.status(), ...this.state };
  }

  override openHistory(topics: readonly HistoryTopic[] = []): HistoryReader {
    const next = new Map<string, number>();
    const cut = new Map<string, boolean>();
    for (const { topic, fromMs } of topics) {
      const index = Math.max(0, Math.floor(fromMs / this.#strideMs(topic)));
      const oldest = Math.ceil(this.oldest * 62.5 / this.#strideMs(topic));
      cut.set(topic, index < oldest);
      next.set(topic, Math.max(index, oldest));
    }
    return {
      read: (asked) => {
        if (this.failures > 0) {
          this.failures--;
          return Promise.reject(new Error("The log cannot be read now"));
        }
        return Promise.resolve(
          asked.map((topic) => this.#read(topic, next, cut)),
        );
      },
      close: () => {},
    };
  }

  #read(
    topic: string,
    next: Map<string, number>,
    cut: ReadonlyMap<string, boolean>,
  ): HistoryMessages {
    const strideMs = this.#strideMs(topic);
    const end = Math.floor(this.newest * 62.5 / strideMs);
    const messages = [];
    let index = next.get(topic)!;
    for (; index < end && messages.length < READ_BLOCKS_MAX; index++) {
      if (this.lost.has(`${topic} ${index}`)) continue;
      messages.push({
        value: this.blocks.blockOf(topic, index),
        timestampMs: unixMsOfGpsMs((index + 1) * strideMs),
      });
    }
    next.set(topic, index);
    return { topic, messages, isAtEnd: index >= end, isCut: cut.get(topic)! };
  }

  #strideMs(topic: string): number {
    return Number(this.blocks.strideNs(topic)!) / 1e6;
  }
}

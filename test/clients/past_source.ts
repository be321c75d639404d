// A source that a test controls, with a log of one channel before the first live row.
// Invariant: `readers` counts the history readers that are open.
import { unixMsOfGpsMs } from "../../src/blocks/gps_time.ts";
import type {
  HistoryMessages,
  HistoryReader,
  HistoryTopic,
  ReadFrom,
} from "../../src/source/source.ts";
import { DrivenSource } from "../driven_source.ts";
import { FIRST } from "./one_channel.ts";

/** Rows that only history has. */
export const ROWS = 400;

/** One channel, with every block of its history. */
export class PastSource extends DrivenSource {
  readers = 0;
  /** The log has the blocks before this one. */
  end = FIRST;

  /** What is older than the first row is not read on a first lease. */
  override subscribe(topic: string, _from: ReadFrom): number {
    return super.subscribe(topic, { kind: "block-time", ms: FIRST * 62.5 });
  }

  override openHistory(topics: readonly HistoryTopic[] = []): HistoryReader {
    const { topic } = topics[0]!;
    let index = FIRST - ROWS;
    let isOpen = true;
    this.readers++;
    const read = (): HistoryMessages => {
      const messages = [];
      for (let i = 0; i < 64 && index < this.end; i++, index++) {
        messages.push({
          value: this.blocks.blockOf(topic, index),
          timestampMs: unixMsOfGpsMs((index + 1) * 62.5),
        });
      }
      return { topic, messages, isAtEnd: index >= this.end, isCut: false };
    };
    return {
      read: () => Promise.resolve([read()]),
      close: () => {
        if (isOpen) this.readers--;
        isOpen = false;
      },
    };
  }
}

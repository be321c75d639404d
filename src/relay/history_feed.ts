// Older messages of some topics for one relay, read from the origin's source at the relay's pace.
// Invariant: of the topics, those are read next whose messages are the oldest, so that a relay that joins them keeps
// little.
import { BlockDecoder, newBlockLayout } from "../arrow/block_decoder.ts";
import type { HistoryReader, HistoryTopic } from "../source/source.ts";
import type { FrameMaker } from "./relay_stream.ts";
import { FRAME, frameBytes, textPayload } from "./wire.ts";

export interface HistoryFeedOptions {
  readonly topics: readonly HistoryTopic[];
  readonly reader: HistoryReader;
  readonly hello: () => Uint8Array;
  /** All topics have been read to the end of their logs. */
  readonly onComplete: () => void;
}

interface Topic {
  readonly topic: string;
  readonly number: number;
  /** GPS ms of its newest block that was sent. */
  newestMs: number;
}

/** Topics whose messages are at most this much newer than those of the oldest one are read with it, ms. */
const TOGETHER_MS = 1000;

/** The feed of one stream. */
export class HistoryFeed implements FrameMaker {
  readonly #options: HistoryFeedOptions;
  readonly #open = new Map<string, Topic>();
  readonly #decoder = new BlockDecoder();
  readonly #layout = newBlockLayout();
  #hasBegun = false;

  constructor(options: HistoryFeedOptions) {
    this.#options = options;
    options.topics.forEach(({ topic, fromMs }, number) =>
      this.#open.set(topic, { topic, number, newestMs: fromMs })
    );
  }

  async make(out: Uint8Array[]): Promise<void> {
    const { hello, reader, onComplete } = this.#options;
    if (!this.#hasBegun) {
      out.push(hello());
      for (const { topic, number } of this.#open.values()) {
        const payload = textPayload(topic);
        out.push(frameBytes(FRAME.topic, { topic: number, payload }));
      }
      this.#hasBegun = true;
      return;
    }
    for (const answer of await reader.read(this.#oldest())) {
      const { topic, messages, isAtEnd, isCut } = answer;
      const known = this.#open.get(topic);
      if (known === undefined) continue;
      const { number } = known;
      for (const { value, timestampMs } of messages) {
        out.push(frameBytes(FRAME.message, {
          topic: number,
          first: timestampMs,
          payload: value,
        }));
      }
      const last = messages.at(-1)?.value;
      if (last !== undefined) this.#noteTime(known, last);
      out.push(frameBytes(FRAME.read, {
        topic: number,
        first: isAtEnd ? 1 : 0,
        second: isCut ? 1 : 0,
      }));
      if (isAtEnd) this.#open.delete(topic);
    }
    if (this.#open.size === 0) onComplete();
  }

  close(): void {
    this.#options.reader.close();
  }

  #oldest(): string[] {
    let oldestMs = Infinity;
    for (const { newestMs } of this.#open.values()) {
      oldestMs = Math.min(oldestMs, newestMs);
    }
    return [...this.#open.values()]
      .filter(({ newestMs }) => newestMs <= oldestMs + TOGETHER_MS)
      .map(({ topic }) => topic);
  }

  #noteTime(known: Topic, value: Uint8Array): void {
    if (this.#decoder.decode(value, this.#layout) !== null) return;
    known.newestMs = Number(this.#layout.timeNs) / 1e6;
  }
}

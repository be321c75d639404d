// Older messages of one type of a mapped topic, as blocks.
// Invariant: one read hands out a bounded number of bytes, whatever the messages expand to; the others wait for the next.
import type { DataType } from "../channels/channel.ts";
import type {
  HistoryMessages,
  HistoryReader,
  HistoryTopic,
} from "../source/source.ts";
import type { MappedTopic } from "./mapped_topic.ts";
import { WideBlocks } from "./wide_blocks.ts";

/** Opens the history of a topic of Kafka. */
export type OpenHistory = (
  topic: HistoryTopic,
  blockTime: (value: Uint8Array) => number | null,
) => HistoryReader;

export interface MappedHistoryOptions extends HistoryTopic {
  readonly mapped: Pick<MappedTopic, "mapping" | "blockTime">;
  readonly dataType: DataType;
  readonly open: OpenHistory;
}

/** The most bytes of blocks of one read, without the last one. */
const READ_BYTES_MAX = 4 * 1024 * 1024;

type Message = HistoryMessages["messages"][number];

export class MappedHistory implements HistoryReader {
  readonly #options: MappedHistoryOptions;
  readonly #reader: HistoryReader;
  readonly #blocks: WideBlocks;
  /** The last answer. */
  #answer: HistoryMessages | null = null;
  /** Number of its next message, and of the next block of the message before. */
  #at = 0;
  #block = 0;

  constructor(options: MappedHistoryOptions) {
    const { mapped: { mapping, blockTime }, fromMs } = options;
    this.#options = options;
    this.#blocks = new WideBlocks(mapping);
    this.#reader = options.open({ topic: mapping.topic, fromMs }, blockTime);
  }

  async read(): Promise<readonly HistoryMessages[]> {
    const { topic, mapped } = this.#options;
    if (this.#answer === null) {
      const answers = await this.#reader.read([mapped.mapping.topic]);
      this.#answer = answers[0] ?? null;
      this.#at = 0;
      this.#block = Infinity;
    }
    const answer = this.#answer;
    if (answer === null) return [];
    const messages: Message[] = [];
    let bytes = 0;
    while (bytes < READ_BYTES_MAX && this.#next(answer)) {
      const message = this.#blockOf(answer);
      bytes += message.value.byteLength;
      messages.push(message);
    }
    const isLast = bytes < READ_BYTES_MAX || !this.#next(answer);
    if (isLast) this.#answer = null;
    const { isAtEnd, isCut } = answer;
    return [{ topic, messages, isAtEnd: isAtEnd && isLast, isCut }];
  }

  close(): void {
    this.#answer = null;
    this.#reader.close();
  }

  /** Goes to the next message that has a block, where the current one has none left; false where there is none. */
  #next({ messages }: HistoryMessages): boolean {
    const blocks = this.#blocks;
    while (this.#block >= blocks.blockCount) {
      const message = messages[this.#at];
      if (message === undefined) return false;
      this.#at++;
      this.#block = 0;
      blocks.read(message.value);
    }
    return true;
  }

  /** The next block. Those of one message were produced one after the other, and sent with the last one. */
  #blockOf({ messages }: HistoryMessages): Message {
    const { timestampMs } = messages[this.#at - 1]!;
    const blocks = this.#blocks;
    const block = this.#block++;
    const lastNs = blocks.timeNs(blocks.blockCount - 1);
    return {
      value: blocks.block(block, this.#options.dataType).slice(),
      timestampMs: timestampMs - Number(lastNs - blocks.timeNs(block)) / 1e6,
    };
  }
}

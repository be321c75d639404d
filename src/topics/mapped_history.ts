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

/** The most bytes of blocks of one read; a message comes whole. */
const READ_BYTES_MAX = 4 * 1024 * 1024;

type Message = HistoryMessages["messages"][number];

export class MappedHistory implements HistoryReader {
  readonly #options: MappedHistoryOptions;
  readonly #reader: HistoryReader;
  readonly #blocks: WideBlocks;
  /** The last answer, and its messages that were not handed out yet. */
  #answer: HistoryMessages | null = null;
  #at = 0;

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
    }
    const answer = this.#answer;
    if (answer === null) return [];
    const messages: Message[] = [];
    let bytes = 0;
    while (this.#at < answer.messages.length && bytes < READ_BYTES_MAX) {
      bytes += this.#add(answer.messages[this.#at++]!, messages);
    }
    const isLast = this.#at === answer.messages.length;
    if (isLast) this.#answer = null;
    const { isAtEnd, isCut } = answer;
    return [{ topic, messages, isAtEnd: isAtEnd && isLast, isCut }];
  }

  close(): void {
    this.#answer = null;
    this.#reader.close();
  }

  /** Adds the blocks of a message. They were produced one after the other, and sent with the last one. */
  #add({ value, timestampMs }: Message, to: Message[]): number {
    const blocks = this.#blocks;
    if (blocks.read(value) !== null) return 0;
    const { blockCount } = blocks;
    let bytes = 0;
    for (let i = 0; i < blockCount; i++) {
      const copy = blocks.block(i, this.#options.dataType).slice();
      bytes += copy.byteLength;
      const before = Number(blocks.timeNs(blockCount - 1) - blocks.timeNs(i)) /
        1e6;
      to.push({ value: copy, timestampMs: timestampMs - before });
    }
    return bytes;
  }
}

// The readers of history that one serving thread has opened, in the thread that reads.
// Invariant: a reader is here from its opening until the thread closes it, or has ended.
import type { HistoryReader, HistoryTopic, Source } from "../source/source.ts";
import type { Port, ReadingMessage, ServingMessage } from "./messages.ts";
import { ownBuffers } from "./own_buffers.ts";

export interface ServedHistoriesOptions {
  readonly source: Pick<Source, "openHistory">;
  readonly port: Pick<Port<ReadingMessage, ServingMessage>, "send">;
  /** A reader has failed to read these topics. */
  readonly onFailed: (reader: object, topics: readonly string[]) => void;
  /** A reader has read, or is closed. */
  readonly onOver: (reader: object) => void;
}

/** Those of one thread, by their numbers. */
export class ServedHistories {
  readonly #options: ServedHistoriesOptions;
  readonly #readers = new Map<number, HistoryReader>();

  constructor(options: ServedHistoriesOptions) {
    this.#options = options;
  }

  open(id: number, topics: readonly HistoryTopic[]): void {
    this.#readers.set(id, this.#open(topics));
  }

  /** Answers with what a reader has read, or why it could not. */
  async read(id: number, topics: readonly string[]): Promise<void> {
    const { port, onFailed, onOver } = this.#options;
    const reader = this.#readers.get(id)!;
    try {
      const messages = await reader.read(topics);
      const transfer = ownBuffers(messages);
      onOver(reader);
      port.send({ kind: "history", id, messages, error: null }, transfer);
    } catch (error) {
      const { message } = error as Error;
      // A read that is under way when its reader is closed rejects.
      if (this.#readers.get(id) === reader) onFailed(reader, topics);
      port.send({ kind: "history", id, messages: [], error: message });
    }
  }

  /** Idempotent. */
  close(id: number): void {
    const reader = this.#readers.get(id);
    this.#readers.delete(id);
    if (reader === undefined) return;
    reader.close();
    this.#options.onOver(reader);
  }

  closeAll(): void {
    for (const id of [...this.#readers.keys()]) this.close(id);
  }

  /** A reader; where it cannot be opened, one whose reads fail for that reason. */
  #open(topics: readonly HistoryTopic[]): HistoryReader {
    try {
      return this.#options.source.openHistory(topics);
    } catch (error) {
      return { read: () => Promise.reject(error), close: () => {} };
    }
  }
}

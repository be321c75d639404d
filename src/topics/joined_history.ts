// Several history readers, each with its own topics, as one.
// Invariant: what one reader has handed out is not lost when another one fails: the next read has it.
import type { HistoryMessages, HistoryReader } from "../source/source.ts";

/** A reader, and the topics that it reads. */
export interface HistoryPart {
  readonly topics: ReadonlySet<string>;
  readonly reader: HistoryReader;
}

export class JoinedHistory implements HistoryReader {
  readonly #parts: readonly HistoryPart[];
  /** Answers that were not handed out, since another reader failed. */
  #kept: HistoryMessages[] = [];

  constructor(parts: readonly HistoryPart[]) {
    this.#parts = parts;
  }

  async read(topics: readonly string[]): Promise<readonly HistoryMessages[]> {
    const kept = new Set(this.#kept.map(({ topic }) => topic));
    const reads = this.#parts.map(async ({ topics: own, reader }) => {
      const asked = topics.filter((topic) =>
        own.has(topic) && !kept.has(topic)
      );
      if (asked.length > 0) this.#kept.push(...await reader.read(asked));
    });
    for (const read of await Promise.allSettled(reads)) {
      if (read.status === "rejected") throw read.reason;
    }
    const answers = this.#kept;
    this.#kept = [];
    return answers;
  }

  close(): void {
    this.#kept = [];
    for (const { reader } of this.#parts) reader.close();
  }
}

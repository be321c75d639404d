// Several history readers, each with its own topics, as one.
import type { HistoryMessages, HistoryReader } from "../source/source.ts";

/** A reader, and the topics that it reads. */
export interface HistoryPart {
  readonly topics: ReadonlySet<string>;
  readonly reader: HistoryReader;
}

export class JoinedHistory implements HistoryReader {
  readonly #parts: readonly HistoryPart[];

  constructor(parts: readonly HistoryPart[]) {
    this.#parts = parts;
  }

  async read(topics: readonly string[]): Promise<readonly HistoryMessages[]> {
    const reads = this.#parts.map(({ topics: own, reader }) => {
      const asked = topics.filter((topic) => own.has(topic));
      return asked.length === 0 ? [] : reader.read(asked);
    });
    return (await Promise.all(reads)).flat();
  }

  close(): void {
    for (const { reader } of this.#parts) reader.close();
  }
}

// Delivers what the streams of some topics do not reach back to, from the history of an upstream.
// Invariant: the messages of a topic come in their order, and none after close(); onDone is called once, and never after
// close().
import type { HistoryReader } from "../source/source.ts";
import type { RelayTopic } from "./relay_topic.ts";

export interface RefillOptions {
  readonly topics: readonly RelayTopic[];
  readonly reader: HistoryReader;
  /** `failure`: why some topics are not whole; null where all are. */
  readonly onDone: (failure: string | null) => void;
}

/** One reading of a missing span. */
export class Refill {
  readonly #options: RefillOptions;
  readonly #open: Map<string, RelayTopic>;
  /** Topics whose logs do not reach back so far. */
  readonly #cut = new Set<string>();
  #isClosed = false;

  constructor(options: RefillOptions) {
    this.#options = options;
    this.#open = new Map(options.topics.map((topic) => [topic.name, topic]));
    void this.#run();
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#options.reader.close();
  }

  async #run(): Promise<void> {
    const { reader, onDone } = this.#options;
    let failure: string | null = null;
    try {
      while (this.#dropRemoved() > 0) await this.#read();
    } catch (error) {
      failure = (error as Error).message;
    }
    if (this.#isClosed) return;
    reader.close();
    for (const topic of this.#open.values()) topic.refilled(false);
    onDone(failure);
  }

  async #read(): Promise<void> {
    const answers = await this.#options.reader.read([...this.#open.keys()]);
    if (this.#isClosed) return;
    for (const { topic: name, messages, isAtEnd, isCut } of answers) {
      const topic = this.#open.get(name);
      if (topic === undefined) continue;
      if (isCut && !this.#cut.has(name)) topic.refillCut();
      if (isCut) this.#cut.add(name);
      for (const { value, timestampMs } of messages) {
        topic.refill(value, timestampMs);
      }
      if (!isAtEnd) continue;
      this.#open.delete(name);
      topic.refilled(true);
    }
  }

  /** Topics that are left. */
  #dropRemoved(): number {
    if (this.#isClosed) return 0;
    for (const [name, topic] of this.#open) {
      if (topic.isRemoved) this.#open.delete(name);
    }
    return this.#open.size;
  }
}

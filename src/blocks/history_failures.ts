// Topics whose history cannot be read at present: new clients that need it are refused, and are not left waiting.
// Invariant: a topic counts as failing while a reader that has failed to read it has neither succeeded nor ended.

/** The failing reads of some readers. */
export class HistoryFailures {
  /** By reader: the topics of its last read, which has failed. */
  readonly #topics = new Map<object, readonly string[]>();

  failed(reader: object, topics: readonly string[]): void {
    this.#topics.set(reader, topics);
  }

  /** The reader has read again, or has ended. Returns whether it had failed. */
  over(reader: object): boolean {
    return this.#topics.delete(reader);
  }

  /** Topics that are failing. */
  topics(): Set<string> {
    return new Set([...this.#topics.values()].flat());
  }

  includes(shapes: readonly { readonly topic: string }[]): boolean {
    if (this.#topics.size === 0) return false;
    const failing = this.topics();
    return shapes.some(({ topic }) => failing.has(topic));
  }
}

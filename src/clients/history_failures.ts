// Topics whose history cannot be read at present: new clients that need it are refused, and are not left waiting.
// Invariant: a topic counts as failing while a reader that has failed to read it has neither succeeded nor ended.

/** The failing reads of one instance. */
export class HistoryFailures {
  /** By reader: the topics of its last read, which has failed. */
  readonly #topics = new Map<object, readonly string[]>();

  failed(reader: object, topics: readonly string[]): void {
    this.#topics.set(reader, topics);
  }

  /** The reader has read again, or has ended. */
  over(reader: object): void {
    this.#topics.delete(reader);
  }

  includes(shapes: readonly { readonly topic: string }[]): boolean {
    if (this.#topics.size === 0) return false;
    const failing = new Set([...this.#topics.values()].flat());
    return shapes.some(({ topic }) => failing.has(topic));
  }
}
